"""The lexical spaces of DataTypeDefXsd, and values as an index orders them."""

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from time import process_time
from typing import Any

import pytest
from aas_core3_1 import types, verification
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model.values import fits, typed
from tests.shared import shared

LITERALS = {
    "xs:string": ["", " a\tb\n", "Größe 😀", "\ufffd"],
    "xs:boolean": ["true", "false", "1", "0"],
    "xs:decimal": ["0", "-0.0", "+1.50", ".5", "9" * 400],
    "xs:integer": ["0", "-007", "+1", "9" * 5_000],
    "xs:double": ["1", "1.", ".5", "-1.0E3", "1e-400", "INF", "-INF", "NaN", "1.7976931348623157e308", "9" * 300],
    "xs:float": ["3.4028235e38", "-3.4028235e38", "1e-50", "INF", "NaN"],
    "xs:long": ["9223372036854775807", "-9223372036854775808", "0" * 5_000 + "1", "+0"],
    "xs:int": ["2147483647", "-2147483648", "-0"],
    "xs:short": ["32767", "-32768"],
    "xs:byte": ["127", "-128", "+0127"],
    "xs:unsignedLong": ["18446744073709551615", "0", "-0", "+1"],
    "xs:unsignedInt": ["4294967295"],
    "xs:unsignedShort": ["65535"],
    "xs:unsignedByte": ["255", "0000255"],
    "xs:nonNegativeInteger": ["0", "-0", "+12", "9" * 5_000],
    "xs:positiveInteger": ["1", "+01", "9" * 5_000],
    "xs:nonPositiveInteger": ["0", "+0", "-12", "-" + "9" * 5_000],
    "xs:negativeInteger": ["-1", "-01", "-" + "9" * 5_000],
    "xs:date": ["2024-02-29", "-0001-02-29", "-0005-02-29", "12024-02-29", "2000-02-29Z", "2024-01-01-14:00"],
    "xs:dateTime": ["2024-01-01T00:00:00", "2024-01-01T23:59:59.999999999999+14:00", "2024-02-29T24:00:00.00Z"],
    "xs:time": ["00:00:00", "24:00:00", "24:00:00.000Z", "12:30:00.5-13:59"],
    "xs:gYear": ["2024", "-0044", "12024Z"],
    "xs:gYearMonth": ["2024-12", "-0044-03+01:00"],
    "xs:gMonth": ["--01", "--12Z"],
    "xs:gMonthDay": ["--02-29", "--12-31-05:00"],
    "xs:gDay": ["---01", "---31Z"],
    "xs:duration": ["P1Y", "-P1Y2M3DT4H5M6.7S", "PT0S", "P1DT1M", "P36M"],
    "xs:anyURI": ["", "#", "a/b?c#d", "urn:x:1", "https://größe.de/%20", "//[::1]:80/", "www.example.com"],
    "xs:base64Binary": ["", "TQ==", "TWE=", "TWFu", "T W F u", "TQ= ="],
    "xs:hexBinary": ["", "0fB7"],
}

