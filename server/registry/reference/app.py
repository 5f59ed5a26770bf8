"""The reference registry over HTTP: signed requests in, JSON or problem+json out, faults where a switch says so.

Decisions are the ledger's and the switches'; here they become status codes (docs/registry.md has the list).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import Any, NoReturn

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from waitress.channel import ClientDisconnected
from werkzeug.exceptions import HTTPException

from server.clock import Clock, SystemClock
from server.registry.reference.checks import (
    ACTIONS,
    Malformed,
    is_nik,
    is_region,
    read_application,
    read_object,
)
from server.registry.reference.faults import BadSwitch, Faults, switches_from_json
from server.registry.reference.ledger import (
    Answer,
    Application,
    Applied,
    KeyReused,
    Ledger,
    PlaceTaken,
    QuotaUsedUp,
    StaleVersion,
)
from server.registry.signing import NotVerified, verify
from sync.pacing import next_midnight_wib_ms

BODY_BYTES_MAX = 4 * 1024 * 1024
"""A record of 60 persons with 70 columns of 60 bytes is 250 KB."""

bp = Blueprint("registry", __name__)


@dataclass(frozen=True, slots=True)
class Registry:
    """What a running registry consists of."""

    ledger: Ledger
    faults: Faults
    secret_of_client: Mapping[str, bytes]
    clock: Clock = field(default_factory=SystemClock)
    daily_quota: int | None = None
    sleep: Callable[[float], None] = sleep


def create_app(registry: Registry) -> Flask:
    """The Flask app of one reference registry."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.json.sort_keys = True  # type: ignore[attr-defined]
    app.extensions["padan_registry"] = registry
    app.register_blueprint(bp)
    app.register_error_handler(HTTPException, _http_error)
    return app


@bp.before_request
def _check_signature() -> Response | None:
    if request.path == "/healthz":
        return None
    registry, body = _registry(), request.get_data(cache=True)
    path = (request.script_root + request.path) + (f"?{request.query_string.decode()}" if request.query_string else "")
    now = registry.clock.now_ms() // 1000
    verdict = verify(request.headers, registry.secret_of_client, request.method, path, body, now)  # type: ignore[arg-type]
    if isinstance(verdict, NotVerified):
        return _problem(401, verdict.code, verdict.message, time_s=now)
    if registry.ledger.seen_nonce(verdict.nonce, now):
        return _problem(401, "nonce_replayed", "this request was seen before; sign a new one")
    g.now_s = now
    return None


@bp.route("/v1/records/<household_id>", methods=["PUT"])
@bp.route("/v1/records/<household_id>/withdrawal", methods=["POST"])
def put_record(household_id: str) -> Response:
    """Deliver a version, or withdraw what stands."""
    action, key = ACTIONS[request.method], request.headers.get("Idempotency-Key", "")
    wanted = read_application(action, household_id, key, request.get_data())
    if isinstance(wanted, Malformed):
        return _problem(422, wanted.code, wanted.message, field=wanted.field)
    refusal = _fault_before(key, household_id) or _rejection(wanted)
    if refusal is not None:
        return refusal
    registry = _registry()
    answer = registry.ledger.apply(
        wanted, g.now_s, daily_quota=registry.daily_quota, remember=not registry.faults.on("forget_keys")
    )
    response = _answered(answer, key, household_id)
    return _fault_after(response, key, household_id) if isinstance(answer, Applied) else response


@bp.route("/v1/records/<household_id>", methods=["GET"])
def get_record(household_id: str) -> Response:
    """The receipt of the last version of a household."""
    return _read(
        household_id,
        lambda: _registry().ledger.receipt_of_household(household_id),
        ("unknown_household", "nothing was ever applied under this household id"),
    )


@bp.route("/v1/applications/<key>", methods=["GET"])
def get_application(key: str) -> Response:
    """Did you get it? The first receipt of a remembered key."""
    return _read(
        "", lambda: _registry().ledger.receipt_of_key(key), ("unknown_key", "no application is remembered by this key")
    )


@bp.route("/v1/digest", methods=["GET"])
def get_digest() -> Response:
    """What stands in a region, for reconciliation; `rows=1` names every record."""
    region = request.args.get("region", "")
    if not is_region(region):
        return _problem(422, "region", "region must be a dotted area code", field="region")
    refusal = _fault_before(request.path + region, "", reading=True)
    if refusal is not None:
        return refusal
    count, digest, rows = _registry().ledger.digest(region)
    body: dict[str, Any] = {"region": region, "count": count, "digest": digest}
    return jsonify(body | ({"rows": rows} if request.args.get("rows") == "1" else {}))


