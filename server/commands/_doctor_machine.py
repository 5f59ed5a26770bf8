"""What `padan doctor` asks of the machine around Padan: service, clock, HTTPS, settings file. Changes nothing."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from server.clock import Clock
from server.commands._finding import OK, WARNING, WRONG, Finding
from server.settings import Settings

UNIT = Path("/etc/systemd/system/padan.service")
SETTINGS_FILE = Path("/etc/padan/padan.env")
CERTIFICATE_DAYS_MIN = 21
"""Certificates that renew themselves do so 30 days before their end: one with less left does not renew itself."""

WAIT_S = 5
_DAY_MS = 86_400_000


def examine_machine(settings: Settings, clock: Clock) -> list[Finding]:
    """All findings about the machine; what does not apply to it is left out."""
    found = [_service(), _time_service(), _settings_file(), _owner(settings), *_address(settings, clock)]
    return [finding for finding in found if finding is not None]


def _service() -> Finding | None:
    if not UNIT.exists() or shutil.which("systemctl") is None:
        return None
    active, enabled = (_systemctl(word) for word in ("is-active", "is-enabled"))
    if active != "active":
        do = "systemctl start padan; sebabnya: journalctl -u padan"
        return Finding("layanan", WRONG, f"padan.service {active}", do)
    if enabled != "enabled":
        return Finding("layanan", WARNING, "tidak mulai sendiri setelah mesin menyala", "systemctl enable padan")
    return Finding("layanan", OK, "padan.service berjalan dan mulai sendiri")


def _time_service() -> Finding | None:
    if shutil.which("timedatectl") is None:
        return None
    said = _said("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said == "no":
        return Finding("jam jaringan", WARNING, "jam mesin tidak disetel dari jaringan", "timedatectl set-ntp true")
    return Finding("jam jaringan", OK, "jam mesin disetel dari jaringan") if said == "yes" else None


def _settings_file() -> Finding | None:
    if not SETTINGS_FILE.exists():
        return None
    if SETTINGS_FILE.stat().st_mode & stat.S_IRWXO:
        return Finding(
            "berkas setelan", WARNING, f"{SETTINGS_FILE} dapat dibaca semua akun", f"chmod 640 {SETTINGS_FILE}"
        )
    return Finding("berkas setelan", OK, str(SETTINGS_FILE))


def _owner(settings: Settings) -> Finding | None:
    folder = settings.home
    if os.name != "posix" or not folder.exists() or not UNIT.exists():
        return None
    if folder.stat().st_uid == 0:
        return Finding("pemilik", WARNING, f"{folder} milik root", f"chown -R padan: {folder}; lihat padan setup")
    return Finding("pemilik", OK, f"{folder} milik {folder.owner()}")


def _address(settings: Settings, clock: Clock) -> list[Finding | None]:
    """The address that tablets use: a service worker, the camera and GPS work over HTTPS only."""
    if not settings.public_url:
        return [Finding("alamat", OK, "PADAN_PUBLIC_URL belum disetel: hanya untuk mesin ini")]
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        if parts.hostname in ("localhost", "127.0.0.1"):
            return [Finding("alamat", OK, f"{settings.public_url}: hanya untuk mesin ini")]
        found = f"{settings.public_url} bukan HTTPS: kamera, GPS, dan mode luring tablet tidak akan jalan"
        return [Finding("alamat", WRONG, found, "Pasang sertifikat: docs/pasang.md, lalu PADAN_PUBLIC_URL=https://...")]
    found_all: list[Finding | None] = [_certificate(parts.hostname or "", parts.port or 443, clock)]
    if settings.trusted_proxies == 0:
        found_all.append(
            Finding("proksi", WARNING, "alamat pemanggil tidak diketahui di balik proksi", "PADAN_TRUSTED_PROXIES=1")
        )
    certificate = found_all[0]
    if certificate is not None and certificate.status != WRONG:
        found_all.append(_answers(settings.public_url))
    return found_all


def _certificate(host: str, port: int, clock: Clock) -> Finding:
    try:
        with (
            socket.create_connection((host, port), timeout=WAIT_S) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        do = "Sertifikat harus untuk nama ini, dari penerbit yang dikenal tablet, dan dengan rantainya (fullchain)."
        return Finding("sertifikat", WRONG, f"{host}: {error.verify_message}", do)
    except OSError as error:
        found = f"{host}:{port} tidak menjawab ({type(error).__name__})"
        return Finding("sertifikat", WRONG, found, "Periksa DNS, Caddy atau nginx.")
    ends_s = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    days = int((ends_s * 1000 - clock.now_ms()) // _DAY_MS)
    until = datetime.fromtimestamp(ends_s, UTC).date().isoformat()
    if days < CERTIFICATE_DAYS_MIN:
        do = "Perpanjang sekarang; mengapa tidak sendiri? journalctl -u caddy, atau certbot renew --dry-run"
        return Finding("sertifikat", WARNING, f"berakhir {until}, {days} hari lagi", do)
    return Finding("sertifikat", OK, f"berlaku sampai {until}")


def _answers(url: str) -> Finding:
    try:
        answer = requests.get(f"{url.rstrip('/')}/healthz", timeout=(WAIT_S, WAIT_S))
    except requests.RequestException as error:
        return Finding("alamat", WRONG, f"{url} tidak menjawab ({type(error).__name__})", "Periksa proksi dan layanan.")
    if answer.status_code != 200 or answer.headers.get("Content-Type") != "application/json":
        return Finding("alamat", WRONG, f"{url} dijawab {answer.status_code}, bukan oleh Padan", "Periksa proksi.")
    return Finding("alamat", OK, f"{url} menjawab")


def _systemctl(word: str) -> str:
    return _said("systemctl", word, "padan") or "?"


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""
