"""docs/pusat.md says what the mirror holds."""

from __future__ import annotations

import re
from pathlib import Path

from central_world import Central

from server.export.wide import CONFLICT, IRRELEVANT
from server.mirror.refusals import _BY_CODE

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "pusat.md").read_text(encoding="utf-8")


def test_every_table_of_the_mirror_is_described_and_no_other(central: Central) -> None:
    central.pull()
    described = re.findall(r"^\| `(\w+)` \|", DOCUMENT.split("## Isi cermin")[1], re.MULTILINE)
    tables = [name for (name,) in central.rows("select name from sqlite_master where type = 'table'")]
    assert sorted(described) == sorted(tables)


def test_the_columns_of_the_checked_tables_are_named_in_order(central: Central) -> None:
    central.pull()
    for table in ("households", "kamus"):
        columns = [row[1] for row in central.rows(f"pragma table_info({table})")]
        (line,) = re.findall(rf"^\| `{table}` \|.*$", DOCUMENT, re.MULTILINE)
        assert [name for name in re.findall(r"`(\w+)`", line)[1:] if name in columns][: len(columns)] == columns


def test_the_queries_shown_can_be_run(central: Central) -> None:
    central.pull()
    (shown,) = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    queries = [query for query in shown.split(";") if query.strip()]
    assert len(queries) == 3
    for query in queries:
        central.rows(query, {"nomor_lama": "x"} if ":nomor_lama" in query else ())


def test_reasons_without_a_value_and_refusals_are_in_the_document() -> None:
    for word in (CONFLICT, IRRELEVANT, "declined", "unknown", "not_applicable", "cleared"):
        assert f"`{word}`" in DOCUMENT
    assert "token ditolak" in _BY_CODE["unauthenticated"] and "token ditolak" in DOCUMENT
