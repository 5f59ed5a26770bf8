"""`padan review ...` and `padan assign`: the supervisor's work by command, until there are pages for it.

Every command opens the database, takes a seat at the desk of a staff account, and calls one flow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from schemas.problems import ProblemError
from server.commands import _review_text as review_text
from server.commands._opening import desk_for, open_server
from server.flows import families, review
from server.flows.desk import Desk
from server.flows.fold import fold_all
from server.store import cases, households, unreadable

_as = click.option("--as", "staff", metavar="AKUN", help="Akun staf; juga lewat PADAN_STAFF.")
_comment = click.option("--comment", default="", help="Catatan yang ikut disimpan bersama keputusan.")
_json = click.option("--json", "as_json", is_flag=True, help="Satu objek JSON sebagai jawaban.")


@click.group("review")
def group() -> None:
    """Pemeriksaan oleh pengawas / the supervisor's review."""


@click.command("assign")
@click.argument("household")
@click.argument("officers", metavar="PETUGAS...", nargs=-1, required=True)
@click.option("--until", metavar="TANGGAL", help="Sampai tanggal, YYYY-MM-DD.")
@_as
def assign(household: str, officers: tuple[str, ...], until: str | None, staff: str | None) -> None:
    """Tugaskan keluarga kepada petugas / give a household to an officer."""
    _act(staff, lambda desk: review.assign(desk, household, officers, until))


