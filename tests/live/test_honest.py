"""Nothing untrue is told: of values that do not fit, of nodes that are not there, and to who sets what is fed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.events.streams import kind, stream
from tests.examples import b64, prop, submodel
from tests.live.interfaces import DATA, configuration, interface, node, of
from tests.live.plants import Plant, plant
from tests.live.test_following import AIMC_AT, ELEMENTS, at, client, live, permitting, post, shows, until, value

__all__ = ["client", "permitting"]
HERE = f"/submodels/{b64(DATA)}"


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


async def quality(client: aiohttp.ClientSession, path: str) -> str | None:
    return (await client.get(f"{ELEMENTS}/{path}/$value")).headers.get("X-Value-Quality")


async def test_a_value_that_does_not_fit_is_bad_and_leaves_the_time_of_the_one_that_is_shown(
    press: Plant, client: aiohttp.ClientSession
) -> None:
    await post(client, submodel(DATA, prop("Speed", "0", "xs:int")), interface(press.url, [node("Speed", at("Speed"))]))
    await post(client, configuration(of("Speed")))
    await shows(client, Speed=1)
    before = (await client.get(f"{ELEMENTS}/Speed/$value")).headers
    assert before["X-Value-Quality"] == "Good"
    async with stream(client, types="valueChanged") as reading:
        await press.set(Speed=2.5)
        told = (await reading.events(1))[0]
        while told["quality"] == "Good":  # the first value is stored only now
            told = (await reading.events(1))[0]
    after = await client.get(f"{ELEMENTS}/Speed/$value")
    assert (await after.json(), after.headers["X-Value-Quality"]) == (1, "BadTypeMismatch")
    assert after.headers["X-Source-Timestamp"] == before["X-Source-Timestamp"]
    assert (told["data"], told["quality"]) == ({"value": "1"}, "BadTypeMismatch")
    await press.set(Speed=3.0)
    await shows(client, Speed=3)
    assert await quality(client, "Speed") == "Good"


async def test_before_anything_fits_nothing_is_good(press: Plant, client: aiohttp.ClientSession) -> None:
    await press.set(Speed=2.5)
    await post(client, submodel(DATA, prop("Speed", None, "xs:int")))
    await post(client, interface(press.url, [node("Speed", at("Speed"))]), configuration(of("Speed")))

    async def claim() -> bool:
        return await quality(client, "Speed") == "BadTypeMismatch"

    await until(claim)
    assert await value(client, "Speed") is None


async def test_a_node_that_is_not_there_is_told_with_the_value(press: Plant, client: aiohttp.ClientSession) -> None:
    await post(client, submodel(DATA, prop("Nowhere")), interface(press.url, [node("Nowhere", at("Nowhere"))]))
    await post(client, configuration(of("Nowhere")))

    async def claim() -> bool:
        return await quality(client, "Nowhere") == "BadNodeIdUnknown"

    await until(claim)


# Setting what is fed, in other ways than by its value

SPEEDS = [node("Speed", at("Speed"), writable=True), node("Count", at("Count"))]


@pytest.mark.parametrize(
    ("where", "body"),
    [
        (f"{ELEMENTS}/Speed", {"modelType": "Property", "idShort": "Speed", "value": "33.0"}),
        (HERE, {"submodelElements": [{"modelType": "Property", "idShort": "Speed", "value": "33.0"}]}),
    ],
)
async def test_a_patch_of_the_element_goes_to_the_node(
    press: Plant, client: aiohttp.ClientSession, where: str, body: dict[str, Any]
) -> None:
    await post(client, submodel(DATA, prop("Speed"), prop("Count", "0", "xs:int")), interface(press.url, SPEEDS))
    await post(client, configuration(of("Speed"), of("Count")))
    await shows(client, Speed=1.0, Count=7)
    answer = await client.patch(where, json=body)
    assert answer.status == 204, await answer.text()
    await shows(client, Speed=33.0)
    answer = await client.patch(f"{ELEMENTS}/Count", json={"value": "9"})
    assert answer.status == 403
    assert "its mapping does not let it be written" in await answer.text()
    assert await value(client, "Count") == 7
    answer = await client.patch(f"{ELEMENTS}/Count", json={"description": [{"language": "en", "text": "how many"}]})
    assert answer.status == 204
    assert (await (await client.get(f"{ELEMENTS}/Count")).json())["description"][0]["text"] == "how many"


async def test_what_a_refused_mapping_would_feed_cannot_be_set(
    press: Plant, permitting: Settings, tmp_path: Path
) -> None:
    forbidden = replace(permitting, live_allowed=())
    async with (
        open_repository(forbidden) as repository,
        listening(repository, forbidden) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(client, submodel(DATA, prop("Speed", "5.0"), prop("Free", "1.0")), interface(press.url, SPEEDS))
        await post(client, configuration(of("Speed")))

        async def claim() -> bool:
            return await quality(client, "Speed") == "BadConfigurationError"

        await until(claim)
        answer = await client.patch(f"{ELEMENTS}/Speed/$value", json=3)
        assert answer.status == 403
        assert "has a mapping that is not carried out, for a reason that /live tells" in await answer.text()
        assert await value(client, "Speed") == 5.0
        assert (await client.patch(f"{ELEMENTS}/Free/$value", json=3)).status == 204
        assert (await client.delete(AIMC_AT)).status == 204

        async def free() -> bool:
            return (await client.patch(f"{ELEMENTS}/Speed/$value", json=4)).status == 204

        await until(free)
        assert await quality(client, "Speed") is None


# Who selects, hears of connections, too


async def test_a_stream_of_one_element_hears_that_its_machine_is_gone(
    press: Plant, client: aiohttp.ClientSession
) -> None:
    await post(client, submodel(DATA, prop("Speed")), interface(press.url, SPEEDS), configuration(of("Speed")))
    await shows(client, Speed=1.0)

    async def connected() -> bool:
        return [each["state"] for each in (await live(client))["connections"]] == ["connected"]

    await until(connected)
    async with stream(client, submodelIds=b64(DATA), idShortPath="Speed") as reading:
        await press.kill()
        async with asyncio.timeout(30):
            told = (await reading.events(1))[0]
            while "state" not in told["data"]:  # the last values of the machine
                told = (await reading.events(1))[0]
    assert (kind(told), told["data"]["state"], told["data"]["endpoint"]) == ("updated", "lost", press.url)
