"""`FieldClient`: everything an officer does with the tablet, as methods. One object per officer and file.

Time, randomness and the network come in as arguments; whoever gives none gets the machine's own. Asks nobody
anything and prints nothing.
"""

from __future__ import annotations

import base64
import random
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from field_forms.client.pace import Backoff, Clock, GaveUp, SystemClock
from field_forms.client.store import DURABLE, ON_TABLET_ONLY, RECEIVED, Sealed, Store
from field_forms.client.store_drafts import DraftStore
from field_forms.client.store_feed import FULL, FeedStore, KnownHousehold
from field_forms.client.sync_run import OnProgress, SyncResult, SyncRun
from field_forms.client.transport import Server, ServerRefused, Transport, Unreachable
from schemas.signing import public_key

APP = "padan-field/0.1"


class NotEnrolled(Exception):
    """The tablet has no tokens yet; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Status:
    """The three numbers, and what is being worked on."""

    tablet_only: int
    received: int
    safe: int
    drafts: int
    held: int
    refused: int
    households: int
    returned: int


@dataclass(frozen=True, slots=True)
class Returned:
    """A record that came back: `comments` by assertion path, `due` a date or None."""

    household_id: str
    label: str
    due: str | None
    note: str
    comments: dict[str, str]
    ref: str


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An own form that the server keeps out of the record, and why (in words)."""

    ref: str
    household_id: str
    reason: str
    words: str


HELD_WORDS = {
    "out_of_area": "Wilayah formulir di luar tugas Anda. Pengawas dapat menerimanya.",
    "late": "Dikirim setelah masa pendataan ditutup. Pengawas dapat menerimanya.",
    "revoked": "Tablet sudah dicabut saat formulir ini sampai. Pengawas dapat menerimanya.",
    "bad_hash": "Isi tidak cocok dengan sidiknya; laporkan kepada operator.",
    "unknown_form": "Versi formulir tidak dikenal server; laporkan kepada operator.",
    "context_too_large": "Riwayat keluarga ini terlalu panjang; laporkan kepada operator.",
    "region_mismatch": "Kabupaten pada formulir tidak cocok dengan keluarganya; laporkan kepada operator.",
}


