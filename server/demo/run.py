"""The demo, step by step: from an empty folder to a registry, a mirror, and a summary that says whether all is well."""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from field_forms.areas import load_areas
from field_forms.built import FORMS, source_folder
from field_forms.publish import prepare_file
from schemas.ids import uuid7
from schemas.prelist import PrelistFamily
from server.auth.callers import PULL
from server.auth.rights import DISTRICT_ADMIN, OPERATOR, SUPERVISOR
from server.demo import field_work, office, planted, safety
from server.demo.field_work import Team
from server.demo.office import Office
from server.demo.planted import Planted
from server.demo.sabotage import Files, spoil
from server.demo.stage import TWO_YEARS_MS, Stage, set_stage, tablet
from server.flows import deliver, people, review
from server.flows.backup import Done
from server.flows.import_prelist import Order, import_families
from server.flows.publish_form import publish_form
from server.prelist import load_mapping, read_prelist
from server.registry.reference.faults import Switch
from server.sample import Campaign, write_campaign
from server.store import backups, events, households, unreadable
from server.store.copying import copy_all
from server.store.database import SQLITE
from server.store.migrations import open_store
from server.worker import office_of, run_once

OFFICERS = 8
REGION = "19.03"
VINTAGE = "2026-1"
CHECKER = Path(__file__).with_name("check_files.py")
DELIVERY_S_MAX = 300
"""A registry that refuses often opens the circuit for a minute; more than a few of those is a fault."""


