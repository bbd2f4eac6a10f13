"""Events as a stream: server-sent events, or the same over a WebSocket where a client asks for one."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from aas_server.api import errors
from aas_server.api.fast import Connection
from aas_server.api.keys import EVENTS
from aas_server.api.reading import Call, reference, whole
from aas_server.events.announcing import CloudEvent, position_of, position_text
from aas_server.events.filtering import Filter, condition_kinds
from aas_server.events.hub import Hub, Reader
from aas_server.model import Json
from aas_server.model import json as documents
from aas_server.model.changes import Event
from aas_server.model.errors import Gone, Malformed, TooLarge
from aas_server.model.identifiers import decode
from aas_server.model.paths import parse

#: Seconds without an event after which a reader is told how far it is; seconds that it may take what it is sent.
IDLE, STUCK = 15.0, 60.0
#: Events that it may take that long for.
PIECE = 50
#: Seconds that a client may take to say goodbye over a WebSocket.
GOODBYE = 1.0
#: Milliseconds after which a browser connects again.
RETRY = 2000
#: Largest condition that is read, in bytes; most texts in one parameter; longest pause between two batches, in seconds.
LARGEST, MOST, LONGEST = 64 << 10, 1000, 3600

Send = Callable[[Sequence[CloudEvent]], Coroutine[Any, Any, None]]
Idle = Callable[[int], Coroutine[Any, Any, None]]


async def get_events(call: Call) -> web.StreamResponse:
    """What happens from now on, or after the event that `Last-Event-ID` or `after` names. Raises Gone, Malformed."""
    hub = call.request.app[EVENTS]
    condition = _condition(call)
    wanted, after, pause = _filter(call, condition), _after(call, hub), _pause(call)
    async with hub.reading(wanted, condition, after) as reader:
        if call.header("Upgrade").lower() == "websocket":
            return await _converse(call, hub, reader, pause)
        return await _stream(call, hub, reader, pause)


async def _stream(call: Call, hub: Hub, reader: Reader, pause: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type, response.charset = "text/event-stream", "utf-8"
    await response.prepare(call.request)
    if call.request.method == "HEAD":
        return response

    async def send(events: Sequence[CloudEvent]) -> None:
        await response.write(b"".join([event.frame for event in events]))

    async def idle(position: int) -> None:
        await response.write(f"id: {position_text(hub.store_id, position)}\n\n".encode())

    connection = call.request.protocol
    if isinstance(connection, Connection):
        connection.left = reader.leave
    try:
        await response.write(f"retry: {RETRY}\n".encode())
        await _hand_over(reader, pause, send, idle)
    except Gone as gone:
        told = errors.problem_answer(gone).body
        await response.write(b"event: gone\ndata: %b\n\n" % told if isinstance(told, bytes) else b"")
    except (TimeoutError, ConnectionError):
        if call.request.transport is not None:
            call.request.transport.abort()  # it takes nothing: what is buffered for it would never be sent
    return response


async def _converse(call: Call, hub: Hub, reader: Reader, pause: float) -> web.StreamResponse:
    socket = web.WebSocketResponse(heartbeat=IDLE, timeout=GOODBYE, max_msg_size=4096)
    await socket.prepare(call.request)

    async def send(events: Sequence[CloudEvent]) -> None:
        for event in events:
            await socket.send_str(event.body.decode())

    async def idle(position: int) -> None:
        return None

    sending = asyncio.create_task(_hand_over(reader, pause, send, idle))
    listening = asyncio.create_task(_until_closed(socket))
    await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    sending.cancel()
    code, why = WSCloseCode.GOING_AWAY, b"the server stops"
    with contextlib.suppress(asyncio.CancelledError, TimeoutError, ConnectionError):
        try:
            await sending
        except Gone as gone:
            code, why = WSCloseCode.POLICY_VIOLATION, str(gone).encode()[:120]
    await socket.close(code=code, message=why)
    return socket


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """What a client says is not listened to."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


async def _hand_over(reader: Reader, pause: float, send: Send, idle: Idle) -> None:
    """Send what comes until the server stops. Raises Gone, and TimeoutError for a reader that takes nothing."""
    await idle(reader.passed)
    while not reader.over:
        try:
            async with asyncio.timeout(IDLE):
                events = await reader.take()
        except TimeoutError:
            events = ()
        for start in range(0, len(events), PIECE):
            async with asyncio.timeout(STUCK):
                await send(events[start : start + PIECE])
        if not events:
            async with asyncio.timeout(STUCK):
                await idle(reader.passed)
        await _rest(reader, pause, idle)


async def _rest(reader: Reader, pause: float, idle: Idle) -> None:
    """Let events gather for a while, in which the reader is told now and then that it is not forgotten."""
    clock = asyncio.get_running_loop().time
    end = clock() + pause
    while not reader.over and (left := end - clock()) > 0:
        await reader.rest(min(left, IDLE))
        if left > IDLE and not reader.over:
            async with asyncio.timeout(STUCK):
                await idle(reader.passed)


# What a request wants


def _filter(call: Call, condition: Json) -> Filter:
    return Filter(
        frozenset(decode(each, padded=True) for each in _several(call, "aasIds")),
        frozenset(decode(each, padded=True) for each in _several(call, "submodelIds")),
        frozenset(map(parse, _several(call, "idShortPath"))),
        frozenset(_meaning(each) for each in _several(call, "semanticIds")),
        frozenset(_event(each) for each in _several(call, "types")),
        orjson.dumps(condition, option=orjson.OPT_SORT_KEYS).decode() if condition is not None else "",
    )


def _several(call: Call, name: str) -> list[str]:
    """A parameter that may be repeated, and may be a list with commas."""
    found = [each for text in call.request.query.getall(name, ()) for each in text.split(",") if each]
    if len(found) > MOST:
        raise TooLarge(f"{name} has {len(found)} texts; at most {MOST} are taken")
    return found


def _meaning(encoded: str) -> str:
    """A semantic id in base64url: itself, or the Reference as `GET /submodels` takes it."""
    decoded = decode(encoded, padded=True)
    if not decoded.startswith("{"):
        return decoded
    value: str = reference(encoded, "semanticIds")["keys"][-1]["value"]
    return value


def _event(text: str) -> Event:
    try:
        return Event(text)
    except ValueError:
        raise Malformed(f"types={text[:80]!r}: must be of {', '.join(Event)}") from None


def _condition(call: Call) -> Json:
    text = call.request.query.get("query")
    if not text:
        return None
    if len(text) > LARGEST:
        raise TooLarge(f"the query has {len(text)} characters; at most {LARGEST} are read")
    query = documents.parse(text.encode())
    condition = query["$condition"] if isinstance(query, dict) and "$condition" in query else query
    condition_kinds(condition)
    return condition


def _after(call: Call, hub: Hub) -> int | None:
    """What a browser names when it connects again goes before what the address says."""
    given = call.header("Last-Event-ID") or call.request.query.get("after", "")
    return position_of(given, hub.store_id) if given else None


def _pause(call: Call) -> float:
    """Milliseconds in the parameter, seconds here."""
    text = call.request.query.get("interval", "0")
    milliseconds = whole(text)
    if milliseconds is None or milliseconds > LONGEST * 1000:
        raise Malformed(f"interval={text[:80]!r}: must be milliseconds, at most {LONGEST * 1000}")
    return milliseconds / 1000
