"""What `field_forms/engine_support.py` says of the tablet is asked of the real engine and of the real pages."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

import pytest
from form_page import question
from playwright.sync_api import expect
from pyxform.xls2xform import convert

from field_forms.engine_support import FUNCTIONS, LACKING, TYPES, functions_of, kind_of, unsupported
from field_forms.sheet import SheetRow, read_sheet
from schemas.xpath_functions import FUNCTIONS as OURS

CALLS = {
    "abs": "abs(-1)", "acos": "acos(1)", "area": "area('1 1 0 0;1 2 0 0;2 2 0 0;1 1 0 0')", "asin": "asin(1)",
    "atan": "atan(1)", "atan2": "atan2(1, 1)", "base64-decode": "base64-decode('YQ==')", "boolean": "boolean(1)",
    "boolean-from-string": "boolean-from-string('true')", "ceiling": "ceiling(1.2)",
    "checklist": "checklist(0, 1, true())", "coalesce": "coalesce('', 'a')", "concat": "concat('a', 'b')",
    "contains": "contains('ab', 'a')", "cos": "cos(0)", "count": "count(/data/x)",
    "count-non-empty": "count-non-empty(/data/x)", "count-selected": "count-selected('a b')",
    "current": "string(current()/../x)", "date": "date('2020-01-01')", "date-time": "date-time('2020-01-01')",
    "decimal-date-time": "decimal-date-time('2020-01-01')", "decimal-time": "decimal-time('06:00:00.000+07:00')",
    "digest": "digest('a', 'SHA-1', 'hex')", "distance": "distance('1 1 0 0;1 2 0 0')",
    "ends-with": "ends-with('ab', 'b')", "exp": "exp(1)", "exp10": "exp10(2)", "false": "string(false())",
    "floor": "floor(1.5)", "format-date": "format-date('2020-01-01', '%Y')",
    "format-date-time": "format-date-time('2020-01-01T01:00', '%H')",
    "geofence": "string(geofence('1 1 0 0', '0 0 0 0;0 2 0 0;2 2 0 0;2 0 0 0;0 0 0 0'))", "if": "if(true(), 'a', 'b')",
    "indexed-repeat": "indexed-repeat(/data/r/y, /data/r, 1)", "instance": "string(instance('list')/root/item[1]/name)",
    "int": "int(1.5)", "join": "join('-', /data/x)", "jr:choice-name": "jr:choice-name(/data/s, '/data/s')",
    "last": "string(/data/x[last()])", "local-name": "local-name(/data/x)", "log": "log(1)", "log10": "log10(10)",
    "max": "max(1, 2)", "min": "min(1, 2)", "name": "name(/data/x)", "normalize-space": "normalize-space(' a ')",
    "not": "string(not(true()))", "now": "string(now())", "number": "number('1')", "once": "once('a')", "pi": "pi()",
    "position": "position(/data/x)", "pow": "pow(2, 3)", "pulldata": "pulldata('list', 'label', 'name', 'a')",
    "random": "random()", "randomize": "string(randomize(/data/x))", "regex": "string(regex('a', '^a$'))",
    "round": "round(1.26, 1)", "selected": "string(selected('a b', 'a'))", "selected-at": "selected-at('a b', 1)",
    "sin": "sin(0)", "sqrt": "sqrt(4)", "starts-with": "string(starts-with('ab', 'a'))", "string": "string(1)",
    "string-length": "string-length('ab')", "substr": "substr('abc', 0, 1)", "substring": "substring('abc', 1, 1)",
    "substring-after": "substring-after('a-b', '-')", "substring-before": "substring-before('a-b', '-')",
    "sum": "sum(/data/x)", "tan": "tan(0)", "today": "string(today())", "translate": "translate('a', 'a', 'b')",
    "true": "string(true())", "uuid": "uuid()", "weighted-checklist": "weighted-checklist(0, 1, true(), 1)",
}  # fmt: skip
XFORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
  xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>t</h:title><model><instance><data id="t" version="1">
  <x>1</x><s>a</s><r jr:template=""><y>7</y></r><r><y>7</y></r><c/><meta><instanceID/></meta></data></instance>
  <instance id="list"><root><item><name>a</name><label>Aa</label></item></root></instance>
  <bind nodeset="/data/x" type="string"/><bind nodeset="/data/s" type="string"/>
  <bind nodeset="/data/r/y" type="string"/><bind nodeset="/data/c" type="string" calculate={expression}/></model>
  </h:head><h:body><input ref="/data/x"><label>x</label></input>
  <group ref="/data/r"><repeat nodeset="/data/r"><input ref="/data/r/y"/></repeat></group>
  <select1 ref="/data/s"><label>s</label><itemset nodeset="instance('list')/root/item">
  <value ref="name"/><label ref="label"/></itemset></select1></h:body></h:html>"""
