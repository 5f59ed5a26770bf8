"""Acts of `padan review` on whole events and whole families: link, unlink, move, split, void, undo, reattach, admit,
waive. Each takes a seat at the desk of a staff account and calls one flow."""

from __future__ import annotations

from typing import Any

import click

from server.commands._opening import act, as_staff
from server.flows import families

with_comment = click.option("--comment", default="", help="Catatan yang ikut disimpan bersama keputusan.")


@click.command("link")
@click.argument("households_", metavar="KELUARGA...", nargs=-1, required=True)
@with_comment
@as_staff
def link(households_: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Gabungkan beberapa nomor yang ternyata satu keluarga."""
    act(staff, lambda desk: families.link(desk, households_, comment))


@click.command("unlink")
@click.argument("household")
@click.argument("links", metavar="REF...", nargs=-1)
@with_comment
@as_staff
def unlink(household: str, links: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Pisahkan lagi yang pernah digabung; tanpa REF: semua penggabungan keluarga ini."""
    act(staff, lambda desk: families.unlink(desk, household, links, comment))


@click.command("move")
@click.argument("household")
@click.argument("person")
@click.argument("to")
@with_comment
@as_staff
def move(household: str, person: str, to: str, comment: str, staff: str | None) -> None:
    """Pindahkan anggota ke keluarga lain, atau keluar (`outside`). Bila keanggotaannya bertentangan, ini
    memutuskannya; TO boleh keluarga yang sekarang."""
    act(staff, lambda desk: families.move(desk, household, person, to, comment))


@click.command("split")
@click.argument("household")
@click.argument("persons", metavar="ORANG...", nargs=-1, required=True)
@with_comment
@as_staff
def split(household: str, persons: tuple[str, ...], comment: str, staff: str | None) -> None:
    """Jadikan beberapa anggota keluarga baru (pecah KK)."""
    act(staff, lambda desk: list(families.split(desk, household, persons, comment)))


@click.command("reattach")
@click.argument("household")
@click.argument("ref")
@click.argument("to")
@with_comment
@as_staff
def reattach(household: str, ref: str, to: str, comment: str, staff: str | None) -> None:
    """Pindahkan isian yang salah keluarga ke keluarga yang benar."""
    act(staff, lambda desk: families.reattach(desk, household, ref, to, comment))


def _pointing(name: str, flow: Any, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("household")
    @click.argument("ref")
    @with_comment
    @as_staff
    def command(household: str, ref: str, comment: str, staff: str | None) -> None:
        act(staff, lambda desk: flow(desk, household, ref, comment))

    return command


void = _pointing("void", families.void, "Batalkan satu isian; `undo` mengembalikannya.")
undo = _pointing("undo", families.undo, "Tarik kembali tindakan staf: keputusan, penggabungan, pembatalan.")
admit = _pointing("admit", families.admit, "Masukkan isian yang ditahan ke dalam catatan.")
waive = _pointing("waive", families.waive, "Berhenti menunggu kejadian yang tidak kunjung tiba.")

commands = (link, unlink, move, split, reattach, void, undo, admit, waive)
