"""What an installation is made of, and the text of its files. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from server.address import is_postgres

TEMPLATES = Path(__file__).with_name("templates")
COMMAND = "/usr/local/bin/padan"
CADDY, NGINX = "caddy", "nginx"
PROXIES = (CADDY, NGINX)
PUBLIC, OWN = "public", "own"
CERTIFICATES = (PUBLIC, OWN)
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}\Z")


class PlanProblem(ValueError):
    """Something about the installation can't be; the message says what, and what would do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An installation. Paths are absolute; `certificate`: `public` (fetched and renewed by itself) or `own` (files)."""

    domain: str
    account: str = "padan"
    program: str = "/opt/padan/current"
    home: str = "/var/lib/padan"
    backups: str = "/var/backups/padan"
    settings: str = "/etc/padan"
    campaign: str = "verifikasi"
    port: int = 8360
    proxy: str = CADDY
    certificate: str = PUBLIC
    database: str = ""

    def __post_init__(self) -> None:
        if not _DOMAIN.match(self.domain):
            raise PlanProblem(f"{self.domain}: bukan nama domain; tulis seperti padan.bangkaselatankab.go.id")
        if not _ACCOUNT.match(self.account):
            raise PlanProblem(f"{self.account}: bukan nama akun Linux; pakai huruf kecil, misalnya padan")
        for path in (self.program, self.home, self.backups, self.settings):
            if not re.fullmatch(r"/[\w./-]+", path) or ".." in path:
                raise PlanProblem(f"{path}: tulis jalur lengkap tanpa spasi, misalnya /var/lib/padan")
        if self.backups == self.home or self.backups.startswith(self.home.rstrip("/") + "/"):
            raise PlanProblem(f"{self.backups}: cadangan tidak boleh di dalam {self.home}; pakai diska lain")

    @property
    def certificate_files(self) -> tuple[str, str]:
        """Certificate with its chain, and key."""
        if self.certificate == PUBLIC:
            folder = f"/etc/letsencrypt/live/{self.domain}"
        else:
            folder = f"{self.settings}/tls"
        return f"{folder}/fullchain.pem", f"{folder}/privkey.pem"


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file of the installation: absolute path, text, mode, whether it belongs to Padan's account."""

    path: str
    text: str
    mode: int = 0o644
    ours: bool = False


def files(plan: Plan) -> tuple[WantedFile, ...]:
    """The files of an installation, in the order in which they are needed."""
    values = _values(plan)
    environment = _filled("padan.env", values)
    proxy = {
        CADDY: WantedFile("/etc/caddy/Caddyfile", _filled("Caddyfile", values)),
        NGINX: WantedFile("/etc/nginx/sites-available/padan", _filled("nginx.conf", values)),
    }[plan.proxy]
    return (
        WantedFile(f"{plan.settings}/padan.env", environment, 0o640, ours=True),
        WantedFile(COMMAND, _filled("padan-command", values), 0o755),
        WantedFile("/etc/systemd/system/padan.service", _filled("padan.service", values)),
        proxy,
    )


def folders(plan: Plan) -> tuple[tuple[str, int], ...]:
    """Folders that belong to Padan's account, with their modes."""
    return ((plan.home, 0o700), (plan.backups, 0o700), (plan.settings, 0o750))


def _values(plan: Plan) -> Mapping[str, str]:
    certificate, key = plan.certificate_files
    database = plan.database or f"{plan.home}/padan.db"
    return {
        "domain": plan.domain,
        "account": plan.account,
        "program": plan.program,
        "home": plan.home,
        "backups": plan.backups,
        "settings": plan.settings,
        "campaign": plan.campaign,
        "port": str(plan.port),
        "database": database,
        "after": "postgresql.service" if is_postgres(database) else "",
        "certificate": certificate,
        "certificate_key": key,
        "tls": "" if plan.certificate == PUBLIC else f"\n\ttls {certificate} {key}",
    }


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)