COMPUTE = """async (xform) => {
  try {
    const session = await tests.openSession(tests.requestOf({xform}));
    return {text: session.filling.engine.text("e", "/data/c"), broken: session.filling.broken};
  } catch (error) { return {broken: error.message}; }
}"""


def test_every_function_of_the_list_has_an_example():
    assert set(CALLS) == FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_of_the_list_is_computed_by_the_engine(module_page, name):
    found = module_page.evaluate(COMPUTE, XFORM.replace("{expression}", quoteattr(CALLS[name])))
    assert found["broken"] is None and found["text"] not in ("", "NaN", "Invalid Date"), found


@pytest.mark.parametrize("name", sorted(LACKING))
def test_a_function_that_is_lacking_takes_the_form_down(module_page, name):
    found = module_page.evaluate(COMPUTE, XFORM.replace("{expression}", quoteattr(f"{name}('a')")))
    assert name in found["broken"]


def test_what_the_server_evaluates_the_tablet_evaluates_too():
    assert set(OURS) <= FUNCTIONS


KINDS = {
    "select_one": "select_one l", "select_multiple": "select_multiple l", "rank": "rank l",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"calculate", "hidden"}))
def test_a_type_of_the_list_is_drawn_with_each_appearance(page, kind):
    for appearance in ["", *sorted(TYPES[kind])]:
        rows = [f"| | {KINDS.get(kind, kind)} | q | What | {appearance} | start=0 end=4 step=1 |"]
        if kind != "range":
            rows = [row.replace("start=0 end=4 step=1", "") for row in rows]
        if kind.startswith("begin_"):
            rows += ["| | text | inner | Inside | | |", f"| | end_{kind[6:]} | | | | |"]
        sheet = "\n".join(["| survey | | | | | |", "| | type | name | label | appearance | parameters |", *rows,
                           "| choices | | | |", "| | list_name | name | label |", "| | l | a | Aa |"])  # fmt: skip
        page.evaluate("xform => tests.mount({xform})", convert(xlsform=sheet, form_name="data").xform)
        if kind == "note":
            expect(page.get_by_text("What")).to_have_count(0 if appearance == "collect-only" else 1)
        elif kind == "begin_repeat":
            expect(page.locator(".pf-card")).to_have_count(1)
        else:
            asked = question(page, "/inner" if kind == "begin_group" else "/q")
            expect(asked.locator("input, textarea, button:not(.pf-more-button)").first).to_be_visible()
        assert page.get_by_text("belum dapat diisi").count() == 0
        page.evaluate("mounted.unmount()")


SHEET = """
| survey | | | | | | |
| | type | name | label | calculation | appearance | parameters |
| | geotrace | walk | Walk | | | |
| | audio | voice | Voice | | | |
| | image | photo | Photo | | annotate | quality=low |
| | select_one l | pick | Pick | | image-map | |
| | select_one_from_file places.geojson | place | Place | | minimal | |
| | calculate | who | | property('user') | | |
| | calculate | good | | if(selected(${pick}, 'extract-signed(1)'), 1, 0) | | |
| choices | | | | | | |
| | list_name | name | label | media::image | | |
| | l | a | Aa | a.png | | |
| settings | | | | | | |
| | form_id | | | | | |
| | others | | | | | |
"""


def test_what_the_tablet_lacks_is_named_with_row_and_column(tmp_path):
    path = tmp_path / "others.md"
    path.write_text(SHEET, encoding="utf-8")
    told = [(each.code, each.sheet, each.row, each.column, each.question) for each in unsupported(read_sheet(path))]
    assert told == [
        ("tablet_media", "choices", 2, "media::image", "a"),
        ("tablet_type", "survey", 2, "type", "walk"),
        ("tablet_type", "survey", 3, "type", "voice"),
        ("tablet_appearance", "survey", 4, "appearance", "photo"),
        ("tablet_parameter", "survey", 4, "parameters", "photo"),
        ("tablet_appearance", "survey", 5, "appearance", "pick"),
        ("tablet_file", "survey", 6, "type", "place"),
        ("tablet_function", "survey", 7, "calculation", "who"),
    ]
    assert all(re.search("tablet", str(each)) for each in unsupported(read_sheet(path)))


def test_types_are_known_by_their_other_names():
    assert (
        kind_of("select one from file a.csv") == "select_one"
        and kind_of("select_multiple l or_other") == "select_multiple"
    )
    assert kind_of("begin  group") == "begin_group" and kind_of("int") == "integer" and kind_of("") == ""
    assert functions_of("if(${a} = 'now()', today() , (1 + 2)) and not(x)") == ["if", "today", "not"]
    assert SheetRow(2, {"type": "text"})["appearance"] == ""
