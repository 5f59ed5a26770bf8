"""One conversation with the server, the same each time it is played: the examples of docs/protocol.md.

    python tests/server/api/exchanges.py        plays it and writes the examples anew

In the document an example stands between `<!-- exchange: NAME -->` and `<!-- end of NAME -->`. A test fails where an
example is not what the server answers now.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "protocol.md"
WIDTH = 116
CAMPAIGN_SEED = 20261121
SERVER_ID, EPOCH = "5d0c1a52-7f3e-4c39-9a65-0a5c2d1f7b10", "9f1c2ab34d5e6f70"
BOX_SEED = bytes(range(32))


def exchanges(folder: Path) -> dict[str, str]:
    """Name -> the example as it stands in the document."""
    api = _server(folder)
    with mock.patch("server.flows.enrol.new_token", _tokens().__next__):
        return dict(_play(api))


def _server(folder: Path) -> Any:
    from api_world import Api
    from server_world import NOW_MS, World

    from server.store.keys import ensure_keys
    from server.store.migrations import open_store

    store = open_store(folder / "padan.db")
    store.db.run("update meta set value = :id where name = 'server_id'", {"id": SERVER_ID})
    store.db.run("update epochs set id = :id", {"id": EPOCH})
    ensure_keys(store.db, random.Random(CAMPAIGN_SEED).randbytes, NOW_MS)
    return Api(World(store, CAMPAIGN_SEED))


def _tokens() -> Iterator[str]:
    chance = random.Random(CAMPAIGN_SEED)
    while True:
        yield "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_", k=43))


def _play(api: Any) -> Iterator[tuple[str, str]]:
    from api_world import HOUSEHOLD, INSTALL, INSTALL_KEY, JSON, NEIGHBOUR
    from server_world import VILLAGE

    from schemas.sealing import deposit_content, seal_box
    from schemas.signing import from_base64

    code = api.code()
    body = {"code": code, "install": INSTALL, "public_key": _public(INSTALL_KEY), "app": "tablet 1.0"}
    answer = api.call("POST", "/v1/enrol", json=body)
    enrolled = answer.get_json()
    api.tokens = {"deposit": enrolled["deposit_token"], "read": enrolled["read_token"]}
    yield "enrol", _shown("POST /v1/enrol", body, answer)

    member = f"{HOUSEHOLD}/7a1e0f52-93c4-4b1d-8d57-2f6f3a9c0b41"
    answers = {"m_name": "SITI AMINAH", "nik": "1903014107900001", "presence": "1"}
    envelope = api.sealed(HOUSEHOLD, {"address": "Jl. Melati 1"}, persons={member: answers}, seq=1)
    ref = envelope["payload_hash"][:32]
    body = {"refs": [{"ref": ref, "household_id": HOUSEHOLD, "home_region": "19.03"}]}
    answer = api.call("POST", "/v1/hello", "deposit", json=body)
    hello = answer.get_json()
    yield "hello", _shown("POST /v1/hello", body, answer)

    sent = {**envelope, "stamp": hello["stamps"][ref]}
    text = json.dumps({"items": [sent, {"head": "something else"}]})
    answer = api.call("POST", "/v1/events", "deposit", data=text, headers=JSON)
    yield "events", _shown("POST /v1/events", json.loads(text), answer)

    other = api.sealed(NEIGHBOUR, {"address": "Jl. Kenanga 2"}, seq=2)
    body = {"items": [[each["head"]["id"], each["payload_hash"]] for each in (envelope, other)]}
    yield "have", _shown("POST /v1/have", body, api.call("POST", "/v1/have", "deposit", json=body))

    content = deposit_content(INSTALL, json.dumps({"items": [other]}, separators=(",", ":")), INSTALL_KEY)
    body = {"box": seal_box(content, from_base64(hello["sealing_key"]["key"]) or b"", BOX_SEED)}
    answer = api.call("POST", "/v1/deposits", "deposit", json=body)
    inside = json.loads(content)
    inside["body"] = _cut(inside["body"])
    yield "deposit-content", "```json\n" + written(inside) + "\n```"
    yield (
        "deposits",
        _shown("POST /v1/deposits", {"box": {**body["box"], "sealed": _cut(body["box"]["sealed"])}}, answer),
    )

    body = api.unlocking()
    shown = body | {"box": body["box"] | {"sealed": _cut(body["box"]["sealed"])}}
    with mock.patch("server.api.sync.secrets.token_bytes", lambda count: BOX_SEED[:count]):
        yield "unlocks", _shown("POST /v1/unlocks", shown, api.call("POST", "/v1/unlocks", "deposit", json=body))

    api.world.staff("assignment", HOUSEHOLD, {"officer": "siti"}, area=VILLAGE, context={ref: HOUSEHOLD})
    api.world.fold()
    answer = api.call("GET", "/v1/feed", "read")
    yield "feed", _shown("GET /v1/feed?limit=50", None, answer)
    cursor = answer.get_json()["cursor"]
    yield "forms", _shown("GET /v1/forms", None, api.call("GET", "/v1/forms", "read"))
    yield "areas", _shown("GET /v1/areas", None, api.call("GET", "/v1/areas", "read"))
    yield from _central(api, HOUSEHOLD)
    yield from _photo(api, HOUSEHOLD, ref)
    api.code("siti", VILLAGE, "19.03.01.1002")
    yield "reset", _shown(f"GET /v1/feed?cursor={cursor}", None, api.call("GET", f"/v1/feed?cursor={cursor}", "read"))


def _central(api: Any, household: str) -> Iterator[tuple[str, str]]:
    from server.flows import people

    token = people.issue_token(api.world.db, "pusat", "pull", ["19.03"], now_ms=api.clock.now_ms(), days=30)
    lines = api.call("GET", "/v1/households?limit=1", token, headers={"Accept": "application/x-ndjson"})
    text = "\n".join(_cut(line, 400) for line in lines.text.splitlines())
    yield "households", f"```\nGET /v1/households?limit=1    Accept: application/x-ndjson\n```\n```\n{text}\n```"
    path = f"/v1/households/{household}"
    yield "household", _shown(f"GET {path}", None, api.call("GET", path, token))


def _photo(api: Any, household: str, ref: str) -> Iterator[tuple[str, str]]:
    from api_world import JSON

    photo = bytes(range(256)) * 800
    described = {"sha256": hashlib.sha256(photo).hexdigest(), "bytes": len(photo), "mime": "image/jpeg"}
    answers = {"photo": described["sha256"]}
    envelope = api.sealed(household, answers, attachments={"h/photo": described}, context={ref: household})
    yield "attachments", "```json\n" + written({"attachments": envelope["head"]["attachments"]}) + "\n```"
    api.call("POST", "/v1/events", "deposit", data=json.dumps({"items": [envelope]}), headers=JSON)
    path = f"/v1/blobs/{described['sha256']}"
    piece = {"Content-Type": "application/partial-upload", "Upload-Length": str(len(photo))}

    def patched(offset: int, end: int) -> str:
        headers = piece | {"Upload-Offset": str(offset)}
        answer = api.call("PATCH", path, "deposit", headers=headers, data=photo[offset:end])
        asked = "\n".join([f"PATCH {path}", *(f"{name}: {value}" for name, value in headers.items())])
        return f"```\n{asked}\n\n({end - offset} bytes)\n```\n{_headers(answer)}"

    yield "blob-begin", patched(0, 131_072)
    yield "blob-head", f"```\nHEAD {path}\n```\n{_headers(api.call('HEAD', path, 'deposit'))}"
    yield "blob-offset", patched(0, 131_072)
    yield "blob-end", patched(131_072, len(photo))


def _headers(answer: Any) -> str:
    told = [f"{name}: {value}" for name, value in answer.headers.items() if name.startswith(("Upload-", "Padan-"))]
    if answer.status_code == 204:
        return "\n".join(["```", "204", *told, "```"])
    return f"```\n{answer.status_code} {answer.mimetype}\n\n{written(answer.get_json())}\n```"


def rights() -> str:
    """Which kind of token may call what; drawn from the table that decides."""
    from server.auth.callers import ENDPOINTS, KINDS, REVOKED_MAY

    lines = ["| may call | " + " | ".join(KINDS) + " | when revoked |", "|---" * (len(KINDS) + 2) + "|"]
    for name, kinds in ENDPOINTS.items():
        marks = ["yes" if kind in kinds else "" for kind in KINDS]
        lines.append(f"| {name} | " + " | ".join(marks) + f" | {'yes' if name in REVOKED_MAY else ''} |")
    return "\n".join(lines)


def _public(private: bytes) -> str:
    import base64

    from schemas.signing import public_key

    return base64.b64encode(public_key(private)).decode()


def _shown(line: str, body: Any, answer: Any) -> str:
    asked = line if body is None else f"{line}\n\n{written(body)}"
    return f"```\n{asked}\n```\n```\n{answer.status_code} {answer.mimetype}\n\n{written(answer.get_json())}\n```"


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]} ... ({len(text)} characters)"


def written(value: Any, indent: int = 0) -> str:
    """JSON for readers: what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inner = [f"{json.dumps(key)}: {written(item, indent + 2)}" for key, item in value.items()]
        opened, closed = "{", "}"
    else:
        inner = [written(item, indent + 2) for item in value]
        opened, closed = "[", "]"
    return opened + "\n" + ",\n".join(pad + item for item in inner) + "\n" + " " * indent + closed


def with_examples(document: str, examples: dict[str, str]) -> str:
    """The document with its examples replaced. Raises `ValueError` where one of them has no place in it."""
    for name, text in examples.items():
        marks = re.compile(rf"<!-- exchange: {name} -->.*?<!-- end of {name} -->", re.DOTALL)
        if not marks.search(document):
            raise ValueError(f"the document has no <!-- exchange: {name} -->")
        block = f"<!-- exchange: {name} -->\n{text}\n<!-- end of {name} -->"
        document = marks.sub(lambda _, block=block: block, document)
    return document


def main() -> None:
    """Write the examples anew."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "server"), str(ROOT / "tests" / "server" / "api")]
    with tempfile.TemporaryDirectory() as folder:
        examples = exchanges(Path(folder)) | {"rights": rights()}
    DOCUMENT.write_text(with_examples(DOCUMENT.read_text(encoding="utf-8"), examples), encoding="utf-8")


if __name__ == "__main__":
    main()
