/** How a form is cut into pages: a page for each section, one for each list of rows, and loose questions in handfuls. */
import type { Filling } from "../model/filling";
import type { Part } from "../engine/instance";
import type { Group, Item, Question, Repeat, Sheet, Text } from "../xform/sheet";

/** Loose questions on one page; a form without sections would else be one page of a hundred questions. */
const LOOSE_MAX = 20;

export interface Page {
  title: Text | null;
  items: readonly Item[];
  /** The section it stands for, whose relevance is the page's. */
  group: Group | null;
  /** The rows it lists, where it is nothing but a list. */
  repeat: Repeat | null;
}

export function pagesOf(sheet: Sheet): Page[] {
  const pages: Page[] = [];
  let loose: Item[] = [];
  const close = (): void => {
    for (let at = 0; at < loose.length; at += LOOSE_MAX) {
      pages.push({ title: null, items: loose.slice(at, at + LOOSE_MAX), group: null, repeat: null });
    }
    loose = [];
  };
  for (const item of sheet.items) {
    if (item.kind === "question" || item.kind === "note") loose.push(item);
    else {
      close();
      const repeat = item.kind === "repeat" ? item : null;
      pages.push({ title: item.label, items: [item], group: item.kind === "group" ? item : null, repeat });
    }
  }
  close();
  return pages;
}

/** Whether there is anything to see on a page now. */
export function isShown(filling: Filling, page: Page): boolean {
  return page.items.some((item) => isItemShown(filling, item, filling.outermost));
}

/** Whether an item is drawn: a section without anything in it is not. */
export function isItemShown(filling: Filling, item: Item, part: Part): boolean {
  if (item.kind === "question") return filling.relevant({ part, question: item });
  if (item.kind === "note") return filling.engine.relevant(part, item.path);
  if (!filling.engine.groupRelevant(part, item.path)) return false;
  if (item.kind === "repeat") return !item.counted || filling.rows(item, part).length > 0;
  return item.items.some((inner) => isItemShown(filling, inner, part));
}

/** Where a question stands: its page, and the rows to open one after another to come to it. */
export function placeOf(sheet: Sheet, pages: readonly Page[], filling: Filling, question: Question, part: Part) {
  const page = pages.findIndex((each) => each.items.some((item) => holds(item, question)));
  const rows: Part[] = [];
  let row = part;
  let within = question.within;
  while (within !== "") {
    rows.unshift(row);
    const repeat = sheet.repeats.find((each) => each.path === within)!;
    row = parentOf(filling, repeat, row);
    within = repeat.within;
  }
  return { page: Math.max(0, page), rows };
}

/** The part that a row stands in. */
export function parentOf(filling: Filling, repeat: Repeat, row: Part): Part {
  const key = Object.keys(filling.data.rows).find(
    (each) => each.startsWith(`${repeat.path} `) && filling.data.rows[each]!.includes(row),
  );
  return key === undefined ? filling.outermost : key.slice(repeat.path.length + 1);
}

/** The repeat that a row is of. */
export function repeatOf(sheet: Sheet, filling: Filling, row: Part): Repeat | undefined {
  const key = Object.keys(filling.data.rows).find((each) => filling.data.rows[each]!.includes(row));
  return sheet.repeats.find((repeat) => key?.startsWith(`${repeat.path} `));
}

function holds(item: Item, question: Question): boolean {
  return item === question || ("items" in item && item.items.some((inner) => holds(inner, question)));
}
