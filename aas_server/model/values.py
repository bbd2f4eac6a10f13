"""Texts and their types: the lexical spaces of XML Schema 1.0 Part 2 that DataTypeDefXsd names.

The standard refers to XML Schema 1.0: there is no date in a year 0000, and -0001 is the year before 0001.
"""

import math
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aas_server.model.metamodel import XML_TEXT

_Check = Callable[[str], object]

_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_YEAR = "-?(?:[1-9][0-9]{3,}|0[0-9]{3})"
_MONTH = "(?:0[1-9]|1[0-2])"
_DAY = "(?:0[1-9]|[12][0-9]|3[01])"
_MONTH_DAY = (  # the last kind, in a group, is not in every year
    f"(?:{_MONTH}-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31|(02-29))"
)
_TIME = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"

#: More digits than any bounded integer type has.
_DIGITS = 20


def _uri(more: str) -> str:
    """Any number of characters of RFC 3986, extended to IRIs as official examples are: but for C1 controls."""
    plain = rf"[A-Za-z0-9\-._~!$&'()*+,;=:@\u00a0-\U0010ffff{more}]*"
    return f"{plain}(?:%[0-9A-Fa-f]{{2}}{plain})*"


def _full(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern).fullmatch


_integer = _full("[+-]?[0-9]+")
_double = _full(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN")
_date = _full(rf"(?!-?0000-)({_YEAR})-{_MONTH_DAY}{_ZONE}")
_date_time = _full(rf"(?!-?0000-)({_YEAR})-{_MONTH_DAY}T{_TIME}{_ZONE}")
_base64 = _full("[A-Za-z0-9+/]*={0,2}")
_hex = _full("[0-9A-Fa-f]*")
_text = _full(XML_TEXT)
_moment = _full(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9:]{8})(\.[0-9]+)?(Z|[+-][0-9:]{5})?")
_SINGLE = struct.Struct(">f")


def fits(value_type: str, text: str) -> bool:
    """Whether the text is a literal of this type; of a type that DataTypeDefXsd does not name there are none.

    >>> fits("xs:date", "2023-02-29"), fits("xs:dateTime", "2024-02-29T24:00:00Z"), fits("xs:float", "1e39")
    (False, True, False)
    """
    check = _FITS.get(value_type)
    return check is not None and bool(check(text))


def typed(value_type: str, text: str) -> str | float:
    """The value as an index orders it: numbers as floats, everything else as text.

    A dateTime becomes UTC without the Z, so that moments of the years 0001 to 9999 sort as text; one without a time
    zone counts as UTC. Booleans become `true` and `false`. NaN, and a text that is no literal of its type, stay as
    they are written. Integers beyond 2^53 are as near as a float is.

    >>> typed("xs:int", "007"), typed("xs:boolean", "1"), typed("xs:dateTime", "2024-01-01T01:00:00.50+02:00")
    (7.0, 'true', '2023-12-31T23:00:00.5')
    """
    if value_type == "xs:string" or not fits(value_type, text):
        return text
    if value_type in NUMBERS:
        return text if text == "NaN" else float(text)
    if value_type == "xs:boolean":
        return "true" if text in ("1", "true") else "false"
    return _in_utc(text) if value_type == "xs:dateTime" else text


def _in_utc(text: str) -> str:
    parts = _moment(text)
    if parts is None:
        return text
    day, clock, fraction, zone = parts.groups()
    fraction = fraction.rstrip("0").rstrip(".") if fraction else ""
    if zone in (None, "Z") and not clock.startswith("24"):
        return f"{day}T{clock}{fraction}"
    clock, days = ("00:00:00", 1) if clock.startswith("24") else (clock, 0)
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone or 'Z'}").astimezone(UTC) + timedelta(days=days)
    except OverflowError:  # the first and the last hours of the calendar
        return text
    return moment.isoformat()[:19] + fraction


def _is_text(text: str) -> bool:
    """Printable texts, nearly all there are, hold no control character, surrogate or noncharacter."""
    return text.isprintable() or _text(text) is not None


def _within(low: int, high: int) -> _Check:
    def check(text: str) -> bool:
        if _integer(text) is None:
            return False
        if len(text) > _DIGITS:  # int() reads no more than some thousand digits
            digits = text.lstrip("+-").lstrip("0") or "0"
            if len(digits) > _DIGITS:
                return False
            text = f"-{digits}" if text[0] == "-" else digits
        return low <= int(text) <= high

    return check


