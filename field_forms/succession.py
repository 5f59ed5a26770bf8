"""Whether a version may follow those that were published: names, types, codes, and what becomes of old answers.

Looked at from its result: the lines of all versions together (schemas/lineage.py) are worked out as if this one were
published, and each question and code that was ever published must still lead somewhere, and only to itself. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from field_forms.form_problem import FormProblem
from field_forms.rows import Reading, SourceRow
from schemas.form import FormDefinition
from schemas.lineage import Key, Line, by_rank, current_versions, lines_of
from schemas.question import HOUSEHOLD, PERSON, Field
from schemas.upcast import may_widen

Retired = Collection[tuple[str, str]]
_SCOPE_WORDS = {HOUSEHOLD: "keluarga", PERSON: "anggota"}


def succession_problems(
    reading: Reading, definition: FormDefinition, published: Iterable[FormDefinition], retired: Retired = ()
) -> Iterator[FormProblem]:
    """Why the reading (its definition beside it) may not follow what is published. `retired`: `(id, version)`."""
    known = tuple(published)
    yield from _other_forms(reading, [form for form in known if form.id != reading.id])
    own = [form for form in known if form.id == reading.id]
    if not own:
        return
    yield from _version(reading, own)
    yield from _Succession(reading, definition, own, retired).problems()


def _version(reading: Reading, own: Sequence[FormDefinition]) -> Iterator[FormProblem]:
    newest = max(own, key=lambda form: form.order)
    if reading.version.isdecimal() and (int(reading.version), reading.version) <= newest.order:
        reason = f"versi {newest.version} sudah terbit; naikkan version"
        yield FormProblem("version_not_newer", reason, "settings", 2, "version")


def _other_forms(reading: Reading, others: Iterable[FormDefinition]) -> Iterator[FormProblem]:
    taken: dict[Key, str] = {}
    for form in others:
        for question in form.fields:
            taken.update({(question.scope, name): form.id for name in (question.name, *question.aliases)})
    for source, question in _questions(reading):
        for name in (question.name, *question.aliases):
            form_id = taken.get((question.scope, name))
            if form_id is not None:
                column = "name" if name == question.name else "aliases"
                yield _problem(source, column, "other_form", f"nama {name!r} sudah dipakai formulir {form_id}")


class _Succession:
    """The published versions of one form, and all of them with the new one."""

    def __init__(
        self, reading: Reading, definition: FormDefinition, own: Sequence[FormDefinition], retired: Retired
    ) -> None:
        self.reading = reading
        self.own = own
        self.current = current_versions(own, retired)[reading.id]
        self.before = _by_name(lines_of(by_rank(own, retired), retired))
        newest = max(form.order[0] for form in own)
        if definition.order[0] <= newest:  # told apart; what else there is to tell is that of a newer one
            definition = replace(definition, version=str(newest + 1))
        self.after = _by_name(lines_of(by_rank([*own, definition], retired), retired))
        self.asked: dict[int, list[tuple[SourceRow, Field]]] = {}
        for source, question in _questions(reading):
            line = self.after[question.scope, question.name]
            self.asked.setdefault(id(line), []).append((source, question))

    def problems(self) -> Iterator[FormProblem]:
        """Everything, question by question, then what is missing."""
        for found in self.asked.values():
            yield from self._claimed_once(found)
        for (source, question), *_ in self.asked.values():
            line = self.after[question.scope, question.name]
            yield from self._aliases(source, question)
            yield from self._one_question(source, line)
            yield from self._types(source, line)
            yield from self._choices(question, line)
        yield from self._rules()
        yield from self._missing()
        yield from self._removed()

    def _claimed_once(self, found: Sequence[tuple[SourceRow, Field]]) -> Iterator[FormProblem]:
        (first, question), *others = found
        for source, other in others:
            former = [name for name in (other.name, *other.aliases, question.name, *question.aliases)
                      if (other.scope, name) in self.before]  # fmt: skip
            name = former[0] if former else other.name
            reason = (
                f"{name!r} pernah menjadi nama pertanyaan di baris {first.number} ({question.name}); nama yang sudah "
                "terbit tidak dipakai untuk pertanyaan lain. Beri nama baru"
            )
            yield _problem(source, "name", "name_reused", reason)

    def _aliases(self, source: SourceRow, question: Field) -> Iterator[FormProblem]:
        for former in question.aliases:
            if (question.scope, former) in self.before:
                continue
            elsewhere = next((scope for scope, name in self.before if name == former), None)
            if elsewhere is not None:
                yield _problem(source, "aliases", "alias_scope", _moved(former, elsewhere, question.scope))
            else:
                reason = f"nama lama {former!r} belum pernah terbit; periksa ejaannya"
                yield _problem(source, "aliases", "alias_unknown", reason)

    def _one_question(self, source: SourceRow, line: Line) -> Iterator[FormProblem]:
        """No two questions that one version put side by side become one: who answered both would lose one answer."""
        scope = line.question.scope
        feeding = [each for each in _unique(self.after) if each.steps and each.target is line]
        names = [name for each in (line, *feeding) for name in each.names if (scope, name) in self.before]
        for one, other in combinations(names, 2):
            both = next((f.version for f in self.own if _asks(f, scope, one) and _asks(f, scope, other)), None)
            if both is not None:
                reason = f"{one!r} dan {other!r} dua pertanyaan dalam versi {both}; keduanya tidak dapat menjadi satu"
                yield _problem(source, "aliases", "two_questions", reason)
                return

    def _types(self, source: SourceRow, line: Line) -> Iterator[FormProblem]:
        for old in sorted(line.types):
            if not may_widen(old, line.question.type):
                reason = (
                    f"versi yang sudah terbit berjenis {old}; jawaban lama tidak terbaca sebagai {line.question.type}. "
                    "Beri nama baru, tulis nama lama di kolom aliases dan aturannya di kolom upcast"
                )
                yield _problem(source, "type", "published_type", reason)

    def _choices(self, question: Field, line: Line) -> Iterator[FormProblem]:
        lines = [self.before[key] for name in line.names if (key := (question.scope, name)) in self.before]
        old = {choice.name: choice for each in lines for choice in each.question.choices}
        former = {code: new for each in lines for code, new in each.codes.items()}
        active = {choice.name for choice in question.choices}
        for choice in question.choices if old else ():
            place = ("choices", self.reading.choice_rows[question.list_name, choice.name])
            if former.get(choice.name) in active - {choice.name}:
                reason = f"kode {choice.name!r} sudah diganti menjadi {former[choice.name]!r}; pakai kode yang baru"
                yield FormProblem("choice_reused", reason, *place, "name", question.name)
            was = old.get(choice.name)
            if was is not None and was.retired and _plain(was.label_id) != _plain(choice.label_id):
                reason = f"kode {choice.name!r} dahulu berarti {was.label_id!r}; beri kode lain"
                yield FormProblem("choice_reused", reason, *place, "name", question.name)
            for code in choice.aliases:
                if code not in old and code not in former:
                    reason = f"kode lama {code!r} belum pernah terbit untuk pertanyaan ini; periksa ejaannya"
                    yield FormProblem("choice_alias_unknown", reason, *place, "aliases", question.name)

    def _rules(self) -> Iterator[FormProblem]:
        """A rule takes what was asked and gives what is asked."""
        sources = {(q.scope, q.name): source for source, q in _questions(self.reading)}
        for line in _unique(self.after):
            if not line.steps or not line.target.asked:
                continue
            before = line.question
            for rule, to in line.steps:
                target = to.question
                source = sources.get((target.scope, target.name))
                if source is not None:
                    if before.type not in rule.takes or target.type not in rule.gives:
                        takes, gives = " / ".join(sorted(rule.takes)), " / ".join(sorted(rule.gives))
                        reason = (
                            f"aturan {rule.text!r} membaca {takes} menjadi {gives}, sedangkan {before.name} berjenis "
                            f"{before.type} dan {target.name} berjenis {target.type}"
                        )
                        yield _problem(source, "upcast", "upcast_type", reason)
                    for code in sorted(rule.codes - target.codes if target.choices else ()):
                        reason = f"aturan {rule.text!r}: kode {code!r} tidak ada dalam daftar {target.list_name}"
                        yield _problem(source, "upcast", "upcast_code", reason)
                before = target

    def _missing(self) -> Iterator[FormProblem]:
        asked = {question.name: question.scope for _, question in _questions(self.reading)}
        for question in self.current.fields:
            line = self.after[question.scope, question.name]
            if line.target.asked or question.name in self.reading.removed or question.type == "calculate":
                continue
            if asked.get(question.name, question.scope) != question.scope:
                reason = _moved(question.name, question.scope, asked[question.name])
                yield FormProblem("published_scope", reason, "survey", 0, "name", question.name)
                continue
            reason = (
                f"sudah terbit dalam versi {self.current.version} tetapi tidak ada lagi. Bila diganti nama, tulis nama "
                "lama di kolom aliases; bila tidak ditanyakan lagi, tulis namanya di kolom removed lembar settings "
                "(jawaban lama tetap berlaku), atau biarkan barisnya dan isi relevant dengan false() (tidak berlaku)"
            )
            yield FormProblem("published_missing", reason, "survey", 0, "name", question.name)

    def _removed(self) -> Iterator[FormProblem]:
        present = {question.name for question in self.current.fields}
        asked = {name for _, question in _questions(self.reading) for name in (question.name, *question.aliases)}
        for name in self.reading.removed:
            if name in asked:
                yield _settings("removed_asked", f"{name!r} masih ada di lembar survey; hapus dari removed")
            elif name not in present and not any(name == known for _, known in self.before):
                yield _settings("removed_unknown", f"{name!r} belum pernah terbit; periksa ejaannya")


def _questions(reading: Reading) -> Iterator[tuple[SourceRow, Field]]:
    for source in reading.rows:
        if source.row.field is not None:
            yield source, source.row.field


def _by_name(lines: Iterable[Line]) -> dict[Key, Line]:
    return {(line.question.scope, name): line for line in lines for name in line.names}


def _unique(lines: Mapping[Key, Line]) -> list[Line]:
    return list({id(line): line for line in lines.values()}.values())


def _asks(form: FormDefinition, scope: str, name: str) -> bool:
    question = form.by_name.get(name)
    return question is not None and question.scope == scope


def _moved(name: str, old: str, new: str) -> str:
    return (
        f"{name!r} ditanyakan di bagian {_SCOPE_WORDS.get(old, old)}, kini di bagian {_SCOPE_WORDS.get(new, new)}: "
        "jawaban lama tidak diketahui milik siapa. Beri pertanyaan baru nama lain, dan tulis nama lama di kolom "
        "removed lembar settings"
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _problem(source: SourceRow, column: str, code: str, reason: str) -> FormProblem:
    return FormProblem(code, reason, "survey", source.number, column, source.row.name)


def _settings(code: str, reason: str) -> FormProblem:
    return FormProblem(code, reason, "settings", 2, "removed")
