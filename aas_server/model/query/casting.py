"""Values of the query language and the casts between them (Part 2, 'Casting').

Texts stay texts; numbers are floats, as xs:double is; dateTimes and times are texts in UTC, which sort as the moments
they are; hexBinary is compared as the number it writes.
"""

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from aas_server.model.query.tree import Part, Type
from aas_server.model.values import fits
from aas_server.model.values import typed as scalar


class Value(NamedTuple):
    type: Type
    content: str | float | int | bool


class Missing:
    """The field is not there."""


MISSING: Final = Missing()


class Uncastable(Exception):
    """A value that has no form in the type asked for: the comparison is invalid."""


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN").fullmatch
_HEX = re.compile("(?:16#)?([0-9A-Fa-f]+)").fullmatch
_IN_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?").fullmatch
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?").fullmatch

#: More digits than this say nothing to a float, and cost to read.
_DIGITS = 800


def number(text: str) -> float | None:
    """
    >>> number("1.50"), number("-INF"), number("27-37")
    (1.5, -inf, None)
    """
    if len(text) > _DIGITS or not _NUMBER(text):
        return None
    return float(text.replace("INF", "inf"))


def moment(text: str) -> str | None:
    """A dateTime, or the beginning of a date, in UTC; None for what is neither, or not in the years 0001 to 9999.

    >>> moment("2024-01-01T01:00:00.50+02:00"), moment("2024-01-01"), moment("12:00")
    ('2023-12-31T23:00:00.5', '2024-01-01T00:00:00', None)
    """
    if len(text) < 10 or text[4] != "-":
        return None
    if fits("xs:date", text):
        text = f"{text[:10]}T00:00:00{text[10:]}"
    if not fits("xs:dateTime", text):
        return None
    found = str(scalar("xs:dateTime", text))
    return found if _IN_UTC(found) else None


def clock(text: str) -> str | None:
    """A time of day in UTC; None for what is none.

    >>> clock("08:15"), clock("00:30:00+01:00"), clock("25:00")
    ('08:15:00', '23:30:00', None)
    """
    found = _CLOCK(text)
    if found is None:
        return None
    hours, minutes, seconds, fraction, zone = found.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        return None
    total = (int(hours) * 60 + int(minutes) - _offset(zone)) % 1440
    rest = fraction.rstrip("0").rstrip(".") if fraction else ""
    return f"{total // 60:02}:{total % 60:02}:{seconds or '00'}{rest}"


def _offset(zone: str | None) -> int:
    if zone in (None, "Z"):
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def cast(value: Value, to: Type) -> Value:
    """The value in another type. Raises Uncastable."""
    if value.type is to:
        return value
    content = _CASTS[to](value)
    if content is None:
        raise Uncastable(f"{value.content!r} is no {to}")
    return Value(to, content)


def _string(value: Value) -> str:
    match value:
        case Value(Type.NUMBER, float(content)):
            return _written(content)
        case Value(Type.HEX, int(content)):
            return f"{content:X}"
        case Value(Type.BOOLEAN, content):
            return "true" if content else "false"
        case Value(Type.DATE_TIME, content):
            return f"{content}Z"
        case _:
            return str(value.content)


def _written(content: float) -> str:
    """A number as XPath writes it: whole ones without a point."""
    if math.isnan(content) or math.isinf(content):
        return "NaN" if math.isnan(content) else "INF" if content > 0 else "-INF"
    return str(int(content)) if content.is_integer() and abs(content) < 1e15 else repr(content)


def _number(value: Value) -> float | None:
    match value:
        case Value(Type.STRING, str(content)):
            return number(content)
        case Value(Type.HEX | Type.BOOLEAN, content):
            return _float(int(content))
        case _:
            return None


def _float(content: int) -> float:
    try:
        return float(content)
    except OverflowError:
        return math.inf


def _hex(value: Value) -> int | None:
    match value:
        case Value(Type.STRING, str(content)) if (found := _HEX(content)) and len(content) <= LONGEST_HEX:
            return int(found[1], 16)
        case Value(Type.NUMBER, float(content)) if content.is_integer() and content >= 0:
            return int(content)
        case _:
            return None


#: Digits of a hexBinary that are compared; 64 kB of binary is no value to be compared.
LONGEST_HEX = 4096


def _boolean(value: Value) -> bool | None:
    match value:
        case Value(Type.STRING, str(content)):
            return {"true": True, "1": True, "false": False, "0": False}.get(content)
        case Value(Type.NUMBER, float(content)):
            return not (content == 0 or math.isnan(content))
        case _:
            return None


def _time(value: Value) -> str | None:
    match value:
        case Value(Type.STRING, str(content)):
            return clock(content)
        case Value(Type.DATE_TIME, str(content)):
            return content[11:]
        case _:
            return None


def _moment(value: Value) -> str | None:
    return moment(value.content) if isinstance(value.content, str) and value.type is Type.STRING else None


_CASTS: dict[Type, Callable[[Value], str | float | int | bool | None]] = {
    Type.STRING: _string,
    Type.NUMBER: _number,
    Type.HEX: _hex,
    Type.BOOLEAN: _boolean,
    Type.DATE_TIME: _moment,
    Type.TIME: _time,
}


def part_of(part: Part, value: Value) -> Value:
    """What stands in a dateTime, as a number; Sunday is 0 (Part 4, 'Operators'). Raises Uncastable."""
    text = str(cast(value, Type.DATE_TIME).content)
    day = date.fromisoformat(text[:10])
    match part:
        case Part.DAY_OF_WEEK:
            found = day.isoweekday() % 7
        case Part.DAY_OF_MONTH:
            found = day.day
        case Part.MONTH:
            found = day.month
        case Part.YEAR:
            found = day.year
    return Value(Type.NUMBER, float(found))
