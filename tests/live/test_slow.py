"""One node that takes its time, or all of it: nobody else waits for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.live import Link
from aas_server.model.errors import TimedOut
from aas_server.model.quality import status_name
from tests.examples import prop, submodel
from tests.live.interfaces import DATA, configuration, interface, node, of
from tests.live.plants import URI, Plant, plant
from tests.live.test_following import ELEMENTS, live, permitting, post, shows, value
from tests.live.test_opcua import at, connected

__all__ = ["permitting"]


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant(30) as running:
        yield running


async def test_a_write_that_is_never_answered_holds_up_no_other(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path, answer=3.0) as watch:
        await watch.connection.observe({1: at("Speed"), 2: at("Count"), 3: at("Name")})
        await watch.sees({1: 1.0, 2: 7, 3: "press"})
        await watch.connection.write([(at("Speed"), 1.0), (at("Count"), 7)])  # what they hold is known from here on
        await press.set(slow=["Speed", 1000, True])
        with pytest.raises(TimedOut, match="BadTimeout: writing took longer than 3 s"):
            await watch.connection.write([(at("Speed"), 2.0)])
        slow = asyncio.create_task(watch.connection.write([(at("Speed"), 3.0)]))
        written = await watch.connection.write([(at("Count"), 8)])  # at the same time, and not in the same request
        assert ([status_name(each) for each in written], slow.done()) == (["Good"], False)
        await press.set(Name="lathe")
        await watch.sees({2: 8, 3: "lathe"})
        with pytest.raises(TimedOut):
            await slow
        several = (watch.connection.write([(at("Speed"), float(number))]) for number in range(200))
        many = asyncio.gather(*several, return_exceptions=True)  # more than asyncua sends at a time
        written = await watch.connection.write([(at("Count"), 9)])
        assert ([status_name(each) for each in written], many.done()) == (["Good"], False)
        assert {type(each) for each in await many} == {TimedOut}
        assert (watch.connection.standing.link, watch.connection.standing.connects) == (Link.CONNECTED, 1)


async def test_who_writes_to_it_is_told_and_who_asks_is_answered(press: Plant, permitting: Settings) -> None:
    async with (
        open_repository(permitting) as repository,
        listening(repository, permitting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        properties = [node(name, f"/?id=nsu={URI};s={name}", writable=True) for name in ("Speed", "Count")]
        await post(client, submodel(DATA, prop("Speed", "0"), prop("Count", "0", "xs:int")))
        await post(client, interface(press.url, properties), configuration(of("Speed"), of("Count")))
        await shows(client, Speed=1.0, Count=7)
        await press.set(slow=["Speed", 1000, True])
        slow = asyncio.create_task(client.patch(f"{ELEMENTS}/Speed/$value", json=2.0))
        count = 8
        while not slow.done():
            assert (await client.patch(f"{ELEMENTS}/Count/$value", json=count)).status == 204
            assert (await value(client, "Speed"), await value(client, "Count")) == (1.0, count)
            count += 1
            await asyncio.sleep(0.1)
        assert ((await slow).status, count > 20) == (504, True)
        assert "BadTimeout" in await (await slow).text()
        assert [each["connects"] for each in (await live(client))["connections"]] == [1]


async def test_a_polled_node_that_is_never_answered_is_asked_alone(press: Plant, tmp_path: Path) -> None:
    """Thirty are asked together; in three groups after the first timeout, then each for itself."""
    others = {number: at(f"V{number}", observed=False, polling=0.1) for number in range(30)}
    async with connected(press.url, tmp_path, answer=1.5) as watch:
        await watch.connection.observe({**others, 30: at("Speed", observed=False, polling=0.1), 31: at("Count")})
        await watch.sees({0: 0.0, 29: 0.0, 30: 1.0, 31: 7})
        await press.set(slow=["Speed", 1000, True])
        await press.set(all=1, Count=8)
        await watch.sees({31: 8})
        await watch.sees(dict.fromkeys(others, 1.0))
        await watch.until(lambda: watch.statuses[30] == "BadTimeout")
        assert watch.connection.standing.errors == {30: f"BadTimeout: nsu={URI};s=Speed"}
        await press.set(all=2)
        await watch.sees(dict.fromkeys(others, 2.0))
        assert (watch.connection.standing.link, watch.connection.standing.connects) == (Link.CONNECTED, 1)


async def test_a_server_that_answers_nothing_while_it_writes_is_left_and_found_again(
    press: Plant, tmp_path: Path
) -> None:
    """Asyncua's server takes one request of a connection after the other: such a write takes the session with it."""
    async with connected(press.url, tmp_path, answer=2.0) as watch:
        await watch.connection.observe({1: at("Speed"), 2: at("Count")})
        await watch.sees({1: 1.0, 2: 7})
        await press.set(slow=["Speed", 1000, False])
        with pytest.raises(TimedOut):
            await watch.connection.write([(at("Speed"), 2.0)])
        await press.set(Count=8)
        await watch.sees({2: 8})
        await watch.until(lambda: watch.connection.standing.connects == 2, 30)
        await press.set(Count=9)
        await watch.sees({2: 9})
        assert status_name((await watch.connection.write([(at("Count"), 10)]))[0]) == "Good"
        await watch.sees({2: 10})
