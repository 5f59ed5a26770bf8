"""From a draft to a sealed event. A sealed event is never edited; a correction is a new one.

Pure but for the random bytes of the salts, which are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from field_forms.client.draft import Draft
from field_forms.client.filling import Remark
from schemas.canonical import canonical_bytes_unchecked
from schemas.event import Part, seal
from schemas.limits import EVENT_BYTES_MAX

RandomBytes = Callable[[int], bytes]


class NotSealed(Exception):
    """The form cannot be sealed yet. `remarks`: each question and why (Indonesian)."""

    def __init__(self, remarks: list[Remark]) -> None:
        super().__init__("; ".join(f"{each.question}: {each.reason}" for each in remarks))
        self.remarks = remarks


def seal_visit(draft: Draft, *, actor: str, random_bytes: RandomBytes) -> dict[str, Any]:
    """The envelope of a visit. Raises `NotSealed` for what the form's own rules refuse."""
    refuse_unless_complete(draft)
    chosen = draft.filled.assertions(draft.fixed.get("corrects"))
    parts = [Part(name, fields) for name, fields in chosen.items()]
    return seal_parts(draft, "submission", parts, actor=actor, random_bytes=random_bytes, body={}, also=())


def refuse_unless_complete(draft: Draft) -> None:
    """Raise `NotSealed` for what is missing or wrong; warnings pass."""
    blocking = [each for each in draft.remarks() if each.blocks]
    if blocking:
        raise NotSealed(blocking)


def seal_parts(
    draft: Draft, kind: str, parts: list[Part], *, actor: str, random_bytes: RandomBytes,
    body: Mapping[str, Any], also: tuple[tuple[str, str], ...],
) -> dict[str, Any]:  # fmt: skip
    """Parts sealed into the envelope of this draft. Raises `NotSealed` where the event is too large to be sent."""
    paths = {f"{part.name}/{name}" for part in parts for name in part.assertions}
    files = {
        path: {key: answer["file"][key] for key in ("sha256", "bytes", "mime")}
        for path, answer in draft.answers.items()
        if "file" in answer and path in paths
    }
    envelope = seal(
        id=draft.id,
        kind=kind,
        household_id=draft.household_id,
        home_region=draft.fixed["home_region"],
        actor=actor,
        area=_area(draft),
        parts=parts,
        salts={part.name: random_bytes(16).hex() for part in parts},
        context=draft.context,
        also=also,
        form={"id": draft.form.id, "version": draft.form.version, "hash": draft.form.hash},
        not_before=draft.fixed["not_before"],
        body=body,
        attachments=files,
    )
    size = len(canonical_bytes_unchecked(envelope))
    if size > EVENT_BYTES_MAX:
        raise NotSealed([Remark("", "Formulir", f"terlalu besar ({size} byte; batas {EVENT_BYTES_MAX})", True)])
    return envelope


def _area(draft: Draft) -> str:
    """The village that the officer says the visit was in, else that of the record."""
    question = draft.form.by_name.get("village_code")
    if question is not None:
        answer = draft.filled.answer(f"{question.scope}/village_code") or {}
        if isinstance(answer.get("value"), str) and answer["value"]:
            return str(answer["value"])
    return str(draft.fixed["area"])
