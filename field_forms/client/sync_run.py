"""One synchronisation: hello, have, push, feed, forms; in steps that can be cut off anywhere and begun again.

Every state is saved before the next network call (docs/protocol.md, "What a device does"). Nothing is kept in
memory that the next run would need; an event leaves the queue only with the server's answer in the officer's file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from field_forms.client.deposit import make_boxes
from field_forms.client.feed import RETRY, is_durable, read_page, settle
from field_forms.client.file_upload import FileUpload
from field_forms.client.pace import BATCH_BYTES_MAX, Backoff, Clock, FilePace, GaveUp, Pace
from field_forms.client.store import RECEIVED, Sealed, Store
from field_forms.client.store_erasure import compact, erase_parts, erase_person, forget_events
from field_forms.client.store_feed import FeedStore
from field_forms.client.store_files import FileStore
from field_forms.client.sync_result import OnProgress, Progress, SyncResult
from field_forms.client.transport import Server, ServerRefused, Tokens, Transport, Unreachable
from schemas.limits import BLOB_CHUNK_BYTES_MAX, FEED_PAGE_DEFAULT, HAVE_PER_REQUEST_MAX, STAMPS_PER_HELLO_MAX

HAVE_EVERY_MS = 24 * 3_600_000
BATCH_SIZE_STAFF = 50
CUT_ON_THE_WAY = frozenset({"cut_off", "bad_gzip"})
"""Answers of 400 that say the line broke the body, not that the body was wrong."""
_T = TypeVar("_T")


class SyncRun:
    """One run over one officer's file."""

    def __init__(
        self, store: Store, transport: Transport, clock: Clock, rng: random.Random,
        progress: OnProgress | None = None, attempts_max: int | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._feed = FeedStore(store)
        self._files = FileStore(store)
        self._clock = clock
        self._rng = rng
        self._tell = progress or (lambda _: None)
        self._server = Server(transport, Tokens(store.token("deposit"), store.token("read")))
        self._backoff = Backoff(clock.sleep, rng) if attempts_max is None else Backoff(clock.sleep, rng, attempts_max)
        self._forgot = False
        self.result = SyncResult()

    def run(self) -> SyncResult:
        """Everything. Never raises for the network's or the server's sake: `result` says how far it came."""
        try:
            try:
                self._everything()
                self.result.complete = True
            except ServerRefused as error:
                if error.status not in (401, 403) or self._store.token("deposit") is None:
                    raise
                if error.status == 401:
                    self._store.set(replaced=self._store.setting("replaced", 0) + 1)
                self._deposit_all(error)
        except GaveUp as error:
            self.result.stopped, self.result.wait_s = _stopped(error), error.wait_s
        except ServerRefused as error:
            self.result.stopped = f"Server menolak: {error.detail or error.code} ({error.code})."
        finally:
            if self._forgot:
                compact(self._store)
        return self.result

    def fetch(self) -> SyncResult:
        """Forms and feed only; sends nothing."""
        try:
            self._pull_forms(self._hello([]).get("forms"))
            self._pull_feed()
            self.result.complete = True
        except GaveUp as error:
            self.result.stopped, self.result.wait_s = _stopped(error), error.wait_s
        except ServerRefused as error:
            self.result.stopped = f"Server menolak: {error.detail or error.code} ({error.code})."
        finally:
            if self._forgot:
                compact(self._store)
        return self.result

    def _everything(self) -> None:
        hello = self._stamp_all()
        self._offer_again()
        self._push_all()
        self._push_staff()
        self._mark_durable(hello)
        stopped = self._send_photos()
        if self._store.token("read") is not None:
            self._pull_forms(hello.get("forms"))
            self._pull_feed()
            if self.result.new_forms:
                self._tell_new_forms()
        if stopped is not None:
            raise stopped

    # hello

    def _stamp_all(self) -> dict[str, Any]:
        hello = self._hello(self._store.unstamped(STAMPS_PER_HELLO_MAX))
        while self.result.stamped and (more := self._store.unstamped(STAMPS_PER_HELLO_MAX)):
            before = self.result.stamped
            hello = self._hello(more)
            if self.result.stamped == before:  # the server gives none for these: they go without
                break
        return hello

    def _tell_new_forms(self) -> None:
        """So that the office sees today who has the new version; if the line is gone by now, it hears next time."""
        with suppress(GaveUp, ServerRefused):
            self._hello([])

    def _hello(self, named: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        self._tell(Progress("hello"))
        hello = self._try(lambda: self._server.hello(named, self._feed.forms_here()))
        stamps = hello.get("stamps") or {}
        wanted = {each["ref"]: stamps[each["ref"]] for each in named if each["ref"] in stamps}
        time = hello.get("time")
        with self._store.transaction():
            if wanted:
                self._store.save_stamps(wanted)
            if isinstance(time, Mapping):
                self._store.set(server_time=time.get("time"))
            elif isinstance(time, str):
                self._store.set(server_time=time)
            self._new_epoch(hello)
            if "limits" in hello:
                self._store.set(limits=hello["limits"])
            if "sealing_key" in hello:
                self._store.set(sealing_key=hello["sealing_key"])
            if "areas" in hello:
                self._feed.save_scopes(hello["areas"])
        self.result.stamped += len(wanted)
        return hello

    def _new_epoch(self, hello: Mapping[str, Any]) -> None:
        known, now = self._store.setting("epoch"), self._clock.now_ms()
        same_server = self._store.setting("server_id") == hello.get("server_id")
        if known is None:
            self._store.set(epoch=hello["epoch"], server_id=hello.get("server_id"), last_have_ms=now)
        elif known != hello["epoch"] or not same_server:
            self._store.offer_all(
                in_doubt=True, epoch=hello["epoch"], server_id=hello.get("server_id"), last_have_ms=now
            )
            self._files.doubt_all()
            self._feed.start_over()
            self.result.epoch_changed = True
        elif abs(now - self._store.setting("last_have_ms", 0)) > HAVE_EVERY_MS:
            self._store.offer_all(in_doubt=False, last_have_ms=now)

    # have

    def _offer_again(self) -> None:
        while asked := self._store.offers(HAVE_PER_REQUEST_MAX):
            self._tell(Progress("have", items_total=len(asked)))
            answer = self._try(partial(self._server.have, [(each[1], each[2]) for each in asked]))
            missing, erased = _hashes(answer.get("missing")), _hashes(answer.get("erased"))
            gone = {ref: digest for ref, _, digest in asked if digest in erased}
            named = answer.get("parts") or {}
            with self._store.transaction():
                self._store.settle_offers(
                    [ref for ref, _, _ in asked], [ref for ref, _, digest in asked if digest in missing]
                )
                forget_events(self._store, gone, {ref: named.get(digest, ()) for ref, digest in gone.items()})
            self._forgot |= bool(gone)

    # push

    def _push_all(self) -> None:
        """Passes over the queue, oldest first. What is answered `retry` is met again in the next pass, so that it
        never blocks what stands behind it; a pass in which nothing moved is a failure to be waited out."""
        self._store.requeue_refused()
        pace = Pace()
        while self._store.queue_size()[0]:
            done_before, after = self.result.pushed, 0
            while batch := _fitting(self._store.queue(pace.size, after)):
                self._push_batch(batch, pace)
                after = batch[-1].seq
            if self.result.pushed > done_before:
                self._backoff.succeeded()
            else:
                self._backoff.wait("server sibuk")

    def _push_batch(self, batch: Sequence[Sealed], pace: Pace) -> None:
        """Send and save what came of it. A body refused as a whole is halved until the one item is found."""
        started = self._clock.monotonic()
        total = self.result.pushed + self._store.queue_size()[0]
        items = [item.item() for item in batch]
        try:
            results = self._try(lambda: self._server.push(items, self._on_bytes("push", total)), pace)
        except ServerRefused as error:
            if error.status not in (400, 413, 422):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                self._push_batch(batch[:middle], pace)
                self._push_batch(batch[middle:], pace)
                return
            results = [{"status": "too_large" if error.status == 413 else "refused", "detail": error.code}]
        settled = [(item.ref, *after) for item, each in zip(batch, results, strict=False) if (after := settle(each))]
        self._store.save_results(settled)
        pace.measured(len(batch), self._clock.monotonic() - started)
        for each in results:
            status = str(each.get("status"))
            self.result.statuses[status] = self.result.statuses.get(status, 0) + 1
            if each.get("fork") and not self.result.fork:
                self.result.fork = True
                self._store.set(fork=True)
        self.result.pushed += len(settled)
        self._tell(Progress("push", self.result.pushed, total))

    def _push_staff(self) -> None:
        """Signed events of staff and server that a restored server lacks."""
        while events := self._store.staff_to_send(BATCH_SIZE_STAFF):
            results = self._try(partial(self._server.push, [envelope for _, envelope in events]))
            sent = [ref for (ref, _), each in zip(events, results, strict=False) if each.get("status") != RETRY]
            self._store.staff_sent(sent)
            self.result.returned_to_server += len(sent)
            if not sent:
                self._backoff.wait("server sibuk")

    def _mark_durable(self, hello: Mapping[str, Any]) -> None:
        marks = hello.get("durable")
        refs = [ref for ref, region, receipt in self._store.receipts() if is_durable(receipt, region, marks)]
        self._store.mark_durable(refs)

    # photos

    def _send_photos(self) -> GaveUp | None:
        """Photos after data. Where the line is too bad for them the rest of the sync is tried all the same."""
        self._files.sweep(self._clock.now_ms())
        most = (self._store.setting("limits") or {}).get("blob_chunk_bytes_max", BLOB_CHUNK_BYTES_MAX)
        upload = FileUpload(
            self._files, self._server, self._try, self._backoff.succeeded,
            lambda *told: self._tell(Progress("photos", *told)), self._clock.monotonic, most,
        )  # fmt: skip
        try:
            upload.send_all()
            upload.drop_safe()
        except GaveUp as error:
            return error
        finally:
            counts = self._files.counts()
            self.result.photos_sent, self.result.photo_bytes_sent = upload.sent, upload.bytes_sent
            self.result.photos_waiting, self.result.photo_bytes_waiting = counts.waiting, counts.waiting_bytes
            self.result.photos_dropped = upload.dropped
        return None

    def _deposit_all(self, error: ServerRefused) -> None:
        """The tablet may no longer push: hand in unsent work as boxes that only the server can open."""
        make_boxes(self._store, self._rng)
        for number, box, refs in self._store.boxes_to_send():
            size = len(box)
            self._tell(Progress("deposit", 0, len(refs), 0, size))
            answer = self._try(partial(self._server.deposit, json.loads(box), self._on_bytes("deposit", None)))
            settled = zip(refs, map(settle, answer.get("results", ())), strict=False)
            with self._store.transaction():
                self._store.box_sent(number, refs)
                self._store.save_results([(ref, *after) for ref, after in settled if after and after[0] == RECEIVED])
            self.result.deposited += len(refs)
        with suppress(ServerRefused, GaveUp):
            # A tablet that was cut off may hand in the photos of what it sent; one that is not known may not.
            self._send_photos()
        self.result.stopped = (
            f"Tablet ini tidak lagi diizinkan ({error.code}). {self.result.deposited} formulir dititipkan"
            " tersegel di server; mintalah kode pendaftaran baru kepada pengawas."
        )

    # feed and forms

    def _pull_feed(self) -> None:
        resets = 0
        while True:
            cursor = self._store.setting("cursor")
            try:
                answer = self._try(partial(self._server.feed, cursor, FEED_PAGE_DEFAULT))
            except ServerRefused as error:
                if error.status != 409 or resets:
                    raise
                resets += 1
                self._feed.start_over()
                self.result.feed_reset = True
                continue
            page = read_page(answer.get("items", ()))
            more = bool(answer.get("more"))
            with self._store.transaction():
                self._feed.apply(
                    households=page.households,
                    joined=page.joined, removed=page.removed, events=page.events,
                    erased_events=page.erased_events, cursor=answer["cursor"], finished=not more,
                )  # fmt: skip
                for key in page.erased_persons:
                    erase_person(self._store, key)
                erase_parts(self._store, page.erased_parts)
            self._forgot |= page.erasures
            self.result.pages += 1
            self.result.households += len(page.households)
            self._tell(Progress("feed", self.result.households))
            if not more:
                self._files.sweep(self._clock.now_ms())
                return

    def _pull_forms(self, listed: Sequence[Mapping[str, Any]] | None) -> None:
        forms = list(listed) if listed is not None else self._try(self._server.forms)
        here = self._feed.form_hashes()
        self.result.new_forms += sum((form["id"], form["version"]) not in here for form in forms)
        for index, form in enumerate(forms):
            key = (form["id"], form["version"])
            if here.get(key) != form["hash"]:
                definition = self._try(partial(self._server.form, *key))
                self._feed.save_form(*key, form["hash"], definition)
            self._tell(Progress("forms", index + 1, len(forms)))
        retired = [(form["id"], form["version"]) for form in forms if form.get("retired")]
        self._feed.set_current_forms(newest_in_use(forms), retired)

    # one call

    def _try(self, call: Callable[[], _T], pace: Pace | FilePace | None = None) -> _T:
        """Call until it is answered. What waiting can not mend is raised at once."""
        while True:
            try:
                answer = call()
            except Unreachable:
                reason, wait_s = "tidak ada jaringan", None
            except ServerRefused as error:
                if not error.passing and error.code not in CUT_ON_THE_WAY:
                    raise
                reason, wait_s = f"server sibuk ({error.code})", error.retry_after_s
            else:
                self._backoff.succeeded() if pace is None else None
                return answer
            if pace is not None:
                pace.failed()
            self._backoff.wait(reason, wait_s)

    def _on_bytes(self, step: str, total: int | None) -> Callable[[int, int], None]:
        return lambda sent, size: self._tell(Progress(step, self.result.pushed, total, sent, size))


def _fitting(batch: Sequence[Sealed]) -> list[Sealed]:
    """As many from the front as fit into one body; at least one."""
    fitting: list[Sealed] = []
    size = 0
    for item in batch:
        size += item.size
        if fitting and size > BATCH_BYTES_MAX:
            break
        fitting.append(item)
    return fitting


def _hashes(items: Any) -> set[str]:
    """Payload hashes, be they alone or in the pairs that were asked about."""
    return {item if isinstance(item, str) else item[1] for item in items or ()}


def newest_in_use(forms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The version of each form with which new ones are opened: the newest that is not retired, or the newest."""
    newest: dict[str, tuple[bool, int, str]] = {}
    for form in forms:
        version = form["version"]
        order = (not form.get("retired"), int(version) if version.isdecimal() else 0, version)
        newest[form["id"]] = max(order, newest.get(form["id"], order))
    return [(form_id, version) for form_id, (_, _, version) in newest.items()]


def _stopped(error: GaveUp) -> str:
    later = f" Coba lagi setelah {round(error.wait_s)} detik." if error.wait_s else ""
    return f"Sinkronisasi berhenti: {error}. Tidak ada yang hilang; dilanjutkan pada sinkronisasi berikutnya.{later}"
