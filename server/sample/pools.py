"""Names, streets and trades by which a sample campaign sounds like the place it plays in. Data only.

Sources: docs/domain.md, section 7 (pools and weights; trades anchored on Luwu Utara 2023 and Babel 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

Weighted = tuple[tuple[str, int], ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Culture:
    """One way of naming people. `form`: plain (given names), clan (given + clan), hakka (clan first), bali."""

    form: str
    men: tuple[str, ...]
    women: tuple[str, ...]
    second: tuple[str, ...] = ()
    muslim: bool = False


MALAY = Culture(
    "plain",
    _words("Sumardi Zulkifli Rusli Hamdani Jauhari Marwan Suhardi Yanto Rusdi Sarbini Hasanudin Ardiansyah Junaidi")
    + _words("Bahtiar Herman Edi Suparman Iskandar Yusuf Abdullah Syafri Mulkan Amrullah Fadli Rian Andika Yoga Ferdi"),
    _words("Rohani Rosmala Hayati Nurhayati Maryamah Zubaidah Asmawati Rusmini Yuliana Kartini Fatimah Saniah Rukiah")
    + _words("Halimah Suryani Eka Marlina Desi Novita Aisyah Zahra Putri Lestari Melati"),
    _words("Hamzah Effendi Saputra Kurniawan Hidayat Syahputra Ramadhan Wijaya Ismail Sulaiman Arsyad Pratama"),
    muslim=True,
)
HAKKA = Culture(
    "hakka",
    _words("Kiong Fo Hian Sen Khiun Liong Min Khong Fuk Jun Tet"),
    _words("Moi Fa Lian Jan Ngo Kiun Fung Siu Lan Nyuk Kim"),
    _words("Bong Tjhin Lim Liauw Phang Jong Tjong Ng Bun Lie"),
)
BALI = Culture(
    "bali",
    _words("Sudiarta Suardana Artawan Sukarta Wirawan Sudana Suparta Budiasa Arnawa Mahendra Adnyana Yasa Suwirya"),
    _words("Widiani Sukerti Astuti Purnami Suriani Widnyani Sriasih Suartini Ariani Suci Rahayu Puspawati Dewi"),
)
BUGIS = Culture(
    "plain",
    _words("Baso Ambo Rahman Yusuf Hamzah Syamsuddin Mansyur Jufri Rustam Arifin Kamaruddin Sudirman Tahir Nurdin")
    + _words("Saharuddin Haeruddin Ikbal Rizal Asdar Fajar Akbar"),
    _words("Nurhaedah Hasnah Hasriani Nurlina Suarni Rosmini Hartati Darmawati Nurjannah Sitti Marwah Kasmawati")
    + _words("Jumriani Irmayanti Fitriani Nurul Aulia Salsabila"),
    _words("Rahim Amir Latif Hasan Umar Tajuddin Usman Salam Aziz Makmur Saleh"),
    muslim=True,
)
TORAJA = Culture(
    "clan",
    _words("Yohanis Marthen Daud Petrus Markus Elias Simon Agustinus Yakobus Matius Paulus Andarias"),
    _words("Ruth Debora Maria Elisabet Yuliana Marthina Agustina Ester Damaris Lidia Yospina"),
    _words("Pasang Tandi Palinggi Rombe Lembang Allo Paembonan Sampe Bara Rante Tangdilintin"),
)
JAVA = Culture(
    "plain",
    _words("Slamet Sukirman Paijo Sutrisno Suparno Wagiman Mulyono Suyanto Bambang Joko Agus Eko Dwi Tri Budi Heru")
    + _words("Wahyu Dimas Bagus Aditya Rizky"),
    _words("Ngatinem Suparmi Sumini Tukiyem Wagiyem Sri Endang Siti Tutik Wahyuni Lestari Ningsih Dewi Rini Ayu Intan"),
    _words("Santoso Widodo Setiawan Nugroho Prasetyo Hartono Susanto Purnomo Utomo Raharjo"),
    muslim=True,
)
COMMON = Culture(
    "plain",
    _words("Ahmad Yusuf Abdul Hasan Ridwan Irfan Rahmat Syahrul Arman Darmawan Hendra Asep Dedi Ujang Usman Ilham"),
    _words("Fatimah Aminah Khadijah Nurhayati Rahmawati Yanti Sari Dewi Wati Rina Lina Mariam Halimah Sumiati Yuni"),
    _words("Hidayat Ramadhan Saputra Maulana Firmansyah Gunawan Suryadi Anwar Hakim Fauzi Nasution Siregar"),
    muslim=True,
)

BALI_TITLES = ("Ida Bagus|Ida Ayu", "Anak Agung|Anak Agung Ayu", "I Gusti|I Gusti Ayu", "I Dewa|I Dewa Ayu")
BALI_ORDERS = (("Wayan", "Putu", "Gede"), ("Made", "Kadek", "Nengah"), ("Nyoman", "Komang"), ("Ketut",))
MUHAMMAD = ("Muhammad", "Muh.", "M.", "Moh.", "Mohammad")

JOB_SECTORS: dict[str, tuple[str, str]] = {
    "petani": ("1", "1"),
    "buruh tani": ("1", "6"),
    "buruh kebun": ("3", "6"),
    "nelayan": ("4", "1"),
    "buruh bangunan": ("11", "7"),
    "buruh harian lepas": ("24", "7"),
    "pedagang kaki lima": ("12", "1"),
    "tukang cukur": ("24", "1"),
    "tukang kayu": ("8", "1"),
    "tukang batu": ("11", "7"),
    "penambang timah": ("7", "1"),
    "peternak": ("5", "1"),
    "tukang ojek": ("13", "1"),
    "pembantu rumah tangga": ("25", "4"),
    "karyawan toko": ("12", "4"),
}
"""Trade -> (REGSOSEK 417 sector, 418 status)."""

BASE_JOBS: Weighted = (
    ("petani", 25),
    ("buruh tani", 9),
    ("buruh kebun", 9),
    ("nelayan", 10),
    ("buruh bangunan", 6),
    ("buruh harian lepas", 6),
    ("pedagang kaki lima", 8),
    ("tukang cukur", 2),
    ("tukang kayu", 2),
    ("tukang batu", 1),
    ("peternak", 3),
    ("tukang ojek", 2),
    ("pembantu rumah tangga", 2),
    ("karyawan toko", 2),
)
HOUSEWIFE = "ibu rumah tangga"
HOUSEWIFE_SHARE = 0.55
"""Of grown women of the list; with it a tenth of all people named a trade."""


@dataclass(frozen=True, slots=True)
class Place:
    """How one part of the country sounds. `centre` in micro-degrees; `hamlets`: names in addresses."""

    cultures: tuple[tuple[Culture, int], ...]
    jobs: Weighted
    hamlets: tuple[str, ...]
    address: str
    centre: tuple[int, int] = (-2_500_000, 118_000_000)


_BABEL_JOBS: Weighted = (*BASE_JOBS, ("penambang timah", 5))
_BABEL = Place(
    ((MALAY, 88), (HAKKA, 12)),
    _BABEL_JOBS,
    _words("Raya Sudirman Damai Melati Kelapa Nelayan Pelabuhan Mawar Puput Gadung Rawa Tambang"),
    "Jl. {hamlet}[ RT {rt}]",
    (-2_900_000, 106_500_000),
)
_BALI = Place(
    ((BALI, 92), (JAVA, 8)),
    BASE_JOBS,
    ("Tengah", "Kaja", "Kelod", "Kangin", "Kauh", "Sari", "Buana Asri", "Merta", "Abian Tegal", "Pekambingan"),
    "Br. {hamlet}[ No. {house}]",
    (-8_650_000, 115_220_000),
)
_LUWU = Place(
    ((BUGIS, 60), (TORAJA, 20), (JAVA, 20)),
    BASE_JOBS,
    _words("Salu Batu Mekar Harapan Tanete Lembang Padang Marannu Buntu Sipakatau"),
    "Dusun {hamlet} RT {rt} RW {rw}[ Desa {village} Kec. {district}]",
    (-2_600_000, 120_250_000),
)
_GENERIC = Place(
    ((COMMON, 70), (JAVA, 30)),
    BASE_JOBS,
    _words("Krajan Melati Mawar Kenanga Sukamaju Mekarsari Karya Bakti Merdeka Pasar Lama"),
    "Dusun {hamlet} RT {rt} RW {rw}[ Desa {village} Kec. {district}]",
)
PLACES: dict[str, Place] = {"19": _BABEL, "51": _BALI, "73": _LUWU}
"""By province; any other sounds like everywhere."""


def place_of(region: str) -> Place:
    """The pool of a region."""
    return PLACES.get(region[:2], _GENERIC)
