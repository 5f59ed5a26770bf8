/** What stands on a page: questions, notes, sections inside the section, rows. Only what is relevant is drawn. */
import type { Part } from "../engine/instance";
import { pathOf } from "../model/filling";
import type { Item, Note } from "../xform/sheet";
import { isItemShown } from "./pages";
import { Question } from "./question";
import { plainText, Rich } from "./rich";
import { Rows } from "./rows";
import type { View } from "./view";

export function Items({ view, items, part, depth }: { view: View; items: readonly Item[]; part: Part; depth: number }) {
  return (
    <>
      {items.filter((item) => isItemShown(view.filling, item, part)).map((item) => {
        if (item.kind === "question") return <Question key={pathOf({ part, question: item })} view={view} cell={{ part, question: item }} />;
        if (item.kind === "note") return <NoteText key={item.path} view={view} note={item} part={part} />;
        const title = plainText(view.text(item.label, part, item.path));
        return (
          <div key={item.path} class="pf-section">
            {title !== "" && depth > 0 && <h3>{title}</h3>}
            {item.kind === "repeat" ? <Rows view={view} repeat={item} part={part} />
              : <Items view={view} items={item.items} part={part} depth={depth + 1} />}
          </div>
        );
      })}
    </>
  );
}

/** Notes that repeat for other apps what this one says by itself. */
const FOR_OTHERS = "collect-only";

function NoteText({ view, note, part }: { view: View; note: Note; part: Part }) {
  if (note.appearance.includes(FOR_OTHERS)) return null;
  const text = view.text(note.label, part, note.path) || view.text(note.hint, part, note.path);
  return text === "" ? null : <p class="pf-note"><Rich text={text} /></p>;
}
