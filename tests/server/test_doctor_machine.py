"""`padan doctor` about the machine around it: service, clock, certificate, the address that tablets use."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.clock import SystemClock
from server.commands import _doctor_machine as machine
from server.commands._finding import OK, WARNING, WRONG, Finding
from server.settings import Settings

NAME = "localhost"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "UNIT", tmp_path / "padan.service")
    monkeypatch.setattr(machine, "SETTINGS_FILE", tmp_path / "padan.env")
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")


def of(name: str, **settings: Any) -> Finding | None:
    found = machine.examine_machine(replace(Settings(), **settings), SystemClock())
    mine = [finding for finding in found if finding.check == name]
    return mine[0] if mine else None


def saying(monkeypatch: pytest.MonkeyPatch, **answers: str) -> None:
    monkeypatch.setattr(machine, "_said", lambda *words: answers.get(words[0] + "_" + words[1].replace("-", "_"), ""))


@pytest.mark.parametrize(
    ("active", "enabled", "status", "do"),
    [
        ("failed", "enabled", WRONG, "journalctl -u padan"),
        ("active", "disabled", WARNING, "systemctl enable"),
        ("active", "enabled", OK, ""),
    ],
)
def test_the_service_runs_and_starts_by_itself(
    monkeypatch: pytest.MonkeyPatch, active: str, enabled: str, status: str, do: str
) -> None:
    assert of("layanan") is None, "not installed as a service: nothing to say"
    machine.UNIT.write_text("[Service]\n")
    saying(monkeypatch, systemctl_is_active=active, systemctl_is_enabled=enabled)
    found = of("layanan")
    assert found is not None and (found.status, do in found.do) == (status, True)


@pytest.mark.parametrize(("said", "status"), [("no", WARNING), ("yes", OK)])
def test_the_clock_is_set_from_the_network(monkeypatch: pytest.MonkeyPatch, said: str, status: str) -> None:
    saying(monkeypatch, timedatectl_show=said)
    found = of("jam jaringan")
    assert found is not None and found.status == status


def test_settings_that_everybody_can_read_are_told() -> None:
    machine.SETTINGS_FILE.write_text("PADAN_PORT=1\n")
    machine.SETTINGS_FILE.chmod(0o644)
    open_to_all = of("berkas setelan")
    assert open_to_all is not None
    assert (open_to_all.status, open_to_all.do) == (WARNING, f"chmod 640 {machine.SETTINGS_FILE}")
    machine.SETTINGS_FILE.chmod(0o640)
    found = of("berkas setelan")
    assert found is not None and found.status == OK


@pytest.mark.parametrize(
    ("url", "status"),
    [("", OK), ("http://127.0.0.1:8360", OK), ("http://padan.contoh.go.id", WRONG)],
)
def test_tablets_need_https(url: str, status: str) -> None:
    found = of("alamat", public_url=url)
    assert found is not None and found.status == status


class Page(BaseHTTPRequestHandler):
    """Answers as Padan or as something else."""

    kind = "application/json"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`https(days, name)`: a server with a certificate of an issuer that this machine trusts; its address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(days: int = 80, name: str = NAME, *, trusted: bool = True) -> str:
        file = tmp_path / f"cert-{len(servers)}.pem"
        file.write_bytes(_certificate(days, name))
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"https://{NAME}:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_good_certificate_and_an_address_that_answers(https: Any) -> None:
    url = https()
    for name in ("sertifikat", "alamat"):
        found = of(name, public_url=url, trusted_proxies=1)
        assert found is not None and found.status == OK, found
    assert of("proksi", public_url=url, trusted_proxies=1) is None
    proxy = of("proksi", public_url=url)
    assert proxy is not None and proxy.do == "PADAN_TRUSTED_PROXIES=1"


def test_a_certificate_that_does_not_renew_itself_is_told_three_weeks_before(https: Any) -> None:
    found = of("sertifikat", public_url=https(days=10))
    assert found is not None and found.status == WARNING and "hari lagi" in found.found


def test_a_certificate_of_another_name_or_of_nobody_known_is_wrong(https: Any) -> None:
    other = of("sertifikat", public_url=https(name="lain.contoh.go.id"))
    assert other is not None and other.status == WRONG and "fullchain" in other.do
    unknown = of("sertifikat", public_url=https(trusted=False))
    assert unknown is not None and unknown.status == WRONG


def test_an_address_that_somebody_else_answers_is_told(https: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "kind", "text/html")
    found = of("alamat", public_url=https())
    assert found is not None and found.status == WRONG and "bukan oleh Padan" in found.found


def test_an_address_where_nobody_listens(https: Any) -> None:
    found = of("sertifikat", public_url="https://localhost:1")
    assert found is not None and found.status == WRONG and "tidak menjawab" in found.found


def _certificate(days: int, name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
