"""The fast path: whatever it answers, the router would have answered in the same bytes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.app import Server, listening
from aas_server.repository import Repository
from tests.examples import b64, concept, motors, prop, shell, submodel

SUBMODEL = f"/submodels/{b64('urn:x:1')}"
DATE = re.compile(rb"\r\nDate: [^\r]*")

TARGETS = [
    *(f"{SUBMODEL}{suffix}" for suffix in ("", "/$value", "/$metadata")),
    *(f"{SUBMODEL}/submodel-elements/Motors%5B0%5D.Speed{suffix}" for suffix in ("", "/$value", "/$metadata")),
    f"{SUBMODEL}/submodel-elements/Motors[1].Speed/$value",
    f"{SUBMODEL}/submodel-elements/Motors/$value",
    f"{SUBMODEL}/submodel-elements/Name",
    f"/api/v3.0{SUBMODEL}/submodel-elements/Name/$value",
    f"/api/v3.1{SUBMODEL}",
    f"/api/v3{SUBMODEL}/$value",
    f"/shells/{b64('urn:s:1')}",
    f"/concept-descriptions/{b64('urn:c:1')}",
    f"/submodels/{b64('urn:big')}",
    # What the router answers in both cases
    f"{SUBMODEL}/",
    f"{SUBMODEL}?level=core",
    f"{SUBMODEL}/submodel-elements/Nothing",
    f"{SUBMODEL}/submodel-elements/Name/$nothing",
    f"/submodels/{b64('urn:none')}",
    "/submodels/====",
    f"/nowhere{SUBMODEL}",
    f"/shells/{b64('urn:s:1')}/submodel-elements/Name",
    f"/shells/{b64('urn:s:1')}/$value",
    "/description",
]

HEADERS: list[dict[str, str]] = [
    {},
    {"Accept": "*/*", "User-Agent": "test", "Connection": "keep-alive"},
    {"Accept": "application/json", "Accept-Encoding": "gzip, deflate, br"},
    {"Accept-Encoding": "zstd;q=0.5, gzip;q=0.1"},
    {"If-None-Match": '"nothing"'},
    {"If-None-Match": "*"},
    {"Range": "bytes=0-10"},
    {"Authorization": "Bearer x"},
    {"X-Trace": "1", "X-Other": "2"},
]


@pytest.fixture
async def given(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    big = [prop(f"P{number}") for number in range(200)]
    await client.post("/submodels", json=submodel("urn:big", *big))
    await client.post("/shells", json=shell("urn:s:1"))
    await client.post("/concept-descriptions", json=concept())


@pytest.fixture
async def slow(repository: Repository, altered: Any) -> AsyncIterator[Server]:
    """The same repository behind the router alone."""
    async with listening(repository, altered(fast_path=False)) as server:
        yield server


class Wire:
    """One keep-alive connection, seen as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def to(cls, server: Server) -> AsyncIterator["Wire"]:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        yield cls(reader, writer)
        writer.close()
        await writer.wait_closed()

    async def ask(self, target: str, headers: dict[str, str], method: str = "GET") -> bytes:
        lines = [f"{method} {target} HTTP/1.1", "Host: test", *(f"{name}: {text}" for name, text in headers.items())]
        self.writer.write("\r\n".join((*lines, "", "")).encode())
        return await self.answer()

    async def answer(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1])) if length and b" 304 " not in head[:15] else b""
        # The moment of an answer and of an error are the only things that may differ.
        return DATE.sub(b"", head) + re.sub(rb'"timestamp":"[^"]*"', b"", body)


@pytest.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    async with Wire.to(server) as wire:
        yield wire


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("headers", HEADERS, ids=str)
async def test_both_paths_answer_in_the_same_bytes(server: Server, slow: Server, headers: dict[str, str]) -> None:
    async with Wire.to(server) as fast_wire, Wire.to(slow) as slow_wire:
        for target in TARGETS:
            first, second, third = [await fast_wire.ask(target, headers) for _ in range(3)]
            assert first == second == third == await slow_wire.ask(target, headers), target


@pytest.mark.usefixtures("given")
async def test_hot_reads_do_take_the_fast_path(client: ClientSession, wire: Wire) -> None:
    await wire.ask("/description", {})
    before = (await (await client.get("/health/metrics")).json())["fast_path_answers"]
    for target in TARGETS[:15]:
        await wire.ask(target, {})
    after = (await (await client.get("/health/metrics")).json())["fast_path_answers"]
    assert after - before == 15


@pytest.mark.usefixtures("given")
async def test_a_write_is_seen_by_the_next_read(client: ClientSession, wire: Wire) -> None:
    for number in range(5):
        await client.patch(f"{SUBMODEL}/submodel-elements/Name/$value", json=f"v{number}")
        for target in (f"{SUBMODEL}/submodel-elements/Name/$value", SUBMODEL):
            assert f"v{number}".encode() in await wire.ask(target, {})
            assert f"v{number}".encode() in await wire.ask(target, {})
    await client.delete(SUBMODEL)
    assert b" 404 " in (await wire.ask(SUBMODEL, {}))[:15]


@pytest.mark.usefixtures("given")
async def test_requests_in_pieces_and_in_heaps(wire: Wire) -> None:
    """Pipelined, split at every byte, mixed with bodies: each request gets its answer, in order."""
    request = f"GET {SUBMODEL}/submodel-elements/Name/$value HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    expected = await wire.ask(f"{SUBMODEL}/submodel-elements/Name/$value", {})
    wire.writer.write(request * 5)
    assert [await wire.answer() for _ in range(5)] == [expected] * 5
    for cut in range(1, len(request), 7):
        wire.writer.write(request[:cut])
        await wire.writer.drain()
        await asyncio.sleep(0.001)
        wire.writer.write(request[cut:])
        assert await wire.answer() == expected
    body = b'"press"'
    patch = f"PATCH {SUBMODEL}/submodel-elements/Name/$value HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    wire.writer.write(patch.encode() + b"Content-Type: application/json\r\n\r\n" + body + request + request[:20])
    assert b" 204 " in (await wire.answer())[:15]
    assert await wire.answer() == expected
    wire.writer.write(request[20:] + request)
    assert [await wire.answer() for _ in range(2)] == [expected] * 2


@pytest.mark.usefixtures("given")
async def test_a_request_hidden_in_a_body_is_not_answered(wire: Wire) -> None:
    await wire.ask("/description", {})
    hidden = f"GET {SUBMODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    head = f"GET /description HTTP/1.1\r\nHost: x\r\nContent-Length: {len(hidden)}\r\n\r\n".encode()
    wire.writer.write(head)
    await asyncio.sleep(0.05)
    wire.writer.write(hidden)
    answer = await wire.answer()
    assert b"profiles" in answer
    wire.writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b'"UP"' in await wire.answer()
