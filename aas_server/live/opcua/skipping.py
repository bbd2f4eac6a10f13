"""A value that cannot be decoded stands alone, with why: what came with it is read all the same.

A structure says how long it is (OPC 10000-6, 5.2.2.15), so that one in a notification is passed over. What else cannot
be decoded takes the rest of its message with it: a Read is halved until it is alone.
"""

import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import UaStatusCodeError

from aas_server.model.quality import status_code, status_name

UNREADABLE, UNDECODED = status_code("BadDataEncodingUnsupported"), status_code("BadDecodingError")
_STRUCTURE, _ARRAY = 22, 0x80
#: Bytes that an id takes after its first, by its form; one of text or bytes says its length (OPC 10000-6, 5.2.2.9).
_IDS = {0: 1, 1: 3, 2: 6, 4: 18}
_TEXTUAL = (3, 5)
_I32 = struct.Struct("<i").unpack_from


#: What a server answers to a Read that it cannot answer as a whole, be it for a single value of it.
_FAULTS = (
    "BadInternalError", "BadUnexpectedError", "BadEncodingError", "BadEncodingLimitsExceeded", "BadResponseTooLarge",
    "BadTooManyOperations",
)  # fmt: skip


class Unreadable(NamedTuple):
    """A value that has no form here, and why."""

    why: str
    status: int = UNREADABLE

    def words(self, href: str) -> str:
        """What is wrong with the item there."""
        return self.why if self.status == UNREADABLE else f"{status_name(self.status)}: {href}: {self.why}"


@dataclass
class Undecoded(ua.DataValue):
    """What stands for a value that a server has sent and nobody can decode."""

    why: str = ""


def undecoded(error: Exception) -> Unreadable:
    return Unreadable(f"{error}" or type(error).__name__, UNDECODED)


# Notifications


def end(body: bytes, at: int) -> int:
    """Where the Variant that begins at `at` ends: a structure, or an array of them.

    Raises struct.error or IndexError where that cannot be told.
    """
    kind, at = body[at], at + 1
    if kind & ~_ARRAY != _STRUCTURE:
        raise struct.error("only a structure says where it ends")
    count = 1
    if kind & _ARRAY:
        count, at = _I32(body, at)[0], at + 4
    for _ in range(count):
        at = _structure_end(body, at)
    if at > len(body):
        raise struct.error("the structure is cut short")
    return at


def _structure_end(body: bytes, at: int) -> int:
    at = _id_end(body, at)
    encoding, at = body[at], at + 1
    return _text_end(body, at) if encoding else at


def _id_end(body: bytes, at: int) -> int:
    form, at = body[at], at + 1
    if form in _TEXTUAL:
        return _text_end(body, at + 2)
    if form not in _IDS:
        raise struct.error(f"no id has the form {form}")
    return at + _IDS[form]


def _text_end(body: bytes, at: int) -> int:
    (length,) = _I32(body, at)
    if length < 0:
        raise struct.error("it does not say its length")
    return at + 4 + int(length)


# Reads


class _Undecodable(Exception):
    """An answer has come, and cannot be decoded; or the server says that it could not be encoded."""


async def answers(client: Client, wanted: Sequence[ua.ReadValueId]) -> AsyncIterator[list[ua.DataValue]]:
    """What the server says of these, in their order, answer by answer; Undecoded for what cannot be decoded.

    Whoever takes an answer before the next comes has nothing that is older than a notification after it.
    """
    try:
        yield await _asked(client, wanted)
    except _Undecodable as error:
        half = len(wanted) // 2
        if not half:
            yield [Undecoded(StatusCode=ua.StatusCode(ua.UInt32(UNDECODED)), why=str(error))]
            return
        for some in (wanted[:half], wanted[half:]):
            async for found in answers(client, some):
                yield found


async def _asked(client: Client, wanted: Sequence[ua.ReadValueId]) -> list[ua.DataValue]:
    request = ua.ReadRequest()
    request.Parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Source, NodesToRead=list(wanted))
    try:
        data = await client.uaclient.session._send_request(request)
    except UaStatusCodeError as error:
        if (name := status_name(int(error.code))) in _FAULTS:
            raise _Undecodable(f"the server answers {name}") from None
        raise
    try:
        response = struct_from_binary(ua.ReadResponse, data)
    except Exception as error:  # whatever asyncua stumbles over
        raise _Undecodable(undecoded(error).why) from None
    response.ResponseHeader.ServiceResult.check()
    if len(response.Results) != len(wanted):
        raise _Undecodable(f"{len(response.Results)} values answer a request for {len(wanted)}")
    return list(response.Results)
