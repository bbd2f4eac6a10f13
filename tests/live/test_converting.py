"""Values of the plant into elements, and back."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.live import FileTime, LocalText, Value
from aas_server.live.converting import converter, lexical
from aas_server.live.saying import scalar, value_of
from aas_server.model.edit import apply_values
from aas_server.model.errors import Malformed
from tests.examples import collection, listed, prop

#: 2026-11-27T12:00:00.5Z
NOON = FileTime(134402544005000000)

TEXTS: list[tuple[str, Value, str | None]] = [
    ("xs:double", 4.5, "4.5"),
    ("xs:double", 4, "4"),
    ("xs:double", math.nan, "NaN"),
    ("xs:double", -math.inf, "-INF"),
    ("xs:double", "1.0E3", "1.0E3"),
    ("xs:float", 0.10000000149011612, "0.1"),
    ("xs:float", 16777216.0, "16777216.0"),
    ("xs:decimal", 1e-7, "0.0000001"),
    ("xs:int", 4.0, "4"),
    ("xs:int", True, "1"),
    ("xs:unsignedLong", 2**64 - 1, "18446744073709551615"),
    ("xs:boolean", 1, "true"),
    ("xs:boolean", False, "false"),
    ("xs:string", 4.5, "4.5"),
    ("xs:string", True, "true"),
    ("xs:string", LocalText("de", "läuft"), "läuft"),
    ("xs:string", b"\xff\x00", "/wA="),
    ("xs:string", b"text", "text"),
    ("xs:string", NOON, "2026-11-27T12:00:00.500000Z"),
    ("xs:dateTime", NOON, "2026-11-27T12:00:00.500000Z"),
    ("xs:dateTime", FileTime(0), None),
    ("xs:dateTime", FileTime(2**63 - 1), "9999-12-31T23:59:59Z"),
    ("xs:date", NOON, "2026-11-27Z"),
    ("xs:base64Binary", b"\x01\x02", "AQI="),
    ("xs:hexBinary", b"\x0a\xff", "0AFF"),
    ("xs:double", None, None),
]

MISFITS: list[tuple[str, Value, str]] = [
    ("xs:byte", 128, "128 arrived, which is no xs:byte"),
    ("xs:unsignedInt", -1, "-1 arrived, which is no xs:unsignedInt"),
    ("xs:int", 4.5, "4.5 arrived, which is no xs:int"),
    ("xs:int", "off", "'off' arrived, which is no xs:int"),
    ("xs:int", math.nan, "nan arrived, which is no xs:int"),
    ("xs:boolean", 2, "2 arrived, which is no xs:boolean"),
    ("xs:float", 1e300, "1e+300 arrived, which is no xs:float"),
    ("xs:dateTime", 4.5, "4.5 arrived, which is no xs:dateTime"),
    ("xs:double", [1.0], "an array of 1 arrived; a Property takes one value"),
    ("xs:double", {"A": 1.0}, "a structure of A arrived; a Property takes one value"),
]


@pytest.mark.parametrize(("value_type", "value", "text"), TEXTS)
def test_a_value_becomes_the_text_of_the_type(value_type: str, value: Value, text: str | None) -> None:
    assert lexical(value_type, value) == text


@pytest.mark.parametrize(("value_type", "value", "words"), MISFITS)
def test_what_does_not_fit_says_why(value_type: str, value: Value, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        lexical(value_type, value)
    assert str(caught.value) == words


def fed(element: dict[str, Any], value: Value) -> dict[str, Any]:
    return apply_values(element, converter(element)(value))


def test_texts_of_languages() -> None:
    element = {"modelType": "MultiLanguageProperty", "idShort": "State"}
    assert fed(element, LocalText("de", "läuft"))["value"] == [{"language": "de", "text": "läuft"}]
    assert "value" not in fed(element, None)


def test_a_range() -> None:
    element = {"modelType": "Range", "idShort": "Limits", "valueType": "xs:double"}
    assert fed(element, {"Low": -1.0, "High": 2.5}) == element | {"min": "-1.0", "max": "2.5"}
    assert value_of(fed(element, {"Low": -1.0, "High": 2.5})) == {"Low": -1.0, "High": 2.5}


def test_an_array_into_a_list_that_grows_and_shrinks() -> None:
    element = listed("All", "Property", valueTypeListElement="xs:int")
    grown = fed(element, [1, 2])
    assert value_of(grown) == [1, 2]
    assert grown["value"][0] == {"modelType": "Property", "valueType": "xs:int", "value": "1"}
    assert value_of(fed(grown, [3, 4])) == [3, 4]
    assert "value" not in fed(grown, [])


def test_a_matrix_into_a_list_of_lists() -> None:
    row = {"modelType": "SubmodelElementList", "typeValueListElement": "Property", "valueTypeListElement": "xs:double",
           "value": [prop(None, "0")]}  # fmt: skip
    element = listed("Matrix", "SubmodelElementList", row)
    assert value_of(fed(element, [[1.0, 2.0], [3.0, 4.0]])) == [[1.0, 2.0], [3.0, 4.0]]


def test_a_structure_into_a_collection_field_by_field() -> None:
    element = collection("Position", prop("X"), prop("Y"), prop("Note", "kept", "xs:string"))
    assert value_of(fed(element, {"X": 1.0, "Y": 2.0, "Z": 3.0})) == {"X": 1.0, "Y": 2.0, "Note": "kept"}
    with pytest.raises(Malformed, match="the collection has none of them"):
        fed(element, {"A": 1.0})
    with pytest.raises(Malformed, match="X: 'far' arrived"):
        fed(element, {"X": "far"})


numbers: dict[str, st.SearchStrategy[Value]] = {
    "xs:double": st.floats(allow_nan=False),
    "xs:float": st.floats(width=32, allow_nan=False),
    "xs:int": st.integers(-(2**31), 2**31 - 1),
    "xs:unsignedLong": st.integers(0, 2**64 - 1),
    "xs:boolean": st.booleans(),
    "xs:string": st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))),
    "xs:base64Binary": st.binary(),
    "xs:hexBinary": st.binary(),
    "xs:dateTime": st.integers(1, 2650467743990000000 // 10).map(lambda number: FileTime(10 * number)),
}


@given(st.sampled_from(sorted(numbers)).flatmap(lambda name: st.tuples(st.just(name), numbers[name])))
def test_what_goes_in_comes_out(typed: tuple[str, Value]) -> None:
    value_type, value = typed
    text = lexical(value_type, value)
    assert text is not None
    back = scalar(value_type, text)
    if value_type == "xs:float" and isinstance(back, float):
        back = struct.unpack("<f", struct.pack("<f", back))[0]  # the text tells no more than a single holds
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("text", ["caf\udce9", "a\x00b"])
@pytest.mark.parametrize("kind", ["MultiLanguageProperty", "File", "ReferenceElement"])
def test_a_text_that_no_document_can_hold_is_refused(kind: str, text: str) -> None:
    with pytest.raises(Malformed, match="no document can hold"):
        converter({"modelType": kind, "idShort": "A"})(text)


def test_a_language_that_is_none_is_refused() -> None:
    convert = converter({"modelType": "MultiLanguageProperty", "idShort": "A"})
    with pytest.raises(Malformed, match="'x_y!' arrived, which is no language"):
        convert(LocalText("x_y!", "text"))


@pytest.mark.parametrize(("value_type", "given"), [("xs:int", "abc"), ("xs:double", "abc"), ("xs:hexBinary", "abc")])
def test_a_stored_text_of_another_type_says_so(value_type: str, given: str) -> None:
    with pytest.raises(Malformed, match=f"'abc' is no {value_type}"):
        scalar(value_type, given)
