/**
 * Expressions as text: cut into tokens and rewritten, never evaluated. Evaluating is the engine's business.
 *
 * Pure. Knows XPath 1.0 as XLSForm writes it, and `${question}` of the compiled definitions.
 */

export interface Token {
  kind: "string" | "number" | "name" | "ref" | "op" | "space";
  text: string;
}

const TOKEN =
  /(?<string>'[^']*'|"[^"]*")|(?<number>\d+(?:\.\d*)?|\.\d+)|(?<ref>\$\{\s*[^}]*\})|(?<name>[A-Za-z_][\w.-]*(?::[A-Za-z_*][\w.-]*)?)|(?<space>\s+)|(?<op>\.\.|::|\/\/|<=|>=|!=|[\s\S])/gy;

/** The tokens of an expression; joined again they give the same text. */
export function tokens(expression: string): Token[] {
  const found: Token[] = [];
  for (const match of expression.matchAll(TOKEN)) {
    const [kind, text] = Object.entries(match.groups ?? {}).find(([, each]) => each !== undefined)!;
    found.push({ kind: kind as Token["kind"], text: text! });
  }
  return found;
}

const joined = (list: readonly Token[]): string => list.map((token) => token.text).join("");
const raw = (text: string): Token => ({ kind: "op", text });

/** Index of the next token that is no white space, from `at` on; the length where there is none. */
function next(list: readonly Token[], at: number): number {
  let index = at;
  while (index < list.length && list[index]!.kind === "space") index += 1;
  return index;
}

function previous(list: readonly Token[], at: number): Token | undefined {
  let index = at - 1;
  while (index >= 0 && list[index]!.kind === "space") index -= 1;
  return list[index];
}

/** Whether the name at `at` is called as a function; gives the index of its bracket, else -1. */
function callAt(list: readonly Token[], at: number): number {
  if (list[at]?.kind !== "name") return -1;
  const bracket = next(list, at + 1);
  return list[bracket]?.text === "(" ? bracket : -1;
}

/** Index of the bracket that closes the one at `open`. */
function closing(list: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < list.length; index += 1) {
    const text = list[index]!.text;
    if (list[index]!.kind !== "op") continue;
    if (text === "(" || text === "[") depth += 1;
    if (text === ")" || text === "]") depth -= 1;
    if (depth === 0) return index;
  }
  return list.length;
}

/** Names of the functions that an expression calls. */
export function functionsOf(expression: string): Set<string> {
  const list = tokens(expression);
  return new Set(list.filter((_, index) => callAt(list, index) >= 0).map((token) => token.text));
}

/** `today()` becomes `replacement`: the day of the visit, not the day of the tablet's clock. */
export function withToday(expression: string, replacement: string): string {
  if (!expression.includes("today")) return expression;
  const list = tokens(expression);
  for (let index = 0; index < list.length; index += 1) {
    const open = list[index]!.text === "today" ? callAt(list, index) : -1;
    if (open >= 0) list.splice(index, closing(list, open) - index + 1, raw(replacement));
  }
  return joined(list);
}

const TOTALS = new Set(["sum", "min", "max"]);

/**
 * `sum(/data/x)` becomes `sum(/data/x[string(.) != ''])`: what is not relevant or not answered is left out, as in ODK
 * Collect and in our own evaluator. The engine counts it as no number, and one empty row makes the whole sum none.
 */
export function withoutEmpty(expression: string): string {
  const list = tokens(expression);
  for (let index = list.length - 1; index >= 0; index -= 1) {
    const open = TOTALS.has(list[index]!.text) ? callAt(list, index) : -1;
    if (open < 0) continue;
    for (const [begin, end] of argumentsOf(list, open).reverse()) {
      let last = end;
      while (list[last - 1]?.kind === "space") last -= 1;
      if (isPath(list.slice(begin, end)) && list[last - 1]!.text !== "]") list.splice(last, 0, raw("[string(.) != '']"));
    }
  }
  return joined(list);
}

/** Where the arguments of a call begin and end. */
function argumentsOf(list: readonly Token[], open: number): [number, number][] {
  const end = closing(list, open);
  const found: [number, number][] = [];
  let [begin, depth] = [open + 1, 0];
  for (let index = open + 1; index <= end; index += 1) {
    const text = list[index]?.kind === "op" ? list[index]!.text : "";
    if ((text === "," && depth === 0) || index === end) {
      found.push([begin, index]);
      begin = index + 1;
    } else if (text === "(" || text === "[") depth += 1;
    else if (text === ")" || text === "]") depth -= 1;
  }
  return found;
}

/** Whether tokens are one location path and nothing else. */
function isPath(list: readonly Token[]): boolean {
  const text = joined(list).trim();
  return /^(?:\.\.?|\/)?(?:\/?(?:\.\.?|[A-Za-z_][\w.-]*)(?:\[[^[\]]*\])?)+$/.test(text) && !text.includes("(");
}

/** `${name}` becomes what `resolve` says, `.` becomes `self`: an expression of the definition as the engine reads it. */
export function resolved(expression: string, resolve: (name: string) => string, self: string): string {
  const list = tokens(expression);
  return list
    .map((token, index) => {
      if (token.kind === "ref") return ` ${resolve(token.text.slice(2, -1).trim())} `;
      const alone = previous(list, index)?.text !== "/" && list[next(list, index + 1)]?.text !== "/";
      return token.text === "." && alone ? self : token.text;
    })
    .join("");
}

/** The steps of an absolute path without predicates: `/data/member[1]/nik` gives `["data", "member", "nik"]`. */
export function steps(path: string): string[] {
  return path.replaceAll(/\[[^\]]*\]/g, "").split("/").filter((step) => step !== "");
}

/**
 * The path from one question to another. Within a repeat that both stand in it is relative, so that each row sees its
 * own; else absolute. `repeats`: paths of all repeats.
 */
export function pathBetween(from: string, to: string, repeats: readonly string[]): string {
  const shared = repeats
    .filter((repeat) => from.startsWith(`${repeat}/`) && to.startsWith(`${repeat}/`))
    .sort((a, b) => b.length - a.length)[0];
  if (shared === undefined) return to;
  const up = steps(from).length - steps(shared).length;
  return `${"../".repeat(up)}${to.slice(shared.length + 1)}`;
}

/** XPath string literal. XPath 1.0 has no escape: a text with both kinds of quotes is joined from pieces. */
export function literal(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  return `concat(${text.split("'").map((piece) => `'${piece}'`).join(`, "'", `)})`;
}
