"""What a server's refusal means to whoever runs the pull: one sentence, and what to do. No token is ever repeated."""

from __future__ import annotations

from server.mirror.source import Refused

_BY_CODE = {
    "unauthenticated": "token ditolak: salah, kedaluwarsa, atau dicabut. Minta yang baru: padan token new NAMA "
    "--area KODE (di server).",
    "wrong_token": "token ini bukan token tarikan. Buat di server: padan token new NAMA --for pull --area KODE.",
    "out_of_scope": "wilayah yang diminta di luar wilayah token ini. Minta token untuk wilayah itu.",
    "revoked": "token ini milik tablet yang dicabut.",
}
_ELSE = "menolak permintaan"
_NOT_OURS = "alamat ini menjawab, tetapi bukan server Padan (atau versinya terlalu lama). Periksa --server."


def sentence(url: str, refused: Refused) -> str:
    """What happened and what to do."""
    if not refused.code:
        return f"{url}: {_NOT_OURS} [{refused.status} {refused.detail}]".replace(" ]", "]")
    known = _BY_CODE.get(refused.code)
    if known:
        return f"{url}: {known} [{refused.code}]"
    return f"{url}: {_ELSE}: {refused.detail or refused.code} [{refused.code}]"
