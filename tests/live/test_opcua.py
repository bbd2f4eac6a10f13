"""A connection to an OPC UA server: what is observed, written and called, and what becomes of it in bad weather."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aas_server.live import Action, Endpoint, FileTime, Item, Link, LocalText, Value
from aas_server.live.credentials import NOBODY
from aas_server.live.opcua import monitoring
from aas_server.live.opcua.connection import OpcUaConnection
from aas_server.live.opcua.security import Pki
from aas_server.model.errors import Malformed, Unavailable
from aas_server.model.quality import status_name
from aas_server.repository.invoking import OperationFailed
from tests.live.plants import URI, Plant, plant, way


def at(name: str, **more: Any) -> Item:
    return Item(f"nsu={URI};s={name}", **more)


class Watch:
    """The newest reading of each item."""

    def __init__(self, connection: OpcUaConnection) -> None:
        self.connection = connection
        self.values: dict[int, Value] = {}
        self.statuses: dict[int, str] = {}
        self.times: dict[int, int] = {}
        self._moved = asyncio.Condition()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async for batch in self.connection.readings():
            async with self._moved:
                for number, value, status, source in batch:
                    self.values[number], self.statuses[number], self.times[number] = value, status_name(status), source
                self._moved.notify_all()

    async def until(self, claim: Any, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds), self._moved:
            await self._moved.wait_for(claim)

    async def sees(self, expected: dict[int, Value]) -> None:
        await self.until(lambda: all(self.values.get(number) == value for number, value in expected.items()))


@contextlib.asynccontextmanager
async def connected(url: str, folder: Path, **options: Any) -> AsyncIterator[Watch]:
    connection = OpcUaConnection(Endpoint(url), NOBODY, Pki(folder), **options)
    try:
        yield Watch(connection)
    finally:
        async with asyncio.timeout(5):
            await connection.close()


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant(20) as running:
        yield running


async def test_values_of_all_kinds_arrive(press: Plant, tmp_path: Path) -> None:
    expected: dict[str, Value] = {
        "Speed": 1.0, "Count": 7, "On": True, "Name": "press", "Label": LocalText("de", "läuft"), "Raw": b"\x01\x02",
        "Array": [1.0, 2.0, 3.0], "Limits": {"Low": -1.0, "High": 2.5}, "Point": {"X": 1.0, "Y": 2.0}, "Mode": 1,
        "Made": FileTime(134402544000000000),
    }  # fmt: skip
    numbers = dict(enumerate(expected))
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({number: at(name) for number, name in numbers.items()})
        await watch.sees({number: expected[name] for number, name in numbers.items()})
        assert {type(watch.values[n]) for n, name in numbers.items() if name == "Made"} == {FileTime}
        await press.set(Speed=2.5, Name="lathe", Array=[3.0, 2.0, 1.0])
        await watch.sees({0: 2.5, 3: "lathe", 6: [3.0, 2.0, 1.0]})


async def test_parts_and_texts_are_picked(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path) as watch:
        items = {
            1: at("Array", pick=(2,)),
            2: at("Point", pick=("Y",)),
            3: at("Mode", texts=True),
            4: at("Point", pick=("Z",)),
        }
        await watch.connection.observe(items)
        await watch.sees({1: 3.0, 2: 2.0, 3: "Idle"})
        assert watch.connection.standing.errors == {4: "the value has no member 'Z'"}
        await press.set(Mode=2)
        await watch.sees({3: "Running"})


async def test_items_come_and_go_while_it_runs(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({1: at("Speed"), 2: at("Nowhere")})
        await watch.sees({1: 1.0})
        await watch.until(lambda: 2 in watch.connection.standing.errors)
        assert watch.connection.standing.errors[2] == f"BadNodeIdUnknown: nsu={URI};s=Nowhere"
        await watch.connection.observe({1: at("Speed"), 3: at("Count"), 4: at("Speed", observed=False, polling=0.05)})
        await watch.sees({3: 7, 4: 1.0})
        assert watch.connection.standing.errors == {}
        await press.set(Speed=3.0, Count=8)
        await watch.sees({1: 3.0, 3: 8, 4: 3.0})
        await watch.connection.observe({1: at("Speed")})
        await press.set(Speed=4.0, Count=9)
        await watch.sees({1: 4.0})
        await press.set(Speed=5.0, Count=10)
        await watch.sees({1: 5.0})
        assert watch.values[3] != 10


@pytest.mark.parametrize("href", ["ns=70000;s=X", "ns=0;i=99999999999", "ns=1;s=\ud800"])
async def test_a_node_that_there_cannot_be_spoils_no_other(press: Plant, tmp_path: Path, href: str) -> None:
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({1: at("Speed"), 2: Item(href), 3: Item(href, observed=False, polling=0.1)})
        await watch.sees({1: 1.0})
        assert {error.partition(":")[0] for error in watch.connection.standing.errors.values()} == {"BadNodeIdInvalid"}
        codes = await watch.connection.write([(Item(href), 2.0), (at("Speed"), 2.0)])
        assert [status_name(code) for code in codes] == ["BadNodeIdInvalid", "Good"]
        await watch.sees({1: 2.0})


async def test_bad_and_uncertain_values_say_so(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({1: at("Speed")})
        await watch.sees({1: 1.0})
        await press.set(Speed=[None, "BadSensorFailure"])
        await watch.until(lambda: watch.statuses[1] == "BadSensorFailure")
        assert watch.values[1] is None
        await press.set(Speed=[2.0, "UncertainSensorNotAccurate"])
        await watch.sees({1: 2.0})
        assert watch.statuses[1] == "UncertainSensorNotAccurate"
        assert watch.times[1] > 134402544000000000 - 10**13


WRITES: list[tuple[str, Value, str]] = [
    ("Speed", 3.5, "Good"),
    ("Count", 12, "Good"),
    ("On", False, "Good"),
    ("Name", "lathe", "Good"),
    ("Label", LocalText("en", "runs"), "Good"),
    ("Raw", b"\x09", "Good"),
    ("Made", FileTime(134402544000000000 + 10**10), "Good"),
    ("Array", [4.0, 5.0], "Good"),
    ("Mode", "Running", "Good"),
    ("Point", {"X": 9.0, "Y": 8.0}, "Good"),
    ("Speed", "fast", "BadTypeMismatch"),
    ("Count", 40000, "BadOutOfRange"),
    ("Speed", [1.0], "BadTypeMismatch"),
    ("Nowhere", 1.0, "BadNodeIdUnknown"),
    ("Fixed", 1.0, "BadUserAccessDenied"),
]


async def test_values_are_written_as_the_node_holds_them(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({number: at(name) for number, (name, _, _) in enumerate(WRITES)})
        await watch.sees({0: 1.0})
        codes = await asyncio.gather(*(watch.connection.write([(at(name), value)]) for name, value, _ in WRITES))
        assert [status_name(code) for (code,) in codes] == [words for _, _, words in WRITES]
        good = {n: 2 if value == "Running" else value for n, (_, value, words) in enumerate(WRITES) if words == "Good"}
        await watch.sees(good)
        assert [status_name(each) for each in await watch.connection.write([(at("Array", pick=(1,)), 7.0)])] == ["Good"]
        await watch.sees({7: [4.0, 7.0]})


async def test_methods_are_called_by_the_names_of_their_arguments(press: Plant, tmp_path: Path) -> None:
    add = Action(f"nsu={URI};s=Add")
    async with connected(press.url, tmp_path) as watch:
        await watch.until(lambda: watch.connection.standing.link is Link.CONNECTED)
        assert await watch.connection.invoke(add, {"b": 2.0, "a": 1}) == {"sum": 3.0}
        with pytest.raises(Malformed, match="the argument 'b' is missing"):
            await watch.connection.invoke(add, {"a": 1.0})
        with pytest.raises(Malformed, match="has no argument 'c'; it has a, b"):
            await watch.connection.invoke(add, {"a": 1.0, "b": 2.0, "c": 3.0})
        with pytest.raises(Malformed, match="the argument 'a': 'x'"):
            await watch.connection.invoke(add, {"a": "x", "b": 2.0})
        with pytest.raises(OperationFailed, match="BadUnexpectedError"):
            await watch.connection.invoke(add, {"a": 1.0, "b": 13.0})


async def test_arguments_may_be_enumerations(press: Plant, tmp_path: Path) -> None:
    switch = Action(f"nsu={URI};s=Switch")
    given: dict[str, Value] = {"to": 2, "kind": 1, "ratio": 0.5}
    async with connected(press.url, tmp_path) as watch:
        await watch.until(lambda: watch.connection.standing.link is Link.CONNECTED)
        assert await watch.connection.invoke(switch, given) == {"told": "2 1 0.5"}
        assert await watch.connection.invoke(switch, {**given, "to": "Running"}) == {"told": "2 1 0.5"}
        with pytest.raises(Malformed, match="the argument 'to': 'Flying' is no Int32"):
            await watch.connection.invoke(switch, {**given, "to": "Flying"})
        with pytest.raises(Malformed, match=r"the argument 'ratio': .* is no Float"):
            await watch.connection.invoke(switch, {**given, "ratio": 1e300})


@pytest.mark.parametrize(("method", "owner"), [("Gone", ""), ("Gone", "Plant"), ("Add", "Gone")])
async def test_a_method_that_is_not_there_is_named(press: Plant, tmp_path: Path, method: str, owner: str) -> None:
    async with connected(press.url, tmp_path) as watch:
        await watch.until(lambda: watch.connection.standing.link is Link.CONNECTED)
        action = Action(at(method).href, at(owner).href if owner else "")
        with pytest.raises(OperationFailed, match=f"BadNodeIdUnknown: nsu={URI};s=Gone"):
            await watch.connection.invoke(action, {"a": 1.0, "b": 2.0})


async def test_nobody_there_is_told_and_nothing_is_queued(tmp_path: Path) -> None:
    async with connected("opc.tcp://127.0.0.1:1", tmp_path) as watch:
        await watch.until(lambda: watch.connection.standing.link is Link.LOST)
        assert watch.connection.standing.error == "BadConnectionRejected: nobody listens there"
        with pytest.raises(Unavailable, match="is not connected: BadConnectionRejected"):
            await watch.connection.write([(at("Speed"), 1.0)])


@pytest.mark.parametrize("weather", ["abort", "outage", "restart"])
async def test_after_bad_weather_all_is_as_the_plant_has_it(press: Plant, tmp_path: Path, weather: str) -> None:
    everything = {number: at(f"V{number}") for number in range(20)}
    async with way(press.port) as between, connected(between.url, tmp_path) as watch:
        await watch.connection.observe(everything)
        await press.set(all=1)
        await watch.sees(dict.fromkeys(everything, 1.0))
        between.open = weather != "outage"
        between.cut()
        await watch.until(lambda: watch.connection.standing.link is not Link.CONNECTED)
        if weather == "restart":
            await press.kill()
            await press.start()
        await press.set(all=2)
        between.open = True
        await watch.sees(dict.fromkeys(everything, 2.0))
        await press.set(all=3)
        await watch.sees(dict.fromkeys(everything, 3.0))
        assert watch.connection.standing.connects == 2


async def test_a_black_hole_is_noticed(press: Plant, tmp_path: Path) -> None:
    async with way(press.port) as between, connected(between.url, tmp_path, answer=2.0) as watch:
        await watch.connection.observe({1: at("Speed")})
        await watch.sees({1: 1.0})
        between.swallows = True
        await press.set(Speed=2.0)
        await watch.until(lambda: watch.connection.standing.link is Link.LOST, 30)
        between.swallows = False
        await watch.sees({1: 2.0})


async def test_who_publishes_seldom_is_not_taken_for_gone(
    press: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "ALIVE", 0.5)
    async with connected(press.url, tmp_path) as watch:
        await watch.connection.observe({1: at("Speed", publishing=4.0)})
        await watch.sees({1: 1.0})
        await asyncio.sleep(6)  # a sign of life comes every four seconds
        await press.set(Speed=2.0)
        await watch.sees({1: 2.0})
        assert watch.connection.standing.connects == 1
