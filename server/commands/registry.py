"""`padan registry`: runs the reference registry, and turns its fault switches while it runs.

A stand-in for a central registry, to try things out and to test against; its protocol is docs/registry.md. It keeps
its own file and knows nothing of Padan's database.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click
import requests

from server.clock import SystemClock
from server.registry.reference.app import Registry
from server.registry.reference.faults import NAMES, BadSwitch, Faults, Switch, switch_as_json, switch_from_text
from server.registry.reference.ledger import Ledger
from server.registry.reference.running import HOST, bound_server
from server.registry.signing import SECRET_BYTES_MIN, Credentials, signed_headers
from server.settings import SettingsInvalid, load_settings

CLIENT = "padan"
_FAULT_HELP = "A fault switch: NAME or NAME:member=value,... May be repeated. Names: " + ", ".join(NAMES)


@click.group("registry", invoke_without_command=True)
@click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), default=Path("var/registry.db"), show_default=True
)
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True, help="0: any free one.")
@click.option("--client", default=CLIENT, show_default=True, help="Name of the one client that may send.")
@click.option("--secret-file", type=click.Path(dir_okay=False, path_type=Path), help="Made if it is not there.")
@click.option("--daily-quota", type=click.IntRange(0), help="Applications a day (until 00:00 WIB).")
@click.option("--seed", type=int, default=0, show_default=True, help="Which requests the faults strike.")
@click.option("--fault", "faults", multiple=True, metavar="SWITCH", help=_FAULT_HELP)
@click.pass_context
def command(
    context: click.Context,
    db: Path,
    port: int,
    client: str,
    secret_file: Path | None,
    daily_quota: int | None,
    seed: int,
    faults: tuple[str, ...],
) -> None:
    """Registri acuan / the reference registry, on 127.0.0.1, with its own file."""
    context.obj = (client, secret_file)
    if context.invoked_subcommand is not None:
        return
    switches = _switches(faults)
    secret = _secret(secret_file, make=True)
    db.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(db)
    if "forget_keys" in switches:
        ledger.forget_keys()
    registry = Registry(ledger, Faults(seed, switches), {client: secret}, daily_quota=daily_quota)
    try:
        server, real_port = bound_server(registry, port)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; choose another with --port") from error
    click.echo(f"Registri acuan: http://{HOST}:{real_port}  (berkas / file: {db})")
    for name in switches:
        click.echo(f"  saklar gangguan / fault switch: {name}")
    try:
        server.run()
    finally:
        ledger.close()


@command.command("faults")
@click.argument("url")
@click.option("--set", "faults", multiple=True, metavar="SWITCH", help=_FAULT_HELP)
@click.option("--clear", is_flag=True, help="Turn all switches off.")
@click.pass_obj
def faults_command(obj: tuple[str, Path | None], url: str, faults: tuple[str, ...], clear: bool) -> None:
    """Show the fault switches of the registry at URL; with --set or --clear, replace them all first."""
    client, secret_file = obj
    credentials = Credentials(client, _secret(secret_file, make=False))
    method, body = "GET", b""
    if faults or clear:
        switches = {name: switch_as_json(switch) for name, switch in _switches(faults).items()}
        method, body = "PUT", json.dumps({"switches": switches}).encode()
    answer = _admin(url.rstrip("/"), credentials, method, body)
    click.echo(json.dumps(answer, indent=2))


def _admin(url: str, credentials: Credentials, method: str, body: bytes) -> object:
    path = "/v1/admin/faults"
    now_s, nonce = SystemClock().now_ms() // 1000, secrets.token_hex(16)
    headers = signed_headers(credentials, method, path, now_s, nonce, body)
    try:
        response = requests.request(method, url + path, data=body, headers=headers, timeout=(5, 20))
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise click.ClickException(f"{url}: no answer from a registry ({type(error).__name__})") from error
    if response.status_code != 200:
        raise click.ClickException(f"{url}: {answer.get('code')}: {answer.get('detail')}")
    return answer


def _switches(texts: tuple[str, ...]) -> dict[str, Switch]:
    try:
        return dict(switch_from_text(text) for text in texts)
    except BadSwitch as error:
        raise click.BadParameter(str(error)) from error


def _secret(file: Path | None, *, make: bool) -> bytes:
    """The shared secret: from `--secret-file` (made on first use), else from the settings."""
    if file is None:
        try:
            text = load_settings().registry_secret
        except SettingsInvalid as error:
            raise click.ClickException(str(error)) from error
        if not text:
            raise click.ClickException("no secret: set PADAN_REGISTRY_SECRET, or name a file with --secret-file")
    else:
        if make and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        try:
            text = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from error
    if len(text.encode()) < SECRET_BYTES_MIN:
        raise click.ClickException(f"the secret is shorter than {SECRET_BYTES_MIN} bytes")
    return text.encode()
