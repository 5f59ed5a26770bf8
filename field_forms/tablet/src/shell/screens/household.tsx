/** One family: what the record says, what was returned, own forms with their ticks, and what can be done. */
import { useEffect } from "preact/hooks";
import type { PrepareForm } from "../../contract";
import { CHANGE_FORM } from "../../field/app";
import { HEAD_OF_FAMILY, type HouseholdItem, type PersonRecord, type RecordData } from "../../field/record";
import { commentsOf, heldReasons } from "../../field/standing";
import { OpeningProblem, openCorrection, openVisit, openingOf } from "../../field/work";
import type { StoredDraft } from "../../store/drafts";
import type { Standing } from "../../store/events";
import type { OfficerStore } from "../../store/officer";
import { heldWords } from "../../words/index";
import type { App } from "../app";
import { requestFor } from "../form_host";
import { Busy, Page, Ticks, useLoaded, useSignal } from "../parts";
import { questionNames } from "../questions";

interface Seen {
  item: HouseholdItem | undefined;
  data: RecordData | null;
  own: Standing[];
  drafts: StoredDraft[];
  /** The visit that a tap would open, not saved yet; null where none can be opened. */
  next: StoredDraft | null;
  problem: OpeningProblem | null;
  names: (path: string) => string;
}

export function HouseholdPage({ app, id }: { app: App; id: string }) {
  const active = useSignal(app.active);
  const store = active!.store;
  const seen = useLoaded(() => look(app, store, id), [active, id]);
  const row = store.households.row(id);
  const words = app.words.household;
  const title = row?.name || app.words.list.noName;
  useEffect(() => {
    const draft = seen?.drafts.find((each) => each.change === null) ?? seen?.next;
    if (draft) void prepare(app, store, draft);
  }, [seen]);
  if (!seen) return <Page app={app} title={title} back={() => app.routes.back()}>{""}</Page>;
  const told = commentsOf(seen.item, seen.own);
  return (
    <Page app={app} title={title} back={() => app.routes.back()}>
      {told.open > 0 && (
        <section class="bad" aria-label={words.returned}>
          <h2>{words.returned}</h2>
          {told.note && <p>{told.note}</p>}
          {told.due && <p>{app.words.list.due(app.words.day(told.due))}</p>}
          <ul>
            {told.comments.map((each) => (
              <li key={each.path}>
                <strong>{words.onQuestion(seen.names(each.path))}</strong>
                <p>{each.text}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {(row?.conflicts ?? 0) > 0 && <p class="warn">{words.conflict}</p>}
      <Actions app={app} id={id} seen={seen} returned={told.open > 0} />
      <Summary app={app} data={seen.data} area={row?.area ?? ""} />
      <OwnForms app={app} seen={seen} />
    </Page>
  );
}

async function look(app: App, store: OfficerStore, id: string): Promise<Seen> {
  const ids = store.households.ids(id);
  const item = await store.households.item(id);
  const data = await openingOf(store, id).then(
    (opening) => opening.shown?.data ?? null,
    () => null,
  );
  const own = store.events.filedUnder(ids).filter((each) => each.state !== "erased");
  const drafts = store.drafts.forHousehold(ids);
  const names = await questionNames(app, store, data);
  try {
    const next = await openVisit(store, id, "", app.clock);
    return { item, data, own: own.reverse(), drafts, next, problem: null, names };
  } catch (error) {
    if (!(error instanceof OpeningProblem)) throw error;
    return { item, data, own: own.reverse(), drafts, next: null, problem: error, names };
  }
}

/** The form is made ready before the tap: a cheap tablet needs a second for it. */
async function prepare(app: App, store: OfficerStore, draft: StoredDraft): Promise<void> {
  const form = (await import("../../form/index")) as { prepareForm?: PrepareForm };
  const request = await requestFor(app, store, draft);
  if (request) await form.prepareForm?.(request);
}

function Actions(props: { app: App; id: string; seen: Seen; returned: boolean }) {
  const { app, id, seen } = props;
  const words = app.words.household;
  const store = app.active.value!.store;
  const [draft] = seen.drafts.filter((each) => each.change === null);
  const filled = seen.own.some((each) => each.kind === "submission");
  const open = async () => {
    const opened = draft ?? seen.next;
    if (!opened) return;
    if (!draft) await store.drafts.save(opened);
    app.touch();
    app.routes.go({ at: "form", draftId: opened.id });
  };
  if (!draft && seen.problem) {
    return <p class="note">{seen.problem.why === "missing" ? words.formMissing : words.notMine}</p>;
  }
  return (
    <>
      <Busy app={app} label={draft ? words.goOn : filled && !props.returned ? words.fillAgain : words.fill} do={open} />
      {store.forms.current(CHANGE_FORM) && (
        <button type="button" class="secondary" onClick={() => app.routes.go({ at: "change", id })}>
          {words.change}
        </button>
      )}
    </>
  );
}

/** Who and where, as the record and own forms say. */
function Summary({ app, data, area }: { app: App; data: RecordData | null; area: string }) {
  const words = app.words.household;
  const areas = app.active.value!.store.settings.all.areas;
  const text = (name: string) => {
    const value = data?.household[name]?.value;
    return typeof value === "string" ? value : "";
  };
  const place = [text("address"), text("rt") && `RT ${text("rt")}`, text("rw") && `RW ${text("rw")}`, areas[area] ?? area];
  return (
    <>
      <h2>{words.address}</h2>
      <p>{place.filter(Boolean).join(", ")}</p>
      {data && data.persons.length > 0 && (
        <>
          <h2>{words.members}</h2>
          <ul>
            {headFirst(data.persons)
              .map((each) => (
                <li key={each.key} class="card">
                  <strong>{String(each.fields["m_name"]?.value ?? words.inConflict)}</strong>
                  <div class="soft">{String(each.fields["nik"]?.value ?? "")}</div>
                </li>
              ))}
          </ul>
        </>
      )}
    </>
  );
}

function headFirst(persons: readonly PersonRecord[]): PersonRecord[] {
  const rank = (each: PersonRecord) => Number(each.fields["relation"]?.value !== HEAD_OF_FAMILY);
  return persons.filter((each) => !each.moved_to).sort((one, other) => rank(one) - rank(other));
}

function OwnForms({ app, seen }: { app: App; seen: Seen }) {
  const words = app.words.household;
  const store = app.active.value!.store;
  const correct = async (ref: string) => {
    const draft = await openCorrection(store, ref, app.clock);
    await store.drafts.save(draft);
    app.touch();
    app.routes.go({ at: "form", draftId: draft.id });
  };
  const changes = seen.drafts.filter((each) => each.change !== null);
  return (
    <>
      {changes.length > 0 && <h2>{words.draftsHere}</h2>}
      {changes.map((each) => (
        <button type="button" class="card tap draft" key={each.id} onClick={() => app.routes.go({ at: "form", draftId: each.id })}>
          <span class="title">{app.words.change.kinds[each.change?.kind ?? ""] ?? app.words.sent.change}</span>
          <span class="meta">{words.saved(app.words.moment(each.savedMs))}</span>
        </button>
      ))}
      <h2>{words.mine}</h2>
      {seen.own.length === 0 && <p class="soft">{words.noneMine}</p>}
      <ul>
        {seen.own.map((each) => (
          <li class="card" key={each.ref}>
            <EventStatus app={app} event={each} trail={seen.item?.trail} />
            {each.kind === "submission" && (
              <Busy app={app} class="secondary" label={words.correct} do={() => correct(each.ref)} />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** How one own form stands, in words. */
export function EventStatus({ app, event, trail }: { app: App; event: Standing; trail: HouseholdItem["trail"] }) {
  const words = app.words.sent;
  const held = heldReasons(event, trail);
  const waiting = event.photos.filter((each) => each.state === "waiting").length;
  return (
    <>
      <div class="strong">
        {event.kind === "change" ? words.change : words.visit}, {app.words.moment(event.sealedMs)}
      </div>
      {event.state === "erased" ? <p>{words.erased}</p> : <Ticks app={app} event={event} />}
      {held.length > 0 && (
        <p class="warn">
          <strong>{words.held}.</strong> {heldWords(app.words, held)}
        </p>
      )}
      {event.status === "equivocation" && <p class="warn">{words.equivocation}</p>}
      {event.state === "too_large" && <p class="bad">{words.tooLarge}</p>}
      {event.state === "refused" && <p class="bad">{words.refused(event.reasons.join(", ") || "?")}</p>}
      {event.offer !== null && <p class="warn">{words.inDoubt}</p>}
      {event.photos.length > 0 && <p class="soft small">{words.photos(waiting, event.photos.length)}</p>}
    </>
  );
}
