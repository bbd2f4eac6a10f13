"""OPC UA values as everyone else here knows them, and back (OPC 10000-6, 5.1)."""

import dataclasses
import enum
import struct
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, get_args, get_origin

from asyncua import ua
from asyncua.ua.ua_binary import get_safe_type_hints, variant_to_binary
from asyncua.ua.uaerrors import UaError

from aas_server.live import FileTime, LocalText, Value
from aas_server.model.errors import Malformed

_WHOLE = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
    ua.VariantType.StatusCode: (0, 2**32 - 1),
}


def normal(value: Any) -> Value:
    """A value of asyncua without asyncua. Raises Malformed for what has no form here."""
    match value:
        case None | bool() | float() | str() | bytes():
            return value
        case int():
            return int(value)  # enumerations are numbers, too
        case datetime():
            return FileTime(max(0, ua.datetime_to_win_epoch(value)))
        case list() | tuple():
            return [normal(each) for each in value]
        case _:
            return _special(value)


def _special(value: Any) -> Value:
    match value:
        case ua.LocalizedText():
            return LocalText(value.Locale or "", value.Text or "")
        case ua.NodeId() | ua.QualifiedName():
            return str(value.to_string())
        case uuid.UUID():
            return str(value)
        case ua.XmlElement():
            return str(value.Value)
        case ua.StatusCode():
            return int(value.value)
        case ua.ExtensionObject():
            raise Malformed(f"the structure {value.TypeId.to_string()} is of a type that the server does not describe")
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, (ua.Variant, ua.DataValue, type)):
            return {each.name: normal(getattr(value, each.name)) for each in dataclasses.fields(value)}
    raise Malformed(f"a {type(value).__name__} has no form here")


def named(texts: Mapping[int, str], value: Value) -> Value:
    """The texts of an enumeration instead of its numbers."""
    match value:
        case list():
            return [named(texts, each) for each in value]
        case int():
            return texts.get(int(value), str(value))
        case _:
            return value


# And back


class Like(NamedTuple):
    """What a node holds, or an argument takes: the builtin type, a value like it, and whether it is an array."""

    kind: ua.VariantType
    value: Any
    array: bool


def variant(value: Value, like: Like, texts: Mapping[str, int]) -> ua.Variant:
    """A value as the node holds one like it. Raises Malformed (BadTypeMismatch), OverflowError (BadOutOfRange).

    It can be sent: what could not would take with it all that is sent in the same request.
    """
    made = _variant(value, like, texts)
    try:
        variant_to_binary(made)
    except Exception as error:  # whatever asyncua stumbles over, such as texts of JSON that are no Unicode
        raise Malformed(f"{value!r:.80} cannot be sent: {error}") from None
    return made


def _variant(value: Value, like: Like, texts: Mapping[str, int]) -> ua.Variant:
    kind = like.kind
    if isinstance(value, list):
        if not like.array:
            raise Malformed("the node holds one value")
        flat, dimensions = _flat(value)
        held = like.value
        while isinstance(held, list) and held:
            held = held[0]
        made = [_made(each, kind, held, texts) for each in flat]
        return ua.Variant(_shaped(made, dimensions), kind, _dimensions(dimensions), is_array=True)
    if like.array:
        raise Malformed("the node holds an array")
    return ua.Variant(_made(value, kind, like.value, texts), kind)


def _flat(value: list[Value]) -> tuple[list[Value], list[int]]:
    dimensions: list[int] = [len(value)]
    level: list[Value] = value
    while level and all(isinstance(each, list) for each in level):
        lengths = {len(each) for each in level if isinstance(each, list)}
        if len(lengths) != 1:
            raise Malformed("the rows of the matrix differ in length")
        dimensions.append(lengths.pop())
        level = [item for each in level if isinstance(each, list) for item in each]
    return level, dimensions


def _dimensions(dimensions: list[int]) -> list[ua.Int32] | None:
    return [ua.Int32(each) for each in dimensions] if len(dimensions) > 1 else None


def _shaped(flat: list[Any], dimensions: list[int]) -> list[Any]:
    for length in reversed(dimensions[1:]):
        flat = [flat[at : at + length] for at in range(0, len(flat), length)]
    return flat


def _made(value: Value, kind: ua.VariantType, held: Any, texts: Mapping[str, int]) -> Any:
    if kind in _WHOLE:
        return _whole(value, kind, texts)
    make = _MAKERS.get(kind)
    if make is None:
        raise Malformed(f"a {kind.name} is not written")
    return make(value, held)


