"""The households of the tablet's benchmark, and what other form programs are given of one: its XML and its CSVs.

Five hundred invented families: every other tool gets the same form, the same household, the same cut-down lists.
"""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from copy import deepcopy

from field_forms.areas import load_areas
from schemas.prelist import PrelistFamily, PrelistMember

REGION, DISTRICT, VILLAGE = "19.03", "19.03.01", "19.03.01.1001"
HOUSEHOLDS = 500
MEMBERS, MANY_MEMBERS = 5, 15
FAMILIES_OF_5, FAMILIES_OF_15 = 60, 12
"""The first so many families have five members, so many after them fifteen: one for each time a form is opened anew."""

XFORMS, OPENROSA = "http://www.w3.org/2002/xforms", "http://openrosa.org/javarosa"
ROSTER = "member"
MET: Mapping[str, str] = {"visit_outcome": "01", "notice_ack": "1"}
"""Answers with which a visit has begun: the family was met and told what it is for; then all sections are asked."""
LIVES_HERE: Mapping[str, str] = {"presence": "1"}
_FIRST = ("SUMARDI", "ZULKIFLI", "HAMDANI", "MARWAN", "YANTO", "JAUHARI", "RUSLI", "SUHARDI", "SLAMET", "PAIJO")


def families(count: int = HOUSEHOLDS) -> list[PrelistFamily]:
    """The list. Names of heads and NIKs occur once; a NIK has the right shape and agrees with birth date and sex."""
    return [_family(number) for number in range(count)]


def size_of(number: int) -> int:
    """Members of the family at a place of the list."""
    if number < FAMILIES_OF_5:
        return MEMBERS
    return MANY_MEMBERS if number < FAMILIES_OF_5 + FAMILIES_OF_15 else 2 + number % 4


def cut_lists(family: PrelistFamily) -> dict[str, str]:
    """Name of a CSV -> its text, as the tablet app cuts it: villages of the officer's district, the family itself."""
    areas = load_areas()
    villages = [(code, areas.name(code)) for code in areas.villages(DISTRICT)]
    return {
        "villages.csv": _csv(("name", "label"), sorted(villages)),
        "prelist.csv": _csv(
            ("name", "label", "village_code"), [(family.family_id, family.head_name, family.area)]
        ),
    }  # fmt: skip


def list_xml(text: str) -> str:
    """A CSV as the secondary instance that programs without CSVs of their own are given."""
    root = ElementTree.Element("root")
    for row in csv.DictReader(io.StringIO(text)):
        item = ElementTree.SubElement(root, "item")
        for name, value in row.items():
            ElementTree.SubElement(item, name).text = value
    return ElementTree.tostring(root, encoding="unicode")


def instance_xml(xform: str, family: PrelistFamily, opened: str, *, begun: bool) -> str:
    """The household as an instance of an XForm: what the list says of it, and a row for each member.

    `begun`: with the answers of a visit that has begun, each member living here. `opened`: day of the visit.
    """
    household = {
        "village_code": family.area, "prelist_mode": "1", "family_id": family.family_id, "visit_no": "1",
        "visit_date": opened, "today": opened, "head_name": family.head_name, "address": family.address,
        "rt": family.rt, "instanceID": f"uuid:{family.family_id}",
    }  # fmt: skip
    root = _primary(xform)
    _fill(root, household | (MET if begun else {}))
    pattern = next(each for each in root if _name(each) == ROSTER)
    at = list(root).index(pattern)
    for each in [each for each in root if _name(each) == ROSTER]:
        root.remove(each)
    pattern.attrib.clear()
    for offset, member in enumerate(family.members):
        row = deepcopy(pattern)
        told = {
            "m_name": member.name, "nik": member.nik_text, "nik_status": "1", "sex": member.sex,
            "birth_date": member.birth_date, "relation": member.relation,
        }  # fmt: skip
        _fill(row, told | (LIVES_HERE if begun else {}))
        root.insert(at + offset, row)
    ElementTree.register_namespace("", XFORMS)
    ElementTree.register_namespace("jr", OPENROSA)
    return ElementTree.tostring(root, encoding="unicode")


def _family(number: int) -> PrelistFamily:
    letters = "".join(chr(65 + number // power % 26) for power in (676, 26, 1))
    head = f"{_FIRST[number % len(_FIRST)]} {letters}"
    members = tuple(
        PrelistMember(
            number * 16 + at + 2, head if at == 0 else f"ANGGOTA {chr(65 + at)} {letters}", _nik(number, at), sex="1",
            relation="1" if at == 0 else "2" if at == 1 else "3", birth_date=f"1980-01-{10 + at}",
        )
        for at in range(size_of(number))
    )  # fmt: skip
    family_id, rt = f"190300000000{number:04d}", f"{1 + number // 20:03d}"
    return PrelistFamily(family_id, VILLAGE, f"JL. MELATI {number + 1}", members, rt=rt)


def _nik(number: int, at: int) -> str:
    return f"190301{10 + at:02d}0180{number * 16 + at + 1:04d}"


def _primary(xform: str) -> ElementTree.Element:
    instance = ElementTree.fromstring(xform).find(f".//{{{XFORMS}}}model/{{{XFORMS}}}instance")
    if instance is None or len(instance) == 0:
        raise ValueError("this XForm has no primary instance")
    return instance[0]


def _fill(root: ElementTree.Element, values: Mapping[str, str]) -> None:
    for each in root.iter():
        if len(each) == 0 and _name(each) in values:
            each.text = values[_name(each)]


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()