class Told(Protocol):
    """How the demo speaks while it runs."""

    def step(self, text: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """A step with its progress `(done, of)`."""


@dataclass
class Demo:
    """A finished run: the stage is still up."""

    stage: Stage
    team: Team
    planted: Planted
    office: Office
    pull_token: str
    summary: dict[str, Any] = field(default_factory=dict)
    backup: Done | None = None


def run(
    root: Path, told: Told, *, seed: int, families: int, port: int, sabotage: str | None, database: str = ""
) -> Demo:
    """The whole way. Raises on anything that did not go as it must."""
    rng = random.Random(seed)  # noqa: S311 - a rehearsal that can be repeated
    stage = set_stage(root, seed, port, database)
    truths = _campaign(stage, told, seed, families)
    _accounts(stage)
    plan = planted.choose(truths.values())
    team = _enrol(stage, told, truths, seed, plan)
    desk = office.open_office(stage, REGION)
    _field_rounds(stage, told, team, plan, desk, rng)
    _deliver(stage, told, desk, plan, team)
    token = people.issue_token(stage.store.db, "pusat", PULL, [REGION], now_ms=stage.clock.now_ms(), days=30)
    demo = Demo(stage, team, plan, desk, token)
    _pull(stage, told, token)
    with told.step("Cadangan: dibuat tersandi, dibaca ulang, dibuktikan") as progress:
        demo.backup = safety.back_up(stage, progress)
    with told.step("Tablet mendengar apa yang sudah aman") as progress:
        safety.sync_all(team, progress)
    with told.step("Memeriksa berkas: tablet, server, cermin, registri"):
        demo.summary = summarise(demo, sabotage)
    return demo


def summarise(demo: Demo, sabotage: str | None) -> dict[str, Any]:
    """The figures of the last line. `lost`, `registry_duplicates` and `mirror_equals_server` come from a script that
    imports nothing of Padan."""
    stage, desk = demo.stage, demo.office
    _write_file(stage)
    files = spoil(stage.home, sabotage, _own_files(stage))
    checked = _check_files(files, stage.home / "tablets")
    states = office.states(desk)
    delivery = deliver.overview(stage.store.db, stage.settings.registry_client)
    return {
        "households": sum(states.values()),
        "submissions_sealed": checked["sealed_on_tablets"],
        "submissions_in_log": events.count(stage.store.db, "submission") + events.count(stage.store.db, "change"),
        "held": events.count(stage.store.db, "hold") + unreadable.count(stage.store.db),
        "conflicts_opened": dict(sorted(desk.opened.items())),
        "decided": sum(desk.decided.values()),
        "decided_by_kind": dict(sorted(desk.decided.items())),
        "returned": desk.decided["return"],
        "ratified": events.count(stage.store.db, "ratification"),
        "delivered": states.get("accepted", 0),
        "registry_records": checked["registry_records"],
        "registry_duplicates": checked["registry_duplicates"],
        "dead_letters": len(deliver.dead_letters(stage.store.db)),
        "pulled": checked["mirror_households"],
        "mirror_equals_server": checked["mirror_equals_server"],
        "rebuild_identical": _rebuild_identical(stage, files.rebuilt),
        "backup_verified": demo.backup is not None and backups.newest_good(stage.store.db) is not None,
        "safe_on_tablets": sum(client.status().safe for client in demo.team.clients.values()),
        "lost": checked["lost"],
        "states": states,
        "planted": _planted_counts(demo, delivery),
        "uploads": dict(sorted(demo.team.statuses.items())) | {"cut_off": demo.team.cut_uploads},
    }


def _campaign(stage: Stage, told: Told, seed: int, families: int) -> dict[str, dict[str, Any]]:
    areas = load_areas()
    with told.step(f"Membuat daftar contoh: {families} keluarga di {areas.label(REGION)}") as progress:
        files = write_campaign(
            Campaign(areas, REGION, seed, families),
            stage.home / "campaign",
            second=False,
            answers=True,
            progress=lambda done: progress(done, families),
        )
    with told.step("Menerbitkan formulir"):
        for form in FORMS:
            publish_form(stage.store.db, prepare_file(source_folder(form)), now_ms=stage.clock.now_ms(), by="operator")
    with told.step("Memasukkan daftar P3KE") as progress:
        columns = load_mapping("p3ke")
        digest = hashlib.sha256(files.first.read_bytes()).hexdigest()
        order = Order(columns.source, VINTAGE, REGION, files.first.name, digest, "operator", columns.evidence)
        listed = (i for i in read_prelist(files.first, columns, areas, REGION) if isinstance(i, PrelistFamily))
        now_ms = stage.clock.now_ms()
        import_families(
            stage.store.db,
            stage.keys,
            order,
            listed,
            import_id=uuid7(now_ms, secrets.token_bytes(10)),
            now_ms=now_ms,
            progress=lambda done: progress(done, families),
        )
    with told.step("Mengolah daftar"):
        stage.folder.wake()
        office.wait_folded(stage)
    return {truth["household_id"]: truth for truth in field_work.read_truth(files.truth)}


def _accounts(stage: Stage) -> None:
    now_ms = stage.clock.now_ms()
    for account, name, role in (
        ("operator", "Operator TI", OPERATOR),
        ("admin", "Admin Dinsos", DISTRICT_ADMIN),
        ("pengawas", "Pengawas Kabupaten", SUPERVISOR),
    ):
        people.add_staff(stage.store.db, account, name, role, [REGION], now_ms)


def _enrol(stage: Stage, told: Told, truths: dict[str, dict[str, Any]], seed: int, plan: Planted) -> Team:
    names = [f"petugas-{number}" for number in range(1, OFFICERS + 1)]
    villages = field_work.share_villages(truths.values(), names)
    home = {village: officer for officer, own in villages.items() for village in own}
    team = Team({}, villages, truths=truths)
    with told.step(f"Mendaftarkan {OFFICERS} tablet") as progress:
        for number, name in enumerate(names):
            now_ms = stage.clock.now_ms()
            people.add_officer(stage.store.db, name, f"Petugas {number + 1}", villages[name] or [REGION], now_ms)
            code = people.issue_code(stage.store.db, name, secrets.token_bytes(32), by="pengawas", now_ms=now_ms)
            offset_ms = -TWO_YEARS_MS if number == OFFICERS // 2 else 0
            client = tablet(stage, name, seed * 100 + number, offset_ms=offset_ms)
            client.enrol(code)
            team.clients[name] = client
            progress(number + 1, OFFICERS)
    for household, truth in truths.items():
        first = home[truth["village_code"]]
        team.by_household[household] = [first]
        if len(truth["visits"]) > 1:
            team.by_household[household].append(next(each for each in names if each != first))
    planted.second_officers(plan, team)
    with told.step("Membagi tugas") as progress:
        desk = office.open_office(stage, REGION).desk
        review.assign_many(desk, team.by_household, lambda done: progress(done, len(truths)))
        office.wait_folded(stage)
    with told.step("Tablet mengunduh formulir dan daftar tugas") as progress:
        for number, client in enumerate(team.clients.values()):
            client.fetch()
            progress(number + 1, OFFICERS)
    return team


def _field_rounds(stage: Stage, told: Told, team: Team, plan: Planted, desk: Office, rng: random.Random) -> None:
    with told.step("Kunjungan tanpa jaringan") as progress:
        field_work.visit_everybody(team, plan.busy, progress)
        planted.plant_offline(plan, team)
    with told.step("Sinkronisasi: acak, berulang, satu terputus") as progress:
        field_work.sync_everybody(stage, team, rng, progress, rough=True)
        planted.plant_raw(plan, team)
    with told.step("Pengawas memeriksa"):
        stage.folder.wake()
        office.wait_folded(stage)
        office.note_conflicts(desk)
        office.settle_planted(desk, plan)
        office.settle_everything(desk, plan)
    with told.step("Putaran kedua: perbaikan, pindah, kunjungan ulang") as progress:
        time.sleep(1.1)  # signed times are whole seconds: the second round must lie wholly after the first
        field_work.sync_everybody(stage, team, rng, progress, rough=False)
        planted.plant_second_round(plan, team)
        planted.answer_return(plan, team)
        field_work.sync_everybody(stage, team, rng, progress, rough=False)
    with told.step("Menyetujui dan menetapkan"):
        office.settle_everything(desk, plan)
        office.approve_ready(desk)
        office.ratify_approved(desk)


def _deliver(stage: Stage, told: Told, desk: Office, plan: Planted, team: Team) -> None:
    worker = office_of(stage.store, stage.keys, stage.settings, stage.clock)
    rejected = (plan.households["link_other"],)
    words = "NIK tidak ditemukan di registri"
    stage.faults.set(
        {
            "drop_answer": Switch(permille=60, per_key=1),
            "too_many": Switch(permille=40, per_key=1, total=10, retry_after_s=1),
            "reject": Switch(households=rejected, code="nik_not_found", field="nik", message=words),
        }
    )
    with told.step("Mengirim ke registri yang rewel"):
        _run_worker(worker, desk)
    with told.step("Kematian setelah penetapan; registri lupa kunci"):
        stage.faults.set({"forget_keys": Switch(), "drop_answer": Switch(permille=100, per_key=1)})
        planted.report_death(plan, team)
        for client in team.clients.values():
            client.sync()
        office.settle_everything(desk, plan)
        office.approve_ready(desk)
        office.ratify_approved(desk)
        _run_worker(worker, desk)


def _run_worker(worker: Any, desk: Office) -> None:
    """Until no ratified household is left that may be delivered."""
    until = time.monotonic() + DELIVERY_S_MAX
    while time.monotonic() < until:
        run_once(worker)
        office.wait_folded(desk.stage)
        seen = deliver.overview(desk.stage.store.db, desk.stage.settings.registry_client)
        if not seen.queue and seen.next_due_ms is None:
            return
        time.sleep(0.25)
    raise RuntimeError("delivery did not come to its end; see `padan delivery list`")


def _pull(stage: Stage, told: Told, token: str) -> None:
    with told.step("Kantor pusat menarik data"):
        _padan(
            stage.root, "pull", "--into", str(stage.home / "pusat.db"), "--server", stage.url, PADAN_PULL_TOKEN=token
        )


def _write_file(stage: Stage) -> None:
    """Have the server's database as a SQLite file, which is what the outside check reads."""
    stage.store.db.checkpoint()
    if stage.store.engine != SQLITE:
        copy = open_store(stage.home / "padan.db")
        copy_all(stage.store.db, copy.db)
        copy.db.checkpoint()
        copy.close()


def _own_files(stage: Stage) -> Files:
    home = stage.home
    return Files(home / "padan.db", home / "padan.db", home / "padan.db", home / "pusat.db", home / "registry.db")


def _check_files(files: Files, folder: Path) -> dict[str, Any]:
    tablets = sorted(str(path) for path in folder.glob("*/tablet.db"))
    command = [sys.executable, "-I", str(CHECKER), "--server", str(files.logged), "--records", str(files.records)]
    command += ["--mirror", str(files.mirror), "--registry", str(files.registry), *tablets]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _rebuild_identical(stage: Stage, file: Path) -> bool:
    """`padan rebuild --check` in a process of its own, under another hash seed and in another order."""
    own = stage.store.engine != SQLITE and file == stage.home / "padan.db"
    done = _padan(
        stage.root,
        "rebuild",
        "--check",
        "--json",
        "--seed",
        "7",
        check=False,
        PADAN_DATABASE=stage.store.address if own else str(file),
        PADAN_FOLDER=str(stage.home),
        PYTHONHASHSEED="4711",
    )
    return bool(json.loads(done.stdout.strip().splitlines()[-1])["identical"])


def _padan(root: Path, *words: str, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.cli", *words]
    done = subprocess.run(command, cwd=root, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"padan {words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


def _planted_counts(demo: Demo, delivery: Any) -> dict[str, Any]:
    """Each planted case, as it can be found in the data."""
    desk, team, plan = demo.office, demo.team, demo.planted
    records = Counter(kind for kind in desk.opened.elements())
    returned = demo.planted.households["returned_and_corrected"]
    return {
        "two_officers_one_household": sum(len(officers) > 1 for officers in team.by_household.values()),
        "fields_differ": records["field"],
        "nik_move": int(_moved_pair(plan) in desk.moves_suggested),
        "nik_two_households": records["nik_two_households"],
        "nik_collision": records["nik_collision"],
        "nik_corrected_later": int(_nik_of(demo, "nik_wrong_then_corrected") == _true_nik(demo)),
        "members_without_nik": _without_nik(demo),
        "deceased_against_found": int(desk.decided["field"] > 0),
        "tablet_two_years_past": int(_submissions_of(demo, sorted(team.clients)[OFFICERS // 2]) > 0),
        "one_id_two_contents": int(plan.statuses.get("one_id_two_contents") == "equivocation"),
        "unreadable_item": int(plan.statuses.get("unreadable_item") == "held"),
        "outside_area": int(_state_of(demo, plan.outside_area) not in ("", "listed")),
        "wrong_family_reattached": desk.decided["reattach"],
        "linked_then_undone": desk.decided["undo"],
        "voided": desk.decided["void"],
        "returned_and_corrected": int(_state_of(demo, returned) == "accepted"),
        "death_after_ratification": int(_death_delivered(demo)),
        "outbox": delivery.rows,
    }


def _moved_pair(plan: Planted) -> frozenset[str]:
    return frozenset((plan.households["moved_from"], plan.households["moved_to"]))


def _record(demo: Demo, household: str) -> dict[str, Any]:
    shown = demo.office.desk.show(household)
    return dict(shown.data)


def _state_of(demo: Demo, household: str) -> str:
    return str(_record(demo, household)["state"]) if household else ""


def _nik_of(demo: Demo, case: str) -> str:
    data = _record(demo, demo.planted.households[case])
    key = demo.team.truths[demo.planted.households[case]]["members"][0]["key"]
    person = next(each for each in data["persons"] if key in each["keys"])
    return str(person["fields"]["nik"].get("value", ""))


def _true_nik(demo: Demo) -> str:
    return str(demo.team.truths[demo.planted.households["nik_wrong_then_corrected"]]["members"][0]["nik"])


def _without_nik(demo: Demo) -> int:
    records = households.stream(demo.stage.store.db, REGION)
    persons = [person for record in records for person in json.loads(record.data)["persons"]]
    return sum(person["fields"].get("nik_status", {}).get("value") == "3" for person in persons)


def _submissions_of(demo: Demo, officer: str) -> int:
    return len(demo.team.clients[officer].sealed_events())


def _death_delivered(demo: Demo) -> bool:
    household = demo.planted.households["death_after_ratification"]
    data = _record(demo, household)
    key = demo.team.truths[household]["members"][-1]["key"]
    person = next(each for each in data["persons"] if key in each["keys"])
    dead = person["fields"]["presence"].get("value") == "2"
    return bool(dead and data["state"] == "accepted")
