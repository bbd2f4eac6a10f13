"""Values of the plant into attributes of elements, and back. The element decides; what does not fit says why."""

import base64
import math
import re
import struct
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from aas_server.live import FileTime, LocalText, Value
from aas_server.model import Document
from aas_server.model.edit import apply_values
from aas_server.model.errors import Malformed
from aas_server.model.moments import EPOCH
from aas_server.model.paths import IdShortPath, children
from aas_server.model.values import NUMBERS, fits

Attributes = dict[str, Any]
Updates = Sequence[tuple[IdShortPath, Attributes]]
Convert = Callable[[Any], Updates]

INTEGERS = NUMBERS - {"xs:decimal", "xs:double", "xs:float"}
_SINGLE = struct.Struct("<f")
_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z").match
#: From this point in time on OPC UA means that there is none (10000-6, 5.2.2.5).
_LAST = 2650467743990000000


def converter(element: Document) -> Convert:
    """What makes attributes of this element out of values. Raises Malformed where nothing can."""
    if (make := _CONVERTERS.get(element["modelType"])) is None:
        raise Malformed(f"a {element['modelType']} takes no values")
    return make(element)


def _property(value_type: str, value: Value) -> Updates:
    return [((), {"value": lexical(value_type, value)})]


def lexical(value_type: str, value: Value) -> str | None:
    """A value as the text of a type; None for none. Raises Malformed.

    >>> lexical("xs:float", 0.10000000149011612), lexical("xs:int", 4.0), lexical("xs:boolean", 0)
    ('0.1', '4', 'false')
    """
    found = _text(value_type, value)
    if found is not None and not fits(value_type, found):
        raise Malformed(f"{_shown(value)} arrived, which is no {value_type}")
    return found


def _text(value_type: str, value: Value) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return ("true" if value else "false") if value_type not in NUMBERS else str(int(value))
        case FileTime():
            return _moment(value_type, value)
        case int():
            return _boolean(value) if value_type == "xs:boolean" else str(value)
        case float():
            return _number(value_type, value)
        case str():
            return value
    return _other(value_type, value)


def _other(value_type: str, value: Value) -> str:
    match value:
        case LocalText():
            return value.text
        case bytes():
            return _bytes(value_type, value)
    raise Malformed(f"{_shown(value)} arrived; a Property takes one value")


def _boolean(value: int) -> str:
    if value not in (0, 1):
        raise Malformed(f"{value} arrived, which is no xs:boolean")
    return "true" if value else "false"


def _number(value_type: str, value: float) -> str:
    if value_type in INTEGERS:
        if not value.is_integer():
            raise Malformed(f"{value} arrived, which is no {value_type}")
        return str(int(value))
    if not math.isfinite(value):
        return {math.inf: "INF", -math.inf: "-INF"}.get(value, "NaN")
    if value_type == "xs:boolean":
        return _boolean(int(value)) if value.is_integer() else repr(value)
    if value_type == "xs:decimal":
        return format(Decimal(repr(value)), "f")
    return _short(value) if value_type == "xs:float" else repr(value)


def _short(value: float) -> str:
    """The shortest text of a single precision number."""
    try:
        wanted = _SINGLE.pack(value)
    except OverflowError:
        raise Malformed(f"{value} arrived, which is no xs:float") from None
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if _SINGLE.pack(short) == wanted:
            return repr(short)
    return repr(float(f"{value:.9g}"))


