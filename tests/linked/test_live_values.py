"""Live values in queries: at once, with their age and quality, and gone when nothing feeds them any more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.examples import b64, prop, submodel
from tests.linked.test_following import becomes, rows
from tests.live.interfaces import AIMC, DATA, configuration, interface, node, of
from tests.live.plants import URI, Plant, plant

NAMES = ("Speed", "Count", "On", "Name")
LIVE = "SELECT ?now WHERE { ?e g:path '%s' BIND(g:live(?e) AS ?now) }"


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


@pytest.fixture
async def client(tmp_path: Path, press: Plant) -> AsyncIterator[aiohttp.ClientSession]:
    """A server that follows the press, and has a graph."""
    settings = Settings(
        port=0, store="sqlite:///:memory:", live_allowed=("opc.tcp://127.0.0.1",), live_pki=str(tmp_path / "pki"),
        graph="start", live_stale=1.0,
    )  # fmt: skip
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        types = ("xs:double", "xs:int", "xs:boolean", "xs:string")
        sinks = [prop(name, None, kind) for name, kind in zip(NAMES, types, strict=True)]
        nodes = [node(name, f"/?id=nsu={URI};s={name}") for name in NAMES]
        for document in (submodel(DATA, *sinks), interface(press.url, nodes), configuration(*map(of, NAMES))):
            assert (await session.post("/submodels", json=document)).status == 201
        yield session


async def test_values_are_seen_at_once_in_their_types(client: aiohttp.ClientSession, press: Plant) -> None:
    await becomes(client, LIVE % "Speed", [["1"]])
    await press.set(Speed=44.5, Count=8, On=False, Name="drill")
    for name, expected in zip(NAMES, ("44.5", "8", "false", "drill"), strict=True):
        await becomes(client, LIVE % name, [[expected]])
    typed = "SELECT (DATATYPE(g:live(?e)) AS ?type) WHERE { ?e g:path 'Count' }"
    assert await rows(client, typed) == [["http://www.w3.org/2001/XMLSchema#integer"]]


async def test_values_tell_their_age_and_quality(client: aiohttp.ClientSession, press: Plant) -> None:
    await becomes(client, LIVE % "Speed", [["1"]])
    told = "SELECT (g:quality(?e) AS ?q) (g:age(?e) < 60 AS ?young) WHERE { ?e g:path 'Speed' }"
    await press.set(Speed=2.0)
    await becomes(client, LIVE % "Speed", [["2"]])
    assert await rows(client, told) == [["Good", "true"]]
    await press.kill()
    await becomes(client, told, [["BadNoCommunication", "true"]])
    assert await rows(client, LIVE % "Speed") == [["2"]]


async def test_values_add_no_statements(client: aiohttp.ClientSession, press: Plant) -> None:
    await becomes(client, LIVE % "Speed", [["1"]])
    count = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"
    before = await rows(client, count)
    for number in range(50):
        await press.set(Speed=float(number))
    await becomes(client, LIVE % "Speed", [["49"]])
    await asyncio.sleep(0.6)
    assert await rows(client, count) == before


async def test_what_is_fed_no_more_has_no_live_value(client: aiohttp.ClientSession) -> None:
    await becomes(client, LIVE % "Speed", [["1"]])
    assert (await client.delete(f"/submodels/{b64(AIMC)}")).status == 204
    await becomes(client, LIVE % "Speed", [[""]])
