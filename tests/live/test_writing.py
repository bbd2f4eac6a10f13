"""What is written to nodes and to parts of them, several at a time, and values that no node takes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aas_server.live import Item, Value
from aas_server.model.quality import status_name
from tests.live.plants import Plant, plant
from tests.live.test_opcua import Watch, at, connected


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


@pytest.fixture
async def watch(press: Plant, tmp_path: Path) -> AsyncIterator[Watch]:
    async with connected(press.url, tmp_path) as watch:
        names = ("Array", "Point", "Speed", "Sample", "Ratio")
        await watch.connection.observe({number: at(name) for number, name in enumerate(names)})
        await watch.sees({0: [1.0, 2.0, 3.0], 1: {"X": 1.0, "Y": 2.0}, 2: 1.0, 4: 0.5})
        yield watch


async def written(watch: Watch, *orders: tuple[Item, Value]) -> list[str]:
    return [status_name(code) for code in await watch.connection.write(orders)]


async def test_parts_of_one_node_in_one_call(watch: Watch) -> None:
    parts = [(at("Array", pick=(number,)), float(10 * number)) for number in range(3)]
    assert await written(watch, *parts, (at("Speed"), 5.0)) == ["Good"] * 4
    await watch.sees({0: [0.0, 10.0, 20.0], 2: 5.0})


async def test_parts_of_one_node_in_several_calls(watch: Watch) -> None:
    for number in range(10, 15):
        several = [
            written(watch, (at("Point", pick=("X",)), float(number))),
            written(watch, (at("Point"), {"Y": float(-number)})),
            written(watch, (at("Array", pick=(0,)), float(number)), (at("Array", pick=(2,)), float(-number))),
            written(watch, (at("Array", pick=(1,)), 0.0)),
        ]
        assert await asyncio.gather(*several) == [["Good"], ["Good"], ["Good", "Good"], ["Good"]]
        await watch.sees({0: [float(number), 0.0, float(-number)], 1: {"X": float(number), "Y": float(-number)}})


async def test_a_part_that_does_not_fit_spoils_no_other(watch: Watch) -> None:
    orders: list[tuple[Item, Value]] = [
        (at("Array", pick=(0,)), 7.0), (at("Array", pick=(1,)), "x"), (at("Array", pick=(9,)), 1.0),
        (at("Array", pick=(2,)), 8.0), (at("Point"), {"X": 7.0}), (at("Point"), {"Z": 1.0}),
    ]  # fmt: skip
    codes = ["Good", "BadTypeMismatch", "BadIndexRangeNoData", "Good", "Good", "BadTypeMismatch"]
    assert await written(watch, *orders) == codes
    await watch.sees({0: [7.0, 2.0, 8.0], 1: {"X": 7.0, "Y": 2.0}})


async def test_a_whole_and_its_parts_one_after_the_other(watch: Watch) -> None:
    whole: tuple[Item, Value] = (at("Array"), [5.0, 6.0])
    part: tuple[Item, Value] = (at("Array", pick=(1,)), 9.0)
    assert [*await asyncio.gather(written(watch, whole), written(watch, part))] == [["Good"], ["Good"]]
    await watch.sees({0: [5.0, 9.0]})
    assert await written(watch, part, whole) == ["Good", "Good"]
    await watch.sees({0: [5.0, 6.0]})
