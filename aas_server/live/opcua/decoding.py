"""PublishResponses read by hand: what nearly all of them are, in a twentieth of the time that the general way takes.

OPC 10000-6, 5.2: numbers are little endian; OPC 10000-4, 5.14.5: Publish. Values of other types than numbers, times and
texts are read by asyncua, one by one; responses of another form are left to it as a whole.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from asyncua.common.utils import Buffer
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import variant_from_binary

from aas_server.live import FileTime
from aas_server.live.opcua.skipping import end, undecoded

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from
_I64 = struct.Struct("<q").unpack_from
#: Client handle, and which parts of the DataValue follow.
_HEAD = struct.Struct("<IB").unpack_from

#: How scalars of a builtin type are read, and how many bytes they take.
_SCALARS: list[tuple[Callable[[bytes, int], tuple[Any, ...]], int] | None] = [None] * 256
for _number, _form in {
    1: "<?", 2: "<b", 3: "<B", 4: "<h", 5: "<H", 6: "<i", 7: "<I", 8: "<q", 9: "<Q", 10: "<f", 11: "<d", 19: "<I",
}.items():  # fmt: skip
    _SCALARS[_number] = struct.Struct(_form).unpack_from, struct.calcsize(_form)
_STRING, _TIME = 12, 13

_PUBLISH_RESPONSE = ObjectIds.PublishResponse_Encoding_DefaultBinary
_DATA_CHANGE = ObjectIds.DataChangeNotification_Encoding_DefaultBinary

#: Client handle, value, StatusCode, source time.
Notification = tuple[int, Any, int, int]


class Publication(NamedTuple):
    """What a PublishResponse says: of which subscription, under which number, and all that changed.

    One that is not whole holds something after which nothing can be read; nothing of it is taken.
    """

    subscription: int
    sequence: int
    notifications: list[Notification]
    whole: bool = True


class Unusual(Exception):
    """The response is of another form than nearly all."""


def decode(body: bytes, normal: Callable[[Any], Any]) -> Publication:
    """Read the body of a response; `normal` makes a value out of what asyncua has read. Raises Unusual.

    `normal` is given an Unreadable for a structure that cannot be decoded. Raises struct.error or IndexError for a
    response that is cut short before it says what has changed.
    """
    kind, at = _type_id(body, 0)
    if kind != _PUBLISH_RESPONSE:
        raise Unusual
    (result,) = _U32(body, at + 12)
    strings = _I32(body, at + 17)[0]
    if result or body[at + 16] or strings > 0:
        raise Unusual
    _, at = _type_id(body, at + 21)
    if body[at]:
        raise Unusual  # an additional header
    (subscription,) = _U32(body, at + 1)
    available = max(_I32(body, at + 5)[0], 0)
    at += 9 + 4 * available + 1
    (sequence,) = _U32(body, at)
    at += 12  # and the time of publication
    (count,) = _I32(body, at)
    at += 4
    found: list[Notification] = []
    try:
        for _ in range(max(count, 0)):
            at = _data_change(body, at, found, normal)
    except (struct.error, IndexError):
        return Publication(subscription, sequence, [], whole=False)
    return Publication(subscription, sequence, found)


def _type_id(body: bytes, at: int) -> tuple[int, int]:
    """The number of a NodeId of namespace 0, and where it ends; -1 for any other."""
    match body[at]:
        case 0:
            return body[at + 1], at + 2
        case 1:
            return (_U16(body, at + 2)[0] if body[at + 1] == 0 else -1), at + 4
        case 2:
            return -1, at + 7
    raise Unusual


def _data_change(body: bytes, at: int, found: list[Notification], normal: Callable[[Any], Any]) -> int:
    kind, at = _type_id(body, at)
    if kind != _DATA_CHANGE or body[at] != 1:
        raise Unusual
    after: int = at + 5 + _I32(body, at + 1)[0]
    (count,) = _I32(body, at + 5)
    at += 9
    scalars, head, put = _SCALARS, _HEAD, found.append
    for _ in range(max(count, 0)):
        handle, mask = head(body, at)
        at += 5
        value: Any = None
        status = source = 0
        if mask & 1:
            kind = body[at]
            if (scalar := scalars[kind]) is not None:
                value = scalar[0](body, at + 1)[0]
                at += 1 + scalar[1]
            else:
                value, at = _other(body, at, kind, normal)
        if mask & 2:
            (status,) = _U32(body, at)
            at += 4
        if mask & 4:
            (source,) = _I64(body, at)
            at += 8
        at += 2 * (mask >> 4 & 1) + 8 * (mask >> 3 & 1) + 2 * (mask >> 5 & 1)
        put((handle, value, status, source))
    if not at <= after <= len(body):
        raise struct.error("a value reaches beyond its notification")
    return after


def _other(body: bytes, at: int, kind: int, normal: Callable[[Any], Any]) -> tuple[Any, int]:
    """Texts and times by hand, the rest by asyncua."""
    if kind == _STRING:
        (length,) = _I32(body, at + 1)
        at += 5
        return (body[at : at + length].decode("utf-8", "replace"), at + length) if length >= 0 else (None, at)
    if kind == _TIME:
        return FileTime(_I64(body, at + 1)[0]), at + 9
    buffer = Buffer(body, at)
    try:
        return normal(variant_from_binary(buffer).Value), buffer._cur_pos
    except Exception as error:  # whatever asyncua stumbles over
        return normal(undecoded(error)), end(body, at)
