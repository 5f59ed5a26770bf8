/** Every form of this tablet with its ticks; what needs attention first. */
import type { HouseholdItem } from "../../field/record";
import { counts, heldReasons } from "../../field/standing";
import type { Standing } from "../../store/events";
import type { App } from "../app";
import { Page, useLoaded, useSignal } from "../parts";
import { EventStatus } from "./household";
import { Numbers } from "./sync";

export function SentPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const store = active!.store;
  const events = store.events.all().reverse();
  const words = app.words.sent;
  const trails = useLoaded(async () => {
    const found = new Map<string, HouseholdItem["trail"]>();
    for (const each of events) found.set(each.ref, (await store.households.item(each.householdId))?.trail);
    return found;
  }, [active]);
  const attention = (each: Standing) =>
    each.state === "too_large" || each.state === "refused" || heldReasons(each, trails?.get(each.ref)).length > 0;
  const sorted = [...events].sort((one, other) => Number(attention(other)) - Number(attention(one)));
  return (
    <Page app={app} title={words.title}>
      <Numbers app={app} counts={counts(events)} />
      {!store.settings.all.backup && events.length > 0 && <p class="note">{words.noBackup}</p>}
      {events.length === 0 && <p class="note">{words.none}</p>}
      <ul>
        {sorted.map((each) => (
          <li class="card" key={each.ref}>
            <button type="button" class="link" onClick={() => app.routes.go({ at: "household", id: each.householdId })}>
              {each.name || store.households.row(each.householdId)?.name || app.words.list.noName}
            </button>
            <EventStatus app={app} event={each} trail={trails?.get(each.ref)} />
          </li>
        ))}
      </ul>
    </Page>
  );
}
