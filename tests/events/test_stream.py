"""What happens is told as it happens: what an event says, which ones pass, and where a reader goes on."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest

from aas_server.api.events import _hand_over as hand_over
from aas_server.api.keys import EVENTS
from aas_server.app import Server, listening, open_repository
from aas_server.events.announcing import CloudEvent
from aas_server.events.filtering import Filter
from aas_server.events.hub import Reader
from aas_server.model.changes import SetValue
from tests.events.streams import kind, stream
from tests.examples import b64, collection, encoded, external, model, prop, shell, submodel

ONE = f"/submodels/{b64('urn:x:1')}"


async def put(client: aiohttp.ClientSession, document: dict[str, Any]) -> None:
    place = {"Submodel": "submodels", "AssetAdministrationShell": "shells"}[document["modelType"]]
    answer = await client.put(f"/{place}/{b64(document['id'])}", json=document)
    assert answer.status in (201, 204), await answer.text()


async def set_value(client: aiohttp.ClientSession, path: str, value: object, identifier: str = "urn:x:1") -> None:
    answer = await client.patch(f"/submodels/{b64(identifier)}/submodel-elements/{path}/$value", json=value)
    assert answer.status == 204, await answer.text()


async def test_a_change_is_an_event(client: aiohttp.ClientSession) -> None:
    async with stream(client) as reading:
        await put(client, submodel("urn:x:1", prop("Speed")))
        await set_value(client, "Speed", 5.5)
        await client.delete(ONE)
        created, changed, deleted = await reading.events(3)
    assert created["specversion"] == "1.0"
    assert created["type"] == "io.admin-shell.events.v1.created"
    assert (created["source"], created["subject"]) == (ONE, "urn:x:1")
    assert changed["type"] == "io.admin-shell.events.v1.valueChanged"
    assert (changed["source"], changed["subject"]) == (f"{ONE}/submodel-elements/Speed", "urn:x:1#Speed")
    assert (changed["datacontenttype"], changed["data"]) == ("application/json", {"value": "5.5"})
    assert deleted["type"] == "io.admin-shell.events.v1.deleted"
    assert len({event["id"] for event in (created, changed, deleted)}) == 3


async def test_the_source_is_where_the_thing_is(client: aiohttp.ClientSession) -> None:
    async with stream(client) as reading:
        await put(client, submodel("urn:x:1", collection("Motor", prop("Speed"))))
        await set_value(client, "Motor.Speed", 7)
        *_, changed = await reading.events(2)
    answer = await client.get(f"{changed['source']}/$value")
    assert await answer.json() == 7.0


async def test_sources_begin_with_the_address_of_the_server(altered: Any) -> None:
    settings = altered(external_url="https://twins.example.org/aas/")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
        stream(client) as reading,
    ):
        await put(client, submodel("urn:x:1"))
        assert (await reading.events(1))[0]["source"] == f"https://twins.example.org/aas{ONE}"


TEMPERATURE = external("urn:meaning:temperature")


async def change_much(client: aiohttp.ClientSession) -> None:
    """Two shells, one of them with a submodel; and a submodel of nobody."""
    await put(client, submodel("urn:x:1", collection("A", prop("T", semanticId=TEMPERATURE)), prop("B")))
    await put(client, submodel("urn:x:2", prop("T")))
    await put(client, {**shell("urn:s:1"), "submodels": [model("urn:x:1")]})
    await put(client, shell("urn:s:2"))
    await set_value(client, "A.T", 20)
    await set_value(client, "B", 1)
    await set_value(client, "T", 2, "urn:x:2")
    await set_value(client, "A.T", 90)
    await client.delete(ONE)
    await put(client, submodel("urn:x:end", prop("A", semanticId=TEMPERATURE)))


def condition(field: str, value: float) -> str:
    return json.dumps({"$condition": {"$gt": [{"$field": field}, {"$numVal": value}]}})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"submodelIds": b64("urn:x:2")}, ["created urn:x:2", "valueChanged urn:x:2#T"]),
        ({"aasIds": b64("urn:s:2")}, ["created urn:s:2"]),
        (
            {"submodelIds": b64("urn:x:1"), "idShortPath": "A"},
            ["created urn:x:1", "valueChanged urn:x:1#A.T", "valueChanged urn:x:1#A.T", "deleted urn:x:1"],
        ),
        (
            {"submodelIds": b64("urn:x:1"), "idShortPath": "Nothing,A.T", "types": "valueChanged"},
            ["valueChanged urn:x:1#A.T", "valueChanged urn:x:1#A.T"],
        ),
        ({"types": "deleted"}, ["deleted urn:x:1"]),
        (
            {"types": "valueChanged,deleted", "semanticIds": b64("urn:meaning:temperature")},
            ["valueChanged urn:x:1#A.T", "valueChanged urn:x:1#A.T", "deleted urn:x:1"],
        ),
        (
            {"types": "valueChanged", "semanticIds": encoded(TEMPERATURE)},
            ["valueChanged urn:x:1#A.T", "valueChanged urn:x:1#A.T"],
        ),
    ],
)
async def test_only_what_is_wanted_passes(
    client: aiohttp.ClientSession, query: dict[str, str], expected: list[str]
) -> None:
    async with stream(client, **query) as reading:
        await change_much(client)
        found = await reading.events(len(expected))
    assert [f"{kind(event)} {event['subject']}" for event in found] == expected


async def test_a_condition_is_asked_of_the_document(client: aiohttp.ClientSession) -> None:
    async with stream(client, query=condition("$sme.A.T#value", 50), types="valueChanged") as reading:
        await put(client, submodel("urn:x:1", collection("A", prop("T", "20"))))
        await put(client, submodel("urn:x:2", collection("A", prop("T", "60"))))
        for identifier, value in [("urn:x:1", 30), ("urn:x:2", 70), ("urn:x:1", 80)]:
            await set_value(client, "A.T", value, identifier)
            if value > 50:
                (event,) = await reading.events(1)
                assert (event["subject"], event["data"]) == (f"{identifier}#A.T", {"value": str(value)})


async def test_a_shell_brings_its_submodels_along(client: aiohttp.ClientSession) -> None:
    await put(client, submodel("urn:x:1", prop("B")))
    async with stream(client, aasIds=b64("urn:s:1")) as reading:
        await set_value(client, "B", 1)  # before the shell refers to it
        await put(client, {**shell("urn:s:1"), "submodels": [model("urn:x:1")]})
        await reading.events(1)
        await set_value(client, "B", 2)
        assert (await reading.events(1))[0]["data"] == {"value": "2"}


async def test_a_reader_goes_on_where_it_was(client: aiohttp.ClientSession) -> None:
    async with stream(client) as reading:
        await put(client, submodel("urn:x:1", prop("B")))
        (first,) = await reading.events(1)
    for value in range(5):
        await set_value(client, "B", value)
    async with stream(client, after=first["id"]) as reading:
        found = await reading.events(5)
        assert [event["data"]["value"] for event in found] == ["0", "1", "2", "3", "4"]
    async with stream(client, found[2]["id"], after=first["id"]) as reading:
        assert [event["data"]["value"] for event in await reading.events(2)] == ["3", "4"]


async def test_a_log_that_has_forgotten_says_so(altered: Any) -> None:
    settings = altered(log_changes=50)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await repository.create(submodel("urn:x:1", prop("B")))
        async with stream(client) as reading:
            position = reading.last
        for piece in range(40):
            await repository.apply([_set(piece * 100 + number) for number in range(100)])
        answer = await client.get("/events", headers={"Last-Event-ID": position})
        assert answer.status == 410
        assert "read the documents anew" in (await answer.json())["messages"][0]["text"]


def _set(value: int) -> Any:
    return SetValue("urn:x:1", ("B",), {"value": str(value)}, prop("B"))


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"after": "nonsense"}, 400, "no id of an event"),
        ({"after": "other-7"}, 410, "another store"),
        ({"after": "99999"}, 410, "the log ends"),
        ({"types": "born"}, 400, "created, updated, deleted, valueChanged"),
        ({"submodelIds": "urn:x"}, 400, "base64url"),
        ({"idShortPath": "a..b"}, 400, "idShort"),
        ({"query": "{"}, 400, "JSON"),
        ({"query": '{"$condition": {"$eq": [{"$field": "$sm#nothing"}, {"$strVal": "x"}]}}'}, 400, "$sm#nothing"),
        ({"interval": "soon"}, 400, "milliseconds"),
    ],
)
async def test_what_cannot_be_is_refused(
    client: aiohttp.ClientSession, query: dict[str, str], status: int, words: str
) -> None:
    answer = await client.get("/events", params=query)
    assert answer.status == status
    assert words in (await answer.json())["messages"][0]["text"]


async def test_only_so_many_readers_at_a_time(altered: Any) -> None:
    settings = altered(event_readers=1)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        async with stream(client):
            refused = await client.get("/events")
            assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
        async with asyncio.timeout(10):
            while (await client.head("/events")).status != 200:  # noqa: ASYNC110 - the server is asked as users ask
                await asyncio.sleep(0.01)


async def test_who_rests_and_leaves_makes_room(altered: Any) -> None:
    """Even where it wanted to hear nothing for an hour."""
    settings = altered(event_readers=1)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await repository.create(submodel("urn:x:1", prop("B")))
        async with stream(client, interval="3600000") as resting:
            await set_value(client, "B", 1)
            await resting.events(1)
            assert resting.response.connection is not None
            resting.response.connection.transport.abort()  # type: ignore[union-attr]
        async with asyncio.timeout(10):
            while (await client.head("/events")).status != 200:  # noqa: ASYNC110 - the server is asked as users ask
                await asyncio.sleep(0.01)


async def test_who_rests_is_told_how_far_it_is(client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aas_server.api.events.IDLE", 0.2)
    await put(client, submodel("urn:x:1", prop("B")))
    async with stream(client, interval="3600000") as resting:
        await set_value(client, "B", 1)
        await resting.events(1)
        told: list[str] = []
        async with asyncio.timeout(10):
            async for frame in resting.frames():
                assert "data" not in frame
                told.append(frame["id"])
                if len(told) == 3:
                    break
    assert set(told) == {resting.last}


async def test_a_websocket_carries_the_same(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/events?types=valueChanged") as socket:
        await put(client, submodel("urn:x:1", prop("B")))
        await set_value(client, "B", 1)
        await set_value(client, "B", 2)
        first, second = await socket.receive_json(timeout=10), await socket.receive_json(timeout=10)
    assert [each["data"]["value"] for each in (first, second)] == ["1", "2"]
    async with client.ws_connect(f"/events?after={first['id']}") as socket:
        assert await socket.receive_json(timeout=10) == second


async def test_a_server_that_stops_ends_its_streams(altered: Any) -> None:
    settings = altered(shutdown_grace=30)
    async with open_repository(settings) as repository, aiohttp.ClientSession() as client:
        async with listening(repository, settings) as server:
            events = await client.get(f"{server.url}/events")
            socket = await client.ws_connect(f"{server.url}/events")
        async with asyncio.timeout(10):
            assert b"id: " in await events.read()
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await socket.close()


async def test_who_gathers_gets_the_newest_value(client: aiohttp.ClientSession) -> None:
    await put(client, submodel("urn:x:1", prop("A"), prop("B")))
    async with stream(client, interval="300") as reading:
        await set_value(client, "A", 0)
        (first,) = await reading.events(1)
        for value in range(1, 6):
            await set_value(client, "B", value)
        await set_value(client, "A", 9)
        found = await reading.events(2)
    assert first["data"] == {"value": "0"}
    assert [(event["subject"], event["data"]["value"]) for event in found] == [("urn:x:1#B", "5"), ("urn:x:1#A", "9")]


async def test_a_slow_reader_holds_nobody_up(server: Server, client: aiohttp.ClientSession) -> None:
    """One that does not read at all ends with the newest value of each element and never with an older one."""
    elements = [prop(f"P{number}") for number in range(20)]
    await server.repository.create(submodel("urn:x:1", *elements))
    async with stream(client) as slow, stream(client, types="valueChanged") as quick:
        position, received = int(slow.last.rpartition("-")[2]), 0
        for turn in range(100):
            await server.repository.apply([_of(number, turn) for number in range(20)])
            received += len(await quick.events(20))
        assert received == 2000
        newest: dict[str, str] = {}
        sequence = position
        while newest != {f"urn:x:1#P{number}": "99" for number in range(20)}:
            (event,) = await slow.events(1)
            assert int(event["id"].rpartition("-")[2]) > sequence
            sequence = int(event["id"].rpartition("-")[2])
            newest[event["subject"]] = event["data"]["value"]


def _of(number: int, turn: int) -> Any:
    return SetValue("urn:x:1", (f"P{number}",), {"value": str(turn)}, prop(f"P{number}"))


async def test_a_position_is_told_only_when_all_before_it_is_sent(server: Server) -> None:
    """An event may come in the very moment in which the reader has waited long enough."""
    loop, hub, said = asyncio.get_running_loop(), server.app[EVENTS], list[tuple[str, int]]()
    await server.repository.create(submodel("urn:x:1", prop("B")))
    (change,) = await hub.logged(hub.position - 1)

    async def send(events: Sequence[CloudEvent]) -> None:
        said.extend(("event", event.sequence) for event in events)
        reader.leave()

    async def idle(position: int) -> None:
        said.append(("position", position))
        if len(said) == 1:
            begun = loop.time()
            loop.call_at(begun + 0.1, busy, begun + 0.6)
            loop.call_at(begun + 0.2, reader.add, [CloudEvent(change, "s", "")], change.sequence)

    def busy(until: float) -> None:
        while loop.time() < until:
            pass

    async with hub.reading(Filter(), after=change.sequence - 1) as reader:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(hub, "position", change.sequence - 1)
            patched.setattr("aas_server.api.events.IDLE", 0.3)
            async with asyncio.timeout(10):
                await hand_over(reader, 0, send, idle)
    assert said[-1] == ("event", change.sequence)
    assert {position for what, position in said if what == "position"} == {change.sequence - 1}


async def test_who_reads_slowly_is_not_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a batch takes longer than a reader may take for a part of it."""
    monkeypatch.setattr("aas_server.api.events.STUCK", 2.0)
    await server.repository.create(
        submodel("urn:x:1", *[prop(f"P{number}", "", "xs:string") for number in range(1000)])
    )
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connected.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=connected, limit=1 << 15)
    try:
        writer.write(b"GET /events?interval=500 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = bytearray(await reader.readuntil(b"id: "))
        for start in range(0, 1000, 100):
            await server.repository.apply([_large(number) for number in range(start, start + 100)])
        async with asyncio.timeout(60):
            while b'"00000999' not in found[-(1 << 18) :]:
                piece_read = await reader.read(1 << 16)
                assert piece_read, f"cut after {len(found)} bytes"
                found += piece_read
                await asyncio.sleep(0.04)
    finally:
        writer.transport.abort()


def _large(number: int) -> Any:
    element = prop(f"P{number}", "", "xs:string")
    return SetValue("urn:x:1", (f"P{number}",), {"value": f"{number:08}" + "x" * 8000}, element)


@contextlib.asynccontextmanager
async def attached(server: Server) -> AsyncIterator[Reader]:
    """A reader that has caught up and takes nothing more by itself."""
    async with server.app[EVENTS].reading(Filter()) as reader:
        taking = asyncio.create_task(reader.take())
        await server.repository.apply([_of(0, -1)])
        async with asyncio.timeout(10):
            assert len(await taking) == 1
            again = asyncio.create_task(reader.take())
            await server.repository.apply([_of(0, -2)])
            assert len(await again) == 1
        yield reader


async def handed_on(server: Server) -> None:
    async with asyncio.timeout(10):
        while server.app[EVENTS].position < server.repository.documents.newest:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_older_values_make_way_for_the_newest(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aas_server.events.hub.KEPT", 20)
    await server.repository.create(submodel("urn:x:1", *[prop(f"P{number}") for number in range(20)]))
    async with attached(server) as reader:
        for turn in range(5):
            await server.repository.apply([_of(number, turn) for number in range(20)])
        await handed_on(server)
        events = await reader.take()
    assert [event.document()["data"]["value"] for event in events] == ["4"] * 20
    assert [event.document()["subject"] for event in events] == [f"urn:x:1#P{number}" for number in range(20)]


async def test_who_is_far_behind_reads_the_log(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a reader is bounded; the rest comes from the log, all of it, once and in order."""
    monkeypatch.setattr("aas_server.events.hub.KEPT", 10)
    monkeypatch.setattr("aas_server.events.hub.MOST", 30)
    await server.repository.create(submodel("urn:x:1", *[prop(f"P{number}") for number in range(100)]))
    async with attached(server) as reader:
        for start in range(0, 100, 20):
            await server.repository.apply([_of(number, start) for number in range(start, start + 20)])
        await handed_on(server)
        events = [*await reader.take()]
        assert len(events) == 10
        async with asyncio.timeout(10):
            while len(events) < 100:
                events += await reader.take()
    assert [event.document()["subject"] for event in events] == [f"urn:x:1#P{number}" for number in range(100)]
