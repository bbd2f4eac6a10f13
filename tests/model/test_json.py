"""Bodies that are JSON, and those that are not or not unambiguously."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model.errors import Malformed
from aas_server.model.json import DEEPEST, dump, parse


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", {}),
        (b"[]", []),
        (b"null", None),
        (b'"text"', "text"),
        (b' {"id": "urn:x:1",\n "keys": [1, 2.5, true]}\n', {"id": "urn:x:1", "keys": [1, 2.5, True]}),
        ('{"text":"Größe 😀"}'.encode(), {"text": "Größe 😀"}),
        (b'{"text":"\\ud83d\\ude00 \\u0022 \\" \\/"}', {"text": '😀 " " /'}),
        (b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', {"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}),
        (b"18446744073709551615", 2**64 - 1),
        (b'["\\\\u0022", "\\\\\\u0022"]', ["\\u0022", '\\"']),
    ],
)
def test_what_is_json(body: bytes, expected: Any) -> None:
    assert parse(body) == expected


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b'{\n "a" 1}', "line 2, column 6"),
        (b'{"a":1,}', "line 1, column 7"),
        (b'{"a":1} x', "line 1, column 9"),
        (b'{"a":NaN}', "line 1, column 6"),
        (b'{"a":Infinity}', "line 1, column 6"),
        (b"{'a':1}", "line 1, column 2"),
        (b'{"a":1e999}', "line 1"),
        (b"9" * 400, "line 1"),
        (b'{"a":"\xff"}', "invalid byte at position 6"),
        (b'{"a":"\xed\xa0\x80"}', "invalid byte at position 6"),
        (b"\xff\xfe{\x00}\x00", "invalid byte at position 0"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\\udc00"}', "surrogate"),
        (b'{"a":"\n"}', "control character"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(body: bytes, where: str) -> None:
    with pytest.raises(Malformed, match=where):
        parse(body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"id":"urn:x:1","id":"urn:x:2"}', "id stands twice"),
        (b'{"id": "urn:x:1", "id": "urn:x:1"}', "id stands twice"),
        (b'{"keys":[{"type":"A"},{"type":"B","value":{},"type":"B"}]}', r"keys\[1\]\.type stands twice"),
        (b'{"a":{"b":[[],[{"c d":1,"c d":2}]]}}', r"a\.b\[1\]\[0\]\['c d'\] stands twice"),
        (b'{"a":1,"\\u0061":2}', "a stands twice"),
        (b'{"a":"\\u0022","b":1,"b":2}', "b stands twice"),
        (b'{"a":"\\u0022\\u0022","a":""}', "a stands twice"),
        (b'{"a":"\\"","a":"\\""}', "a stands twice"),
        (b'{"a":"\\\\u0022","b":1,"b":2}', "b stands twice"),
        (b'{"a":"\\\\u0022","a":"\\\\u0022"}', "a stands twice"),
        (b'{"":1,"":1}', r"\[''\] stands twice"),
        (b'{"\\u0022":1,"\\"":1}', "stands twice"),
    ],
)
def test_a_name_twice_is_refused_with_its_path(body: bytes, named: str) -> None:
    with pytest.raises(Malformed, match=named):
        parse(body)


def test_a_long_name_is_not_repeated_in_full() -> None:
    name = "n" * 10_000
    with pytest.raises(Malformed) as raised:
        parse(f'{{"{name}":1,"{name}":2}}'.encode())
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("levels", [DEEPEST + 1, 1_000, 1_024, 1_025, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_refused(levels: int, opening: str, closing: str) -> None:
    closed = f"{opening * levels}1{closing * levels}".encode()
    for body in (closed, opening.encode() * levels):
        with pytest.raises(Malformed):
            parse(body)


def test_what_is_parsed_can_be_written() -> None:
    body = b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST
    assert dump(parse(body)) == body
    with pytest.raises(Malformed, match="nested deeper than 254"):
        parse(b"[" * 255 + b"]" * 255)


def test_a_repeated_name_is_found_at_any_depth() -> None:
    body = b'{"a":' * 253 + b'{"b":1,"b":1}' + b"}" * 253
    with pytest.raises(Malformed, match=r"a\.a\.b stands twice"):
        parse(body)


def test_digits_without_end_do_not_stop_the_exact_look() -> None:
    assert parse(b'{"a":"\\\\u0022","b":0.' + b"1" * 10_000 + b"}")["a"] == "\\u0022"


CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS | st.sampled_from('"\\/\u2028\x00'), max_size=8)
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_any_way_of_writing_a_document_is_read_alike(document: Any, escaped: bool, indent: int | None) -> None:
    written = json.dumps(document, ensure_ascii=escaped, indent=indent).encode()
    assert parse(written) == document
    assert list(document) == list(parse(written)) if isinstance(document, dict) else True
    assert parse(dump(document)) == document


@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=4), st.data())
def test_no_repeated_name_goes_unseen(document: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(document)))
    escape = data.draw(st.booleans())
    again = "".join(f"\\u{ord(c):04x}" if escape and ord(c) < 0x10000 else json.dumps(c)[1:-1] for c in name)
    rest = json.dumps(data.draw(TEXTS | st.integers()))
    body = f'{json.dumps(document, ensure_ascii=data.draw(st.booleans()))[:-1]}, "{again}": {rest}}}'
    with pytest.raises(Malformed, match="stands twice"):
        parse(body.encode())


@given(st.binary(max_size=40) | st.text(st.sampled_from('{}[]":,\\u02 e1-'), max_size=40).map(str.encode))
def test_nothing_but_malformed_is_raised(body: bytes) -> None:
    try:
        expected = json.loads(body)
    except ValueError:
        with pytest.raises(Malformed):
            parse(body)
    else:
        with contextlib.suppress(Malformed):  # a name twice, NaN, a lone surrogate
            assert parse(body) == expected
