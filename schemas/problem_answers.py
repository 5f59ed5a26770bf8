"""Problems that are answers of HTTP: of the request itself, of who asks, of the state of things.

Part of the one catalogue, schemas/problems.py, which says what a code promises. Nothing else imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: what it is (English and Indonesian), and what whoever sent it can do."""

    code: str
    status: int | None
    title: str
    title_id: str
    action: str
    details: tuple[str, ...] = ()
    """Members that the answer may carry beside the standard ones."""


REQUEST = (
    Problem(
        "bad_request",
        400,
        "The request cannot be read",
        "Permintaan tidak dapat dibaca",
        "Compare the request with /v1/openapi.json.",
    ),
    Problem(
        "bad_json",
        400,
        "The body is not JSON",
        "Isi permintaan bukan JSON",
        "Send one JSON document in UTF-8, without a byte order mark.",
        ("where",),
    ),
    Problem(
        "json_too_deep",
        400,
        "The JSON is nested too deeply",
        "JSON bersarang terlalu dalam",
        "Nothing of ours is nested more than 32 deep; check the program that wrote it.",
    ),
    Problem(
        "duplicate_key",
        400,
        "An object names a key twice",
        "Satu kunci muncul dua kali dalam satu objek",
        "Write each key of an object once.",
        ("where",),
    ),
    Problem(
        "bad_text",
        400,
        "A text holds a NUL or half a character",
        "Teks memuat NUL atau setengah karakter",
        "Remove U+0000 and lone surrogates before sending.",
        ("where",),
    ),
    Problem(
        "bad_gzip",
        400,
        "The gzip body is damaged or cut off",
        "Isi gzip rusak atau terpotong",
        "Send it again; if that fails, send it without compression.",
    ),
    Problem(
        "cut_off",
        400,
        "The body ended before its stated length",
        "Isi permintaan terputus sebelum selesai",
        "Send the same items again: resending is always safe.",
    ),
    Problem(
        "body_too_large",
        413,
        "The body is larger than the limit",
        "Isi permintaan melebihi batas",
        "Send fewer items at a time; `limits` in /v1/hello says how much.",
        ("limit_bytes",),
    ),
    Problem(
        "unsupported_encoding",
        415,
        "The content encoding is not known",
        "Content-Encoding tidak dikenal",
        "Send the body as it is, or with Content-Encoding: gzip.",
    ),
    Problem(
        "unsupported_media_type",
        415,
        "The content type is not known here",
        "Content-Type tidak dikenal",
        "Send application/json.",
    ),
    Problem(
        "not_acceptable",
        406,
        "None of the wanted content types can be given",
        "Tidak ada jenis isi yang diminta",
        "Ask for application/json or application/x-ndjson.",
    ),
    Problem(
        "invalid",
        422,
        "A member or parameter is missing or has the wrong form",
        "Ada isian permintaan yang kurang atau salah bentuk",
        "`errors` names each place and what is wrong there.",
        ("errors",),
    ),
    Problem(
        "not_found",
        404,
        "There is no such address",
        "Alamat tidak ada",
        "See /v1/openapi.json for the addresses that exist.",
    ),
    Problem(
        "method_not_allowed",
        405,
        "This address does not take this method",
        "Metode tidak berlaku untuk alamat ini",
        "The Allow header lists the methods.",
    ),
)

ACCESS = (
    Problem(
        "unauthenticated",
        401,
        "A valid token is missing",
        "Token tidak ada atau tidak dikenal",
        "Send Authorization: Bearer with a token of this server; a tablet may have to be enrolled again.",
    ),
    Problem(
        "wrong_token",
        403,
        "This kind of token may not do this",
        "Jenis token ini tidak berhak",
        "`needs` lists the kinds of token that may.",
        ("needs",),
    ),
    Problem(
        "revoked",
        403,
        "This install was revoked",
        "Tablet ini sudah dicabut",
        "Unsent work can be deposited (/v1/deposits); to go on working, enrol again with a new code.",
    ),
    Problem(
        "out_of_scope",
        403,
        "The area lies outside the token's areas",
        "Wilayah di luar kewenangan token",
        "Ask within the areas of the token, or ask for a token of a wider area.",
        ("areas",),
    ),
    Problem(
        "enrol_code_unknown",
        403,
        "There is no such enrolment code",
        "Kode pendaftaran tidak dikenal",
        "Check the code, or ask the supervisor for a new one.",
    ),
    Problem(
        "enrol_code_expired",
        403,
        "The enrolment code has expired",
        "Kode pendaftaran sudah kedaluwarsa",
        "Ask the supervisor for a new code.",
    ),
    Problem(
        "enrol_code_used",
        409,
        "The enrolment code was used by another tablet",
        "Kode pendaftaran sudah dipakai tablet lain",
        "Ask the supervisor for a new code; each tablet has its own.",
    ),
    Problem(
        "install_taken",
        409,
        "This install id belongs to another key or was revoked",
        "Identitas pemasangan ini milik kunci lain atau sudah dicabut",
        "Start the app with a new install id and enrol with a new code.",
    ),
    Problem(
        "unlock_code_unknown",
        403,
        "There is no such unlock code for this tablet",
        "Kode pembuka tidak dikenal untuk tablet ini",
        "Check code and tablet number, or ask the operator for a new one.",
    ),
    Problem(
        "unlock_code_expired",
        403,
        "The unlock code has expired or was used",
        "Kode pembuka sudah kedaluwarsa atau terpakai",
        "Ask the operator for a new code.",
    ),
    Problem(
        "unlock_box_unreadable",
        409,
        "The tablet's key cannot be opened by this server",
        "Kunci tablet ini tidak dapat dibuka oleh server",
        "Delete nothing on the tablet: the server's key may come back from a backup.",
    ),
)

