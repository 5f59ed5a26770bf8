"""`padan areas`: the table of all villages of the country. Builds and shows; the work is in field_forms/areas/."""

from __future__ import annotations

import click

from field_forms.areas import AreasMissing, built_folder, load_areas
from field_forms.areas.build import BuildFailed, build_areas
from schemas.areas import NATION, is_area


@click.group("areas")
def command() -> None:
    """Daftar wilayah / the table of areas (Kemendagri codes)."""


@command.command("build")
@click.option("--force", is_flag=True, help="Build again although it is there.")
def build(force: bool) -> None:
    """Fetch the pinned area data with npm and build the table."""
    try:
        built = build_areas(built_folder(), force=force)
    except BuildFailed as error:
        raise click.ClickException(str(error)) from error
    load_areas.cache_clear()
    click.echo(f"{'Built' if built else 'Already built'}: {len(load_areas())} areas in {built_folder()}")


@command.command("show")
@click.argument("code", default=NATION)
def show(code: str) -> None:
    """List the areas directly beneath CODE (the provinces without one)."""
    try:
        table = load_areas()
    except AreasMissing as error:
        raise click.ClickException(str(error)) from error
    if code != NATION and (not is_area(code) or code not in table):
        raise click.ClickException(f"{code}: tidak ada dalam daftar wilayah / not in the table of areas")
    if code != NATION:
        click.echo(f"{code}  {table.label(code)}")
    for child in table.children(None if code == NATION else code):
        click.echo(f"{child}  {table.name(child)}")
