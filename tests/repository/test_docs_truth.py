"""What the handbooks name is there: chapters, files, commands, metrics, jobs, words; and their recipes work."""

from __future__ import annotations

import csv
import os
import re
import sqlite3
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from field_forms.client.screens import STATE_WORDS
from schemas.bodies import VERDICTS
from schemas.event import KINDS
from server.auth.rights import ROLES
from server.cli import found_commands
from server.commands._review_text import CASES, STATE_NAMES
from server.sample.listing import OUTCOMES
from server.store.migrations import STEPS, open_store
from server.worker import JOBS
from sync.case import ORDER, STATES

HANDBOOKS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/domain.md", "docs/operations.md")
# `docs/merge.md, "States"`, also where a line ends between the two; `docs/domain.md, section 2`; `docs/domain.md, 4c`.
CHAPTER = re.compile(r"docs/([a-z-]+\.md)(?:,\s+(?:#\s+)?(?:\"([^\"]+)\"|(?:section\s+)?(\d[a-z]?)\b))?")


def test_every_chapter_that_a_comment_points_at_is_there(root: Path, modules: list[Any]) -> None:
    missing = []
    for module in modules:
        for name, heading, number in CHAPTER.findall(module.text):
            document = root / "docs" / name
            if not document.exists():
                missing.append(f"{module.name}: docs/{name}")
            elif not _has_heading(document, heading or number):
                missing.append(f"{module.name}: docs/{name}, {heading or number}")
    assert missing == []


def test_the_search_for_chapters_sees_them() -> None:
    text = 'see docs/domain.md, section 2 and docs/domain.md, 4c. (docs/merge.md,\n    "The strata"); docs/forms.md'
    assert CHAPTER.findall(text) == [
        ("domain.md", "", "2"),
        ("domain.md", "", "4c"),
        ("merge.md", "The strata", ""),
        ("forms.md", "", ""),
    ]


def test_every_file_that_a_handbook_names_is_there(root: Path, tracked: list[Path]) -> None:
    known = {path.relative_to(root).as_posix() for path in tracked}
    known |= {part.as_posix() for name in known for part in Path(name).parents}
    missing = []
    for document in (*HANDBOOKS, *(f"docs/decisions/{path.name}" for path in (root / "docs/decisions").glob("0*.md"))):
        for name in re.findall(r"`((?:[a-z_]+/)+(?:[a-z_0-9-]+\.[a-z]+)?)`", (root / document).read_text("utf-8")):
            short = name.rstrip("/")
            made = name.startswith(("var/", "field_forms/built/", "flows/", "store/", "api/"))
            if short not in known and not made:
                missing.append(f"{document}: {name}")
            if name.startswith(("flows/", "store/", "api/")) and f"server/{short}" not in known:
                missing.append(f"{document}: {name}")
    assert missing == []


def test_every_command_that_a_document_names_exists(root: Path) -> None:
    group = click.Group("padan", commands={command.name or "": command for command in found_commands()})
    unknown = []
    for path in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        # `padan event v1` begins what is signed.
        for line in re.findall(r"(?:`|^ *)padan ((?:[a-z-]++ ?)++)(?!\d)", text, re.MULTILINE):
            if not _is_command(group, line.split()):
                unknown.append(f"{path.relative_to(root)}: padan {line}")
    assert unknown == []


def test_every_metric_is_explained_and_no_other(root: Path) -> None:
    sources = [(root / "server/api" / name).read_text(encoding="utf-8") for name in ("gauges.py", "measured.py")]
    served = set(re.findall(r'"(padan_[a-z_]+)"', "".join(sources)))
    counted = set(re.findall(r'Counter\(\s*"(padan_[a-z_]+)"', "".join(sources)))
    assert counted < served and len(served) > 8
    text = (root / "docs/operations.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(padan_[a-z_]+)`", text, re.MULTILINE))
    assert explained == {f"{name}_total" if name in counted else name for name in served}


