"""`padan review ...`: the supervisor's work by command, until there are pages for it.

Every command opens the database, takes a seat at the desk of a staff account, and calls one flow.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from field_forms.areas import AreasMissing, load_areas
from schemas.bodies import VERDICTS
from schemas.problems import ProblemError
from server.commands import _review_acts
from server.commands import _review_text as review_text
from server.commands._opening import Opened, act, as_staff, desk_for, note_access, open_server
from server.commands._review_acts import with_comment
from server.flows import review
from server.flows.desk import Desk, one_beginning
from server.flows.families import names_person
from server.flows.fold import fold_all
from server.store import cases, households, unreadable, worklist
from sync.case import ORDER

_json = click.option("--json", "as_json", is_flag=True, help="Satu objek JSON sebagai jawaban.")


@click.group("review")
def group() -> None:
    """Pemeriksaan oleh pengawas / the supervisor's review."""


@group.command("list")
@click.option("--state", type=click.Choice(list(ORDER)), help="Hanya keadaan ini.")
@click.option("--area", metavar="KODE", help="Awalan kode wilayah, mis. 19.03.01.")
@click.option("--officer", metavar="PETUGAS", help="Hanya yang ditugaskan kepada petugas ini.")
@click.option("--kind", help="Jenis perkara (`semua` untuk semua jenis); menampilkan perkara, bukan keluarga.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_staff
@_json
def list_(
    state: str | None,
    area: str | None,
    officer: str | None,
    kind: str | None,
    limit: int,
    staff: str | None,
    as_json: bool,
) -> None:
    """Daftar keluarga, yang paling lama tidak berubah di atas; atau perkara menurut jenis. Tanpa NIK."""
    opened = open_server()
    desk = desk_for(opened, staff)
    desk.require("read", area)
    if kind is not None:
        rows = _case_rows(opened, desk, [area] if area else desk.staff.scopes, kind, limit)
        click.echo(json.dumps(rows, ensure_ascii=False) if as_json else review_text.case_table(rows))
        return
    words, now_ms = _words(desk), desk.clock.now_ms()
    found = worklist.stream(desk.store.db, [area] if area else desk.staff.scopes, [state] if state else ())
    rows = []
    for record in found:
        if officer is not None and officer not in json.loads(record.data)["assigned"]:
            continue
        if len(rows) == limit:
            break
        ids = [record.household_id, *record.aliases]
        since_ms = worklist.waiting_since_ms(desk.store.db, record.home_region, ids)
        rows.append(review_text.household_line(record, words, since_ms, now_ms))
    click.echo(json.dumps(rows, ensure_ascii=False) if as_json else review_text.household_table(rows))
    if len(rows) == limit and not as_json:
        click.echo(f"Hanya {limit} baris pertama; pakai --limit, --area, atau --state.", err=True)


@group.command("show")
@click.argument("household")
@as_staff
@_json
def show(household: str, staff: str | None, as_json: bool) -> None:
    """Tampilkan catatan gabungan satu keluarga, pertentangannya, dan kejadian di baliknya.

    KELUARGA: nomornya, 8 huruf pertama nomornya, atau ID keluarga pada daftar (P3KE). Pembukaannya dicatat."""
    opened = open_server()
    desk = desk_for(opened, staff)
    shown = desk.show(household)
    note_access(opened, desk, shown)
    nik_cases = cases.open_cases(desk.store.db, shown.stored.home_region, household_id=shown.household_id, limit=1000)
    niks = [each.detail for each in nik_cases if each.source == cases.NIK]
    if as_json:
        click.echo(json.dumps({"data": shown.data, "trail": shown.trail, "nik": niks}, ensure_ascii=False))
    else:
        click.echo(review_text.record_text(shown.data, shown.trail, niks, _words(desk)))


@group.command("kept")
@click.option("--dismiss", metavar="SHA256", help="Nyatakan satu kiriman selesai; byte-nya tetap disimpan.")
@as_staff
def kept(dismiss: str | None, staff: str | None) -> None:
    """Kiriman yang tidak dapat dibaca: apa, dari tablet mana, mengapa."""
    desk = desk_for(open_server(), staff)
    desk.require("admit")
    if dismiss is not None:
        whole = one_beginning(dismiss, [item.sha256 for item in unreadable.open_items(desk.store.db)])
        unreadable.settle(desk.store.db, whole, desk.staff.staff, desk.clock.now_ms())
    rows = [
        {"sha256": item.sha256[:16], "sebab": item.reason, "petugas": item.officer or "-", "byte": item.size}
        for item in unreadable.open_items(desk.store.db)
    ]
    click.echo(review_text.table(rows))


@group.command("approve")
@click.argument("households_", metavar="KELUARGA...", nargs=-1)
@click.option("--seen", metavar="DIGEST", help="Sidik data yang dilihat; ditolak bila catatan sudah berubah.")
@click.option("--all", "everything", is_flag=True, help="Semua yang siap: terisi, tanpa pertentangan.")
@click.option("--area", metavar="KODE", help="Bersama --all: hanya wilayah ini.")
@click.option("--yes", is_flag=True, help="Bersama --all: tanpa bertanya.")
@as_staff
def approve(
    households_: tuple[str, ...], seen: str | None, everything: bool, area: str | None, yes: bool, staff: str | None
) -> None:
    """Setujui catatan seperti yang tampil sekarang; satu, beberapa, atau semua yang siap di satu wilayah."""
    if everything == bool(households_):
        raise click.UsageError("Sebutkan keluarga, atau pakai --all.")
    if (area or yes) and not everything:
        raise click.UsageError("--area dan --yes hanya bersama --all.")
    if seen and len(households_) != 1:
        raise click.UsageError("--seen hanya untuk satu keluarga.")
    if len(households_) == 1:
        act(staff, lambda desk: review.approve(desk, households_[0], seen))
        return
    opened = open_server()
    desk = desk_for(opened, staff)
    if everything:
        ready = review.ready_to_approve(desk, area)
        if not _confirmed(desk, ready, yes):
            return
    else:
        named = [desk.show(household, "review") for household in households_]
        ready = [review.Ready(each.household_id, each.stored.area, each.stored.data_digest) for each in named]
    _approve_many(opened, desk, ready)


@group.command("return")
@click.argument("household")
@click.option("--at", "comments", multiple=True, metavar="PATH=KOMENTAR", help="Komentar pada satu pertanyaan.")
@click.option("--note", default="", help="Catatan umum untuk petugas.")
@click.option("--due", metavar="TANGGAL", help="Batas waktu, YYYY-MM-DD.")
@click.option("--seen", metavar="DIGEST")
@as_staff
def return_(
    household: str, comments: tuple[str, ...], note: str, due: str | None, seen: str | None, staff: str | None
) -> None:
    """Kembalikan kepada petugas dengan komentar."""
    said = _pairs(comments)
    act(staff, lambda desk: review.return_to_officer(desk, household, said, note=note, due=due, seen_digest=seen))


@group.command("decide")
@click.argument("household")
@click.argument("path")
@click.option("--take", metavar="REF", help="Ambil nilai menurut kejadian ini (awal ref, 8 angka atau lebih).")
@click.option("--value", "values", multiple=True, metavar="NAMA=NILAI", help="Tulis nilainya; NILAI boleh JSON.")
@click.option("--state", "states", multiple=True, metavar="NAMA=KEADAAN", help="declined, unknown, cleared ...")
@with_comment
@as_staff
def decide(
    household: str,
    path: str,
    take: str | None,
    values: tuple[str, ...],
    states: tuple[str, ...],
    comment: str,
    staff: str | None,
) -> None:
    """Putuskan pertentangan pada satu pertanyaan: ambil salah satu, atau tulis nilainya."""
    if (take is None) == (not values and not states):
        raise click.UsageError("Pakai --take REF, atau --value/--state.")
    answers = {name: _value(text) for name, text in _pairs(values).items()}
    act(
        staff,
        lambda desk: review.decide(
            desk, household, path, take=take, answers=answers, states=_pairs(states), comment=comment
        ),
    )


@group.command("verdict")
@click.argument("household")
@click.argument("verdict", type=click.Choice(sorted(VERDICTS)))
@click.option("--path", default="", help="Pertentangan mana, bila ada beberapa: path, kunci anggota, atau ref.")
@click.option("--person", "persons", multiple=True, metavar="KUNCI", help="Kunci anggota <keluarga>/<orang>.")
@click.option("--to", metavar="KELUARGA", help="Untuk `moved`: keluarga tujuan.")
@with_comment
@as_staff
def verdict(
    household: str, verdict: str, path: str, persons: tuple[str, ...], to: str | None, comment: str, staff: str | None
) -> None:
    """Putusan atas orang atau NIK: moved, wrong_nik, two_people, same_household, same_person, different_persons,
    replacement_confirmed, keep_filled."""

    def give(desk: Desk) -> str:
        if verdict in review.NIK_VERDICTS:
            return _nik_verdict(desk, household, verdict, path, persons, to, comment)
        if persons:
            shown = desk.show(household, "verdict")
            keys = [key for each in shown.data["persons"] for key in each["keys"] if _named(key, persons)]
            return review.pair_persons(desk, household, keys, verdict, comment)
        return review.settle(desk, household, verdict, path=path, comment=comment)

    act(staff, give)


@group.command("ratify")
@click.argument("households_", metavar="KELUARGA...", nargs=-1, required=True)
@click.option("--minutes", nargs=2, required=True, metavar="NOMOR TANGGAL", help="Berita acara.")
@click.option("--decree", nargs=2, metavar="NOMOR TANGGAL", help="SK.")
@click.option("--batch", help="Nama gelombang penetapan.")
@as_staff
def ratify(
    households_: tuple[str, ...],
    minutes: tuple[str, str],
    decree: tuple[str, str] | None,
    batch: str | None,
    staff: str | None,
) -> None:
    """Tetapkan keluarga yang sudah disetujui, dengan berita acara."""
    paper = {"number": minutes[0], "date": minutes[1]}
    signed = {"number": decree[0], "date": decree[1]} if decree else None
    act(staff, lambda desk: review.ratify(desk, households_, paper, signed, batch))


for _each in _review_acts.commands:
    group.add_command(_each)

command = group


def _words(desk: Desk) -> review_text.Words:
    """Labels of the sheet and names of areas; codes where the list of areas was not built."""
    try:
        names = load_areas()
    except AreasMissing:
        return review_text.Words(desk.dictionary(), lambda code: code)
    return review_text.Words(desk.dictionary(), lambda code: names.name(code) or code)


def _case_rows(opened: Opened, desk: Desk, scopes: Sequence[str], kind: str, limit: int) -> list[dict[str, Any]]:
    """Open cases in the areas, oldest first."""
    if kind != "semua" and kind not in review_text.CASES:
        raise click.UsageError(f"--kind {kind}: pilih semua, {', '.join(review_text.CASES)}.")
    found = worklist.open_cases(desk.store.db, scopes, None if kind == "semua" else kind, limit)
    words, now_ms = _words(desk), opened.clock.now_ms()
    rows = []
    for case in found:
        record = households.load(desk.store.db, case.household_id, case.home_region)
        head = "-" if record is None else review_text.head_name(json.loads(record.data))
        rows.append(review_text.case_line(case, head, words, now_ms))
    return rows


def _confirmed(desk: Desk, ready: Sequence[review.Ready], yes: bool) -> bool:
    """Show what would be approved, by village, and ask."""
    if not ready:
        click.echo("Tidak ada yang siap disetujui.")
        return False
    words = _words(desk)
    for area, count in sorted(Counter(each.area for each in ready).items()):
        click.echo(f"  {area}  {words.place(area)}: {count} keluarga")
    return yes or click.confirm(f"Setujui {len(ready)} keluarga ini tanpa membukanya satu per satu?")


def _approve_many(opened: Opened, desk: Desk, ready: Sequence[review.Ready]) -> None:
    with click.progressbar(length=len(ready), label="Menyetujui", file=sys.stderr) as bar:
        outcomes = review.approve_many(desk, ready, lambda done: bar.update(done - bar.pos))
    fold_all(opened.store.db, opened.keys, opened.clock.now_ms())
    refused = [each for each in outcomes if each.problem]
    for each in refused:
        click.echo(f"{each.household_id[:8]}: {each.problem}", err=True)
    click.echo(f"{len(outcomes) - len(refused)} disetujui, {len(refused)} tidak.")
    if refused:
        sys.exit(1)


def _nik_verdict(
    desk: Desk, household: str, verdict: str, path: str, persons: tuple[str, ...], to: str | None, comment: str
) -> str:
    shown = desk.show(household, "verdict")
    found = [
        case.detail
        for case in cases.open_cases(
            desk.store.db, shown.stored.home_region, household_id=shown.household_id, limit=1000
        )
        if case.source == cases.NIK and (not path or path in {head["path"] for head in case.detail["heads"]})
    ]
    if persons:
        found = [case for case in found if any(_named(each[1], persons) for each in case["persons"])]
    if len(found) != 1:
        raise ProblemError(
            "not_found", f"Ada {len(found)} perkara NIK yang cocok; sebutkan dengan --path atau --person."
        )
    case: Mapping[str, Any] = found[0]
    named = [tuple(each) for each in case["persons"] if _named(each[1], persons)] if persons else []
    if verdict == "moved" and not named:
        named = [tuple(each) for each in case["persons"] if each[0] == shown.household_id]
    person = (str(named[0][0]), str(named[0][1])) if len(named) == 1 else None
    target = desk.show(to, "verdict").household_id if to else None
    if verdict == "moved" and target is None:
        others = [each for each in case["households"] if person is None or each != person[0]]
        target = others[0] if len(others) == 1 else None
    return review.settle_nik(desk, case, verdict, person=person, to=target, comment=comment)


def _named(key: str, persons: Sequence[str]) -> bool:
    return any(names_person(text, key) for text in persons)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    out = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.UsageError(f"{text!r}: tulis NAMA=NILAI.")
        out[name] = value
    return out


def _value(text: str) -> Any:
    """A list, object or whole number written as JSON; anything else is the text itself. A NIK stays text."""
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