OTHERS = {
    "xs:string": ["\x00", "\x1f", "\ufffe", "\ud800"],
    "xs:boolean": ["", "True", "TRUE", "yes", "01", "1\n"],
    "xs:decimal": ["", ".", "+", "1e5", "INF", "1,5", "1_000", " 1", "\u0661"],
    "xs:integer": ["", "-", "1.0", "1e2", "1_000", " 5 ", "--1", "\u0663"],
    "xs:double": [
        "",
        ".",
        "e5",
        "nan",
        "inf",
        "+INF",
        "Infinity",
        "1e400",
        "-1e400",
        "0x1p3",
        "1_0",
        "1 ",
        "12.34e5.6",
    ],
    "xs:float": ["3.4028236e38", "1e39", "-1e39", "+INF"],
    "xs:long": ["9223372036854775808", "-9223372036854775809", "9" * 5_000],
    "xs:int": ["2147483648", "-2147483649", "1.0", "12\n"],
    "xs:short": ["32768", "-32769"],
    "xs:byte": ["128", "-129"],
    "xs:unsignedLong": ["18446744073709551616", "-1"],
    "xs:unsignedInt": ["4294967296", "-1"],
    "xs:unsignedShort": ["65536", "-1"],
    "xs:unsignedByte": ["256", "-1", ""],
    "xs:nonNegativeInteger": ["-1", ""],
    "xs:positiveInteger": ["0", "-1", "000"],
    "xs:nonPositiveInteger": ["1", "+1"],
    "xs:negativeInteger": ["0", "-0", "1"],
    "xs:date": [
        "2023-02-29",
        "1900-02-29",
        "-0004-02-29",
        "0000-01-01",
        "-0000-01-01",
        "2024-04-31",
        "2024-01-01+14:01",
    ],
    "xs:dateTime": [
        "2024-01-01",
        "2024-01-01T24:00:01",
        "2024-01-01T00:00:60",
        "2024-01-01T00:00Z",
        "2023-02-29T00:00:00",
    ],
    "xs:time": ["24:00:01", "24:00:00.1", "12:60:00", "1:00:00", "12:00", "-10:00:00", "12:00:00+15:00"],
    "xs:gYear": ["24", "02024", "2024-12", "+2024"],
    "xs:gYearMonth": ["2024-13", "2024-00", "2024", "2024-1"],
    "xs:gMonth": ["--13", "--1", "--01--", "01"],
    "xs:gMonthDay": ["--02-30", "--04-31", "--1-1"],
    "xs:gDay": ["---32", "---00", "---1"],
    "xs:duration": ["P", "-P", "PT", "P1YT", "P1S", "P1M1Y", "P1.5D", "P-1Y", "+P1D", "1Y", "PT1.S"],
    "xs:anyURI": ["%", "%zz", "a#b#c", "1a:b", ":", "\x00", "\x85", "a b", "`"],
    "xs:base64Binary": ["T", "TQ", "TQ=", "TR==", "TWF=", "T  WFu", " TWFu", "TWFu ", "TW_u", "===="],
    "xs:hexBinary": ["0", "0g", "0 f0"],
}


def rows(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(value_type, text) for value_type, texts in table.items() for text in texts]


def shortened(value: str) -> str:
    return ascii(value[:40])


@pytest.mark.parametrize(("value_type", "text"), rows(LITERALS), ids=shortened)
def test_literals(value_type: str, text: str) -> None:
    assert fits(value_type, text)


@pytest.mark.parametrize(("value_type", "text"), rows(OTHERS), ids=shortened)
def test_what_is_no_literal(value_type: str, text: str) -> None:
    assert not fits(value_type, text)


ORACLE = {each.value: each for each in types.DataTypeDefXSD}


def test_the_tables_above_cover_all_types() -> None:
    assert set(LITERALS) == set(OTHERS) == set(ORACLE)


def test_nothing_is_a_literal_of_an_unknown_type() -> None:
    assert not fits("xs:dateTimeStamp", "2024-01-01T00:00:00Z")
    assert typed("", "a") == "a"


ALPHABETS = {
    "number": st.from_regex(r"[+-]?[0-9]{0,21}(\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?", fullmatch=True),
    "moment": st.from_regex(
        r"-?[0-9]{4,5}(-[0-3][0-9]){0,2}(T?2?[0-9]:00:[0-6]0(\.0)?)?(Z|[+-]1[0-5]:[0-6]0)?", fullmatch=True
    ),
    "part": st.from_regex(r"-{1,4}[0-3][0-9](-[0-3][0-9])?(Z|[+-]0[0-9]:[0-9]{2})?", fullmatch=True),
    "duration": st.from_regex(r"-?P([0-9]{1,2}[YMD]){0,3}(T([0-9](\.[0-9])?[HMS]){0,3})?", fullmatch=True),
    "bytes": st.text("AQg0w= f", max_size=9),
}


@given(st.sampled_from(sorted(set(ORACLE) - {"xs:anyURI"})), st.one_of(*ALPHABETS.values()))
def test_the_verdict_is_that_of_aas_core(value_type: str, text: str) -> None:
    """But for zeros: XML Schema lets -00 be a nonNegativeInteger and 00 a nonPositiveInteger, aas-core does not."""
    zero = value_type.endswith("Integer") or value_type.startswith("xs:unsigned")
    if zero and text.strip("+-") and not text.strip("+-0"):
        return
    assert fits(value_type, text) == verification.value_consistent_with_xsd_type(text, ORACLE[value_type])


