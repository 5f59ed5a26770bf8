/** What a form is given, and what it may ask for: the shell's side of src/contract.ts. */
import type { FormHost, FormRequest, SealAnswers } from "../contract";
import { mediaFor } from "../field/media";
import { EventTooLarge, sealDraft } from "../field/sealing";
import { commentsOf } from "../field/standing";
import { believedMs } from "../field/time";
import { type StoredDraft, fileId } from "../store/drafts";
import type { OfficerStore } from "../store/officer";
import { TabletFull } from "../store/vault";
import type { App } from "./app";

/** Everything a form needs to be drawn; null where its version is not on the tablet. */
export async function requestFor(app: App, store: OfficerStore, draft: StoredDraft): Promise<FormRequest | null> {
  const form = await store.forms.get(draft.form.id, draft.form.version);
  if (!form || !form.xform) return null;
  const { officer, areas, scopes, serverTime } = store.settings.all;
  const ids = store.households.ids(draft.householdId);
  const item = await store.households.item(draft.householdId);
  const told = commentsOf(item, store.events.filedUnder(ids));
  const visit = draft.change ? await visitForm(store) : null;
  const used = usedCodes(draft);
  return {
    definition: form.definition,
    xform: form.xform,
    media: {
      ...form.media,
      ...mediaFor(Object.keys((form.definition["media"] as object | undefined) ?? {}), {
        areas,
        rows: store.households.all(),
        village: draft.area,
        householdId: draft.isNew ? null : (store.households.row(draft.householdId)?.id ?? null),
        used,
      }),
    },
    language: app.language.value,
    now: () => new Date(believedMs(app.clock, serverTime)),
    officer: { id: officer?.id ?? "", name: officer?.name ?? "", areas: scopes },
    target: { householdId: draft.householdId, homeRegion: draft.homeRegion, area: draft.area, isNew: draft.isNew },
    fixed: draft.fixed,
    shown: draft.shown,
    visits: draft.visits,
    listed: draft.listed,
    corrects: draft.corrects,
    change: draft.change && visit ? { ...draft.change, visitForm: visit } : null,
    comments: told.comments,
    returned: told.open > 0 ? { note: told.note, due: told.due } : null,
    districts: await store.districts(),
    draft: draft.draft,
  };
}

/** The shell as the form sees it. `closed` is called when the form wants to go. */
export function hostFor(app: App, store: OfficerStore, draftId: string, closed: (how: "kept" | "sealed" | "discarded") => void): FormHost {
  const inWords = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new Error(wordsFor(app, error));
    }
  };
  const now = () => {
    const draft = store.drafts.get(draftId);
    if (!draft) throw new Error("the draft is gone");
    return draft;
  };
  return {
    saveDraft: (draft) =>
      inWords(
        store.vault.exclusive(async () => {
          // A form that saves itself once more after it was sealed changes nothing.
          if (!store.drafts.get(draftId)) return;
          await store.drafts.save({ ...now(), draft, savedMs: believedMs(app.clock, store.settings.all.serverTime) });
        }),
      ),
    putFile: (name, blob) => inWords(store.files.put(fileId(draftId, name), blob)),
    getFile: (name) => store.files.get(fileId(draftId, name)),
    dropFile: (name) => store.files.drop(fileId(draftId, name)),
    seal: (answers: SealAnswers) =>
      inWords(
        (async () => {
          const draft = now();
          const form = await store.forms.get(draft.form.id, draft.form.version);
          await sealDraft(store, draft, answers, form?.definition.hash ?? "", app.clock);
          app.touch();
          closed("sealed");
        })(),
      ),
    discard: async () => {
      await inWords(store.drafts.discard(draftId));
      app.touch();
      closed("discarded");
    },
    close: () => closed("kept"),
  };
}

function wordsFor(app: App, error: unknown): string {
  if (error instanceof TabletFull) return app.words.full;
  if (error instanceof EventTooLarge) return app.words.tooLarge(Math.round(error.bytes / 1000));
  return error instanceof Error && error.message ? `${app.words.failed} (${error.message})` : app.words.failed;
}

async function visitForm(store: OfficerStore) {
  const head = store.forms.all().find((each) => each.id === "verifikasi_keluarga" && each.current);
  return head ? ((await store.forms.get(head.id, head.version))?.definition ?? null) : null;
}

/** Codes that the record shown already uses: they stay choices. */
function usedCodes(draft: StoredDraft): string[] {
  const household = (draft.shown as { data?: { household?: Record<string, { value?: unknown }> } } | null)?.data?.household ?? {};
  return Object.values(household)
    .map((cell) => cell.value)
    .filter((value): value is string => typeof value === "string");
}
