"""How things stand: the three numbers, what was returned, what is held. Reads the officer's file, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from field_forms.client.store import DURABLE, ON_TABLET_ONLY, RECEIVED, REFUSED, TOO_LARGE, Sealed, Store
from field_forms.client.store_feed import FeedStore, KnownHousehold
from field_forms.client.store_files import FileCounts

HELD_WORDS = {
    "out_of_area": "Di luar wilayah tugas Anda. Pengawas dapat menerimanya.",
    "revoked": "Tablet sudah dicabut aksesnya saat formulir ini sampai. Pengawas dapat menerimanya.",
    "late": "Diterima setelah masa pendataan ditutup. Pengawas dapat menerimanya.",
    "context_too_large": "Riwayat keluarga ini terlalu panjang. Pengawas dapat menerimanya.",
    "other_install": "Dibuat di tablet lain. Pengawas dapat menerimanya.",
    "other_actor": "Atas nama petugas lain. Pengawas dapat menerimanya.",
    "unknown_form": "Versi formulir tidak dikenal server; laporkan kepada operator.",
    "unreadable_json": "Rusak di jalan: tidak terbaca oleh server; laporkan kepada operator.",
    "not_canonical": "Memuat karakter yang tidak dapat dibaca server; laporkan kepada operator.",
    "bad_envelope": "Susunannya tidak dikenal server; laporkan kepada operator.",
    "unknown_version": "Dibuat oleh aplikasi yang lebih baru daripada server; laporkan kepada operator.",
    "unknown_kind": "Jenis kejadiannya tidak dikenal server; laporkan kepada operator.",
    "hash_mismatch": "Sidik tidak cocok dengan isi; laporkan kepada operator.",
    "region_contradicts": "Kabupaten tidak cocok dengan nomor keluarga; laporkan kepada operator.",
    "not_a_device_kind": "Jenis kejadian ini tidak dibuat oleh tablet; laporkan kepada operator.",
    "bad_stamp": "Cap waktu tidak sah; laporkan kepada operator.",
}
"""Reasons of docs/protocol.md, "Held", as an officer reads them. A reason that is not here is shown as it came."""


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
    photos_waiting: int = 0
    """Photos of sealed forms that only this tablet has, those that the server did not take included."""
    photo_bytes_waiting: int = 0
    photos_received: int = 0
    photos_refused: int = 0


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
    reasons: tuple[str, ...]
    words: str


def status(store: Store, feed: FeedStore, photos: FileCounts, drafts: int) -> Status:
    """Counts of everything."""
    counts = store.counts()
    return Status(
        tablet_only=sum(counts.get(state, 0) for state in ON_TABLET_ONLY),
        received=counts.get(RECEIVED, 0),
        safe=counts.get(DURABLE, 0),
        drafts=drafts,
        held=len(held(store, feed)),
        refused=counts.get(TOO_LARGE, 0) + counts.get(REFUSED, 0),
        households=len(feed.households()),
        returned=len(returned(store, feed)),
        photos_waiting=photos.waiting,
        photo_bytes_waiting=photos.waiting_bytes,
        photos_received=photos.received,
        photos_refused=photos.refused,
    )


def returned(store: Store, feed: FeedStore) -> list[Returned]:
    """Records sent back that no own later form has seen yet."""
    found = []
    for known in feed.households():
        returns = known.trail.get("returns", ())
        seen = _seen_by_own(store, known) if returns else set()
        for each in returns:
            if each["ref"] not in seen:
                comments = dict(each.get("comments") or {})
                note = each.get("note") or ""
                found.append(Returned(known.household_id, known.label, each.get("due"), note, comments, each["ref"]))
    return found


def held(store: Store, feed: FeedStore) -> list[HeldEvent]:
    """Own forms kept out of the record: what the push answered, then what the feed said since."""
    own = {event.ref: event for event in store.sealed_all()}
    reasons: dict[str, tuple[str, ...]] = {
        ref: tuple((event.reason or "").split()) for ref, event in own.items() if event.status == "held"
    }
    for known in feed.households():
        trail = known.trail
        for each in trail.get("refs", ()):
            if each.get("status") == "live":
                reasons.pop(each["ref"], None)
        for each in trail.get("held", ()):
            if each["ref"] in own:
                told = each.get("reasons") or [each.get("reason") or ""]
                reasons[each["ref"]] = tuple(filter(None, told))
    return [HeldEvent(ref, own[ref].household_id, why, _words(why)) for ref, why in reasons.items()]


def _words(reasons: tuple[str, ...]) -> str:
    return " ".join(HELD_WORDS.get(each, f"Ditahan server: {each}.") for each in reasons) or "Ditahan server."


def _seen_by_own(store: Store, known: KnownHousehold) -> set[str]:
    return {ref for event in store.sealed_for(known.ids) for ref in _context(event)}


def _context(event: Sealed) -> list[str]:
    head = event.envelope["head"]
    return [] if head is None else [each["ref"] for each in head["context"]]
