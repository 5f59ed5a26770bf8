"""`FieldClient`: everything an officer does with the tablet, as methods. One object per officer and file.

Time, randomness and the network come in as arguments; whoever gives none gets the machine's own. Asks nobody
anything and prints nothing.
"""

from __future__ import annotations

import base64
import mimetypes
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from field_forms.client.carrying import Carried, carried
from field_forms.client.change import open_change, seal_change
from field_forms.client.draft import AnswerProblem, Draft, new_uuid, utc_text
from field_forms.client.opening import Opening, OpeningProblem, app_answers, draft_row, open_known, open_new
from field_forms.client.pace import Backoff, Clock, GaveUp, SystemClock
from field_forms.client.sealing_draft import seal_visit
from field_forms.client.standing import HeldEvent, Returned, Status, held, returned, status
from field_forms.client.store import ERASED, Sealed, Store
from field_forms.client.store_drafts import DraftStore
from field_forms.client.store_feed import FULL, FeedStore, KnownHousehold
from field_forms.client.store_files import FileStore, FileTooLarge
from field_forms.client.sync_result import OnProgress, SyncResult
from field_forms.client.sync_run import SyncRun
from field_forms.client.transport import Server, ServerRefused, Tokens, Transport, Unreachable
from field_forms.client.wording import Wording
from schemas.envelope import check_envelope
from schemas.event import ref_of
from schemas.form import FormDefinition
from schemas.limits import BLOB_BYTES_MAX
from schemas.question import EVENT, HOUSEHOLD
from schemas.signing import public_key, sign_event

APP = "padan-field/0.1"
VISIT_FORM = "verifikasi_keluarga"
CHANGE_FORM = "perubahan"
"""The forms that come with Padan; a Dinsos' own may be called otherwise."""


