/** A family that is not on the list: look for it once more, then its village. */
import { useMemo, useState } from "preact/hooks";
import { openVisit } from "../../field/work";
import { NO_WISH, chosen, linesOf } from "../../field/worklist";
import { isVillage } from "../../seal/ids";
import type { App } from "../app";
import { Busy, Page, TextInput } from "../parts";
import { FamilyLine } from "./list";

const PERHAPS_MAX = 5;

export function NewFamilyPage({ app }: { app: App }) {
  const store = app.active.value!.store;
  const words = app.words.newFamily;
  const areas = store.settings.all.areas;
  const villages = Object.keys(areas).filter(isVillage).sort();
  const [village, setVillage] = useState(villages.length === 1 ? villages[0]! : "");
  const [name, setName] = useState("");
  const lines = useMemo(() => linesOf(store.households.all(), [], new Set()), []);
  const perhaps = name.trim().length < 3 ? [] : chosen(lines, { ...NO_WISH, search: name }).slice(0, PERHAPS_MAX);
  const open = async () => {
    const draft = await openVisit(store, null, village, app.clock);
    await store.drafts.save(draft);
    app.touch();
    app.routes.replace({ at: "form", draftId: draft.id });
  };
  return (
    <Page app={app} title={words.title} back={() => app.routes.back()}>
      <p>{words.lead}</p>
      <TextInput id="new-name" kind="search" label={app.words.list.search} value={name} onInput={setName} />
      {perhaps.length > 0 && (
        <>
          <h2>{words.perhaps}</h2>
          <ul>
            {perhaps.map((line) => (
              <li key={line.row.id}>
                <FamilyLine app={app} line={line} areas={areas} />
              </li>
            ))}
          </ul>
        </>
      )}
      <label for="new-village">{words.village}</label>
      <select id="new-village" autocomplete="off" value={village} onChange={(event) => setVillage(event.currentTarget.value)}>
        <option value="">–</option>
        {villages.map((code) => (
          <option value={code} key={code}>
            {areas[code] ?? code}
          </option>
        ))}
      </select>
      <Busy app={app} label={words.start} disabled={!village} do={open} />
    </Page>
  );
}