def test_the_alarms_for_prometheus_are_those_of_the_table(root: Path) -> None:
    """Each rule asks for a metric there is, with the limit that the table gives for it, and says what to do."""
    table = dict(
        re.findall(r"^\| `(padan_[a-z_]+)`[^|]*\| ([^|]+) \|", (root / "docs/operations.md").read_text("utf-8"), re.M)
    )
    groups = yaml.safe_load((root / "docs/alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 12 and len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "do"} and rule["labels"]["severity"] in ("page", "ticket")
        for name in re.findall(r"padan_[a-z_]+", rule["expr"]):
            assert name in table, f"{rule['alert']} asks for {name}"
            limit = re.search(r"[<>] ([0-9]{2,})\Z", rule["expr"])
            assert limit is None or limit[1] in table[name], f"{rule['alert']}: the table says {table[name]}"


def test_every_table_stands_where_state_lives(root: Path) -> None:
    text = (root / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.split("\n## Where state lives\n", 1)[1].split("\n## ", 1)[0]
    schema = " ".join(statement for _, statements in STEPS for statement in statements)
    tables = set(re.findall(r"create table ([a-z_]+)", schema))
    assert len(tables) > 30
    named = re.findall(r"`([a-z_*]+)`", section)
    assert {table for table in tables if not any(fnmatch(table, name) for name in named)} == set()


def test_the_codes_of_the_field_are_those_of_the_sheets(root: Path) -> None:
    text = (root / "docs/domain.md").read_text(encoding="utf-8")
    section = text.split("\n### 4b. Codes\n", 1)[1].split("\n### ", 1)[0]
    said = dict(re.findall(r"^\| `([a-z_]+)`[^|]* \| ([^|]+) \|$", section, re.MULTILINE))
    assert said.keys() >= {"visit_outcome", "presence", "sex", "relation", "nik_status", "event_type"}
    lists = {"birth_date_src": "date_src"}
    for name, codes in said.items():
        found = [code.split()[0] for code in codes.split(", ")]
        assert found == _choices(root, lists.get(name, name)), name


def test_the_shares_of_sample_families_are_those_of_the_generator(root: Path) -> None:
    text = (root / "docs/domain.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\| visit outcomes, in thousandths \| (.*) \|$", text, re.MULTILINE)
    assert [int(number) for number in re.findall(r"\d+", line)] == [weight for _, weight in OUTCOMES]


def test_every_job_is_in_the_handbook(root: Path) -> None:
    text = (root / "docs/operations.md").read_text(encoding="utf-8")
    table = text.split("| job | when |", 1)[1].split("\n\n", 1)[0]
    assert JOBS.keys() <= set(re.findall(r"^\| `([a-z]+)`", table, re.MULTILINE))


def test_the_glossary_has_every_state_kind_conflict_verdict_and_role(root: Path) -> None:
    text = (root / "docs/glossary.md").read_text(encoding="utf-8")
    assert _first_cells(text, "States of a household") == set(ORDER) == {state.name for state in STATES}
    assert _first_cells(text, "Kinds of events") == KINDS
    assert _first_cells(text, "Conflicts and cases") == _conflicts(root) | VERDICTS
    assert {role for role in ROLES if f"`{role}`" not in text} == set()
    told_apart = {
        "held",
        "kept",
        "rejected",
        "returned",
        "declined",
        "reservation",
        "lease",
        "claim",
        "durable",
        "dead",
    }
    assert {word for word in told_apart if f"**{word}**" not in text} == set()


def test_tablet_supervisor_and_glossary_use_the_same_words(root: Path) -> None:
    text = (root / "docs/glossary.md").read_text(encoding="utf-8")
    states = _words(text, "States of a household")
    assert states == {state: word.lower() for state, word in STATE_WORDS.items()} == STATE_NAMES
    cases = {kind: word for kind, word in _words(text, "Conflicts and cases").items() if kind not in VERDICTS}
    assert cases == {kind: CASES[kind][0] for kind in _conflicts(root)}


def test_every_decision_has_a_number_of_its_own(root: Path) -> None:
    numbers = [path.name[:4] for path in sorted((root / "docs/decisions").glob("*.md"))]
    assert len(numbers) == len(set(numbers))


def test_the_recipes_for_backup_and_restore_work(root: Path, tmp_path: Path) -> None:
    text = (root / "docs/operations.md").read_text(encoding="utf-8")
    copy_line = re.search(r'^python3 -c "(import sqlite3;.*)"$', text, re.MULTILINE)
    restore = re.search(r"^padan (campaign new-epoch .*)$", text, re.MULTILINE)
    assert copy_line and restore
    (tmp_path / "var").mkdir()
    open_store(tmp_path / "var/padan.db").close()
    target = tmp_path / "copy.db"
    _run(["-c", copy_line[1].replace("/media/cadangan/padan-1.db", str(target))], tmp_path, {})
    before = _epoch(target)
    words = ["-m", "server.cli", *restore[1].split(), "--yes"]
    said = _run(words, root, {"PADAN_DATABASE": str(target)})
    assert said.splitlines()[0] == f"epoch {_epoch(target)}"
    assert before != _epoch(target)


@pytest.mark.parametrize(("words", "known"), [("form publish", True), ("form publsh", False), ("nonsense", False)])
def test_the_search_for_commands_knows_them_from_others(words: str, known: bool) -> None:
    group = click.Group("padan", commands={command.name or "": command for command in found_commands()})
    assert _is_command(group, words.split()) is known


def _has_heading(document: Path, wanted: str) -> bool:
    if not wanted:
        return True
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return any(re.match(rf"{re.escape(wanted)}(?![a-z0-9])", heading) for heading in headings)


def _is_command(group: click.Group, words: list[str]) -> bool:
    """Whether the first words are a command; what follows a command are its arguments, or the sentence it stands in."""
    command = group.commands.get(words[0])
    if isinstance(command, click.Group):
        return len(words) < 2 or words[1].startswith("-") or words[1] in command.commands
    return command is not None


def _first_cells(text: str, heading: str) -> set[str]:
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def _words(text: str, heading: str) -> dict[str, str]:
    """Code -> Indonesian word, of the tables under a heading."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", section, re.MULTILINE))


def _conflicts(root: Path) -> set[str]:
    sources = "".join(path.read_text(encoding="utf-8") for path in (root / "sync").glob("*.py"))
    cases = (root / "sync/identity.py").read_text(encoding="utf-8")
    return set(re.findall(r'Conflict\(\s*"([a-z_]+)"', sources)) | set(re.findall(r'"(nik_[a-z_]+)"', cases))


def _choices(root: Path, list_name: str) -> list[str]:
    for form in ("verifikasi_keluarga", "perubahan"):
        with (root / "field_forms" / form / "choices.csv").open(encoding="utf-8", newline="") as file:
            found = [row["name"] for row in csv.DictReader(file) if row["list_name"] == list_name]
        if found:
            return found
    return []


def _run(arguments: list[str], folder: Path, settings: dict[str, str]) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PADAN_")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=kept | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _epoch(path: Path) -> str:
    with sqlite3.connect(path) as db:
        found: str = db.execute("select id from epochs order by epoch desc limit 1").fetchone()[0]
    return found
