"""Encrypted files: what comes out is what went in, any change is seen, and no Padan is needed to open them."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path
from typing import Any

import pyrage
import pytest

from server.backups import age_files
from server.backups.age_files import (
    BackupKey,
    decrypt_bytes,
    decrypt_file,
    encrypt_bytes,
    encrypt_file,
    lock_keys,
    new_key,
    unlock_keys,
)
from server.backups.problem import SetDamaged, WrongPassphrase


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file larger than the pieces in which files are read and encrypted."""
    path = tmp_path / "plain"
    chance = random.Random(1)
    path.write_bytes(b"".join(chance.randbytes(50) + b" " * 50 for _ in range(9_000)))
    return path


@pytest.mark.parametrize("pack", [True, False])
def test_what_comes_out_is_what_went_in_and_both_sides_are_measured(plain: Path, tmp_path: Path, pack: bool) -> None:
    key, told = new_key(), []
    written = encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=pack, told=told.append)
    read = decrypt_file(tmp_path / "sealed", tmp_path / "out", [key], packed=pack)
    assert (tmp_path / "out").read_bytes() == plain.read_bytes()
    assert read == written
    raw, sealed = plain.read_bytes(), (tmp_path / "sealed").read_bytes()
    assert (written.plain_bytes, written.plain_sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert (written.bytes, written.sha256) == (len(sealed), hashlib.sha256(sealed).hexdigest())
    assert (tmp_path / "sealed").stat().st_mode & 0o077 == 0
    assert not pack or (told[-1] == len(raw) and len(sealed) < len(raw) * 0.7)
    assert raw[:40] not in sealed


def test_a_snapshot_opens_without_padan(plain: Path, tmp_path: Path) -> None:
    key = new_key()
    encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=True)
    identity = pyrage.x25519.Identity.from_str(key.identity)
    assert gzip.decompress(pyrage.decrypt((tmp_path / "sealed").read_bytes(), [identity])) == plain.read_bytes()


def _cut(raw: bytes) -> bytes:
    return raw[:-1]


def _half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _flipped(raw: bytes) -> bytes:
    return raw[:-200] + bytes([raw[-200] ^ 1]) + raw[-199:]


def _longer(raw: bytes) -> bytes:
    return raw + b"x"


def _nothing(raw: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("spoil", [_cut, _half, _flipped, _longer, _nothing])
@pytest.mark.parametrize("pack", [True, False])
def test_any_change_of_the_file_is_seen(plain: Path, tmp_path: Path, pack: bool, spoil: Any) -> None:
    key = new_key()
    encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=pack)
    (tmp_path / "sealed").write_bytes(spoil((tmp_path / "sealed").read_bytes()))
    with pytest.raises(SetDamaged, match="rusak, terpotong"):
        decrypt_file(tmp_path / "sealed", None, [key], packed=pack)


def test_another_key_opens_nothing_and_one_of_several_does(plain: Path, tmp_path: Path) -> None:
    key, other = new_key(), new_key()
    encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=True)
    with pytest.raises(SetDamaged):
        decrypt_file(tmp_path / "sealed", None, [other], packed=True)
    assert decrypt_file(tmp_path / "sealed", None, [other, key], packed=True).plain_bytes == plain.stat().st_size


def test_data_that_is_not_compressed_as_it_should_be_is_seen(plain: Path, tmp_path: Path) -> None:
    key = new_key()
    encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=False)
    with pytest.raises(SetDamaged):
        decrypt_file(tmp_path / "sealed", None, [key], packed=True)


def test_a_disk_that_refuses_is_told_as_what_the_disk_said(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would hand on its own words only, and `ENOSPC` would be lost."""
    key = new_key()
    monkeypatch.setattr(age_files, "create", lambda path: open("/dev/full", "wb", 1024))  # noqa: SIM115
    with pytest.raises(OSError, match="No space left") as found:
        encrypt_file(plain, tmp_path / "sealed", key.recipient, pack=True)
    assert found.value.errno == 28


def test_small_files_go_whole() -> None:
    key = new_key()
    sealed = encrypt_bytes(b"baris\n" * 100, key.recipient)
    assert decrypt_bytes(sealed, [key]) == b"baris\n" * 100
    for spoiled in (sealed[:-1], b"", sealed[:-3] + b"abc"):
        with pytest.raises(SetDamaged):
            decrypt_bytes(spoiled, [key])


def test_the_key_file_opens_with_its_passphrase_only() -> None:
    keys = [new_key(), new_key()]
    locked = lock_keys(keys, "rama-duku-siti-kelo-bana-turi")
    assert locked.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert keys[0].identity.encode() not in locked
    assert unlock_keys(locked, "rama-duku-siti-kelo-bana-turi") == keys
    for passphrase in ("rama-duku-siti-kelo-bana-tura", ""):
        with pytest.raises(WrongPassphrase, match="Frasa sandi"):
            unlock_keys(locked, passphrase)
    with pytest.raises(WrongPassphrase):
        unlock_keys(locked[:-60], "rama-duku-siti-kelo-bana-turi")


def test_the_secret_half_is_not_shown_by_accident() -> None:
    key = BackupKey("age1xyz", "AGE-SECRET-KEY-1ABC")
    assert "SECRET" not in repr(key) and "age1xyz" in repr(key)
