"""Typed texts as JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model import Json
from aas_server.model.scalars import from_json, to_json


@pytest.mark.parametrize(
    ("value_type", "text", "value"),
    [
        ("xs:int", "-7", -7),
        ("xs:int", "+7", 7),
        ("xs:integer", "9007199254740991", 9007199254740991),
        ("xs:integer", "9007199254740992", "9007199254740992"),
        ("xs:unsignedLong", "18446744073709551615", "18446744073709551615"),
        ("xs:long", "-9223372036854775808", -9223372036854775808),
        ("xs:decimal", "210", 210),
        ("xs:decimal", "100000.00", 100000.0),
        ("xs:decimal", "-1.23", -1.23),
        ("xs:decimal", "0.1000000000000000055", "0.1000000000000000055"),
        ("xs:decimal", "9007199254740993", "9007199254740993"),
        ("xs:decimal", "." + "1" * 400, "." + "1" * 400),
        ("xs:double", "5", 5),
        ("xs:double", "234.567e-8", 234.567e-8),
        ("xs:double", "1e400", "1e400"),
        ("xs:double", "-INF", "-INF"),
        ("xs:float", "NaN", "NaN"),
        ("xs:float", "9007199254740993", 9007199254740992.0),
        ("xs:boolean", "0", False),
        ("xs:boolean", "yes", "yes"),
        ("xs:string", "5", "5"),
        ("xs:date", "2000-01-01Z", "2000-01-01Z"),
        ("xs:gYear", "2000", "2000"),
        ("xs:int", "1_000", "1_000"),
        ("xs:double", "infinity", "infinity"),
        ("xs:double", "\u0661", "\u0661"),
        ("xs:integer", "1" * 5000, "1" * 5000),
    ],
)
def test_a_text_as_json(value_type: str, text: str, value: Json) -> None:
    shown = to_json(value_type, text)
    assert (shown, type(shown)) == (value, type(value))


def test_minus_zero_stays_below_zero() -> None:
    assert json.dumps(to_json("xs:double", "-0")) == "-0.0"


@pytest.mark.parametrize(
    ("value_type", "value", "text"),
    [
        ("xs:int", 5, "5"),
        ("xs:int", 5.0, "5"),
        ("xs:unsignedLong", 18446744073709551615, "18446744073709551615"),
        ("xs:double", 1e3, "1000.0"),
        ("xs:double", 1e300, "1e+300"),
        ("xs:double", 7, "7"),
        ("xs:double", "INF", "INF"),
        ("xs:double", float("-inf"), "-INF"),
        ("xs:float", "NaN", "NaN"),
        ("xs:decimal", 1e-7, "0.0000001"),
        ("xs:decimal", 1e21, "1000000000000000000000"),
        ("xs:integer", "9007199254740993", "9007199254740993"),
        ("xs:boolean", False, "false"),
        ("xs:dateTime", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("xs:string", "", ""),
    ],
)
def test_json_as_a_text(value_type: str, value: Json, text: str) -> None:
    assert from_json(value_type, value) == text


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        ("xs:int", 5.5),
        ("xs:int", True),
        ("xs:int", "5"),
        ("xs:int", None),
        ("xs:int", 2**31),
        ("xs:integer", 1e22),
        ("xs:integer", float("inf")),
        ("xs:decimal", float("nan")),
        ("xs:decimal", "INF"),
        ("xs:unsignedByte", -1),
        ("xs:double", "5"),
        ("xs:double", "1_0"),
        ("xs:double", "fast"),
        ("xs:boolean", "true"),
        ("xs:boolean", 1),
        ("xs:string", 5),
        ("xs:string", {"a": 1}),
        ("xs:string", "\x00"),
        ("xs:date", "31.01.2026"),
        ("xs:date", ["2026-01-31"]),
    ],
)
def test_json_that_does_not_fit(value_type: str, value: Json) -> None:
    with pytest.raises(ValueError, match=value_type):
        from_json(value_type, value)


@given(st.sampled_from(["xs:double", "xs:decimal"]), st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back_the_same_or_as_its_digits(value_type: str, number: float) -> None:
    text = from_json(value_type, number)
    assert float(text) == number
    assert to_json(value_type, text) in (number, text)


@given(st.sampled_from(["xs:integer", "xs:decimal"]), st.integers(-(2**80), 2**80))
def test_an_integer_comes_back_the_same_or_as_its_digits(value_type: str, number: int) -> None:
    assert to_json(value_type, from_json(value_type, number)) in (number, str(number))


@given(st.sampled_from(["xs:integer", "xs:decimal", "xs:double", "xs:boolean", "xs:long"]), st.text())
def test_any_text_has_a_json(value_type: str, text: str) -> None:
    shown = to_json(value_type, text)
    assert shown == text if isinstance(shown, str) else from_json(value_type, shown)