class FieldClient:
    """`home`: the officer's folder. `transport` may be None for work that needs no network."""

    def __init__(
        self,
        home: Path,
        transport: Transport | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        *,
        attempts_max: int | None = None,
    ) -> None:
        self.store = Store(Path(home))
        self.feed = FeedStore(self.store)
        self.drafts = DraftStore(self.store)
        self.home = Path(home)
        self.clock = clock or SystemClock()
        self.rng = rng or random.SystemRandom()
        self._transport = transport
        self._attempts_max = attempts_max

    def close(self) -> None:
        """Close the officer's file."""
        self.store.close()

    # Enrolment

    def enrol(self, code: str) -> dict[str, Any]:
        """Exchange a one-time code for tokens. The install id and key are saved first, so that the same install can
        ask again when the answer was lost. Raises `ServerRefused`, `GaveUp`."""
        with self.store.transaction():
            if self.store.setting("install") is None:
                self.store.set(install=self._uuid())
                self.store.save_tokens({"install_key": self.rng.randbytes(32).hex()})
        private = bytes.fromhex(self.store.token("install_key") or "")
        install, public = self.store.setting("install"), base64.b64encode(public_key(private)).decode()
        backoff = self._backoff()
        while True:
            try:
                answer = Server(self._need_transport()).enrol(code=code, install=install, public_key=public, app=APP)
                break
            except Unreachable:
                backoff.wait("tidak ada jaringan")
            except ServerRefused as error:
                if not error.passing:
                    raise
                backoff.wait(f"server sibuk ({error.code})", error.retry_after_s)
        with self.store.transaction():
            self.store.save_tokens({"deposit": answer["deposit_token"], "read": answer["read_token"]})
            self.store.set(officer=answer["officer"], sealing_key=answer["sealing_key"], scopes=answer["areas"])
            self.feed.save_areas({each["code"]: each["name"] for each in answer["areas"]})
        return answer

    @property
    def officer(self) -> str:
        """The officer's id. Raises `NotEnrolled`."""
        officer = self.store.setting("officer")
        if officer is None:
            raise NotEnrolled("Tablet belum didaftarkan. Jalankan: padan field enrol KODE --server ALAMAT")
        return str(officer["id"])

    # Network

    def sync(self, progress: OnProgress | None = None) -> SyncResult:
        """Everything that needs the network, in the order of the protocol. Never raises for the network's sake."""
        return self._run(progress).run()

    def fetch(self, progress: OnProgress | None = None) -> SyncResult:
        """Forms and households only; sends no form."""
        return self._run(progress).fetch()

    # What is here

    def households(self, area: str | None = None, *, assigned_only: bool = False) -> list[KnownHousehold]:
        """The list, by area and name."""
        return [each for each in self.feed.households(area) if not assigned_only or each.level == FULL]

    def household(self, household_id: str) -> KnownHousehold | None:
        """One household by any of its ids."""
        return self.feed.household(household_id)

    def status(self) -> Status:
        """Three numbers: on this tablet only, received, safe (in a verified backup)."""
        counts = self.store.counts()
        return Status(
            tablet_only=sum(counts.get(state, 0) for state in ON_TABLET_ONLY),
            received=counts.get(RECEIVED, 0),
            safe=counts.get(DURABLE, 0),
            drafts=len(self.drafts.all()),
            held=len(self.held()),
            refused=counts.get("too_large", 0) + counts.get("refused", 0),
            households=len(self.feed.households()),
            returned=len(self.returned()),
        )

    def sealed_events(self) -> list[Sealed]:
        """Every own sealed event, oldest first."""
        return self.store.sealed_all()

    def returned(self) -> list[Returned]:
        """Records sent back with comments that no own later form has answered yet."""
        found = []
        for known in self.feed.households():
            trail = known.item.get("trail") or {}
            seen = self._seen_by_own(known)
            for each in trail.get("returns", ()):
                if each["ref"] not in seen:
                    found.append(
                        Returned(
                            known.household_id,
                            known.label,
                            each.get("due"),
                            each.get("note") or "",
                            dict(each.get("comments") or {}),
                            each["ref"],
                        )
                    )
        return found

    def held(self) -> list[HeldEvent]:
        """Own forms kept out of the record, as the push or the feed said last."""
        reasons = {
            event.ref: (event, event.reason or "") for event in self.store.sealed_all() if event.status == "held"
        }
        for known in self.feed.households():
            trail = known.item.get("trail") or {}
            for each in trail.get("refs", ()):
                if each.get("status") == "live":
                    reasons.pop(each["ref"], None)
        return [
            HeldEvent(ref, event.household_id, reason, HELD_WORDS.get(reason, f"Ditahan server: {reason}."))
            for ref, (event, reason) in reasons.items()
        ]

    def _seen_by_own(self, known: KnownHousehold) -> set[str]:
        ids = (known.household_id, *known.item.get("aliases", ()))
        return {
            each["ref"]
            for event in self.store.sealed_for(ids)
            if event.envelope["head"]
            for each in event.envelope["head"]["context"]
        }

    def _run(self, progress: OnProgress | None) -> SyncRun:
        if self.store.token("deposit") is None:
            raise NotEnrolled("Tablet belum didaftarkan. Jalankan: padan field enrol KODE --server ALAMAT")
        return SyncRun(self.store, self._need_transport(), self.clock, self.rng, progress, self._attempts_max)

    def _backoff(self) -> Backoff:
        if self._attempts_max is None:
            return Backoff(self.clock.sleep, self.rng)
        return Backoff(self.clock.sleep, self.rng, self._attempts_max)

    def _need_transport(self) -> Transport:
        if self._transport is None:
            raise GaveUp("alamat server belum diatur")
        return self._transport

    def _uuid(self) -> str:
        return str(uuid.UUID(bytes=self.rng.randbytes(16), version=4))
