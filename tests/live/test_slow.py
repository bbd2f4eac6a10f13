"""One node that takes its time, or all of it: nobody else waits for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aas_server.live import Link
from aas_server.model.errors import TimedOut
from aas_server.model.quality import status_name
from tests.live.plants import URI, Plant, plant
from tests.live.test_opcua import at, connected


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
        assert (watch.connection.standing.link, watch.connection.standing.connects) == (Link.CONNECTED, 1)


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
