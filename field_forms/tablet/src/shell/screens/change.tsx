/** A birth, a death, a move ...: what, who, where to; then the change form. */
import { useState } from "preact/hooks";
import type { PersonRecord } from "../../field/record";
import { type ChangeChoice, openChange, openingOf } from "../../field/work";
import { NO_WISH, chosen, linesOf } from "../../field/worklist";
import type { App } from "../app";
import { Busy, Choices, Page, TextInput, useLoaded } from "../parts";

const FOUND_MAX = 6;
/** Whom each kind is about. `new`: it may be somebody who is not on record. */
const ABOUT: Record<string, { persons: "none" | "one" | "many"; may?: "new" }> = {
  birth: { persons: "none" },
  death: { persons: "one" },
  move_out: { persons: "many", may: "new" },
  move_in: { persons: "none" },
  split: { persons: "many" },
  correction: { persons: "one" },
  work_accident: { persons: "one", may: "new" },
};
const NEW = "new";

export function ChangePage({ app, id }: { app: App; id: string }) {
  const store = app.active.value!.store;
  const words = app.words.change;
  const [kind, setKind] = useState("");
  const [persons, setPersons] = useState<string[]>([]);
  const [other, setOther] = useState("");
  const here = useLoaded(() => openingOf(store, id), [id]);
  const there = useLoaded(async () => (other ? openingOf(store, other).catch(() => null) : null), [other]);
  const about = ABOUT[kind];
  const from = kind === "move_in" ? there : null;
  const members = (from ?? (about?.persons === "none" ? null : here))?.shown?.data.persons.filter((each) => !each.moved_to) ?? [];
  const needed = about && (about.persons !== "none" || from) && !(about.may && persons.includes(NEW)) && kind !== "correction";
  const open = async () => {
    const known = persons.filter((each) => each !== NEW);
    const choice: ChangeChoice = {
      kind,
      persons: known,
      to: kind === "move_out" && known.length > 0 ? other || null : null,
      from: kind === "move_in" ? other || null : null,
    };
    const draft = await openChange(store, id, choice, app.clock);
    await store.drafts.save(draft);
    app.touch();
    app.routes.replace({ at: "form", draftId: draft.id });
  };
  const choose = (next: string) => {
    setKind(next);
    setPersons([]);
    setOther("");
  };
  return (
    <Page app={app} title={words.title} back={() => app.routes.back()}>
      <Choices name="kind" legend={words.what} choices={Object.entries(words.kinds)} chosen={kind ? [kind] : []} onChoose={([one]) => choose(one ?? "")} />
      {kind === "move_in" && <Listed app={app} legend={words.from} none={words.fromNowhere} some={words.fromListed} chosen={other} except={id} choose={setOther} />}
      {about && (about.persons !== "none" || from) && <Who app={app} about={from ? { persons: "many" } : about} members={members} persons={persons} setPersons={setPersons} />}
      {kind === "move_out" && persons.some((each) => each !== NEW) && (
        <Listed app={app} legend={words.where} none={words.outside} some={words.toListed} chosen={other} except={id} choose={setOther} />
      )}
      {needed && persons.length === 0 && <p class="hint">{words.pick}</p>}
      <Busy app={app} label={words.go} disabled={!about || Boolean(needed && persons.length === 0)} do={open} />
    </Page>
  );
}

function Who(props: {
  app: App;
  about: { persons: "none" | "one" | "many"; may?: "new" };
  members: readonly PersonRecord[];
  persons: string[];
  setPersons: (persons: string[]) => void;
}) {
  const words = props.app.words;
  const choices = props.members.map((each) => [each.key, String(each.fields["m_name"]?.value ?? words.list.noName)] as const);
  const all = props.about.may ? [...choices, [NEW, words.change.nobody] as const] : choices;
  const many = props.about.persons === "many";
  const choose = (chosen: string[]) => {
    // Somebody who is not on record stands alone.
    const fresh = chosen.includes(NEW) && !props.persons.includes(NEW);
    props.setPersons(fresh ? [NEW] : chosen.filter((each) => each !== NEW || chosen.length === 1));
  };
  return <Choices name="who" legend={many ? words.change.whoMany : words.change.who} choices={all} chosen={props.persons} many={many} onChoose={choose} />;
}

/** Out of the list, or one of its families. */
function Listed(props: { app: App; legend: string; none: string; some: string; chosen: string; except: string; choose: (id: string) => void }) {
  const { app } = props;
  const store = app.active.value!.store;
  const [listed, setListed] = useState(false);
  const [search, setSearch] = useState("");
  const lines = linesOf(store.households.all(), [], new Set()).filter((line) => line.row.level === "full" && line.row.id !== props.except);
  const found = search.trim().length < 2 ? [] : chosen(lines, { ...NO_WISH, search }).slice(0, FOUND_MAX);
  const known = store.households.row(props.chosen);
  const turn = (value: string) => {
    setListed(value === "listed");
    if (value !== "listed") props.choose("");
  };
  return (
    <>
      <Choices
        name="where"
        legend={props.legend}
        choices={[
          ["none", props.none],
          ["listed", props.some],
        ]}
        chosen={[listed ? "listed" : "none"]}
        onChoose={([one]) => turn(one ?? "none")}
      />
      {listed && <TextInput id="which" kind="search" label={app.words.change.whichFamily} value={search} onInput={setSearch} />}
      {listed && (known || found.length > 0) && (
        <Choices
          name="family"
          legend={app.words.change.whichFamily}
          choices={[...(known ? [known] : []), ...found.map((line) => line.row).filter((row) => row.id !== known?.id)].map((row) => [row.id, `${row.name}, RT ${row.rt}`] as const)}
          chosen={props.chosen ? [props.chosen] : []}
          onChoose={([one]) => props.choose(one ?? "")}
        />
      )}
    </>
  );
}
