"""What people type becomes the values that travel, and the values become the texts that rules see."""

from __future__ import annotations

import random

import pytest

from field_forms.client.typed import read_typed
from schemas.answers import value_error
from schemas.question import Field
from schemas.xpath import to_string

TYPED = {
    "integer": ("4", " 12 ", "-3", "007", "4.5", "empat", "", "1234567890123456"),
    "decimal": ("23,5", "23.50", "100", "007.5", "-1.25", "1,2,3", "x", "."),
    "date": ("31-12-1990", "31/12/1990", "1.2.2020", "1990-12-31", "30-02-2020", "29-02-2024", "31121990", "12-1990"),
    "time": ("07:30", "7.30", "2359", "24:00", "7", "07:60"),
}


@pytest.mark.parametrize(("control", "text"), [(control, text) for control, texts in TYPED.items() for text in texts])
def test_typed_answers_are_read_as_the_field_client_reads_them(module_page, control, text):
    said = module_page.evaluate("([c, t]) => tests.readTyped(c, t)", [control, text])
    field = Field("x", "h", control)
    if said["ok"] and said.get("value") is not None:
        assert value_error(field, said["value"]) is None
    if control == "time" or text in ("", "31121990"):  # the terminal does not read these
        return
    try:
        here = read_typed(field, text)
    except ValueError:
        here = None
    assert (said["value"] if said["ok"] else None) == here


def test_values_come_back_from_the_texts_that_rules_see(module_page):
    chance = random.Random(1)
    points = [
        {
            "lat": chance.randint(-90_000_000, 90_000_000),
            "lon": chance.randint(-180_000_000, 180_000_000),
            "acc_dm": chance.randint(0, 1_000_000),
        }
        for _ in range(200)
    ]
    points += [{"lat": 0, "lon": -1, "acc_dm": 0}, {"lat": -100_000, "lon": 10, "acc_dm": 5}]
    texts = module_page.evaluate("points => points.map(tests.instanceText)", points)
    assert texts == [to_string(point) for point in points]
    assert module_page.evaluate("texts => texts.map((t) => tests.valueOf('geopoint', t))", texts) == points
    assert module_page.evaluate("tests.instanceText(['a', 'b'])") == "a b"
    assert module_page.evaluate("tests.valueOf('select_multiple', 'b a  a')") == ["a", "b"]
    assert module_page.evaluate("tests.valueOf('integer', '12')") == 12
    assert module_page.evaluate("tests.valueOf('text', '012')") == "012"


def test_dashes_come_while_a_date_is_typed_and_never_while_it_is_deleted(module_page):
    typed = module_page.evaluate("""() => {
      let text = ""; const seen = [];
      for (const digit of "31121990") seen.push(text = tests.withDashes(text, text + digit));
      return seen;
    }""")
    assert typed == ["3", "31-", "31-1", "31-12-", "31-12-1", "31-12-19", "31-12-199", "31-12-1990"]
    assert module_page.evaluate("tests.withDashes('31-', '31')") == "31"
    assert module_page.evaluate("tests.withDashes('1/2', '1/2/')") == "1/2/"


def test_a_csv_file_is_read_and_written_with_its_quotes(module_page):
    rows = [{"name": "01", "label": 'Desa "Baru", timur'}, {"name": "02", "label": "dua\nbaris"}]
    text = module_page.evaluate("rows => tests.writeCsv(['name', 'label'], rows)", rows)
    assert module_page.evaluate("text => tests.readCsv('\\ufeff' + text.replaceAll('\\n0', '\\r\\n0'))", text) == rows
    assert module_page.evaluate("tests.readCsv('a,b\\n\\n1\\n')") == [{"a": "1", "b": ""}]


@pytest.mark.parametrize(
    ("text", "seen"),
    [("1990-02-28", "1990-02-28"), ("1990-02-30", "1990-02-30?"), ("0000-00-00", "0000-00-00?"), ("abc", "abc"),
     ("2020-01-01T07:30", "2020-01-01T07:30"), ("2020-01-01T25:00", "2020-01-01T25:00?"),
     ("1990-02-30x", "1990-02-30x")],
)  # fmt: skip
def test_a_date_that_is_none_is_marked_before_the_engine_sees_it(module_page, text, seen):
    assert module_page.evaluate("tests.engineText(" + repr(text) + ")") == seen


EXPRESSIONS = [
    ("withToday", ["today() - 5 > date(/data/x)", "D"], "D - 5 > date(/data/x)"),
    ("withToday", ["concat('today()', today( ))", "D"], "concat('today()', D)"),
    ("withToday", ["/data/today + today()", "D"], "/data/today + D"),
]


@pytest.mark.parametrize(("name", "given", "wanted"), EXPRESSIONS)
def test_expressions_are_rewritten_as_text_and_texts_in_quotes_stay(module_page, name, given, wanted):
    assert module_page.evaluate("([name, given]) => tests.xpath[name](...given)", [name, given]) == wanted


def test_references_of_the_definition_become_paths_of_the_engine(module_page):
    said = module_page.evaluate("""() => tests.xpath.resolved(
      "regex(., '^[.]$') and ${a} != .5 and ../x = . ", (name) => `/data/${name}`, "../me")""")
    assert said == "regex(../me, '^[.]$') and  /data/a  != .5 and ../x = ../me "
    paths = [
        ["/data/g/a", "/data/h/b", [], "/data/h/b"],
        ["/data/m/a", "/data/m/g/b", ["/data/m"], "../g/b"],
        ["/data/m/g/a", "/data/m/b", ["/data/m"], "../../b"],
        ["/data/m/n/a", "/data/m/b", ["/data/m", "/data/m/n"], "../../b"],
        ["/data/m/a", "/data/o/b", ["/data/m", "/data/o"], "/data/o/b"],
    ]
    for start, end, repeats, wanted in paths:
        assert module_page.evaluate("given => tests.xpath.pathBetween(...given)", [start, end, repeats]) == wanted
