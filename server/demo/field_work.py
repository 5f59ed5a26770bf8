"""What the officers do in the demo: they visit the families of the sample campaign, with no network, and sync."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from field_forms.client import FieldClient, HttpTransport
from field_forms.client.answers_file import fill_from
from field_forms.client.transport import Server, Tokens
from server.demo.stage import CutOff, Stage

Progress = Callable[[int, int], None]


@dataclass
class Team:
    """The officers with their tablets and villages. `by_household`: who was sent where."""

    clients: dict[str, FieldClient]
    villages: dict[str, tuple[str, ...]]
    by_household: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    truths: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    cut_uploads: int = 0
    repeated: int = 0


def read_truth(path: Path) -> Iterator[dict[str, Any]]:
    """What would be found at each house, line by line."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def share_villages(truths: Iterable[dict[str, Any]], officers: list[str]) -> dict[str, tuple[str, ...]]:
    """Villages to officers, the largest first to whoever has least."""
    sizes = Counter(truth["village_code"] for truth in truths)
    load = dict.fromkeys(officers, 0)
    shares: dict[str, list[str]] = {officer: [] for officer in officers}
    for village, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        officer = min(officers, key=lambda each: (load[each], each))
        load[officer] += size
        shares[officer].append(village)
    return {officer: tuple(sorted(villages)) for officer, villages in shares.items()}


def visit_everybody(team: Team, leave_out: set[str], progress: Progress) -> int:
    """Every assigned family is visited and its form sealed; nothing touches the network. How many forms."""
    sealed = 0
    todo = [truth for hid, truth in team.truths.items() if hid not in leave_out]
    for done, truth in enumerate(todo):
        officers = team.by_household[truth["household_id"]]
        for visit in truth["visits"]:
            officer = officers[0] if visit["officer"] == "a" else officers[-1]
            fill_visit(team.clients[officer], truth["household_id"], visit["form"])
            sealed += 1
        if done % 25 == 0:
            progress(done, len(todo))
    progress(len(todo), len(todo))
    return sealed


def fill_visit(client: FieldClient, household_id: str, form: dict[str, Any]) -> str:
    """Open, fill and seal one household form; the ref of the sealed event."""
    draft = client.open_draft(household_id)
    with client.store.transaction():
        fill_from(client, draft, form, client.home)
    return client.seal(draft)


def sync_everybody(stage: Stage, team: Team, rng: random.Random, progress: Progress, *, rough: bool) -> None:
    """All tablets sync in shuffled order. `rough`: one upload is cut off, and some sync twice."""
    order = sorted(team.clients)
    rng.shuffle(order)
    for done, name in enumerate(order):
        client = team.clients[name]
        if rough and done == 0:
            line = CutOff(HttpTransport(stage.url), stage.url)
            client.connect(line)
            _sync(client, team)
            team.cut_uploads += line.cuts
            client.connect(HttpTransport(stage.url))
        _sync(client, team)
        if rough and done % 2:
            push_again(client, team)
        progress(done + 1, len(order))


def push_again(client: FieldClient, team: Team) -> None:
    """Send the first events once more, as a tablet does whose answer was lost: all are duplicates."""
    events = client.sealed_events()[:20]
    results = _server(client).push([event.item() for event in events])
    team.repeated += sum(result["status"] == "duplicate" for result in results)
    team.statuses.update(result["status"] for result in results)


def push_raw(client: FieldClient, items: list[Any], team: Team) -> list[dict[str, Any]]:
    """Send items that no draft made."""
    results = _server(client).push(items)
    team.statuses.update(result["status"] for result in results)
    return results


def _sync(client: FieldClient, team: Team) -> None:
    result = client.sync()
    team.statuses.update(result.statuses)
    if result.stopped:
        result = client.sync()
        team.statuses.update(result.statuses)
    if result.stopped:
        raise RuntimeError(f"a tablet could not sync: {result.stopped}")


def _server(client: FieldClient) -> Server:
    tokens = Tokens(client.store.token("deposit"), client.store.token("read"))
    return Server(HttpTransport(str(client.store.setting("server_url"))), tokens)