def _moment(value_type: str, value: int) -> str | None:
    """A time as text, in UTC; what OPC UA means by no time is none."""
    if value <= 0:
        return None
    if value_type in INTEGERS:
        return str(int(value))
    try:
        at = EPOCH + timedelta(microseconds=min(value, _LAST) // 10)
    except OverflowError:
        raise Malformed(f"{int(value)} arrived, which is no time of any calendar") from None
    whole = at.isoformat().replace("+00:00", "Z")
    match value_type:
        case "xs:date":
            return whole[:10] + "Z"
        case "xs:time":
            return whole[11:]
        case _:
            return whole


def _bytes(value_type: str, value: bytes) -> str:
    match value_type:
        case "xs:hexBinary":
            return value.hex().upper()
        case "xs:base64Binary":
            return base64.b64encode(value).decode()
        case _:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return base64.b64encode(value).decode()


def _printed(content: str) -> str:
    """A text that a document can hold. Raises Malformed for one that is no UTF-8, or that XML has no characters for."""
    if not fits("xs:string", content):
        raise Malformed(f"{_shown(content)} arrived, which no document can hold")
    return content


def _language(name: str) -> str:
    if not _TAG(name or "en"):
        raise Malformed(f"a text in {name[:40]!r} arrived, which is no language")
    return name or "en"


def _multi_language(value: Value) -> Updates:
    several = value if isinstance(value, list) else [value]
    found: dict[str, str] = {}
    for each in several:
        match each:
            case None:
                continue
            case LocalText(locale, content):
                found[_language(locale or "")] = _printed(content)
            case str():
                found["en"] = _printed(each)
            case _:
                raise Malformed(f"{_shown(each)} arrived; a MultiLanguageProperty takes texts")
    return [((), {"value": [{"language": name, "text": content} for name, content in found.items()] or None})]


def _range(value_type: str, value: Value) -> Updates:
    match value:
        case None:
            return [((), {"min": None, "max": None})]
        case {"Low": low, "High": high} | {"low": low, "high": high} | {"min": low, "max": high} | [low, high]:
            return [((), {"min": lexical(value_type, low), "max": lexical(value_type, high)})]
    raise Malformed(f"{_shown(value)} arrived; a Range takes Low and High")


def _blob(value: Value) -> Updates:
    match value:
        case None:
            return [((), {"value": None})]
        case bytes() | str():
            given = value if isinstance(value, bytes) else value.encode()
            return [((), {"value": base64.b64encode(given).decode()})]
    raise Malformed(f"{_shown(value)} arrived; a Blob takes bytes")


def _file(value: Value) -> Updates:
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{_shown(value)} arrived; a File takes the path of a file")
    return [((), {"value": _printed(value) if value is not None else None})]


def _reference(value: Value) -> Updates:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{_shown(value)} arrived; a ReferenceElement takes an identifier")
    return [
        ((), {"value": {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": _printed(value)}]}})
    ]


def _list(element: Document, value: Value) -> Updates:
    """An array. Where it has as many elements as the list, each takes its value; else the list is made anew."""
    if value is None:
        value = []
    if not isinstance(value, list):
        raise Malformed(f"{_shown(value)} arrived; a SubmodelElementList takes an array")
    below = children(element)
    if len(below) == len(value):
        return [
            ((number, *path), attributes)
            for number, (child, each) in enumerate(zip(below, value, strict=True))
            for path, attributes in converter(child)(each)
        ]
    made = [_made(_item(element), each) for each in value]
    return [((), {"value": made or None})]


def _item(element: Document) -> Document:
    """An empty element of a list: like the one it has, or of the type that it declares."""
    if below := children(element):
        return {name: given for name, given in below[0].items() if name not in ("idShort",)}
    kind = element.get("typeValueListElement", "")
    if kind not in ("Property", "Range", "MultiLanguageProperty", "Blob"):
        raise Malformed(f"the list is empty and declares {kind or 'nothing'}; give it one element to go by")
    item = {"modelType": kind}
    if "valueTypeListElement" in element:
        item["valueType"] = element["valueTypeListElement"]
    if "semanticIdListElement" in element:
        item["semanticId"] = element["semanticIdListElement"]
    return item | ({"contentType": "application/octet-stream"} if kind == "Blob" else {})


def _made(item: Document, value: Value) -> Document:
    made = apply_values(item, converter(item)(value))
    return {name: given for name, given in made.items() if given is not None}


def _collection(element: Document, value: Value) -> Updates:
    """A structure, field by field; what the collection has no element for is left out."""
    if not isinstance(value, dict):
        raise Malformed(f"{_shown(value)} arrived; a SubmodelElementCollection takes a structure")
    found = [
        ((child["idShort"], *path), attributes)
        for child in children(element)
        if child.get("idShort") in value
        for path, attributes in _field(child, value[child["idShort"]])
    ]
    if not found and value:
        raise Malformed(f"the structure has the fields {', '.join(list(value)[:9])}; the collection has none of them")
    return found


def _field(child: Document, value: Value) -> Updates:
    try:
        return converter(child)(value)
    except Malformed as error:
        raise Malformed(f"{child['idShort']}: {error}") from None


_CONVERTERS: dict[str, Callable[[Document], Convert]] = {
    "Property": lambda element: partial(_property, element.get("valueType", "xs:string")),
    "MultiLanguageProperty": lambda _: _multi_language,
    "Range": lambda element: partial(_range, element.get("valueType", "xs:double")),
    "Blob": lambda _: _blob,
    "File": lambda _: _file,
    "ReferenceElement": lambda _: _reference,
    "SubmodelElementList": lambda element: partial(_list, element),
    "SubmodelElementCollection": lambda element: partial(_collection, element),
}


def _shown(value: Value) -> str:
    match value:
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"a structure of {', '.join(list(value)[:5])}"
        case bytes():
            return f"{len(value)} bytes"
        case LocalText():
            return repr(value.text[:80])
        case _:
            return repr(value)[:80]
