"""A photo of 5 MB over a line that breaks twenty times, the server killed in between: once, whole, few bytes twice.

The server is `padan serve` as a process of its own, the tablet the field client as it is; between them a proxy counts
every byte that the tablet sends.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from breaking_line import BreakingLine
from photo_kit import jpeg, photo_of, sha
from serve_world import Serving
from server_world import NOW_MS, VILLAGE, World

from field_forms.client import FieldClient, HttpTransport, Unreachable
from field_forms.client.pace import SystemClock
from field_forms.client.transport import Request
from schemas.form import FormDefinition, Row
from schemas.question import Field
from server.flows import people
from server.store import blobs, forms
from server.store.migrations import open_store

PHOTO_BYTES, CUTS, KILLS, SENT_AT_MOST = 5_000_000, 20, 3, 1.3
pytestmark = pytest.mark.xdist_group("serving photos")


class PatientClock(SystemClock):
    """Waits a little only: the line is bad, and the test is not."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.05))


def photo_form() -> FormDefinition:
    """A form with a photo."""
    field = Field("photo", "h", "image", policy="set", form="foto", label_id="Foto")
    rows = (Row("question", "photo", "image", field=field),)
    return FormDefinition(id="foto", version="2026110101", title="Foto", rows=rows, choices={})


class Campaign:
    """A database with the form and an officer for each tablet; the server runs as often as it is started."""

    def __init__(self, folder: Path, tablets: int = 1, database: str = "") -> None:
        self.database = database or str(folder / "padan.db")
        self.folder = folder
        world = World(open_store(self.database))
        form = photo_form()
        definition = json.dumps(form.to_json()).encode()
        published = {"xform": None, "now_ms": NOW_MS, "published_by": "t"}
        forms.add_form(world.db, form.id, form.version, form.hash, definition, **published)
        now_ms = time.time_ns() // 1_000_000
        self.codes = []
        for number in range(tablets):
            people.add_officer(world.db, f"petugas-{number}", "Petugas", [VILLAGE], now_ms)
            chance = random.Random(number).randbytes(32)
            self.codes.append(people.issue_code(world.db, f"petugas-{number}", chance, by="t", now_ms=now_ms))
        world.store.close()

    def serve(self, **env: str) -> Serving:
        """Start the server once more."""
        return Serving(self.database, self.folder, **{"PADAN_SCHEDULER": "false"} | env)

    def tablet(self, number: int, port: int, **more: Any) -> FieldClient:
        """An enrolled tablet with the form on it."""
        client = FieldClient(
            self.folder / f"tablet-{number}", HttpTransport(f"http://127.0.0.1:{port}"), PatientClock(),
            random.Random(number), **more,
        )  # fmt: skip
        client.enrol(self.codes[number])
        assert client.fetch().complete
        return client


def taken(client: FieldClient, data: bytes) -> None:
    """A sealed form with the photo, of a family that is not on the list."""
    source = client.home / "kamera.jpg"
    source.write_bytes(data)
    draft = client.open_draft(None, "foto", area=VILLAGE)
    client.attach(draft, "h/photo", source)
    client.seal(draft)
    source.unlink()


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    yield Campaign(tmp_path)


def test_a_photo_arrives_once_over_a_line_that_breaks_twenty_times_and_a_server_that_is_killed(
    tmp_path: Path, new_address: Callable[[], str], engine: str, figure: Callable[[str], None]
) -> None:
    campaign = Campaign(tmp_path, database=new_address())
    chance = random.Random(20)
    photo = photo_of(PHOTO_BYTES, 5)
    serving = [campaign.serve()]
    client = campaign.tablet(0, serving[0].port, attempts_max=30)
    taken(client, photo)
    plan = [chance.randrange(20_000, PHOTO_BYTES) for _ in range(CUTS)]
    kills_at = sorted(chance.randrange(500_000, PHOTO_BYTES) for _ in range(KILLS))
    killed: list[int] = []
    over = threading.Event()

    with BreakingLine(lambda: serving[-1].port, plan) as line:

        def kill() -> None:
            while kills_at and not over.is_set():
                if line.photo_bytes >= kills_at[0]:
                    del kills_at[0]
                    serving[-1].kill()
                    killed.append(line.photo_bytes)
                    serving.append(campaign.serve())
                time.sleep(0.002)

        killer = threading.Thread(target=kill)
        killer.start()
        client.connect(HttpTransport(f"http://127.0.0.1:{line.port}", timeout_s=20))
        began = time.monotonic()
        results = []
        for _ in range(20):
            results.append(client.sync())
            if results[-1].complete:
                break
        took_s = time.monotonic() - began
        over.set()
        killer.join()
        sent, cuts, all_bytes = sum(each.photo_bytes_sent for each in results), line.cuts, line.from_tablet
    for each in serving:
        each.kill()

    figure(
        f"a photo of {PHOTO_BYTES:,} bytes over a line cut {cuts} times, padan serve on {engine} killed "
        f"{len(killed)} times: {sent:,} bytes of photo handed out ({sent / PHOTO_BYTES:.2f}x), "
        f"{all_bytes:,} bytes through the line ({all_bytes / PHOTO_BYTES:.2f}x) in {len(results)} syncs, {took_s:.1f} s"
    )
    assert results[-1].complete, results[-1].stopped
    assert (cuts, len(killed)) == (CUTS, KILLS)
    assert sent <= SENT_AT_MOST * PHOTO_BYTES
    assert all_bytes <= SENT_AT_MOST * PHOTO_BYTES
    _arrived_once(campaign, photo)
    client.close()


