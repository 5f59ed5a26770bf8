/** The work list: which families are shown, in which order. In memory, after unlocking; nothing of a search is kept. Pure. */
import type { Standing } from "../store/events";
import type { Point, Row } from "./record";
import { type Work, openReturns, workOf } from "./standing";

export interface Line {
  row: Row;
  work: Work;
  comments: number;
  due: string | null;
  distanceM: number | null;
}

export type Show = "mine" | "todo" | "done" | "returned" | "drafts" | "others";
export type Order = "name" | "rt" | "distance";

export interface Wish {
  show: Show;
  search: string;
  village: string;
  rt: string;
  order: Order;
  here: Point | null;
}

export const NO_WISH: Wish = { show: "mine", search: "", village: "", rt: "", order: "rt", here: null };

/** Every family with what is to be done about it. `drafted`: households with a draft. */
export function linesOf(rows: readonly Row[], events: readonly Standing[], drafted: ReadonlySet<string>): Line[] {
  const filed = new Map<string, Standing[]>();
  for (const event of events) for (const id of event.filed) filed.set(id, [...(filed.get(id) ?? []), event]);
  return rows.map((row) => {
    const own = [row.id, ...row.aliases].flatMap((id) => filed.get(id) ?? []);
    const open = openReturns(row, own);
    return {
      row,
      work: workOf(row, own, [row.id, ...row.aliases].some((id) => drafted.has(id))),
      comments: open.reduce((sum, each) => sum + each.comments, 0),
      due: open.map((each) => each.due).find((each) => each !== null) ?? null,
      distanceM: null,
    };
  });
}

/** What was wished for, in order; the returned ones first. */
export function chosen(lines: readonly Line[], wish: Wish): Line[] {
  const fits = searching(wish.search);
  const found = lines
    .filter((line) => shows(line, wish.show, wish.search !== ""))
    .filter((line) => !wish.village || line.row.area === wish.village)
    .filter((line) => !wish.rt || line.row.rt === wish.rt)
    .filter((line) => fits(line.row))
    .map((line) => ({ ...line, distanceM: wish.here && line.row.at ? distanceM(wish.here, line.row.at) : null }));
  return found.sort((one, other) => compare(one, other, wish));
}

/** Families of this officer, done and in all. */
export function tally(lines: readonly Line[]): { mine: number; done: number; todo: number; returned: number; drafts: number; others: number } {
  const mine = lines.filter((line) => line.row.level === "full");
  const count = (work: Work) => mine.filter((line) => line.work === work).length;
  return {
    mine: mine.length,
    done: count("done"),
    todo: count("todo"),
    returned: count("returned"),
    drafts: count("draft"),
    others: lines.length - mine.length,
  };
}

export function rtsOf(lines: readonly Line[], village: string): string[] {
  const rts = lines.filter((line) => !village || line.row.area === village).map((line) => line.row.rt);
  return [...new Set(rts)].filter(Boolean).sort();
}

function shows(line: Line, show: Show, searching: boolean): boolean {
  const mine = line.row.level === "full";
  if (show === "others") return !mine;
  // Whoever searches wants the family, be it on the own list or not.
  if (show === "mine") return mine || searching;
  if (!mine) return false;
  return line.work === (show === "drafts" ? "draft" : show);
}

/** Every word of the search begins a word of a name, or stands in a NIK or family-card number. */
function searching(text: string): (row: Row) => boolean {
  const words = plain(text).split(" ").filter(Boolean);
  if (words.length === 0) return () => true;
  return (row) => {
    const names = ` ${plain([row.name, ...row.members].join(" "))}`;
    return words.every((word) => {
      const digits = word.replace(/\D/g, "");
      const numbered = digits.length >= 4 && [...row.niks, row.noKk].some((each) => each.includes(digits));
      return numbered || names.includes(` ${word}`);
    });
  };
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/[\u0300-\u036f.,'`]/g, "").toLowerCase().replace(/\s+/g, " ").trim();
}

function compare(one: Line, other: Line, wish: Wish): number {
  const urgent = Number(other.work === "returned") - Number(one.work === "returned");
  if (urgent !== 0) return urgent;
  const own = Number(other.row.level === "full") - Number(one.row.level === "full");
  if (own !== 0) return own;
  if (wish.order === "distance" && wish.here) {
    const gap = (one.distanceM ?? Infinity) - (other.distanceM ?? Infinity);
    if (gap !== 0 && !Number.isNaN(gap)) return gap;
  }
  const places = wish.order === "name" ? 0 : byText(one.row.area, other.row.area) || byText(one.row.rt, other.row.rt);
  return places || byText(one.row.name, other.row.name) || byText(one.row.id, other.row.id);
}

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Metres between two points; the earth as a ball is good enough to walk by. */
function distanceM(one: Point, other: Point): number {
  const rad = Math.PI / 180;
  const [dLat, dLon] = [(other.lat - one.lat) * rad, (other.lon - one.lon) * rad];
  const a = Math.sin(dLat / 2) ** 2 + Math.cos(one.lat * rad) * Math.cos(other.lat * rad) * Math.sin(dLon / 2) ** 2;
  return 6_371_000 * 2 * Math.asin(Math.sqrt(a));
}
