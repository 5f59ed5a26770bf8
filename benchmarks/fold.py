"""What a fold costs, beside plain parsing of the same bytes by `json` in the same run.

`python -m benchmarks.fold` folds one household with a list row and two submissions (20 household answers, 4 members
of 25) and prints the median of alternating rounds. Read the ratio: absolute times move with the machine.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

from schemas.event import Assertion, Event, Part, event_from_envelope, seal
from schemas.form import Dictionary
from schemas.ids import derived_uuid
from schemas.question import Field
from sync.fold import fold

ROUNDS = 9
FOLDS_PER_ROUND = 40
HOUSEHOLD = derived_uuid("household", "benchmark")
POLICIES = ("ask", "latest", "evidence", "latest", "ask")


def dictionary() -> Dictionary:
    """20 questions of a household and 25 of a member."""
    core = [
        Field(n, "p", "date" if n == "birth_date" else "text", "evidence")
        for n in ("m_name", "nik", "birth_date", "sex")
    ]
    home = [Field(f"h{n}", "h", "text" if n % 3 else "integer", POLICIES[n % 5]) for n in range(20)]
    member = [Field(f"p{n}", "p", "text" if n % 3 else "integer", POLICIES[n % 2]) for n in range(21)]
    return Dictionary([*core, *home, *member], "0" * 64)


def envelopes(known: Dictionary) -> list[dict[str, object]]:
    """A list row and two visits, each on top of what was there."""
    made: list[dict[str, object]] = []
    for number, kind in enumerate(("prelist", "submission", "submission")):
        parts = [Part("h", _answers(known, "h", number))]
        for member in range(4):
            person = derived_uuid("person", str(member))
            parts.append(Part(f"p/{HOUSEHOLD}/{person}", _answers(known, "p", number, member)))
        made.append(
            seal(
                id=derived_uuid("event", str(number)), kind=kind, household_id=HOUSEHOLD, home_region="19.03",
                actor=f"officer{number}", area="19.03.01.1001", parts=parts,
                salts={part.name: "0" * 32 for part in parts},
                context={event.ref: HOUSEHOLD for event in map(event_from_envelope, made)},
                body={"source": "p3ke", "vintage": "2024", "family_id": "1"} if kind == "prelist" else {},
            )
        )  # fmt: skip
    return made


def _answers(known: Dictionary, scope: str, number: int, member: int = 0) -> dict[str, Assertion]:
    special = {
        "nik": f"190301100580{member + 1:04d}",
        "birth_date": "1980-05-10",
        "sex": "1",
        "m_name": f"Anggota {member}",
    }
    fields = known.fields(scope) if number else known.fields(scope)[:8]
    return {
        field.name: Assertion(
            special.get(field.name, number if field.type == "integer" else f"jawaban {field.name}"), None, number
        )
        for field in fields
    }


def measure(work: Callable[[], object]) -> float:
    """Milliseconds of one call, the mean of a round."""
    start = time.perf_counter()
    for _ in range(FOLDS_PER_ROUND):
        work()
    return (time.perf_counter() - start) * 1000 / FOLDS_PER_ROUND


def main() -> dict[str, float]:
    """Print and answer the figures in milliseconds: fold of 2 submissions, of 3 events, parsing, and the ratio."""
    known = dictionary()
    wire = [json.dumps(envelope) for envelope in envelopes(known)]
    events: list[Event] = [event_from_envelope(json.loads(text)) for text in wire]
    rounds: dict[str, list[float]] = {"two submissions": [], "with the list row": [], "json.loads of two": []}
    for _ in range(ROUNDS):
        rounds["two submissions"].append(measure(lambda: fold(events[1:], known, [HOUSEHOLD])[0].data_bytes))
        rounds["with the list row"].append(measure(lambda: fold(events, known, [HOUSEHOLD])[0].data_bytes))
        rounds["json.loads of two"].append(measure(lambda: [json.loads(text) for text in wire[1:]]))
    figures = {name: statistics.median(times) for name, times in rounds.items()}
    figures["fold / json.loads"] = figures["two submissions"] / figures["json.loads of two"]
    for name, figure in figures.items():
        print(f"{name:20} {figure:8.3f}{'' if '/' in name else ' ms'}")
    return figures


if __name__ == "__main__":
    main()