class NotEnrolled(Exception):
    """The tablet has no tokens yet; the message says what to do."""


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
        self.files = FileStore(self.store)
        self.clock = clock or SystemClock()
        self.rng = rng or random.SystemRandom()
        self._transport = transport
        self._attempts_max = attempts_max

    def close(self) -> None:
        """Close the officer's file."""
        self.store.close()

    def connect(self, transport: Transport) -> None:
        """The network to be used from now on."""
        self._transport = transport

    # Enrolment

    def enrol(self, code: str) -> dict[str, Any]:
        """Exchange a one-time code for tokens. Install id and key are saved first, so that the same install can ask
        again when the answer was lost; one that the server revoked, or that a copy of this tablet uses as well, is
        given up for a new one: two tablets under one identity would lock each other out. Raises `ServerRefused`,
        `GaveUp`."""
        if self.store.setting("install") is None or self._shares_identity():
            self._new_install()
        try:
            answer = self._enrol(code)
        except ServerRefused as error:
            if error.code != "install_taken":
                raise
            self._new_install()
            answer = self._enrol(code)
        with self.store.transaction():
            self.store.save_tokens({"deposit": answer["deposit_token"], "read": answer["read_token"]})
            self.store.set(officer=answer["officer"], sealing_key=answer["sealing_key"])
            self.feed.save_scopes([each["code"] for each in answer["areas"]])
        return answer

    def _shares_identity(self) -> bool:
        """Whether a copy uses this install as well: its numbers were met twice, or this tablet's tokens were replaced
        more than once. Once may be a server restored to a day before the enrolment, which must know the install again.
        """
        return bool(self.store.setting("fork")) or self.store.setting("replaced", 0) > 1

    def _new_install(self) -> None:
        """A new identity of this installation. What was sealed before bears the signature of the old one."""
        with self.store.transaction():
            self.store.set(install=self._uuid(), fork=None, replaced=None)
            self.store.save_tokens({"install_key": self.rng.randbytes(32).hex()})

    def _enrol(self, code: str) -> dict[str, Any]:
        server, backoff = Server(self._need_transport()), self._backoff()
        public = base64.b64encode(public_key(self._install_key())).decode()
        while True:
            try:
                return server.enrol(code=code, install=self.store.setting("install"), public_key=public, app=APP)
            except Unreachable:
                backoff.wait("tidak ada jaringan")
            except ServerRefused as error:
                if not error.passing:
                    raise
                backoff.wait(f"server sibuk ({error.code})", error.retry_after_s)

    def _install_key(self) -> bytes:
        return bytes.fromhex(self.store.token("install_key") or "")

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

    # Filling in

    def open_draft(
        self, household_id: str | None, form_id: str | None = None, *, area: str | None = None, **extra: Any
    ) -> Draft:
        """Open a form on a household, or (None) on a family that is not on the list: `area` is its village then.

        Id and context are fixed and saved here, before the first answer. Raises `OpeningProblem`."""
        form = self.form(form_id or self.visit_form)
        opening = self._opening(household_id, form, area)
        defaults = app_answers(opening, Wording(form, self.feed.dictionary()), self.believed_ms())
        row = draft_row(
            id=self._uuid(), opening=opening, form=form, now_ms=self.believed_ms(),
            not_before=self.store.setting("server_time"), defaults=defaults, extra=extra,
        )  # fmt: skip
        self.drafts.add(row)
        return Draft(self.drafts, form, row, self.believed_ms)

    def open_correction(self, ref: str) -> Draft:
        """Open a new form to correct an own sealed one: what is changed there names it in `corrects`."""
        event = self.store.sealed(ref)
        if event is None or event.state == ERASED or event.envelope["head"]["kind"] != "submission":
            raise OpeningProblem("Formulir itu bukan formulir kunjungan Anda, atau sudah dihapus.")
        head = event.envelope["head"]
        words = Wording(self.form(head["form"]["id"]), self.feed.dictionary())
        corrects = {
            words.path(f"{part['name']}/{name}"): event.ref
            for part in event.envelope["parts"]
            for name in part.get("assertions", ())
        }
        return self.open_draft(event.household_id, head["form"]["id"], corrects=corrects)

    def open_change(
        self, household_id: str | None, kind: str, *, persons: Sequence[str] = (), area: str | None = None,
        to_household: str | None = None, from_household: str | None = None,
    ) -> Draft:  # fmt: skip
        """Open a change event: birth, death, move_out, move_in, split, correction, work_accident (see `change.py`)."""
        return open_change(
            self, household_id, kind, persons=persons, area=area, to_household=to_household,
            from_household=from_household,
        )  # fmt: skip

    def draft(self, draft_id: str) -> Draft:
        """A saved draft as it was left. Raises `OpeningProblem`."""
        row = self.drafts.get(draft_id)
        if row is None:
            raise OpeningProblem(f"Draf {draft_id} tidak ada.")
        return Draft(self.drafts, self.form(row.form_id, row.form_version), row, self.believed_ms)

    def carrying_over(self, draft: Draft) -> Carried:
        """What carrying a draft over to the current version would do. Nothing is changed. Raises `OpeningProblem`."""
        current = self.form(draft.form.id)
        if current.version == draft.form.version:
            raise OpeningProblem(f"Draf ini sudah pada versi yang dipakai sekarang ({current.version}).")
        return carried(draft, Wording(current, self.feed.dictionary()))

    def carry_over(self, draft: Draft) -> tuple[Draft, Carried]:
        """Carry a draft over to the current version of its form; the draft as it is then, and what was lost. What was
        lost is kept beside the draft (`fixed["left_behind"]`) until it is sealed or thrown away."""
        done = self.carrying_over(draft)
        left = [{"path": each.path, "answer": draft.answers[each.path], "version": done.old_version}
                for each in done.lost]  # fmt: skip
        fixed = {
            **draft.fixed,
            "prefill": done.prefill,
            **({"corrects": done.corrects} if "corrects" in draft.fixed else {}),
            "left_behind": [*draft.fixed.get("left_behind", ()), *left],
        }
        self.drafts.carry_over(draft.id, done.new_version, fixed, done.answers, self.believed_ms())
        return self.draft(draft.id), done

    def answer(self, draft: Draft, path: str, value: Any = None, *, state: str | None = None) -> None:
        """As `Draft.answer`."""
        draft.answer(path, value, state=state)

    def answer_all(self, draft: Draft, answers: Mapping[str, Any]) -> None:
        """Many answers in one transaction: path -> value, or `{"state": ...}`. All or none are saved."""
        try:
            with self.store.transaction():
                for path, value in answers.items():
                    if isinstance(value, Mapping) and value.keys() == {"state"}:
                        draft.answer(path, state=value["state"])
                    else:
                        draft.answer(path, value)
        except BaseException:
            draft.reload()
            raise

    def add_member(self, draft: Draft) -> str:
        """A member who is not on record; returns the key `<household>/<person>`."""
        return draft.add_member(self._uuid())

    def attach(self, draft: Draft, path: str, photo: Path) -> None:
        """Answer a photo question with a file, which is copied in under its SHA-256. Raises `AnswerProblem` where it is
        too large, `OSError`."""
        limits = self.store.setting("limits") or {}
        mime = mimetypes.guess_type(photo.name)[0] or "application/octet-stream"
        # The row of the file and the answer that names it are saved together: what nothing names is swept away.
        try:
            with self.store.transaction():
                file = self.files.keep(photo, mime, limits.get("blob_bytes_max", BLOB_BYTES_MAX))
                described = {"sha256": file.sha256, "bytes": file.bytes, "mime": file.mime}
                draft.answer(path, file.sha256, file=described)
        except FileTooLarge as error:
            raise AnswerProblem(str(error)) from error

    def seal(self, draft: Draft) -> str:
        """Seal: event and hash are saved and the draft is gone, in one transaction. Returns the ref.

        Sealing what is sealed already gives the same ref. Raises `NotSealed` with what has to be mended."""
        done = self.store.sealed(draft.id)
        if done is not None:
            return done.ref
        if draft.is_change:
            known = self.feed.dictionary()
            envelope = seal_change(draft, known, actor=self.officer, random_bytes=self.rng.randbytes)
        else:
            envelope = seal_visit(draft, actor=self.officer, random_bytes=self.rng.randbytes)
        envelope = sign_event(self._install_key(), envelope)
        check_envelope(envelope)
        ref = ref_of(envelope["payload_hash"])
        self.store.add_sealed(envelope, ref, self._transport_facts(), draft.id)
        return ref

    def discard(self, draft: Draft) -> None:
        """Throw a draft away; on the officer's word only."""
        self.drafts.discard(draft.id)
        self.files.sweep(self.clock.now_ms())

    @property
    def visit_form(self) -> str:
        """Id of the form for visits: the one that asks about households."""
        return self._form_about(HOUSEHOLD, VISIT_FORM)

    @property
    def change_form(self) -> str:
        """Id of the form for changes."""
        return self._form_about(EVENT, CHANGE_FORM)

    def _form_about(self, scope: str, usual: str) -> str:
        here = {form_id for form_id, _ in self.feed.form_hashes()}
        if usual in here or not here:
            return usual
        found = [form.id for form in self.forms() if any(question.scope == scope for question in form.fields)]
        return found[0] if len(found) == 1 else usual

    def form(self, form_id: str, version: str | None = None) -> FormDefinition:
        """A form that is on the tablet. Raises `OpeningProblem`."""
        found = self.feed.form(form_id, version)
        if found is None:
            raise OpeningProblem(f"Formulir {form_id} belum ada di tablet. Jalankan: padan field fetch")
        return found

    def forms(self) -> list[FormDefinition]:
        """The current version of each form."""
        return [FormDefinition.from_json(each) for each in self.feed.forms(current_only=True)]

    def believed_ms(self) -> int:
        """What time it is at least: the tablet's clock, or the server's last word where that is later.

        A tablet whose date is years behind would refuse every event of this year as "after today"."""
        told = self.store.setting("server_time")
        heard_ms = int(datetime.fromisoformat(told).timestamp() * 1000) if isinstance(told, str) else 0
        return max(self.clock.now_ms(), heard_ms)

    def _opening(self, household_id: str | None, form: FormDefinition, area: str | None) -> Opening:
        if household_id is None:
            return open_new(area, self.rng.randbytes(16))
        return open_known(self.store, self.feed, household_id, form)

    def _transport_facts(self) -> dict[str, Any]:
        return {
            "install": self.store.setting("install"), "wall": utc_text(self.clock.now_ms()),
            "mono": int(self.clock.monotonic() * 1000), "tz": "Asia/Jakarta", "app": APP,
        }  # fmt: skip

    def server(self) -> Server:
        """The protocol spoken directly with this tablet's tokens; stores nothing."""
        return Server(self._need_transport(), Tokens(self.store.token("deposit"), self.store.token("read")))

    # What is here

    def households(self, area: str | None = None, *, assigned_only: bool = False) -> list[KnownHousehold]:
        """The list, by area and name."""
        return [each for each in self.feed.households(area) if not assigned_only or each.level == FULL]

    def household(self, household_id: str) -> KnownHousehold | None:
        """One household by any of its ids."""
        return self.feed.household(household_id)

    def status(self) -> Status:
        """Three numbers: on this tablet only, received, safe (in a verified backup); and what waits for the officer."""
        return status(self.store, self.feed, self.files.counts(), len(self.drafts.all()))

    def sealed_events(self) -> list[Sealed]:
        """Every own sealed event, oldest first."""
        return self.store.sealed_all()

    def returned(self) -> list[Returned]:
        """Records sent back with comments that no own later form has answered yet."""
        return returned(self.store, self.feed)

    def held(self) -> list[HeldEvent]:
        """Own forms kept out of the record, as the push or the feed said last."""
        return held(self.store, self.feed)

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
        return new_uuid(self.rng.randbytes(16))