STATE = (
    Problem(
        "household_unknown",
        404,
        "There is no such household in the token's areas",
        "Keluarga tidak ada di wilayah token",
        "Check the id; a household outside the token's areas is not told apart from one that does not exist.",
    ),
    Problem("form_unknown", 404, "There is no such form or version", "Formulir atau versi tidak ada", "See /v1/forms."),
    Problem(
        "media_unknown",
        404,
        "There is no such file of this form",
        "Berkas formulir tidak ada",
        "The form's `media` lists its files.",
    ),
    Problem(
        "blob_unknown",
        404,
        "None of the caller's events names a file with this hash",
        "Tidak ada kejadian milik pemanggil yang menyebut berkas ini",
        "Send the event that names the file first; what others sent is not told apart from what does not exist.",
    ),
    Problem(
        "blob_missing",
        404,
        "The file has not arrived whole yet",
        "Berkas belum sampai utuh di server",
        "It comes with a later sync of the tablet that took it.",
    ),
    Problem(
        "blob_no_image",
        404,
        "The file is no image that can be shown",
        "Berkas ini bukan gambar yang dapat ditampilkan",
        "Its bytes are kept as they came, as evidence; ask the operator.",
    ),
    Problem(
        "blob_waiting",
        503,
        "The image is here and has not been prepared for showing yet",
        "Gambar sudah sampai, belum disiapkan untuk ditampilkan",
        "Ask again after the time in Retry-After.",
    ),
    Problem(
        "blob_mismatch",
        422,
        "The bytes do not give the hash under which they were sent",
        "Isi berkas tidak cocok dengan sidiknya",
        "What had arrived was thrown away. Check the file on the tablet, then send it again from its first byte.",
    ),
    Problem(
        "blob_too_large",
        413,
        "The file is larger than the limit",
        "Berkas melebihi batas",
        "Keep it and tell the operator; `limits` in /v1/hello says how much.",
        ("limit_bytes",),
    ),
    Problem(
        "offset_mismatch",
        409,
        "The upload stands at another offset",
        "Pengunggahan sudah sampai di tempat lain",
        "Go on from `offset`.",
        ("offset",),
    ),
    Problem(
        "bad_cursor",
        400,
        "The cursor is not one of this server",
        "Penanda halaman tidak sah",
        "Send the cursor exactly as it was given, or none to start at the beginning.",
    ),
    Problem(
        "reset",
        409,
        "The cursor belongs to another epoch or to other areas",
        "Penanda halaman sudah tidak berlaku",
        "Keep what is unsent, drop the cursor, read from the beginning; after an epoch change offer retained events "
        "with /v1/have.",
        ("epoch", "scope_digest", "why"),
    ),
    Problem(
        "quota",
        429,
        "The quota of this install is used up",
        "Kuota tablet ini habis",
        "Wait as long as Retry-After says; a supervisor can raise the quota.",
        ("limit",),
    ),
    Problem(
        "busy",
        503,
        "The server is busy",
        "Server sedang sibuk",
        "Nothing was stored. Send it again after the time in Retry-After.",
    ),
    Problem(
        "disk_full",
        507,
        "The server's disk is full",
        "Diska server penuh",
        "Nothing was stored or lost. The operator has to make room; keep the items and try again later.",
    ),
    Problem(
        "not_ready",
        503,
        "The server is not ready",
        "Server belum siap",
        "`checks` names what is not.",
        ("checks",),
    ),
    Problem(
        "internal",
        500,
        "The server failed",
        "Terjadi kesalahan di server",
        "Send it again later; tell the operator the `incident`, which stands in the server's log.",
        ("incident",),
    ),
)