def _whole(value: Value, kind: ua.VariantType, texts: Mapping[str, int]) -> Any:
    if isinstance(value, str) and value in texts:
        value = texts[value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{value!r:.80} is no {kind.name}")
    least, most = _WHOLE[kind]
    if not least <= value <= most:
        raise OverflowError(f"{value} is no {kind.name}: it is from {least} to {most}")
    return ua.StatusCode(ua.UInt32(value)) if kind is ua.VariantType.StatusCode else int(value)


def _boolean(value: Value, _: Any) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{value!r:.80} is no Boolean")
    return value


def _double(value: Value, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"{value!r:.80} is no number")
    return float(value)


def _float(value: Value, _: Any) -> float:
    number = _double(value, _)
    try:
        struct.pack("<f", number)
    except OverflowError:
        raise OverflowError(f"{number} is no Float: it is too large") from None
    return number


def _string(value: Value, _: Any) -> str | None:
    match value:
        case None | str():
            return value
        case LocalText():
            return value.text
        case bool() | int() | float():
            return str(value)
    raise Malformed(f"{value!r:.80} is no String")


def _time(value: Value, _: Any) -> datetime:
    if not isinstance(value, FileTime):
        raise Malformed(f"{value!r:.80} is no DateTime")
    return ua.win_epoch_to_datetime(int(value))


def _bytes(value: Value, _: Any) -> bytes | None:
    match value:
        case None | bytes():
            return value
        case str():
            return value.encode()
    raise Malformed(f"{value!r:.80} is no ByteString")


def _local(value: Value, _: Any) -> ua.LocalizedText:
    match value:
        case LocalText():
            return ua.LocalizedText(value.text, value.locale or None)
        case str():
            return ua.LocalizedText(value)
    raise Malformed(f"{value!r:.80} is no LocalizedText")


def _parsed(parse: Callable[[str], Any], name: str) -> Callable[[Value, Any], Any]:
    def make(value: Value, _: Any) -> Any:
        try:
            return parse(str(value))
        except (ValueError, TypeError, UaError):
            raise Malformed(f"{value!r:.80} is no {name}") from None

    return make


def _structure(value: Value, held: Any) -> Any:
    """The structure that the node holds, with other fields."""
    if not isinstance(value, dict):
        raise Malformed(f"{value!r:.80} is no structure")
    if isinstance(held, ua.ExtensionObject) or not dataclasses.is_dataclass(held) or isinstance(held, type):
        raise Malformed("the structure is of a type that the server does not describe")
    types = _types(type(held))
    if unknown := [name for name in value if name not in types]:
        raise Malformed(f"the structure has no field {unknown[0]!r}; it has {', '.join(sorted(types))}")
    fields = {name: _field(each, getattr(held, name), types[name]) for name, each in value.items()}
    return dataclasses.replace(held, **fields)


def _types(structure: Any) -> Mapping[str, Any]:
    """The types of the fields of a structure as asyncua has them: `ua.Float`, `list[ua.Byte]`, `Optional[ua.Float]`."""
    hints = get_safe_type_hints(structure, {"ua": ua})
    return {each.name: hints[each.name] for each in dataclasses.fields(structure)}


def _field(value: Value, held: Any, kind: Any) -> Any:
    """A field of this type. Raises Malformed, OverflowError."""
    within = [each for each in get_args(kind) if each is not type(None)]
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise Malformed(f"{value!r:.80} is no array")
        known = held if isinstance(held, list) else []
        return [_field(each, known[at] if at < len(known) else None, within[0]) for at, each in enumerate(value)]
    if within:  # it may be left out
        return None if value is None else _field(value, held, within[0])
    return _single(value, held, kind)


def _single(value: Value, held: Any, kind: type) -> Any:
    if issubclass(kind, enum.IntEnum):
        return _enumerated(value, kind)
    builtin = next((each.__name__ for each in kind.__mro__ if each.__name__ in ua.VariantType.__members__), "")
    if not builtin and dataclasses.is_dataclass(kind):
        return _structure(value, kind() if held is None else held)
    return _made(value, ua.VariantType[builtin or "Null"], held, {})


def _enumerated(value: Value, kind: type[enum.IntEnum]) -> Any:
    number = _whole(value, ua.VariantType.Int32, {})
    try:
        return kind(number)
    except ValueError:
        raise OverflowError(f"{number} is no {kind.__name__}") from None


_MAKERS: dict[ua.VariantType, Callable[[Value, Any], Any]] = {
    ua.VariantType.Boolean: _boolean,
    ua.VariantType.Float: _float,
    ua.VariantType.Double: _double,
    ua.VariantType.String: _string,
    ua.VariantType.DateTime: _time,
    ua.VariantType.ByteString: _bytes,
    ua.VariantType.LocalizedText: _local,
    ua.VariantType.Guid: _parsed(uuid.UUID, "Guid"),
    ua.VariantType.NodeId: _parsed(ua.NodeId.from_string, "NodeId"),
    ua.VariantType.ExpandedNodeId: _parsed(ua.NodeId.from_string, "ExpandedNodeId"),
    ua.VariantType.QualifiedName: _parsed(ua.QualifiedName.from_string, "QualifiedName"),
    ua.VariantType.XmlElement: _parsed(lambda text: ua.XmlElement(ua.String(text)), "XmlElement"),
    ua.VariantType.ExtensionObject: _structure,
}
