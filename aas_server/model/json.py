"""Bytes to document and back. What comes in is JSON that says one thing: no name twice, no NaN, no half characters."""

import json
import re
from collections.abc import Iterator
from typing import NoReturn

import orjson

from aas_server.model import Json
from aas_server.model.errors import Malformed

#: Objects and arrays that may lie in one another: what can be written again. 100 levels of collections stay within it.
DEEPEST = 254

_BOM = b"\xef\xbb\xbf"
_QUOTE = b'"'
#: Written again as `\\"`. What only looks like it, after an escaped backslash, costs the exact look and nothing else.
_ESCAPED_QUOTE = b"\\u0022"
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*").fullmatch


def parse(body: bytes) -> Json:
    """The JSON in a body.

    >>> parse(b'{"id": "urn:x:1"}')
    {'id': 'urn:x:1'}

    Raises Malformed with the position for what is no JSON (RFC 8259: UTF-8, no NaN, no lone surrogates), and for what
    is but cannot be kept: a name twice in one object, of which one would be lost, or more than DEEPEST levels.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _refuse(body, error)
    try:
        written = orjson.dumps(found)
    except TypeError:
        raise Malformed(f"the JSON is nested deeper than {DEEPEST} levels") from None
    # Parsing keeps the last of two equal names: fewer quotation marks are written again than came, plain or escaped.
    if body.count(_QUOTE) + body.count(_ESCAPED_QUOTE) != written.count(_QUOTE):
        _refuse_repeated(body)
    return found


def dump(document: Json) -> bytes:
    """The document as compact JSON in UTF-8, names in their order."""
    return orjson.dumps(document)


def _refuse(body: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    if not body.strip():
        raise Malformed("there is no JSON: the body is empty") from None
    if body.startswith(_BOM):
        raise Malformed("the JSON begins with a byte order mark, which RFC 8259 does not allow") from None
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        raise Malformed(f"the JSON is no UTF-8: invalid byte at position {invalid.start}") from None
    raise Malformed(f"this is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None


class _Names(list[tuple[str, Json]]):
    """An object as its names and values, each as often as it is written."""


def _refuse_repeated(body: bytes) -> None:
    """The exact look, which costs more: raises Malformed where a name stands twice in one object."""
    pairs = json.loads(body.decode(), object_pairs_hook=_Names, parse_int=str, parse_float=str)
    for where in _repeated(pairs, ""):
        raise Malformed(f"{where} stands twice in one object; which of the two is meant?")


def _repeated(content: Json, path: str) -> Iterator[str]:
    match content:
        case _Names():
            seen = set()
            for name, value in content:
                below = _below(path, name)
                if name in seen:
                    yield below
                seen.add(name)
                yield from _repeated(value, below)
        case list():
            for index, value in enumerate(content):
                yield from _repeated(value, f"{path}[{index}]")


def _below(path: str, name: str) -> str:
    shown = name if len(name) <= 80 else f"{name[:77]}..."
    if not _PLAIN(shown):
        return f"{path}[{shown!r}]"
    return f"{path}.{shown}" if path else shown