def typed_values(content: Any) -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        value_type = content.get("valueType")
        if isinstance(value_type, str) and value_type in ORACLE:
            values = [content.get(name) for name in ("value", "min", "max")]
            yield from ((value_type, value) for value in values if isinstance(value, str))
    below = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    for value in below:
        yield from typed_values(value)


def corpus(name: str, part: str = "") -> set[tuple[str, str]]:
    with zipfile.ZipFile(shared(f"corpus/{name}")) as files:
        names = [each for each in files.namelist() if each.endswith(".json") and part in each]
        return {row for each in names for row in typed_values(json.loads(files.read(each)))}


@pytest.mark.parametrize(
    ("name", "part"),
    [("metamodel-3.1.2-examples-json.zip", ""), ("aas-core3.1-cases-half.zip", "/Expected/")],
)
def test_every_value_of_a_valid_example_fits(name: str, part: str) -> None:
    found = corpus(name, part)
    assert len(found) > 300
    assert {row for row in found if not fits(*row)} == set()


def test_values_of_invalid_examples_do_not_fit() -> None:
    """Of those aas-core refuses, we take an IRI with a character beyond ASCII where RFC 3987 is narrower."""
    found = corpus("aas-core3.1-cases-half.zip", "InvalidValueExample") | corpus(
        "aas-core3.1-cases-half.zip", "InvalidRangeExample"
    )
    refused = {row for row in found if not verification.value_consistent_with_xsd_type(row[1], ORACLE[row[0]])}
    assert len(refused) > 100
    taken = {row for row in refused if fits(*row)}
    assert {value_type for value_type, _ in taken} <= {"xs:anyURI"}
    assert len(taken) <= 1


@pytest.mark.parametrize(
    ("value_type", "text", "expected"),
    [
        ("xs:int", "007", 7.0),
        ("xs:double", "-INF", float("-inf")),
        ("xs:double", "NaN", "NaN"),
        ("xs:decimal", "1.50", 1.5),
        ("xs:positiveInteger", "9" * 5_000, float("inf")),
        ("xs:int", "seven", "seven"),
        ("xs:boolean", "1", "true"),
        ("xs:boolean", "false", "false"),
        ("xs:string", "1", "1"),
        ("xs:dateTime", "2024-01-01T01:00:00.50+02:00", "2023-12-31T23:00:00.5"),
        ("xs:dateTime", "2024-02-28T24:00:00Z", "2024-02-29T00:00:00"),
        ("xs:dateTime", "2024-01-01T01:00:00.00", "2024-01-01T01:00:00"),
        ("xs:dateTime", "-0001-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"),
        ("xs:dateTime", "9999-12-31T23:00:00-01:00", "9999-12-31T23:00:00-01:00"),
        ("xs:dateTime", "0001-01-01T02:00:00+01:00", "0001-01-01T01:00:00"),
        ("xs:duration", "PT36H", "PT36H"),
    ],
)
def test_values_as_an_index_orders_them(value_type: str, text: str, expected: str | float) -> None:
    assert typed(value_type, text) == expected


ZONES = st.sampled_from([timezone(timedelta(minutes=minutes)) for minutes in (-840, -90, 0, 60, 839)])
#: Without the first and the last year, of which some hours are none of UTC's calendar.
MOMENTS = st.datetimes(timezones=ZONES).filter(lambda moment: 1 < moment.year < 9999)


@given(MOMENTS, MOMENTS)
def test_moments_sort_as_text(one: datetime, other: datetime) -> None:
    first, second = (typed("xs:dateTime", moment.isoformat()) for moment in (one, other))
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert (first < second, first == second) == (one < other, one == other)


@pytest.mark.parametrize("value_type", sorted(ORACLE))
@pytest.mark.parametrize(
    "text", ["9" * 200_000, "P" + "1Y" * 50_000, "a%" * 50_000, "0" * 200_000 + "x", "//" + "@" * 200_000 + "`"]
)
def test_long_texts_are_judged_in_linear_time(value_type: str, text: str) -> None:
    start = process_time()
    fits(value_type, text)
    assert process_time() - start < 1
