"""Payloads of messages and answers: JSON or plain text to values, members of them, and back."""

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import orjson

from aas_server.live import FileTime, LocalText, Value
from aas_server.model import Json
from aas_server.model.errors import Malformed, Unavailable
from aas_server.model.moments import file_time, moment

#: Largest payload that is read, in bytes.
LARGEST = 1 << 20
#: Lists and objects in each other.
DEEPEST = 100


def now() -> int:
    return file_time(datetime.now(UTC))


def parsed(payload: bytes) -> Value:
    """What a payload says: JSON where it is some, else the text, else the bytes. Raises Malformed for too many.

    >>> parsed(b"4.5"), parsed(b'{"a": [1]}'), parsed(b"on"), parsed(b"007")
    (4.5, {'a': [1]}, 'on', '007')
    """
    if len(payload) > LARGEST:
        raise Malformed(f"the payload has {len(payload)} bytes; at most {LARGEST} are read")
    try:
        value: Value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return payload
    if payload.count(b"[") + payload.count(b"{") > DEEPEST and _depth(value) > DEEPEST:
        raise Malformed(f"the payload is nested deeper than {DEEPEST}")
    return value


def _depth(value: Value) -> int:
    """How deep lists and objects are in each other."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, list | dict)]:
        depth += 1
        level = [below for each in level for below in (each.values() if isinstance(each, dict) else each)]
    return depth


def picked(value: Value, pick: Iterable[str | int]) -> Value:
    """The member that a path of names and indexes leads to; nothing where there is nothing to look into.

    Raises Malformed where there is none.

    >>> picked({"motor": {"speeds": [7, 8]}}, ("motor", "speeds", 1))
    8
    """
    for step in pick:
        match value:
            case dict() if step in value:
                value = value[str(step)]
            case list() if str(step).isdigit() and int(step) < len(value):
                value = value[int(step)]
            case None:
                return None
            case _:
                raise Malformed(f"the value has no member {'.'.join(map(str, pick))!r}")
    return value


def replaced(whole: Value, pick: Sequence[str | int], value: Value) -> Value:
    """A payload with another value as the member that a path leads to. Raises Unavailable where there is none.

    >>> replaced({"motor": {"speeds": [7, 8]}, "on": True}, ("motor", "speeds", 1), 9)
    {'motor': {'speeds': [7, 9]}, 'on': True}
    """
    if not pick:
        return value
    step, *below = pick
    match whole:
        case dict() if step in whole:
            return {**whole, str(step): replaced(whole[str(step)], below, value)}
        case list() if str(step).isdigit() and int(step) < len(whole):
            at = int(step)
            return [*whole[:at], replaced(whole[at], below, value), *whole[at + 1 :]]
        case _:
            raise Unavailable(f"the payload has no member {str(step)!r} that could be written")


def written(value: Value) -> bytes:
    """A value as JSON."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _plain(value: object) -> Json:
    match value:
        case FileTime():
            at = moment(value)
            return at.isoformat().replace("+00:00", "Z") if at else None
        case LocalText():
            return {"language": value.locale, "text": value.text}
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            raise TypeError(type(value).__name__)