def _arrived_once(campaign: Campaign, photo: bytes) -> None:
    """By the files alone: one file under its hash, the bytes as they were taken, nothing left of the way."""
    found = [path for path in (campaign.folder / "blobs").rglob("*") if path.is_file()]
    assert [path.name for path in found] == [sha(photo)]
    assert found[0].read_bytes() == photo
    store = open_store(campaign.database)
    assert dict(blobs.counts(store.db)) == dict.fromkeys(blobs.STATES, 0) | {"waiting": 1}
    assert store.db.value("select count(*) from log where kind = 'submission'") == 1
    store.close()


def test_of_a_piece_that_is_cut_the_server_keeps_what_reached_it(campaign: Campaign) -> None:
    """Without that, each cut would cost the piece: the server that waits for whole bodies drops it."""
    photo = photo_of(900_000, 6)
    with campaign.serve() as serving:
        client = campaign.tablet(0, serving.port)
        taken(client, photo)
        client.connect(HttpTransport(f"http://127.0.0.1:{serving.port}"))
        server = client.server()
        client.sync()  # the form and the photo
        second = photo_of(900_000, 7)
        taken(client, second)
        name = sha(second)
        assert client.store.queue(5)
        _push_only(client)
        with BreakingLine(lambda: serving.port, [300_000]) as line:
            cut = HttpTransport(f"http://127.0.0.1:{line.port}")
            token = client.store.token("deposit")
            headers = {
                "authorization": f"Bearer {token}", "upload-offset": "0", "content-type": "application/partial-upload",
            }  # fmt: skip
            with pytest.raises(Unreachable):
                cut.send(Request("PATCH", f"/v1/blobs/{name}", headers, second[:900_000]))
            until = time.monotonic() + 10
            while (standing := server.blob_standing(name)).offset == 0 and time.monotonic() < until:
                time.sleep(0.02)
        assert 250_000 <= standing.offset <= 310_000
        path = campaign.folder / "blobs" / "uploads"
        (upload,) = path.iterdir()
        assert second.startswith(upload.read_bytes()[: standing.offset])
        assert client.sync().complete
        client.close()


def _push_only(client: FieldClient) -> None:
    """The form without its photo."""
    class NoPhotos:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def send(self, request: Any, on_bytes: Any = None) -> Any:
            if "/blobs/" in request.path:
                raise Unreachable("not now")
            return self._inner.send(request, on_bytes)

    inner = client._transport
    client.connect(NoPhotos(inner))
    assert client.sync().pushed == 1
    client.connect(inner)  # type: ignore[arg-type]


def test_memory_of_the_server_stays_flat_while_many_tablets_send(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """The first photos warm it up (connections to the database, threads, pieces as large as they get); after that, how
    many and how large they are costs nothing: it holds pieces, never files."""
    tablets, size, more = 12, 5_000_000, 3
    campaign = Campaign(tmp_path, tablets)
    with campaign.serve() as serving:
        for number in range(tablets):
            campaign.tablet(number, serving.port).close()

        def send(number: int, size: int) -> bool:
            client = FieldClient(
                campaign.folder / f"tablet-{number}", HttpTransport(f"http://127.0.0.1:{serving.port}"),
                PatientClock(), random.Random(f"{number} {size}"), attempts_max=50,
            )  # fmt: skip
            try:
                taken(client, photo_of(size, size + number))
                return client.sync().complete
            finally:
                client.close()

        peaks = []
        for each in (size, more * size):
            with ThreadPoolExecutor(tablets) as pool:
                assert all(pool.map(send, range(tablets), [each] * tablets))
            peaks.append(_peak_kib(serving))
    figure(
        f"{tablets} tablets sent {size / 1e6:.1f} MB each at once, then {more * size / 1e6:.1f} MB each: peak memory "
        f"of the server {peaks[0] / 1024:.0f} MiB, then {peaks[1] / 1024:.0f} MiB"
    )
    assert peaks[1] - peaks[0] < 24 * 1024 < tablets * more * size // 1024
    assert len([path for path in (tmp_path / "blobs" / "original").rglob("*") if path.is_file()]) == 2 * tablets


def test_a_photo_goes_from_the_tablet_to_the_eyes_of_the_staff(campaign: Campaign) -> None:
    """With the worker in `padan serve`, as it is installed."""
    with campaign.serve(PADAN_SCHEDULER="true") as serving:
        client = campaign.tablet(0, serving.port)
        taken(client, jpeg(800, 600))
        assert client.sync().photos_sent == 1
        store = open_store(campaign.database)
        token = people.issue_token(store.db, "staf", "staff", ["19"], now_ms=time.time_ns() // 1_000_000, days=1)
        store.close()
        until = time.monotonic() + 40
        while True:
            status, headers, body = serving.call("GET", f"/v1/blobs/{sha(jpeg(800, 600))}?size=thumb", token)
            if status == 200 or time.monotonic() > until:
                break
            assert (status, int(headers["retry-after"]) > 0) == (503, True), body
            time.sleep(0.3)
        assert (status, headers["content-type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")
        client.close()


def _peak_kib(serving: Serving) -> int:
    with open(f"/proc/{serving.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