@group.command("list")
@click.option("--state", help="Keadaan: submitted, conflict, in_review, returned, approved ...")
@click.option("--area", help="Awalan kode wilayah.")
@click.option("--kind", help="Jenis pertentangan; menampilkan perkara, bukan keluarga.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@_as
@_json
def list_(state: str | None, area: str | None, kind: str | None, limit: int, staff: str | None, as_json: bool) -> None:
    """Daftar keluarga menurut keadaan, atau perkara menurut jenis."""
    desk = desk_for(open_server(), staff)
    desk.require("read")
    rows: list[dict[str, Any]] = []
    for scope in [area] if area else desk.staff.scopes:
        desk.require("read", scope)
        region = ".".join(scope.split(".")[:2])
        if kind is None:
            found = households.page(desk.store.db, region, area_prefix=scope, state=state, limit=limit - len(rows))
            rows += [review_text.household_line(each) for each in found]
        else:
            opened = cases.open_cases(desk.store.db, region, area_prefix=scope, kind=kind, limit=limit - len(rows))
            rows += [review_text.case_line(each) for each in opened]
    click.echo(json.dumps(rows, ensure_ascii=False) if as_json else review_text.table(rows))


@group.command("show")
@click.argument("household")
@_as
@_json
def show(household: str, staff: str | None, as_json: bool) -> None:
    """Tampilkan catatan gabungan satu keluarga, pertentangannya, dan kejadian di baliknya."""
    desk = desk_for(open_server(), staff)
    shown = desk.show(household)
    nik_cases = cases.open_cases(desk.store.db, shown.stored.home_region, household_id=shown.household_id, limit=1000)
    niks = [each.detail for each in nik_cases if each.source == cases.NIK]
    if as_json:
        click.echo(json.dumps({"data": shown.data, "trail": shown.trail, "nik": niks}, ensure_ascii=False))
    else:
        click.echo(review_text.record_text(shown.data, shown.trail, niks))


@group.command("kept")
@click.option("--dismiss", metavar="SHA256", help="Nyatakan satu kiriman selesai; byte-nya tetap disimpan.")
@_as
def kept(dismiss: str | None, staff: str | None) -> None:
    """Kiriman yang tidak dapat dibaca: apa, dari tablet mana, mengapa."""
    desk = desk_for(open_server(), staff)
    desk.require("admit")
    if dismiss is not None and not unreadable.settle(desk.store.db, dismiss, desk.staff.staff, desk.clock.now_ms()):
        raise ProblemError("not_found", f"Kiriman {dismiss} tidak ada atau sudah selesai.")
    rows = [
        {"sha256": item.sha256, "reason": item.reason, "officer": item.officer or "-", "bytes": item.size}
        for item in unreadable.open_items(desk.store.db)
    ]
    click.echo(review_text.table(rows))


@group.command("approve")
@click.argument("household")
@click.option("--seen", metavar="DIGEST", help="Sidik data yang dilihat; ditolak bila catatan sudah berubah.")
@_as
def approve(household: str, seen: str | None, staff: str | None) -> None:
    """Setujui catatan seperti yang tampil sekarang."""
    _act(staff, lambda desk: review.approve(desk, household, seen))


@group.command("return")
@click.argument("household")
@click.option("--at", "comments", multiple=True, metavar="PATH=KOMENTAR", help="Komentar pada satu pertanyaan.")
@click.option("--note", default="", help="Catatan umum untuk petugas.")
@click.option("--due", metavar="TANGGAL", help="Batas waktu, YYYY-MM-DD.")
@click.option("--seen", metavar="DIGEST")
@_as
def return_(
    household: str, comments: tuple[str, ...], note: str, due: str | None, seen: str | None, staff: str | None
) -> None:
    """Kembalikan kepada petugas dengan komentar."""
    said = _pairs(comments)
    _act(staff, lambda desk: review.return_to_officer(desk, household, said, note=note, due=due, seen_digest=seen))


@group.command("decide")
@click.argument("household")
@click.argument("path")
@click.option("--take", metavar="REF", help="Ambil nilai menurut kejadian ini (awal ref, 8 angka atau lebih).")
@click.option("--value", "values", multiple=True, metavar="NAMA=NILAI", help="Tulis nilainya; NILAI boleh JSON.")
@click.option("--state", "states", multiple=True, metavar="NAMA=KEADAAN", help="declined, unknown, cleared ...")
@_comment
@_as
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
    _act(
        staff,
        lambda desk: review.decide(
            desk, household, path, take=take, answers=answers, states=_pairs(states), comment=comment
        ),
    )


@group.command("verdict")
@click.argument("household")
@click.argument("verdict")
@click.option("--path", default="", help="Pertentangan mana, bila ada beberapa: path, kunci anggota, atau ref.")
@click.option("--person", "persons", multiple=True, metavar="KUNCI", help="Kunci anggota <keluarga>/<orang>.")
@click.option("--to", metavar="KELUARGA", help="Untuk `moved`: keluarga tujuan.")
@_comment
@_as
def verdict(
    household: str, verdict: str, path: str, persons: tuple[str, ...], to: str | None, comment: str, staff: str | None
) -> None:
    """Putusan atas orang atau NIK: moved, wrong_nik, two_people, same_household, same_person, different_persons,
    replacement_confirmed, keep_filled."""

    def act(desk: Desk) -> str:
        if verdict in review.NIK_VERDICTS:
            return _nik_verdict(desk, household, verdict, path, persons, to, comment)
        if persons:
            return review.pair_persons(desk, household, persons, verdict, comment)
        return review.settle(desk, household, verdict, path=path, comment=comment)

    _act(staff, act)


@group.command("ratify")
@click.argument("households_", metavar="KELUARGA...", nargs=-1, required=True)
@click.option("--minutes", nargs=2, required=True, metavar="NOMOR TANGGAL", help="Berita acara.")
@click.option("--decree", nargs=2, metavar="NOMOR TANGGAL", help="SK.")
@click.option("--batch", help="Nama gelombang penetapan.")
@_as
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
    _act(staff, lambda desk: review.ratify(desk, households_, paper, signed, batch))


@group.command("link")
@click.argument("households_", metavar="KELUARGA...", nargs=-1, required=True)
@_comment
@_as
def link(households_: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Gabungkan beberapa nomor yang ternyata satu keluarga."""
    _act(staff, lambda desk: families.link(desk, households_, comment))


@group.command("unlink")
@click.argument("household")
@click.argument("links", metavar="REF...", nargs=-1)
@_comment
@_as
def unlink(household: str, links: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Pisahkan lagi yang pernah digabung; tanpa REF: semua penggabungan keluarga ini."""
    _act(staff, lambda desk: families.unlink(desk, household, links, comment))


@group.command("move")
@click.argument("household")
@click.argument("person")
@click.argument("to")
@_comment
@_as
def move(household: str, person: str, to: str, comment: str, staff: str | None) -> None:
    """Pindahkan anggota ke keluarga lain, atau keluar (`outside`)."""
    _act(staff, lambda desk: families.move(desk, household, person, to, comment))


@group.command("split")
@click.argument("household")
@click.argument("persons", metavar="ORANG...", nargs=-1, required=True)
@_comment
@_as
def split(household: str, persons: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Jadikan beberapa anggota keluarga baru (pecah KK)."""
    _act(staff, lambda desk: list(families.split(desk, household, persons, comment)))


def _pointing(name: str, flow: Any, text: str) -> None:
    @group.command(name, help=text)
    @click.argument("household")
    @click.argument("ref")
    @_comment
    @_as
    def command(household: str, ref: str, comment: str, staff: str | None) -> None:
        _act(staff, lambda desk: flow(desk, household, ref, comment))


_pointing("void", families.void, "Batalkan satu isian; `undo` mengembalikannya.")
_pointing("undo", families.undo, "Tarik kembali tindakan staf: keputusan, penggabungan, pembatalan.")
_pointing("admit", families.admit, "Masukkan isian yang ditahan ke dalam catatan.")
_pointing("waive", families.waive, "Berhenti menunggu kejadian yang tidak kunjung tiba.")


@group.command("reattach")
@click.argument("household")
@click.argument("ref")
@click.argument("to")
@_comment
@_as
def reattach(household: str, ref: str, to: str, comment: str, staff: str | None) -> None:
    """Pindahkan isian yang salah keluarga ke keluarga yang benar."""
    _act(staff, lambda desk: families.reattach(desk, household, ref, to, comment))


commands = (group, assign)


def _act(staff: str | None, act: Any) -> None:
    """Do one act, fold what it touched, and say what came of it."""
    opened = open_server()
    desk = desk_for(opened, staff)
    result = act(desk)
    fold_all(opened.store.db, opened.keys, opened.clock.now_ms())
    for ref in [result] if isinstance(result, str) else result:
        click.echo(ref)


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
        found = [case for case in found if any(each[1] in persons for each in case["persons"])]
    if len(found) != 1:
        raise ProblemError(
            "not_found", f"Ada {len(found)} perkara NIK yang cocok; sebutkan dengan --path atau --person."
        )
    case: Mapping[str, Any] = found[0]
    named = [tuple(each) for each in case["persons"] if each[1] in persons] if persons else []
    if verdict == "moved" and not named:
        named = [tuple(each) for each in case["persons"] if each[0] == shown.household_id]
    person = (str(named[0][0]), str(named[0][1])) if len(named) == 1 else None
    return review.settle_nik(desk, case, verdict, person=person, to=to, comment=comment)


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
