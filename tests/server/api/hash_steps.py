"""The payload hash of the event in docs/protocol.md, step by step, with nothing but SHA-256 and sorted keys.

    python tests/server/api/hash_steps.py        writes the steps anew, after exchanges.py

It imports nothing of Padan: what a stranger's client would compute from the document alone.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"
BEGIN, END = "<!-- hash: steps -->", "<!-- end of steps -->"


def event_of(document: str) -> dict[str, Any]:
    """The first event of the example of a push."""
    example = document.partition("<!-- exchange: events -->")[2].partition("<!-- end of events -->")[0]
    body: dict[str, Any] = json.loads(example.split("```")[1].partition("\n\n")[2])
    event: dict[str, Any] = body["items"][0]
    return event


def steps(event: dict[str, Any]) -> str:
    """What is hashed and what comes out, in order."""
    lines, hashes = [], {}
    for part in event["parts"]:
        content = canonical({"assertions": part["assertions"], "text": part["text"]})
        hashes[part["name"]] = hashlib.sha256(bytes.fromhex(part["salt"]) + content.encode()).hexdigest()
        lines += [f"part {part['name']}", f"  salt     {part['salt']}", f"  content  {content}"]
        lines += [f"  hash     {hashes[part['name']]}"]
    whole = canonical({"head": event["head"], "parts": hashes})
    found = hashlib.sha256(whole.encode()).hexdigest()
    lines += ["event", f"  content  {whole}", f"  hash     {found}", f"  ref      {found[:32]}"]
    return "\n".join(lines)


def canonical(value: Any) -> str:
    """Canonical JSON of a value that keeps its rules."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def with_steps(document: str) -> str:
    """The document with the steps as they are for its event. Raises `ValueError` where it has no place for them."""
    before, found, rest = document.partition(BEGIN)
    _old, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the document has no {BEGIN}")
    return f"{before}{BEGIN}\n```\n{steps(event_of(document))}\n```\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_steps(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
