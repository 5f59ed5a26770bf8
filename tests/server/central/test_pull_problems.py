"""What a pull says when it cannot go on, and that the mirror is none the worse for it."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from central_world import Central, fill, running
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from server_world import World
from werkzeug import Request, Response

from server.commands.pull import command
from server.mirror import HttpSource, MirrorProblem, book, layout, pull
from server.store.migrations import open_store

ID = "11111111-1111-4111-8111-111111111111"
RECORD = {
    "household_id": ID, "home_region": "19.03", "area": "19.03.01.1001", "aliases": [], "state": "submitted",
    "assigned": [], "household": {}, "persons": [], "changes": [], "conflicts": [], "flags": [], "awaiting": [],
}  # fmt: skip
LINE = {"kind": "household", "household_id": ID, "home_region": "19.03", "area": "19.03.01.1001", "state": "submitted",
        "position": 1, "identity": [], "data": RECORD}  # fmt: skip
END = {"kind": "page", "cursor": "c", "more": False, "server_id": "s", "epoch": "e"}


def ndjson(*lines: Any) -> bytes:
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


@pytest.fixture
def stub(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/v1/forms").respond_with_json({"forms": []})
    return httpserver


def page(*lines: Any) -> Response:
    return Response(ndjson(*lines), content_type="application/x-ndjson")


def in_turn(stub: HTTPServer, *answers: Response) -> None:
    """One answer after the other."""
    left = list(answers)
    stub.expect_request("/v1/households").respond_with_handler(lambda _: left.pop(0))


def pulled(stub: HTTPServer, into: Path, waits: list[float] | None = None) -> Any:
    return pull(HttpSource(stub.url_for("/"), "t"), into, sleep=(waits if waits is not None else []).append)


def test_a_wrong_token_is_said_so_and_not_repeated(central: Central) -> None:
    with pytest.raises(MirrorProblem, match="token ditolak") as told:
        central.pull(HttpSource(central.url, "salah-sekali"))
    assert "salah-sekali" not in str(told.value)
    assert central.rows("select * from pull_state") == []


def test_a_tablets_token_is_no_token_of_the_central_office(central: Central, stub: HTTPServer, tmp_path: Path) -> None:
    problem = {"code": "wrong_token", "status": 403, "title": "x"}
    stub.expect_request("/v1/households").respond_with_json(problem, status=403)
    with pytest.raises(MirrorProblem, match="--for pull"):
        pulled(stub, tmp_path / "m.db")


def test_an_area_outside_of_the_token_is_said_so(central: Central) -> None:
    with pytest.raises(MirrorProblem, match="di luar wilayah token"):
        central.pull(central.source("19.03"), area="19.04")


def test_another_server_is_refused_until_full_is_said(central: Central, tmp_path: Path) -> None:
    mine = fill(central.world)
    central.world.fold()
    central.pull()
    other_store = open_store(tmp_path / "other.db")
    other_world = World(other_store, seed=9)
    theirs = fill(other_world)
    other_world.fold()
    with running(other_world) as url:
        other = Central(other_world, url, central.mirror)
        with pytest.raises(MirrorProblem, match="bukan server tempat cermin"):
            other.pull()
        assert set(central.households()) == {mine}
        done = other.pull(full=True)
        assert set(central.households()) == {theirs} and done.dropped == 1
    other_store.close()


def test_a_page_of_another_server_is_refused_though_its_cursor_is_taken(stub: HTTPServer, tmp_path: Path) -> None:
    in_turn(stub, page(LINE, END), page(END | {"server_id": "another"}))
    pulled(stub, tmp_path / "m.db")
    with pytest.raises(MirrorProblem, match="--full"):
        pulled(stub, tmp_path / "m.db")


def test_an_address_that_is_no_server_of_ours_is_said_so(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/forms").respond_with_data("<html>", content_type="text/html")
    httpserver.expect_request("/v1/households").respond_with_data("<html>", content_type="text/html")
    with pytest.raises(MirrorProblem, match="bukan server Padan"):
        pull(HttpSource(httpserver.url_for("/"), "t"), tmp_path / "m.db", sleep=lambda _: None)


def test_the_token_does_not_follow_a_redirection(httpserver: HTTPServer, tmp_path: Path) -> None:
    elsewhere: list[Request] = []
    httpserver.expect_request("/elsewhere").respond_with_handler(lambda r: elsewhere.append(r) or Response("x"))
    for path in ("/v1/forms", "/v1/households"):
        httpserver.expect_request(path).respond_with_data("", status=302, headers={"Location": "/elsewhere"})
    with pytest.raises(MirrorProblem, match="bukan server Padan"):
        pull(HttpSource(httpserver.url_for("/"), "t"), tmp_path / "m.db", sleep=lambda _: None)
    assert elsewhere == []


def test_a_server_that_is_gone_is_tried_again_with_longer_waits(central: Central) -> None:
    with pytest.raises(MirrorProblem, match=r"tidak terjangkau.*jalankan lagi"):
        central.pull(HttpSource("http://127.0.0.1:9", "t", timeout_s=1))
    assert len(central.waits) == 7 and max(central.waits) > 1 and len(set(central.waits)) == 7


def test_a_busy_server_is_given_the_time_it_asks_for(stub: HTTPServer, tmp_path: Path) -> None:
    in_turn(stub, Response("{}", 503, {"Retry-After": "7"}), page(LINE, END))
    waits: list[float] = []
    assert pulled(stub, tmp_path / "m.db", waits).households == 1
    assert len(waits) == 1 and 7 <= waits[0] <= 12


def test_gzip_is_asked_for_and_read_and_half_of_it_is_no_page(stub: HTTPServer, tmp_path: Path) -> None:
    packed = gzip.compress(ndjson(LINE, END))
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.headers["Accept-Encoding"])
        body = packed[: len(packed) // 2] if len(asked) == 1 else packed
        return Response(body, content_type="application/x-ndjson", headers={"Content-Encoding": "gzip"})

    stub.expect_request("/v1/households").respond_with_handler(answer)
    waits: list[float] = []
    assert pulled(stub, tmp_path / "m.db", waits).households == 1
    assert asked == ["gzip", "gzip"] and len(waits) == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([LINE | {"kind": "novel"}, END], "tidak dikenal; perbarui Padan"),
        ([LINE | {"household_id": "x"}, END], "keluarga yang berbeda"),
        ([{"kind": "household"}, END], "tanpa data"),
        ([LINE | {"data": None}, END], "bukan objek"),
        ([END, LINE], "sesudah baris penutup"),
        ([[1, 2]], "bukan objek"),
    ],
)
def test_a_line_that_cannot_be_right_is_named_and_nothing_of_its_page_is_kept(
    stub: HTTPServer, tmp_path: Path, lines: list[Any], told: str
) -> None:
    stub.expect_request("/v1/households").respond_with_data(ndjson(*lines), content_type="application/x-ndjson")
    with pytest.raises(MirrorProblem, match=told):
        pulled(stub, tmp_path / "m.db")
    assert sqlite3.connect(tmp_path / "m.db").execute("select count(*) from households").fetchone() == (0,)


def test_a_full_disk_undoes_the_page_and_keeps_the_ones_before(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fill(central.world)
    central.world.fold()
    central.pull()
    for number in range(2, 60):
        fill(central.world, "x" * 2_000, nik=f"190301010180{number:04}")
    central.world.fold()

    def small(path: Path) -> sqlite3.Connection:
        raw = layout.open_mirror(path)
        pages = raw.execute("pragma page_count").fetchone()[0]
        raw.execute(f"pragma max_page_count = {pages + 8}")
        return raw

    with monkeypatch.context() as patched:
        patched.setattr(book, "open_mirror", small)
        with pytest.raises(MirrorProblem, match="diska penuh"):
            central.pull()
    assert set(central.households()) == {kept}
    central.pull()
    assert central.households() == central.stored() and len(central.stored()) == 59


def test_a_file_of_another_program_is_not_written_into(central: Central) -> None:
    other = sqlite3.connect(central.mirror)
    other.execute("create table precious (x)")
    other.close()
    before = central.mirror.read_bytes()
    with pytest.raises(MirrorProblem, match="bukan cermin Padan"):
        central.pull()
    assert central.mirror.read_bytes() == before
    central.mirror.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(MirrorProblem, match="bukan berkas SQLite"):
        central.pull()


def test_a_mirror_of_a_newer_padan_is_left_alone(central: Central) -> None:
    central.pull()
    newer = sqlite3.connect(central.mirror)
    newer.execute("pragma user_version = 99")
    newer.close()
    with pytest.raises(MirrorProblem, match="lebih baru"):
        central.pull()


def test_two_pulls_at_once_do_not_mix(central: Central) -> None:
    central.pull()
    other = sqlite3.connect(central.mirror, isolation_level=None)
    other.execute("begin immediate")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "BUSY_TIMEOUT_MS", 50)
        with pytest.raises(MirrorProblem, match="tarikan lain"):
            central.pull()
    other.close()


def test_the_command_takes_the_token_from_a_file_or_from_the_settings(
    central: Central, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(central.world)
    central.world.fold()
    token = tmp_path / "token"
    token.write_text(central.token() + "\n")
    arguments = ["--into", str(central.mirror), "--server", central.url]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, [*arguments, "--token-file", str(token)])
    assert done.exit_code == 0, done.output
    assert "1 keluarga, 2 baris anggota" in done.output
    again = CliRunner().invoke(command, arguments, env={"PADAN_PULL_TOKEN": central.token()})
    assert again.exit_code == 0 and "0 perubahan" in again.output
    without = CliRunner().invoke(command, arguments)
    assert without.exit_code == 2 and "PADAN_PULL_TOKEN" in without.output
    wrong = CliRunner().invoke(command, [*arguments, "--server", "padan.example"], env={"PADAN_PULL_TOKEN": "x"})
    assert wrong.exit_code == 1 and "tidak lengkap" in wrong.output