@bp.route("/v1/reservations", methods=["POST"])
@bp.route("/v1/reservations/release", methods=["POST"])
def reservations() -> Response:
    """Reserve or release one NIK for a household; idempotent. The NIK travels in the body, never in a path."""
    body = read_object(request.get_data())
    if isinstance(body, Malformed):
        return _problem(422, body.code, body.message)
    nik, household = body.get("nik"), body.get("household_id")
    if not is_nik(nik) or not isinstance(household, str) or not household:
        return _problem(422, "nik", "nik (16 digits) and household_id are needed", field="/nik")
    ledger = _registry().ledger
    if request.path.endswith("/release"):
        return jsonify({"released": ledger.release(str(nik), household)})
    holder = ledger.reserve(str(nik), household, g.now_s)
    if holder != household:
        return _problem(409, "taken", "another household holds this NIK", holder=holder, nik=nik)
    return jsonify({"reserved": True})


@bp.route("/v1/admin/faults", methods=["GET", "PUT"])
def admin_faults() -> Response:
    """Read or replace the fault switches."""
    registry = _registry()
    if request.method == "PUT":
        body = read_object(request.get_data())
        try:
            if isinstance(body, Malformed):
                raise BadSwitch(body.message)
            registry.faults.set(switches_from_json(body.get("switches")))
        except BadSwitch as error:
            return _problem(422, "bad_switch", str(error))
        if registry.faults.on("forget_keys"):
            registry.ledger.forget_keys()
    return jsonify(registry.faults.as_json())


@bp.route("/healthz", methods=["GET"])
def healthz() -> Response:
    """Alive."""
    return jsonify({"status": "ok"})


def _read(household_id: str, read: Callable[[], dict[str, Any] | None], unknown: tuple[str, str]) -> Response:
    refusal = _fault_before(request.path, household_id, reading=True)
    if refusal is not None:
        return refusal
    receipt = read()
    return _problem(404, *unknown) if receipt is None else jsonify({"receipt": receipt})


def _fault_before(subject: str, household_id: str, *, reading: bool = False) -> Response | None:
    """A fault that strikes before anything is applied or read."""
    registry = _registry()
    faults = registry.faults

    def strikes(name: str) -> Any:
        return faults.strikes(name, subject, household_id, reading=reading)

    if reading and (switch := strikes("delay")):
        registry.sleep(switch.ms / 1000)
    if strikes("drop_before"):
        return _dropped()
    if switch := strikes("too_many"):
        return _later(429, "too_many", switch.retry_after_s)
    if switch := strikes("server_error"):
        return _problem(switch.status, "server_error", "a fault switch is on")
    if strikes("quota_used_up"):
        return _quota_used_up()
    return None


def _fault_after(response: Response, key: str, household_id: str) -> Response:
    """A fault that strikes once the request was applied."""
    registry = _registry()
    if switch := registry.faults.strikes("delay", key, household_id):
        registry.sleep(switch.ms / 1000)
    if registry.faults.strikes("drop_answer", key, household_id):
        return _dropped()
    if switch := registry.faults.strikes("error_after", key, household_id):
        return _problem(switch.status, "server_error", "a fault switch is on")
    return response


def _rejection(wanted: Application) -> Response | None:
    switch = _registry().faults.strikes("reject", wanted.idempotency_key, wanted.household_id)
    return None if switch is None else _problem(422, switch.code, switch.message, field=switch.field)


def _answered(answer: Answer, key: str, household_id: str) -> Response:
    match answer:
        case Applied(receipt, again):
            again = again or bool(_registry().faults.strikes("say_duplicate", key, household_id))
            response = jsonify({"status": "duplicate" if again else "accepted", "receipt": receipt})
            response.status_code = 200 if again else 201
            return response
        case KeyReused():
            return _problem(422, "key_reused", "this idempotency key came with another body", field="/idempotency_key")
        case StaleVersion(last):
            return _problem(409, "stale_version", f"version {last} was applied already", last_version=last)
        case PlaceTaken(holder, person, nik):
            where = f"/record/persons/{person}"
            return _problem(409, "taken", "stands under another household", holder=holder, nik=nik, field=where)
        case QuotaUsedUp():
            return _quota_used_up()


def _quota_used_up() -> Response:
    now_ms = g.now_s * 1000
    return _later(429, "quota_used_up", (next_midnight_wib_ms(now_ms) - now_ms + 999) // 1000)


def _later(status: int, code: str, seconds: int) -> Response:
    response = _problem(status, code, "come back later")
    response.headers["Retry-After"] = str(seconds)
    return response


def _dropped() -> Response:
    """No answer at all: waitress closes the connection when the first piece of the body raises this."""

    def body() -> Iterator[bytes]:
        _disconnect()
        yield b""

    return Response(body())


def _disconnect() -> NoReturn:
    raise ClientDisconnected


def _problem(status: int, code: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **more}
    response = jsonify(body)
    response.status_code, response.mimetype = status, "application/problem+json"
    return response


def _http_error(error: HTTPException) -> Response:
    response = _problem(error.code or 500, f"http_{error.code or 500}", error.description or "")
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _registry() -> Registry:
    registry = current_app.extensions["padan_registry"]
    assert isinstance(registry, Registry)
    return registry
