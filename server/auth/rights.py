"""Rights are one table: role x action. Scope is a list of area prefixes. Nothing else decides who may do what.

The same table serves the command line and, later, the pages; docs/operations.md shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.areas import covered_by_any

OPERATOR = "operator"
DISTRICT_ADMIN = "district_admin"
SUPERVISOR = "supervisor"
VILLAGE_OFFICIAL = "village_official"
CENTRAL_OFFICE = "central_office"
AUDITOR = "auditor"

ROLES: Mapping[str, str] = {
    OPERATOR: "Operator (pemasang, impor, pendaftaran tablet)",
    DISTRICT_ADMIN: "Admin kabupaten",
    SUPERVISOR: "Pengawas",
    VILLAGE_OFFICIAL: "Perangkat desa/kelurahan",
    CENTRAL_OFFICE: "Kantor pusat",
    AUDITOR: "Auditor",
}

_JUDGES = frozenset({DISTRICT_ADMIN, SUPERVISOR})

RIGHTS: Mapping[str, frozenset[str]] = {
    "read": frozenset(ROLES),
    "assign": _JUDGES | {OPERATOR},
    "review": _JUDGES,
    "decide": _JUDGES,
    "verdict": _JUDGES,
    "link": _JUDGES,
    "move": _JUDGES,
    "void": _JUDGES,
    "undo": _JUDGES,
    "reattach": _JUDGES,
    "admit": _JUDGES,
    "waive": _JUDGES,
    "ratify": frozenset({DISTRICT_ADMIN, SUPERVISOR, VILLAGE_OFFICIAL}),
    "import": frozenset({OPERATOR, DISTRICT_ADMIN}),
    "enrol": frozenset({OPERATOR, DISTRICT_ADMIN, SUPERVISOR}),
    "publish_form": frozenset({OPERATOR, DISTRICT_ADMIN}),
    "deliver": frozenset({OPERATOR, DISTRICT_ADMIN}),
    "export": frozenset({DISTRICT_ADMIN, CENTRAL_OFFICE}),
    "audit": frozenset({OPERATOR, AUDITOR}),
    "erase": frozenset({DISTRICT_ADMIN}),
}
"""action -> roles that may do it, inside their scope."""

ACTION_NAMES: Mapping[str, str] = {
    "read": "melihat",
    "assign": "menugaskan petugas",
    "review": "menyetujui atau mengembalikan",
    "decide": "memutuskan pertentangan",
    "verdict": "memberi putusan",
    "link": "menggabungkan atau memisahkan keluarga",
    "move": "memindahkan anggota",
    "void": "membatalkan isian",
    "undo": "menarik kembali tindakan staf",
    "reattach": "memindahkan isian",
    "admit": "memasukkan isian yang ditahan",
    "waive": "berhenti menunggu kejadian",
    "ratify": "menetapkan",
    "import": "mengimpor daftar",
    "enrol": "mendaftarkan tablet",
    "publish_form": "menerbitkan formulir",
    "deliver": "mengirim ke registri",
    "export": "mengeluarkan data",
    "audit": "memeriksa buku besar",
    "erase": "menghapus data pribadi",
}
"""action -> what it is called in a message: "tidak berhak ..."."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who works at the server's side: account name, role, area prefixes."""

    staff: str
    name: str
    role: str
    scopes: tuple[str, ...]

    def may(self, action: str, area: str | None = None) -> bool:
        """Whether the role has the right and, where an area is named, the scope covers it."""
        if self.role not in RIGHTS[action]:
            return False
        return area is None or covered_by_any(self.scopes, area)


def actions_of(role: str) -> tuple[str, ...]:
    """The actions of a role, sorted."""
    return tuple(sorted(action for action, roles in RIGHTS.items() if role in roles))
