/**
 * Five invented families for training, in the shape of the feed. Nobody of that name lives there; the numbers are of no
 * person: their serial is 9999. One was sent back with comments, one has a conflict, so that every screen can be tried.
 */
import { newUuid, regionOf } from "../seal/ids";
import type { Cell, HouseholdItem, PersonRecord } from "./record";

interface Member {
  name: string;
  sex: "1" | "2";
  born: string;
  relation: string;
}

interface Family {
  rt: string;
  address: string;
  members: Member[];
  comments?: Record<string, string>;
  note?: string;
}

const FAMILIES: Family[] = [
  {
    rt: "001",
    address: "Jl. Latihan 1",
    members: [
      { name: "CONTOH HASAN", sex: "1", born: "1979-04-12", relation: "1" },
      { name: "CONTOH FATIMAH", sex: "2", born: "1982-09-30", relation: "2" },
      { name: "CONTOH LAILA", sex: "2", born: "2012-01-05", relation: "3" },
    ],
  },
  {
    rt: "001",
    address: "Jl. Latihan 7",
    members: [{ name: "CONTOH SALMAH", sex: "2", born: "1951-12-01", relation: "1" }],
  },
  {
    rt: "002",
    address: "Gang Coba 3",
    members: [
      { name: "CONTOH BASRI", sex: "1", born: "1988-02-17", relation: "1" },
      { name: "CONTOH WATI", sex: "2", born: "1990-07-08", relation: "2" },
      { name: "CONTOH ILHAM", sex: "1", born: "2015-03-22", relation: "3" },
      { name: "CONTOH NISA", sex: "2", born: "2019-11-11", relation: "3" },
    ],
    comments: { "h/address": "Sebutkan nomor rumah atau patokannya.", "h/rt": "RT pada KK berbeda; tanyakan lagi." },
    note: "Contoh formulir yang dikembalikan pengawas.",
  },
  {
    rt: "003",
    address: "Jl. Contoh 12",
    members: [
      { name: "CONTOH DARMAN", sex: "1", born: "1969-06-02", relation: "1" },
      { name: "CONTOH YULIA", sex: "2", born: "1971-10-19", relation: "2" },
    ],
  },
  {
    rt: "004",
    address: "Jl. Contoh 20",
    members: [
      { name: "CONTOH TAUFIK", sex: "1", born: "1993-08-25", relation: "1" },
      { name: "CONTOH MARLINA", sex: "2", born: "1996-05-14", relation: "2" },
      { name: "CONTOH FARHAN", sex: "1", born: "2023-12-03", relation: "3" },
    ],
  },
];

/** The families in a village, as the feed would bring them. */
export function trainingFamilies(village: string, ref: () => string): HouseholdItem[] {
  return FAMILIES.map((family, at) => item(family, at, village, ref));
}

function item(family: Family, at: number, village: string, ref: () => string): HouseholdItem {
  const id = newUuid();
  const home_region = regionOf(village);
  const district = village.slice(0, 8).replaceAll(".", "");
  const listed = ref();
  const assigned = ref();
  const returned = family.comments ? ref() : null;
  const household: Record<string, Cell> = {
    village_code: { value: village },
    family_id: { value: `LATIHAN-${at + 1}` },
    prelist_mode: { value: "1" },
    head_name: { value: family.members[0]!.name },
    no_kk: { value: `${district}010120${String(at + 1).padStart(4, "0")}` },
    address: { value: family.address },
    rt: { value: family.rt },
    rw: { value: "001" },
  };
  const persons = family.members.map((member) => person(member, id, district));
  const line = (one: string, kind: string) => ({ ref: one, household_id: id, id: newUuid(), kind, status: "live", actor: "latihan" });
  const paths = [
    ...Object.keys(household).map((name) => `h/${name}`),
    ...persons.flatMap((each) => Object.keys(each.fields).map((name) => `p/${each.key}/${name}`)),
  ];
  return {
    kind: "household",
    level: "full",
    household_id: id,
    home_region,
    area: village,
    data: {
      household_id: id,
      home_region,
      area: village,
      aliases: [],
      conflicts: [],
      state: returned ? "returned" : "assigned",
      household,
      persons,
    },
    trail: {
      refs: [line(listed, "prelist"), line(assigned, "assignment"), ...(returned ? [line(returned, "review")] : [])],
      values: Object.fromEntries(paths.map((path) => [path, { ref: listed, evidence: 0, actor: "latihan" }])),
      returns: returned ? [{ ref: returned, comments: family.comments ?? {}, due: null, note: family.note ?? "" }] : [],
      held: [],
    },
    identity: [],
    events: [],
  };
}

function person(member: Member, household: string, district: string): PersonRecord {
  const key = `${household}/${newUuid()}`;
  const [year, month, day] = member.born.split("-") as [string, string, string];
  const printed = String(Number(day) + (member.sex === "2" ? 40 : 0)).padStart(2, "0");
  const said: Record<string, string> = {
    m_name: member.name,
    nik: `${district}${printed}${month}${year.slice(2)}9999`,
    sex: member.sex,
    birth_date: member.born,
    relation: member.relation,
  };
  return { key, keys: [key], fields: Object.fromEntries(Object.entries(said).map(([name, value]) => [name, { value }])) };
}
