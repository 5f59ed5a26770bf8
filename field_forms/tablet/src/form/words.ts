/** Every word of the form's own pages, in both languages. What the form asks stands in the form. */
import { en } from "./words_en";
import { id } from "./words_id";

export interface Words {
  /** For dates and numbers: `id-ID`. */
  languageCode: string;
  language: string;
  back: string;
  close: string;
  next: string;
  previous: string;
  done: string;
  cancel: string;
  sections: string;
  check: string;
  section(number: number, of: number): string;
  part(number: number): string;
  required: string;
  progress(done: number, total: number): string;
  opening: string;
  cannotOpen: string;
  keptSafe: string;
  notSaved: string;
  broken: string;
  olderVersion: string;
  training: string;
  menu: string;
  discard: string;
  discardAsk: string;
  discardYes: string;

  // A question
  more(question: string): string;
  prefilled: string;
  changed: string;
  confirmed: string;
  confirm: string;
  noAnswer: string;
  takeBack: string;
  states: Record<"declined" | "unknown" | "not_applicable" | "cleared", string>;
  stateHints: Record<"declined" | "unknown" | "not_applicable" | "cleared", string>;
  choose: string;
  search: string;
  nothingFound: string;
  showMore(count: number): string;
  notInList: string;
  computed: string;
  comment: string;
  datePattern: string;
  monthPattern: string;
  yearPattern: string;
  timePattern: string;
  decimalHint: string;
  age(years: number): string;
  accept: string;
  rankUp(label: string): string;
  rankDown(label: string): string;
  rankStart: string;
  less: string;
  greater: string;
  notSet: string;
  scan: string;
  scanning: string;
  unsupported: string;

  // Rows
  add(what: string): string;
  addMember: string;
  member(number: number): string;
  row(number: number): string;
  noName: string;
  newMember: string;
  removeRow: string;
  removeAsk(name: string): string;
  otherFamily: string;
  presence: Record<"2" | "3" | "4", string>;
  rowErrors(count: number): string;
  rowDone: string;
  rowOpen: string;
  nextMember: string;
  toList: string;
  noRows: string;

  // Camera, place, signature
  takePhoto: string;
  takeAgain: string;
  fromCameraApp: string;
  removePhoto: string;
  shutter: string;
  otherCamera: string;
  noCamera: string;
  photoOf(question: string): string;
  photoBroken: string;
  photoWorking: string;
  bytes(count: number): string;
  locate: string;
  locating: string;
  accuracy(metres: number): string;
  improving: string;
  useThis(metres: number): string;
  goodEnough: string;
  noGps: string;
  gpsDenied: string;
  gpsGiveUp: string;
  locateAgain: string;
  sign: string;
  signAgain: string;
  signHere: string;
  clear: string;
  signDone: string;
  chooseFile: string;
  fileTooLarge: string;

  // Checking and sealing
  errors(count: number): string;
  warnings(count: number): string;
  noErrors: string;
  errorsLead: string;
  warningsLead: string;
  goTo: string;
  seal: string;
  sealing: string;
  sealLead: string;
  sealBlocked: string;
  sealFailed: string;
  returned: string;
  returnedDue(day: string): string;
  comments(count: number): string;
  commentElsewhere: string;

  /** Words of remarks by their code; `{about}` is another member's name. */
  remarks: Record<string, string>;
}

export const WORDS: Record<"id" | "en", Words> = { id, en };
