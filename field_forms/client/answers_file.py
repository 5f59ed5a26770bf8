"""Answers from a JSON file, for practice, for a laptop beside the tablet, and for those who prefer an editor.

    {"household": {"visit_outcome": "01", "address": {"state": "declined"}},
     "members": [{"key": "<household>/<person>", "answers": {"nik_status": "1"}}, {"answers": {"name": "Budi"}}],
     "event": {"death_cause": "1"}}

A member is found by `key`, else by `nik` or `name` of one on record; one with `answers` only is new. Values are those
that travel (docs/field-client.md); `{"photo": "FILE"}` attaches a file. All problems are told at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from field_forms.client.draft import NAMES, AnswerProblem, Draft
from schemas.paths import EVENT_PART, HOUSEHOLD_PART, person_part

if TYPE_CHECKING:
    from field_forms.client.client import FieldClient

FILE_BYTES_MAX = 4 * 1024 * 1024
MEMBERS = frozenset({"household", "members", "event"})


class FileProblem(Exception):
    """The file cannot be used; the message says where and why, one line a problem."""


def read_answers(path: Path) -> dict[str, Any]:
    """The JSON object of a file. Raises `FileProblem`."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileProblem(f"{path}: lebih besar dari {FILE_BYTES_MAX} byte")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(f"{path}: tidak dapat dibaca ({error})") from error
    except ValueError as error:
        raise FileProblem(f"{path}: bukan JSON ({error})") from error
    except RecursionError:
        raise FileProblem(f"{path}: bersarang terlalu dalam") from None
    if not isinstance(data, dict) or not data.keys() <= MEMBERS:
        raise FileProblem(f"{path}: harus satu objek dengan {', '.join(sorted(MEMBERS))}")
    return data


def fill_from(client: FieldClient, draft: Draft, data: Mapping[str, Any], folder: Path) -> None:
    """Put all answers into a draft. `folder`: where photos are looked for. Raises `FileProblem`; what was right is
    saved all the same."""
    problems: list[str] = []
    for member, part in (("household", HOUSEHOLD_PART), ("event", EVENT_PART)):
        _fill_part(client, draft, part, data.get(member, {}), member, folder, problems)
    members = data.get("members", [])
    if not isinstance(members, list):
        problems.append("members: harus daftar")
        members = []
    for number, member in enumerate(members, 1):
        where = f"members[{number}]"
        if not isinstance(member, Mapping) or not isinstance(member.get("answers"), Mapping):
            problems.append(f"{where}: harus objek dengan answers")
            continue
        key = _member_key(client, draft, member, where, problems)
        if key is not None:
            _fill_part(client, draft, person_part(key), member["answers"], where, folder, problems)
    if problems:
        raise FileProblem("\n".join(problems))


def _member_key(
    client: FieldClient, draft: Draft, member: Mapping[str, Any], where: str, problems: list[str]
) -> str | None:
    sought = {name: member[name] for name in ("key", "nik", "name") if name in member}
    if not sought:
        return client.add_member(draft)
    if "key" in sought:
        found = [key for key in draft.persons if key == sought["key"]]
    else:
        found = [key for key in draft.persons if _matches(draft, key, sought)]
    if len(found) != 1:
        problems.append(f"{where}: {len(found)} anggota cocok dengan {', '.join(sorted(sought))}; sebutkan key")
        return None
    return found[0]


def _matches(draft: Draft, key: str, sought: Mapping[str, Any]) -> bool:
    for name, value in sought.items():
        columns = NAMES if name == "name" else (name,)
        answers = [draft.filled.answer(f"{person_part(key)}/{column}") for column in columns]
        if not any(answer is not None and answer.get("value") == value for answer in answers):
            return False
    return True


def _fill_part(
    client: FieldClient, draft: Draft, part: str, answers: Any, where: str, folder: Path, problems: list[str]
) -> None:
    if not isinstance(answers, Mapping):
        problems.append(f"{where}: harus objek pertanyaan dan jawaban")
        return
    for name, value in answers.items():
        path = f"{part}/{name}"
        try:
            if isinstance(value, Mapping) and value.keys() == {"state"}:
                draft.answer(path, state=str(value["state"]))
            elif isinstance(value, Mapping) and value.keys() == {"photo"}:
                client.attach(draft, path, folder / str(value["photo"]))
            elif value is None or isinstance(value, bool | float):
                raise AnswerProblem("nilai harus teks, bilangan bulat, daftar kode, atau objek; desimal sebagai teks")
            else:
                draft.answer(path, value)
        except (AnswerProblem, OSError) as error:
            problems.append(f"{where}.{name}: {error}")
