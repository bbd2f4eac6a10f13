"""The graph keeps in step with the store: writes, deletions, many at a time, and processes that die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import psutil
import pytest

from aas_server.api.keys import GRAPH
from aas_server.app import TABLES, Server, listening, open_repository
from aas_server.config import Settings
from aas_server.graph.serving import view_of
from aas_server.linked import generation
from aas_server.model import Kind
from tests.examples import b64, concept, prop, shell, submodel


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    settings = Settings(port=0, store="sqlite:///:memory:", graph="start")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def rows(client: aiohttp.ClientSession, query: str) -> list[list[str]]:
    """The rows of an answer; waits where the graph is still built."""
    status, text = 503, ""
    while status == 503:
        asked = client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
        async with asked as answer:
            status, text = answer.status, await answer.text()
        await asyncio.sleep(0.02)
    assert status == 200, text
    return [line.split(",") for line in text.removesuffix("\r\n").split("\r\n")[1:]]


async def becomes(client: aiohttp.ClientSession, query: str, expected: list[list[str]]) -> None:
    async with asyncio.timeout(30):
        while await rows(client, query) != expected:
            pass


VALUE = "SELECT ?value WHERE { ?e g:path 'A' ; g:value ?value }"


async def test_what_is_written_is_seen_and_what_is_deleted_is_gone(client: aiohttp.ClientSession) -> None:
    assert (await client.post("/submodels", json=submodel("urn:x:1", prop("A", "1")))).status == 201
    await becomes(client, VALUE, [["1"]])
    where = f"/submodels/{b64('urn:x:1')}"
    assert (await client.patch(f"{where}/submodel-elements/A/$value", json=2)).status == 204
    await becomes(client, VALUE, [["2"]])
    assert (await client.put(where, json=submodel("urn:x:1", prop("A", "3"), prop("B")))).status == 204
    await becomes(client, VALUE, [["3"]])
    assert (await client.delete(where)).status == 204
    await becomes(client, VALUE, [])
    await becomes(client, "SELECT ?s WHERE { GRAPH ?g { ?s ?p ?o } FILTER(?g != g:vocabulary) }", [])


async def fresh(server: Server) -> dict[str, str]:
    """What a view says that is made of the documents as they are now."""
    view = await asyncio.to_thread(view_of, server.url, TABLES)
    for kind in (Kind.SHELL, Kind.SUBMODEL, Kind.CONCEPT):
        listing = await server.repository.page(kind, limit=1000)
        view.fill(kind, [entry.document for entry in listing.result])
    return view.digests()


async def in_step(server: Server) -> bool:
    current = await server.app[GRAPH].available()
    return await current.process.digests() == await fresh(server)


async def churn(client: aiohttp.ClientSession, rounds: int) -> None:
    """Writes of all kinds, many at a time."""

    async def one(number: int) -> None:
        name = f"urn:x:{number % 7}"
        where = f"/submodels/{b64(name)}"
        match number % 5:
            case 0:
                await client.delete(where)
            case 1:
                await client.patch(f"{where}/submodel-elements/A/$value", json=number)
            case _:
                await client.put(where, json=submodel(name, prop("A", str(number)), prop("B", str(number % 3))))

    await asyncio.gather(*(one(number) for number in range(rounds)))


async def test_after_many_writes_it_is_what_the_documents_say(client: aiohttp.ClientSession, server: Server) -> None:
    await client.post("/shells", json=shell("urn:s:1"))
    await client.post("/concept-descriptions", json=concept("urn:c:1"))
    for _ in range(4):
        await churn(client, 100)
        async with asyncio.timeout(30):
            while not await in_step(server):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.1)


def graph_processes() -> list[psutil.Process]:
    below = psutil.Process().children()
    return [each for each in below if each.is_running() and "aas_server.graph.serving" in _command(each)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it is gone meanwhile
        return []


def graph_process() -> psutil.Process:
    return graph_processes()[0]


async def test_a_graph_that_dies_is_built_anew(client: aiohttp.ClientSession, server: Server) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("A", "1")))
    await becomes(client, VALUE, [["1"]])
    os.kill(graph_process().pid, signal.SIGKILL)
    await client.put(f"/submodels/{b64('urn:x:1')}", json=submodel("urn:x:1", prop("A", "2")))
    await becomes(client, VALUE, [["2"]])
    assert await in_step(server)


async def test_its_processes_end_with_the_server() -> None:
    settings = Settings(port=0, store="sqlite:///:memory:", graph="start")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        async with aiohttp.ClientSession(server.url) as session:
            await rows(session, VALUE)
        several = [graph_process(), *graph_process().children()]
    _, alive = psutil.wait_procs(several, timeout=10)
    assert (len(several) >= 2, alive) == (True, [])


async def test_many_ask_at_once_and_all_are_answered_or_told_to_come_again(client: aiohttp.ClientSession) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("A", "1")))
    await becomes(client, VALUE, [["1"]])

    async def ask() -> Any:
        async with client.get("/sparql", params={"query": VALUE}) as answer:
            return answer.status, answer.headers.get("Retry-After")

    found = await asyncio.gather(*(ask() for _ in range(100)))
    assert {status for status, _ in found} <= {200, 503}
    assert sum(status == 200 for status, _ in found) >= 22
    assert all(after for status, after in found if status == 503)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that has grown by a MiB is too large."""
    monkeypatch.setattr(generation, "WATCH", 0.2)
    monkeypatch.setattr(generation, "GROWN", 1.0)
    monkeypatch.setattr(generation, "LEAST", 1 << 20)