def _is_double(text: str) -> bool:
    """A number too large for the type is no literal of it: infinity is written INF."""
    return _double(text) is not None and (math.isfinite(float(text)) or text in ("INF", "-INF", "NaN"))


def _is_float(text: str) -> bool:
    if not _is_double(text):
        return False
    try:
        _SINGLE.pack(float(text))
    except OverflowError:
        return False
    return True


def _is_date(text: str) -> bool:
    found = _date(text)
    return found is not None and (found[2] is None or _is_leap(found[1]))


def _is_date_time(text: str) -> bool:
    found = _date_time(text)
    return found is not None and (found[2] is None or _is_leap(found[1]))


def _is_leap(year: str) -> bool:
    """Of any length: 400 divides 10,000, so the last four digits decide. -0001 stands for the astronomical year 0."""
    number = int(year[-4:]) - 1 if year.startswith("-") else int(year[-4:])
    return number % 4 == 0 and (number % 100 != 0 or number % 400 == 0)


def _is_base64(text: str) -> bool:
    """Single blanks may stand between characters, and the bits that padding leaves over are zero (3.2.16)."""
    if "  " in text or text.strip(" ") != text:
        return False
    packed = text.replace(" ", "")
    if len(packed) % 4 or not _base64(packed):
        return False
    last = packed.rstrip("=")[-1:]
    return last in {0: packed[-1:], 1: "AEIMQUYcgkosw048", 2: "AQgw"}[packed.count("=")]


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and _hex(text) is not None


_CLOCK = r"T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?"
_PART = _uri("")
_REST = _uri(r"/?\[\]")
_AUTHORITY = rf"//{_PART}(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?)?(?=[/?#]|\Z)"

_FITS: dict[str, _Check] = {
    "xs:anyURI": _full(
        rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:|(?![^/?#]*:))(?:{_AUTHORITY})?{_uri('/')}(?:\?{_REST})?(?:#{_REST})?"
    ),
    "xs:base64Binary": _is_base64,
    "xs:boolean": _full("true|false|1|0"),
    "xs:byte": _within(-(2**7), 2**7 - 1),
    "xs:date": _is_date,
    "xs:dateTime": _is_date_time,
    "xs:decimal": _full(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    "xs:double": _is_double,
    "xs:duration": _full(rf"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:{_CLOCK})?"),
    "xs:float": _is_float,
    "xs:gDay": _full(f"---{_DAY}{_ZONE}"),
    "xs:gMonth": _full(f"--{_MONTH}{_ZONE}"),
    "xs:gMonthDay": _full(f"--{_MONTH_DAY}{_ZONE}"),
    "xs:gYear": _full(f"{_YEAR}{_ZONE}"),
    "xs:gYearMonth": _full(f"{_YEAR}-{_MONTH}{_ZONE}"),
    "xs:hexBinary": _is_hex,
    "xs:int": _within(-(2**31), 2**31 - 1),
    "xs:integer": _integer,
    "xs:long": _within(-(2**63), 2**63 - 1),
    "xs:negativeInteger": _full("-0*[1-9][0-9]*"),
    "xs:nonNegativeInteger": _full(r"\+?[0-9]+|-0+"),
    "xs:nonPositiveInteger": _full(r"-[0-9]+|\+?0+"),
    "xs:positiveInteger": _full(r"\+?0*[1-9][0-9]*"),
    "xs:short": _within(-(2**15), 2**15 - 1),
    "xs:string": _is_text,
    "xs:time": _full(f"{_TIME}{_ZONE}"),
    "xs:unsignedByte": _within(0, 2**8 - 1),
    "xs:unsignedInt": _within(0, 2**32 - 1),
    "xs:unsignedLong": _within(0, 2**64 - 1),
    "xs:unsignedShort": _within(0, 2**16 - 1),
}

#: The types whose values compare as numbers.
NUMBERS = frozenset({"xs:decimal", "xs:double", "xs:float", "xs:integer", "xs:negativeInteger"}) | {
    name for name in _FITS if re.fullmatch("xs:(unsigned.*|.*Integer|byte|short|int|long)", name)
}
