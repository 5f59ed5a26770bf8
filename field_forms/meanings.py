"""What each column of a sheet means to its author, in a sentence: for the guide in the workbook and docs/forms.md."""

from __future__ import annotations

from collections.abc import Mapping

SURVEY: Mapping[str, str] = {
    "type": "jenis: text, integer, decimal, date, time, select_one DAFTAR, select_multiple DAFTAR, geopoint, image, "
    "calculate, note, begin_group, end_group",
    "name": "nama pertanyaan: huruf, angka, garis bawah; tidak pernah dipakai untuk pertanyaan lain",
    "label": "tulisan yang dibaca petugas, satu kolom untuk setiap bahasa",
    "hint": "petunjuk singkat di bawah pertanyaan",
    "required": "yes, atau syarat kapan wajib",
    "relevant": "kapan ditanyakan, mis. ${kk_status} < '3'; false() berarti jawabannya tidak berlaku lagi",
    "constraint": "aturan yang harus dipenuhi sebelum formulir disegel; titik (.) berarti jawabannya",
    "constraint_message": "pesan bila aturan dilanggar",
    "required_message": "pesan bila wajib tetapi kosong",
    "warning": "seperti constraint, tetapi hanya mengingatkan",
    "warning_message": "pesan peringatan",
    "calculation": "rumus untuk calculate",
    "derive": "rumus untuk pertanyaan yang tetap ditanyakan; selisihnya ditandai",
    "choice_filter": "penyaring pilihan, mis. kecamatan=${kecamatan}",
    "appearance": "tampilan menurut ODK",
    "parameters": "pengaturan tambahan menurut ODK, mis. max-pixels=1024",
    "readonly": "yes bila hanya dibaca",
    "default": "isi awal",
    "policy": "cara jawaban yang berbeda digabung: evidence, latest, status, set, location, keep_all, derived, ask",
    "unit": "nama satuan: pertanyaan yang dijawab dan dipilih bersama, dengan satu policy",
    "evidence": "asal bukti: satu angka 0-4, atau pertanyaan{kode:angka,...} else angka",
    "sensitivity": "kepekaan: public, internal, personal, specific (UU PDP)",
    "deliver": "nama kolom di registri; kosong berarti tidak dikirim",
    "exclusive": "kode yang berdiri sendiri, mis. tidak ada",
    "sticky": "kode status yang tidak ditarik kembali tanpa pengawas",
    "yields": "kode status yang mengalah kepada kode lain",
    "aliases": "nama lama, dipisah spasi; jawabannya dihitung di sini",
    "upcast": "aturan membaca jawaban lama: nama_lama=aturan",
    "core": "yes: dikenal program dengan namanya; keterangan saja",
}
CHOICES: Mapping[str, str] = {
    "list_name": "nama daftar pilihan",
    "name": "kode pilihan, tanpa spasi; tidak pernah dipakai untuk pilihan lain",
    "label": "tulisan pilihan, satu kolom untuk setiap bahasa",
    "aliases": "kode lama, dipisah spasi; jawabannya menjadi kode ini",
}
SETTINGS: Mapping[str, str] = {
    "form_title": "judul formulir",
    "form_id": "nama formulir; tidak diubah",
    "version": "versi: angka saja, naikkan setiap kali, mis. 2026112102",
    "default_language": "bahasa utama",
    "part": "h: keluarga; e: perubahan",
    "removed": "pertanyaan yang tidak ditanyakan lagi, dipisah spasi; jawaban lama tetap berlaku",
    "instance_name": "nama isian menurut ODK",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {"survey": SURVEY, "choices": CHOICES, "settings": SETTINGS}

RULES: Mapping[str, tuple[str, str]] = {
    "same": ("luas_tanah=same", "dibaca apa adanya; membatalkan aturan versi sebelumnya"),
    "number": ("luas=number", "teks menjadi angka: 36 atau 36,5"),
    "date": ("tgl_teks=date", "teks menjadi tanggal: 2026-11-21, 21/11/2026, 21 November 2026"),
    "bands": ("jumlah_sapi=bands{0:2,1..:1}", "angka menjadi pilihan menurut rentang, dari kecil ke besar"),
    "codes": ("lantai=codes{1:a,2:a,3:b} else z", "kode (atau teks) lama menjadi kode baru"),
    "labels": ("kerja=labels else 99", "teks menjadi pilihan yang tulisannya atau kodenya sama"),
    "label": ("lantai=label", "kode menjadi tulisan pilihannya"),
    "scale": ("luas_m2=scale{0.01}", "angka dikalikan: satuan ukuran lain; juga pecahan seperti 1/12"),
    "only": ("sumber=only", "beberapa pilihan menjadi satu, bila hanya satu yang dipilih"),
}
"""Rule of the column `upcast` -> an example, and what it does."""