async def test_a_graph_that_has_grown_gives_way_to_another(
    impatient: None, client: aiohttp.ClientSession, server: Server
) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("A", "1")))
    await becomes(client, VALUE, [["1"]])
    first, number = graph_process(), 1
    async with asyncio.timeout(60):
        while first.is_running():
            number += 1
            several = [prop(f"P{number}x{at}", str(at)) for at in range(50)]
            await client.put(f"/submodels/{b64('urn:x:1')}", json=submodel("urn:x:1", prop("A", str(number)), *several))
            assert len(await rows(client, VALUE)) == 1  # nobody is turned away meanwhile
    await becomes(client, VALUE, [[str(number)]])
    assert await in_step(server)


async def test_view_and_repository_are_compared(client: aiohttp.ClientSession, server: Server) -> None:
    for number in range(20):
        await client.post("/submodels", json=submodel(f"urn:x:{number}", prop("A", str(number))))
    await rows(client, VALUE)
    assert await (await client.get("/graph/differences")).json() == {"differences": []}
    current = await server.app[GRAPH].available()
    await current.process.delete(Kind.SUBMODEL, "urn:x:7")  # as if it was lost on the way
    where = f"{server.url}/submodels/{b64('urn:x:7')}"
    assert await (await client.get("/graph/differences")).json() == {"differences": [where]}


async def test_a_graph_that_dies_while_it_is_built_is_built_anew(client: aiohttp.ClientSession, server: Server) -> None:
    several = [prop(f"P{number}", str(number)) for number in range(2000)]
    for number in range(20):
        assert (await client.post("/submodels", json=submodel(f"urn:x:{number}", *several))).status == 201
    await rows(client, VALUE)
    for _ in range(2):  # the second time while it is being built
        os.kill(graph_process().pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while (await (await client.get("/graph")).json())["state"] == "ready" or not graph_processes():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await becomes(client, "SELECT (COUNT(?s) AS ?n) { ?s a g:Submodel }", [["20"]])


KEYS = [
    {"type": "Submodel", "value": "urn:x"},
    {"type": "SubmodelElementList", "value": "L"},
    {"type": "Property", "value": "9" * 5000},
]
NAMES = [{"language": "en-US-US", "text": "x"}, {"language": "a", "text": "y"}]
LEADING = {"modelType": "ReferenceElement", "idShort": "R", "value": {"type": "ModelReference", "keys": KEYS}}
HOSTILE: list[dict[str, Any]] = [LEADING, {**prop("N", "1"), "displayName": NAMES}]


async def test_no_document_ends_the_graph(client: aiohttp.ClientSession, server: Server) -> None:
    """Imports let more in than writes do."""
    await rows(client, VALUE)
    process = graph_process()
    for number, hostile in enumerate(HOSTILE):
        body = {"submodels": [submodel(f"urn:h:{number}", hostile, prop("A", "1"))]}
        answer = await client.post("/upload", json=body)
        assert answer.status == 201, await answer.text()
    await becomes(client, "SELECT (COUNT(?s) AS ?n) { ?s a g:Submodel }", [["2"]])
    where = f"/submodels/{b64('urn:h:1')}/submodel-elements/A/$value"
    assert (await client.patch(where, json=5)).status == 204
    await becomes(client, "SELECT ?v { ?e g:path 'A' ; g:value ?v } ORDER BY DESC(?v) LIMIT 1", [["5"]])
    assert process.is_running()
