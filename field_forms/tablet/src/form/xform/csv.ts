/** Rows of a CSV file of choices. Pure. Text stays text: `01` is a code and no number. */

export type CsvRow = Record<string, string>;

/** Rows by column name (RFC 4180: quotes, doubled quotes, line breaks inside quotes). Empty lines are passed over. */
export function readCsv(text: string): CsvRow[] {
  const grid = cells(text.replace(/^\uFEFF/, ""));
  const heading = (grid.shift() ?? []).map((name) => name.trim());
  return grid
    .filter((row) => row.some((cell) => cell !== ""))
    .map((row) => Object.fromEntries(heading.map((name, index) => [name, row[index] ?? ""])));
}

/** A CSV file of rows. */
export function writeCsv(columns: readonly string[], rows: readonly CsvRow[]): string {
  const cell = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))]
    .map((line) => `${line.map(cell).join(",")}\n`)
    .join("");
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') (cell += '"'), (at += 1);
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === ",") row.push(cell), (cell = "");
    else if (character === "\n") row.push(cell.replace(/\r$/, "")), rows.push(row), (row = []), (cell = "");
    else cell += character;
  }
  if (cell !== "" || row.length > 0) row.push(cell), rows.push(row);
  return rows;
}
