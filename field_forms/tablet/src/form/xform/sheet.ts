/**
 * What an XForm asks, as our own pages need it: sections, repeats, questions, texts in each language, choice lists.
 *
 * Types only. `read_sheet.ts` makes it from the XML; nothing here is changed afterwards.
 */

/** A text in one language: plain pieces, and expressions whose value stands in between. */
export type Pieces = readonly (string | { output: string })[];
export interface Text {
  /** By name of the language. */
  readonly by: Readonly<Record<string, Pieces>>;
  /** Address of a picture, `jr://images/x.png`, where the text has one. */
  readonly image?: string;
}

export interface Language {
  /** As the form names it: `Bahasa Indonesia (id)`. */
  readonly name: string;
  /** `id`, `en` or what stands in brackets; empty for a form without languages. */
  readonly code: string;
}

/** Where a question's choices come from. */
export interface Choices {
  /** Id of a list in `Sheet.lists`, or null where the rows of a repeat are the choices. */
  readonly list: string | null;
  /** The node-set as the form has it; `[...]` filters it. */
  readonly nodeset: string;
  readonly filtered: boolean;
  readonly shuffled: boolean;
  /** Columns that hold the code and the label. */
  readonly value: string;
  readonly label: string;
}

export interface Choice {
  readonly value: string;
  readonly label: Text;
}

export type Control =
  | "text" | "integer" | "decimal" | "date" | "time" | "dateTime" | "one" | "many" | "rank" | "range" | "photo"
  | "signature" | "file" | "geopoint" | "acknowledge" | "barcode" | "unsupported";

interface Placed {
  /** `/data/g_hh/no_kk`, without predicates. */
  readonly path: string;
  readonly name: string;
  readonly label: Text | null;
  readonly appearance: readonly string[];
  /** Expression, or empty: always. */
  readonly relevant: string;
}

export interface Group extends Placed {
  readonly kind: "group";
  readonly items: readonly Item[];
}

export interface Repeat extends Placed {
  readonly kind: "repeat";
  readonly items: readonly Item[];
  /** Whether a `jr:count` says how many rows there are; else people add them. */
  readonly counted: boolean;
  /** Path of the repeat around it, or empty. */
  readonly within: string;
}

export interface Question extends Placed {
  readonly kind: "question";
  readonly control: Control;
  /** Its name where that is unique in the form, else its path with dots. */
  readonly key: string;
  readonly hint: Text | null;
  readonly guidance: Text | null;
  readonly constraintMessage: Text | null;
  readonly requiredMessage: Text | null;
  readonly readonly: boolean;
  readonly calculated: boolean;
  readonly choices: Choices | null;
  /** `start`, `end`, `step`, `rows`, `max-pixels`, `capture-accuracy` ... as the form has them. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly fixedChoices: readonly Choice[];
  /** Path of the repeat it stands in, or empty. */
  readonly within: string;
}

export interface Note extends Placed {
  readonly kind: "note";
  readonly hint: Text | null;
  readonly within: string;
}

export type Item = Group | Repeat | Question | Note;

export interface Sheet {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly languages: readonly Language[];
  readonly defaultLanguage: string;
  /** Name of the outermost node. */
  readonly root: string;
  readonly items: readonly Item[];
  readonly questions: readonly Question[];
  readonly repeats: readonly Repeat[];
  /** Every path of the model with a calculation, shown or not. */
  readonly calculations: readonly Calculation[];
  /** What the form wants to know of its own making: `start`, `end`, `today`, `deviceid`, `username`. */
  readonly metas: readonly Meta[];
  /** Paths whose value an action of the form may set. */
  readonly actionTargets: readonly string[];
  /** Whether the form sets anything at its first opening. */
  readonly firstLoad: boolean;
  /** Lists inside the form. */
  readonly lists: Readonly<Record<string, readonly ListRow[]>>;
  /** Lists that come as files: id -> name of the file. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Meta {
  readonly path: string;
  readonly key: string;
  readonly what: string;
}

export interface Calculation {
  readonly path: string;
  readonly key: string;
  readonly expression: string;
  /** Whether it has a value of its own that computing again would not give: chance, clock, `once`. */
  readonly unrepeatable: boolean;
  readonly within: string;
}

/** A row of a list inside the form: its columns, and its label where that is a translated text. */
export interface ListRow {
  readonly columns: Readonly<Record<string, string>>;
  readonly label: Text | null;
}
