"""`padan assign`: who works which household; one by one, or all of a village that nobody has yet."""

from __future__ import annotations

import click

from schemas.problems import ProblemError
from server.commands._opening import act, as_staff, desk_for, open_server
from server.flows import review
from server.flows.fold import fold_all
from server.store import worklist

UNASSIGNED = ("listed",)


@click.command("assign")
@click.argument("words", metavar="[KELUARGA] PETUGAS...", nargs=-1, required=True)
@click.option("--area", metavar="KODE", help="Semua keluarga di wilayah ini yang belum ditugaskan.")
@click.option("--until", metavar="TANGGAL", help="Sampai tanggal, YYYY-MM-DD; hanya untuk satu keluarga.")
@click.option("--yes", is_flag=True, help="Bersama --area: tanpa bertanya.")
@as_staff
def command(words: tuple[str, ...], area: str | None, until: str | None, yes: bool, staff: str | None) -> None:
    """Tugaskan keluarga kepada petugas / give a household, or all free ones of a village, to officers."""
    if area is None:
        if len(words) < 2 or yes:
            raise click.UsageError("Tulis KELUARGA lalu PETUGAS, atau --area KODE lalu PETUGAS.")
        act(staff, lambda desk: review.assign(desk, words[0], words[1:], until))
        return
    if until:
        raise click.UsageError("--until hanya untuk satu keluarga.")
    opened = open_server()
    desk = desk_for(opened, staff)
    desk.require("assign", area)
    free = [each.household_id for each in worklist.stream(opened.store.db, [area], UNASSIGNED)]
    if not free:
        raise ProblemError("not_found", f"Tidak ada keluarga di {area} yang belum ditugaskan.")
    if not yes and not click.confirm(f"{len(free)} keluarga di {area} kepada {', '.join(words)}?"):
        return
    review.assign_many(desk, dict.fromkeys(free, words))
    fold_all(opened.store.db, opened.keys, opened.clock.now_ms())
    click.echo(f"{len(free)} keluarga ditugaskan.")
