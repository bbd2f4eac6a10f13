"""Submodels make properties live: posted, edited, removed; written back; and said how it stands."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from tests.events.streams import kind, stream
from tests.examples import b64, prop, submodel
from tests.live.interfaces import AID, AIMC, DATA, action, configuration, interface, mapping, node, of, reference
from tests.live.plants import URI, Plant, plant, silence, way

AIMC_AT = f"/submodels/{b64(AIMC)}"
ELEMENTS = f"/submodels/{b64(DATA)}/submodel-elements"


def at(name: str) -> str:
    return f"/?id=nsu={URI};s={name}"


def variable(name: str) -> dict[str, Any]:
    return {"value": prop(name, None)}


def data() -> dict[str, Any]:
    operation = {
        "modelType": "Operation", "idShort": "Add",
        "inputVariables": [variable("a"), variable("b")], "outputVariables": [variable("sum")],
    }  # fmt: skip
    elements = [
        prop("Speed", "0.0"),
        prop("Count", "0", "xs:int"),
        prop("Mode", "", "xs:string"),
        prop("Fixed", "0.0"),
        prop("By", "hand", "xs:string"),
        operation,
    ]
    return submodel(DATA, *elements)


def described(base: str) -> dict[str, Any]:
    bounds = {"modelType": "Range", "idShort": "min_max", "valueType": "xs:double", "min": "0", "max": "100"}
    properties = [
        node("Speed", at("Speed"), writable=True, extra=[bounds]),
        node("Count", at("Count")),
        node("Mode", at("Mode"), observable=False),
        node("Fixed", at("Fixed"), writable=True),
        node("Nowhere", at("Nowhere")),
    ]
    return interface(base, properties, [action("Add", at("Add"))])


EVERYTHING = [of("Speed"), of("Count"), of("Mode"), of("Fixed"), of("Add", kind="actions")]


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


@pytest.fixture
def permitting(tmp_path: Path) -> Settings:
    """A server that may connect to this machine."""
    return Settings(
        host="127.0.0.1", port=0, store="sqlite:///:memory:", live_allowed=("opc.tcp://127.0.0.1",),
        live_pki=str(tmp_path / "pki"), live_interval=0.05,
    )  # fmt: skip


@pytest.fixture
async def client(permitting: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        open_repository(permitting) as repository,
        listening(repository, permitting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


async def until(claim: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await claim():  # noqa: ASYNC110 - the server is asked as a user asks
            await asyncio.sleep(0.02)


async def post(client: aiohttp.ClientSession, *documents: dict[str, Any]) -> None:
    for document in documents:
        body = io.BytesIO(json.dumps(document).encode())
        answer = await client.post("/submodels", data=body, headers={"Content-Type": "application/json"})
        assert answer.status == 201, await answer.text()


async def value(client: aiohttp.ClientSession, path: str) -> Any:
    return await (await client.get(f"{ELEMENTS}/{path}/$value")).json()


async def shows(client: aiohttp.ClientSession, **expected: Any) -> None:
    async def claim() -> bool:
        return all([await value(client, name) == wanted for name, wanted in expected.items()])

    await until(claim)


async def live(client: aiohttp.ClientSession) -> Any:
    return await (await client.get("/live")).json()


async def test_submodels_make_properties_live(press: Plant, client: aiohttp.ClientSession) -> None:
    await post(client, data(), described(press.url), configuration(*EVERYTHING))
    await shows(client, Speed=1.0, Count=7, Mode="Idle", Fixed=1.0, By="hand")
    await press.set(Speed=2.5, Mode=2)
    await shows(client, Speed=2.5, Mode="Running")
    answer = await client.get(f"{ELEMENTS}/Speed/$value")
    assert answer.headers["X-Value-Quality"] == "Good"
    assert answer.headers["X-Source-Timestamp"].startswith("20")
    stands = await live(client)
    (connection,) = stands["connections"]
    assert (connection["state"], connection["items"], connection["error"]) == ("connected", 4, "")
    assert (stands["mappings"], stands["operations"], stands["defects"]) == (4, 1, [])
    listed = (await (await client.get("/live/mappings?limit=1")).json())["result"]
    assert [each["origin"] for each in listed] == [f"MappingConfigurations[0] in {AIMC}"]
    assert listed[0]["sinks"][0]["value"] == "2.5"


async def test_edits_and_removals_are_followed(press: Plant, client: aiohttp.ClientSession) -> None:
    await post(client, data(), described(press.url), configuration(of("Speed")))
    await shows(client, Speed=1.0, Count=0)
    assert (await client.put(AIMC_AT, json=configuration(of("Speed"), of("Count")))).status == 204
    await shows(client, Count=7)
    assert (await live(client))["connections"][0]["connects"] == 1
    moved = described(press.url)
    moved["submodelElements"][0]["value"][2]["value"][0]["value"][1] = node("Count", at("Speed"))
    assert (await client.put(f"/submodels/{b64(AID)}", json=moved)).status == 204
    await press.set(Speed=3.0)
    await shows(client, Count=3)
    assert (await client.delete(AIMC_AT)).status == 204

    async def unconnected() -> bool:
        return not (await live(client))["connections"]

    await until(unconnected)
    assert await value(client, "Speed") == 3.0
    assert (await client.patch(f"{ELEMENTS}/Speed/$value", json=8.0)).status == 204
    assert await value(client, "Speed") == 8.0


async def test_what_is_set_is_written_to_the_plant(press: Plant, client: aiohttp.ClientSession) -> None:
    await post(client, data(), described(press.url), configuration(*EVERYTHING))
    await shows(client, Speed=1.0, Count=7, Fixed=1.0)
    assert (await client.patch(f"{ELEMENTS}/Speed/$value", json=42.5)).status == 204
    assert await value(client, "Speed") == 42.5
    refusals = {("Speed", 101.0): 400, ("Speed", "fast"): 400, ("Count", 8): 403, ("Fixed", 2.0): 403}
    for (name, given), status in refusals.items():
        answer = await client.patch(f"{ELEMENTS}/{name}/$value", json=given)
        assert answer.status == status, await answer.text()
    words = await (await client.patch(f"{ELEMENTS}/Fixed/$value", json=2.0)).text()
    assert "BadUserAccessDenied" in words
    whole = await client.patch(f"/submodels/{b64(DATA)}/$value", json={"Speed": 41.0, "By": "machine"})
    assert whole.status == 204
    assert (await value(client, "Speed"), await value(client, "By")) == (41.0, "machine")
    await press.kill()

    async def unavailable() -> bool:
        return (await client.patch(f"{ELEMENTS}/Speed/$value", json=1.0)).status == 503

    await until(unavailable)
    answer = await client.get(f"{ELEMENTS}/Speed/$value")
    assert (await answer.json(), answer.headers["X-Value-Quality"]) == (41.0, "UncertainLastUsableValue")


async def test_operations_are_methods_of_the_plant(press: Plant, client: aiohttp.ClientSession) -> None:
    await post(client, data(), described(press.url), configuration(of("Add", kind="actions")))

    async def connected() -> bool:
        return [each["state"] for each in (await live(client))["connections"]] == ["connected"]

    await until(connected)
    called = await client.post(f"{ELEMENTS}/Add/invoke/$value", json={"inputArguments": {"a": 1.5, "b": 2.0}})
    answered = await called.json()
    assert (answered["executionState"], answered["outputArguments"]) == ("Completed", {"sum": 3.5})
    failed = await client.post(f"{ELEMENTS}/Add/invoke/$value", json={"inputArguments": {"a": 1.0, "b": 13.0}})
    assert (await failed.json())["executionState"] == "Failed"
    assert "BadUnexpectedError" in await failed.text()


async def test_what_cannot_be_carried_out_is_named(press: Plant, client: aiohttp.ClientSession) -> None:
    far = described("opc.tcp://192.0.2.1:4840")
    await post(client, data(), far, configuration(of("Speed"), of("Count"), of("Speed", "Missing")))

    async def told() -> bool:
        return bool((await live(client))["defects"])

    await until(told)
    defects = [each["text"] for each in (await live(client))["defects"]]
    assert "no element at 'Missing' in urn:x:data" in defects
    assert defects.count("opc.tcp://192.0.2.1:4840 is not among the endpoints that the setting live_allowed names") == 1
    assert f"MappingConfigurations[0] in {AIMC}, and 1 more" in [
        each["origin"] for each in (await live(client))["defects"]
    ]
    assert (await live(client))["connections"] == []
    assert (await client.put(f"/submodels/{b64(AID)}", json=described(press.url))).status == 204
    assert (await client.put(AIMC_AT, json=configuration(of("Nowhere", "Speed"), of("Count")))).status == 204
    await shows(client, Count=7)
    found = (await (await client.get("/live/mappings?troubled=true")).json())["result"]
    assert [each["error"] for each in found] == [f"BadNodeIdUnknown: nsu={URI};s=Nowhere"]


async def test_a_restart_connects_again(press: Plant, permitting: Settings, tmp_path: Path) -> None:
    settings = replace(permitting, store=f"sqlite:///{tmp_path / 'live.db'}")
    for speed in (1.0, 5.5):
        async with (
            open_repository(settings) as repository,
            listening(repository, settings) as server,
            aiohttp.ClientSession(server.url) as client,
        ):
            if speed == 1.0:
                await post(client, data(), described(press.url), configuration(of("Speed")))
            else:
                await press.set(Speed=speed)
            await shows(client, Speed=speed)
    unable = replace(settings, live_allowed=())
    async with (
        open_repository(unable) as repository,
        listening(repository, unable) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        assert await value(client, "Speed") == 5.5


async def test_a_thousand_changing_items_through_bad_weather(permitting: Settings) -> None:
    names = [f"V{number}" for number in range(1000)]
    async with (
        plant(1000) as press,
        way(press.port) as between,
        open_repository(permitting) as repository,
        listening(repository, permitting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(
            client,
            submodel(DATA, *(prop(name, "0.0") for name in names)),
            interface(between.url, [node(name, at(name)) for name in names]),
            configuration(*map(of, names)),
        )

        async def all_are(wanted: float) -> None:
            async def claim() -> bool:
                found = await (await client.get(f"/submodels/{b64(DATA)}/$value")).json()
                return set(found.values()) == {wanted}

            await until(claim)

        await press.set(all=1)
        await all_are(1.0)
        between.cut()
        await press.set(all=2)
        await all_are(2.0)
        between.open = False
        between.cut()
        await press.set(all=3)
        await press.set(all=4)
        between.open = True
        await all_are(4.0)
        await asyncio.sleep(0.2)
        end = (await repository.put({"id": "end"}, kind=Kind.CONNECTION))[0].revision
        seen: dict[str, list[str]] = {}
        async for batch in repository.changes(0):
            for change in batch:
                if change.identifier == DATA and change.attributes:
                    seen.setdefault(str(change.path), []).append(str(change.attributes["value"]))
            if batch[-1].sequence >= end:
                break
        assert len(seen) == 1000
        assert all(values == list(dict.fromkeys(values)) and values[-1] == "4.0" for values in seen.values())


async def test_elements_feed_elements_when_somebody_or_the_plant_changes_them(
    press: Plant, client: aiohttp.ClientSession
) -> None:
    first, second = reference(DATA, "Speed"), reference(DATA, "Copy")
    hand = mapping(reference(DATA, "By"), reference(DATA, "Note"))
    elements = submodel(
        DATA, prop("Speed"), prop("Copy"), prop("By", "hand", "xs:string"), prop("Note", "", "xs:string")
    )
    await post(client, elements, described(press.url), configuration(of("Speed"), mapping(first, second), hand))
    await shows(client, Speed=1.0, Copy=1.0, Note="hand")
    await press.set(Speed=2.5)
    assert (await client.patch(f"{ELEMENTS}/By/$value", json="foot")).status == 204
    await shows(client, Copy=2.5, Note="foot")
    refused = await client.patch(f"{ELEMENTS}/Note/$value", json="mine")
    assert (refused.status, "is made by a mapping" in await refused.text()) == (403, True)
    assert (await live(client))["connections"][0]["connects"] == 1


async def test_a_changed_value_of_an_interface_moves_the_connection(
    press: Plant, client: aiohttp.ClientSession
) -> None:
    await post(client, data(), described("opc.tcp://192.0.2.1:4840"), configuration(of("Speed")))
    base = f"/submodels/{b64(AID)}/submodel-elements/Interface.EndpointMetadata.base/$value"
    assert (await client.patch(base, json=press.url)).status == 204
    await shows(client, Speed=1.0)


GUARDS: list[tuple[dict[str, str], list[tuple[float, int]]]] = [
    ({"maxWriteRate": "2"}, [(1.5, 204), (2.5, 204), (3.5, 503)]),
    ({"maxStaleness": "0.001"}, [(1.5, 503)]),
    ({}, [(100.0, 204), (100.5, 400), (-0.5, 400)]),
]


@pytest.mark.parametrize(("qualifiers", "writes"), GUARDS)
async def test_writes_are_guarded(
    press: Plant, client: aiohttp.ClientSession, qualifiers: dict[str, str], writes: list[tuple[float, int]]
) -> None:
    whole = described(press.url)
    properties = whole["submodelElements"][0]["value"][2]["value"][0]["value"]
    told = [{"type": name, "valueType": "xs:double", "value": given} for name, given in qualifiers.items()]
    properties[0] |= {"qualifiers": told} if told else {}
    await post(client, data(), whole, configuration(of("Speed")))
    await shows(client, Speed=1.0)
    await asyncio.sleep(0.01)  # so that what was read is old
    for value_given, status in writes:
        answer = await client.patch(f"{ELEMENTS}/Speed/$value", json=value_given)
        assert answer.status == status, await answer.text()


async def test_a_plant_that_never_answers_holds_nobody_up(permitting: Settings) -> None:
    async with (
        silence() as url,
        open_repository(permitting) as repository,
        listening(repository, permitting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(client, data(), described(url), configuration(of("Speed")))

        async def connecting() -> bool:
            return [each["state"] for each in (await live(client))["connections"]] == ["connecting"]

        await until(connecting)
        assert (await client.patch(f"{ELEMENTS}/Speed/$value", json=1.0)).status == 503
        assert await value(client, "Speed") == 0.0


async def test_values_of_the_plant_are_events(client: aiohttp.ClientSession, press: Plant) -> None:
    async with stream(client) as reading, stream(client, types="valueChanged", idShortPath="Speed") as speeds:
        await post(client, data(), described(press.url), configuration(of("Speed")))
        found = await reading.events(4)
        connected = next(event for event in found if event["source"] == "/live")
        assert (kind(connected), connected["subject"]) == ("created", press.url)
        assert connected["data"]["state"] == "connected"
        await press.set(Speed=44.5)
        while (event := (await speeds.events(1))[0])["data"] != {"value": "44.5"}:
            pass
        assert event["source"] == f"{ELEMENTS}/Speed"
        assert (event["quality"], event["sourcetime"][-1]) == ("Good", "Z")


@contextlib.asynccontextmanager
async def served(kept: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        open_repository(kept) as repository,
        listening(repository, kept) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


async def test_the_health_page_tells_how_many_readings_come(client: aiohttp.ClientSession, press: Plant) -> None:
    await post(client, data(), described(press.url), configuration(of("Speed")))
    await shows(client, Speed=1.0)

    async def rising() -> bool:
        await press.set(Speed=press.port % 7 + time.time() % 50)
        return bool((await live(client))["connections"][0]["rate"] > 0)

    await until(rising)


async def is_connected(client: aiohttp.ClientSession) -> bool:
    return [each["state"] for each in (await live(client))["connections"]] == ["connected"]


async def test_a_value_that_is_set_right_after_a_restart_is_set_at_the_plant_or_refused(
    permitting: Settings, press: Plant, tmp_path: Path
) -> None:
    kept = replace(permitting, store=f"sqlite:///{tmp_path / 'plant.db'}")
    async with served(kept) as client:
        await post(client, data(), described(press.url), configuration(of("Speed")))
        await shows(client, Speed=1.0)
    async with served(kept) as client:
        status = (await client.patch(f"{ELEMENTS}/Speed/$value", json=7)).status
        assert status in (204, 503)
        await until(lambda: is_connected(client))
        await shows(client, Speed=7.0 if status == 204 else 1.0)


async def test_the_state_of_a_connection_that_is_gone_is_gone(client: aiohttp.ClientSession, press: Plant) -> None:
    async with stream(client, types="deleted") as reading:
        await post(client, data(), described(press.url), configuration(of("Speed")))
        await until(lambda: is_connected(client))
        assert (await client.delete(AIMC_AT)).status == 204
        found = await reading.events(2)
    assert "/live" in {event["source"] for event in found}
