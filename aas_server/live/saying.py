"""Attributes of elements as values for the plant: the way back of `converting`."""

import base64
import binascii
from datetime import UTC, datetime

from aas_server.live import FileTime, LocalText, Value
from aas_server.live.converting import INTEGERS
from aas_server.model import Document, moments
from aas_server.model.errors import Malformed
from aas_server.model.paths import children


def value_of(element: Document) -> Value:
    """What an element with its new attributes says to the plant. Raises Malformed where it cannot be said."""
    match element["modelType"]:
        case "Property":
            return scalar(element.get("valueType", "xs:string"), element.get("value"))
        case "MultiLanguageProperty":
            found = [LocalText(each["language"], each["text"]) for each in element.get("value") or ()]
            return found[0] if len(found) == 1 else list(found)
        case "Range":
            value_type = element.get("valueType", "xs:double")
            return {"Low": scalar(value_type, element.get("min")), "High": scalar(value_type, element.get("max"))}
        case "Blob":
            return _decoded(element.get("value") or "")
        case "File":
            return element.get("value")
        case "SubmodelElementList":
            return [value_of(child) for child in children(element)]
        case "SubmodelElementCollection":
            return {child["idShort"]: value_of(child) for child in children(element)}
        case other:
            raise Malformed(f"the value of a {other} is not written to the plant")


def scalar(value_type: str, given: str | None) -> Value:
    """The value of a text of a type. Raises Malformed for one that is none: files are imported as they are."""
    try:
        return _scalar(value_type, given)
    except ValueError:
        raise Malformed(f"{str(given)[:80]!r} is no {value_type}") from None


def _scalar(value_type: str, given: str | None) -> Value:
    if given is None:
        return None
    if value_type in INTEGERS:
        return int(given)
    match value_type:
        case "xs:boolean":
            return given in ("true", "1")
        case "xs:double" | "xs:float" | "xs:decimal":
            return float(given.replace("INF", "inf"))
        case "xs:dateTime":
            return _ticks(given)
        case "xs:base64Binary":
            return _decoded(given)
        case "xs:hexBinary":
            return bytes.fromhex(given)
        case _:
            return given


def _ticks(given: str) -> FileTime:
    """An xs:dateTime as OPC UA counts it; without a zone it is UTC. Raises Malformed for one it cannot count."""
    try:
        at = datetime.fromisoformat(given)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        ticks = moments.file_time(at.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Malformed(f"{given} is no time between 1601 and 9999") from None
    if ticks < 0:
        raise Malformed(f"{given} is before 1601")
    return FileTime(ticks)


def _decoded(given: str) -> bytes:
    try:
        return base64.b64decode(given)
    except (binascii.Error, ValueError):
        raise Malformed("the value is no base64") from None
