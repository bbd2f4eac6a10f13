"""A typed text as JSON and back (Part 1, ValueOnly, 'Data type to value mapping').

JSON numbers stand for numbers, `true` and `false` for booleans, strings for the rest. A number that JSON cannot carry
without change is a string, its lexical form: INF and NaN, integers beyond 2^53-1 (Part 1, notes 1 and 2; xs:long, which
note 1 leaves out, is a number throughout), decimals with more digits than a double holds. So is a text that is no
literal of its type.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from aas_server.model import Json
from aas_server.model.values import fits

#: The largest integer that every reader of JSON reads as it was written.
SAFE = 2**53 - 1
#: So many characters of a decimal literal survive a double in any case.
_EXACT = 15
#: Longer literals are shown as text instead of being computed with.
_LONGEST = 1000

_INTEGER_LITERAL = re.compile(r"[+-]?[0-9]+\Z").match
_DECIMAL_LITERAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)\Z").match
_DOUBLE_LITERAL = re.compile(r"[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?\Z").match


def to_json(value_type: str, text: str) -> Json:
    """
    >>> to_json("xs:int", "5000"), to_json("xs:double", "1.0E3"), to_json("xs:boolean", "1"), to_json("xs:string", "a")
    (5000, 1000.0, True, 'a')
    >>> to_json("xs:double", "INF"), to_json("xs:integer", "9007199254740993")
    ('INF', '9007199254740993')
    >>> to_json("xs:decimal", "31415926535897932384.626433")
    '31415926535897932384.626433'
    """
    read = _READ.get(value_type)
    return text if read is None else read(text)


def from_json(value_type: str, value: Json) -> str:
    """The lexical form of a JSON value for this type.

    >>> from_json("xs:double", 1e30), from_json("xs:decimal", 1e-7), from_json("xs:boolean", True)
    ('1e+30', '0.0000001', 'true')

    Raises ValueError, whose text says what is expected instead.
    """
    text = _text(value_type, value)
    if not fits(value_type, text):
        raise ValueError(f"{_shown(value)} is no {value_type}")
    return text


def _text(value_type: str, value: Json) -> str:
    expected = "boolean" if value_type == "xs:boolean" else "number" if value_type in _READ else "string"
    match expected, value:
        case "boolean", bool():
            return "true" if value else "false"
        case "number", str() if isinstance(to_json(value_type, value), str):
            return value  # what only its lexical form can carry, as `to_json` writes it
        case "number", int() if not isinstance(value, bool):
            return str(value)
        case "number", float():
            return _number_text(value_type, value)
        case "string", str():
            return value
    raise ValueError(f"{_shown(value)} is no JSON {expected}, as a value of type {value_type} must be")


def _number_text(value_type: str, number: float) -> str:
    if value_type in _FLOATS:
        return repr(number) if math.isfinite(number) else {math.inf: "INF", -math.inf: "-INF"}.get(number, "NaN")
    if not math.isfinite(number):
        raise ValueError(f"{number} is no {value_type}")
    if value_type == "xs:decimal":
        return format(Decimal(repr(number)), "f")
    if abs(number) > SAFE:
        raise ValueError(f"{number} is not exact as a JSON number: send this {value_type} as a string of its digits")
    return str(int(number)) if number.is_integer() else repr(number)


def _shown(value: Json) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "an object"
        case list():
            return "an array"
        case bool():
            return str(value).lower()
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _boolean(text: str) -> Json:
    return {"true": True, "1": True, "false": False, "0": False}.get(text, text)


def _integer(text: str, most: int = SAFE, least: int = -SAFE) -> Json:
    if not _INTEGER_LITERAL(text) or len(text) > _LONGEST:
        return text
    number = int(text)
    return number if least <= number <= most else text


def _long(text: str) -> Json:
    return _integer(text, 2**63 - 1, -(2**63))


def _decimal(text: str) -> Json:
    if not _DECIMAL_LITERAL(text):
        return _integer(text)
    number = float(text)
    return number if len(text) <= _EXACT or Decimal(repr(number)) == Decimal(text) else text


def _double(text: str) -> Json:
    literal = _DOUBLE_LITERAL(text)
    if literal is None:
        return text
    if literal.lastindex is None and len(text) <= _EXACT:
        return int(text) or float(text) if text[0] == "-" else int(text)  # an integer has no -0
    number = float(text)
    return number if math.isfinite(number) else text


_FLOATS = ("xs:double", "xs:float")
_INTEGERS = (
    *("xs:integer", "xs:nonNegativeInteger", "xs:nonPositiveInteger", "xs:positiveInteger", "xs:negativeInteger"),
    *("xs:int", "xs:short", "xs:byte", "xs:unsignedLong", "xs:unsignedInt", "xs:unsignedShort", "xs:unsignedByte"),
)
#: How a text is read, by type; texts of other types are JSON strings as they are.
_READ: dict[str, Callable[[str], Json]] = {
    "xs:boolean": _boolean,
    "xs:decimal": _decimal,
    "xs:long": _long,
    **dict.fromkeys(_FLOATS, _double),
    **dict.fromkeys(_INTEGERS, _integer),
}
