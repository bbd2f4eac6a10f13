"""What happens goes to a real broker: all of it, in order, from where it was; and what event elements observe."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.brokers import Mosquitto, mosquitto
from tests.brokers import client as listening_to
from tests.events.streams import kind
from tests.examples import b64, collection, prop, shell, submodel
from tests.live.plants import Way
from tests.test_kill import serving

ONE = f"submodels/{b64('urn:x:1')}"
Heard = asyncio.Queue[tuple[str, bytes]]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def telling(
    settings: Settings, broker: "Mosquitto | Counted", **more: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    settings = replace(settings, events_broker=broker.url, **more)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


async def heard_next(heard: Heard) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(15):
        topic, payload = await heard.get()
    return topic, json.loads(payload)


async def test_what_happens_is_published(settings: Settings, broker: Mosquitto) -> None:
    async with listening_to(broker.url, "plant/aas/#") as (_, heard):
        async with telling(settings, broker, events_topic="plant/aas") as client:
            await client.post("/submodels", json=submodel("urn:x:1", collection("Motor", prop("Speed"))))
            await client.patch(f"/{ONE}/submodel-elements/Motor.Speed/$value", json=7)
            await client.delete(f"/{ONE}")
            topics, events = zip(*[await heard_next(heard) for _ in range(3)], strict=True)
            assert topics == (
                f"plant/aas/{ONE}/created",
                f"plant/aas/{ONE}/submodel-elements/Motor.Speed/valueChanged",
                f"plant/aas/{ONE}/deleted",
            )
            assert [kind(event) for event in events] == ["created", "valueChanged", "deleted"]
            assert events[1]["data"] == {"value": "7"}
            outlet = (await (await client.get("/live")).json())["outlet"]
            assert (outlet["broker"], outlet["connected"], outlet["sent"]) == (broker.url, True, 3)
        assert heard.empty()


async def test_a_broker_that_was_away_gets_all_of_it(settings: Settings, broker: Mosquitto) -> None:
    async with telling(settings, broker) as client:
        await broker.kill()
        await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
        for value in range(100):
            await client.patch(f"/{ONE}/submodel-elements/B/$value", json=value)
        await broker.start()
        values: list[str] = []
        async with listening_to(broker.url, "aas/#") as (_, heard):
            while "99" not in values:
                _, event = await heard_next(heard)
                values += [event["data"]["value"]] if kind(event) == "valueChanged" else []
    assert list(dict.fromkeys(values)) == [str(number) for number in range(100)]


async def test_a_killed_server_goes_on_where_it_was(tmp_path: Path, broker: Mosquitto) -> None:
    """At least once each, whenever it is killed, and in order."""
    found: list[str] = []
    value = 0

    async def write(client: aiohttp.ClientSession) -> None:
        nonlocal value
        try:
            while True:
                async with client.patch(f"/{ONE}/submodel-elements/B/$value", json=value + 1) as answer:
                    value += answer.status == 204
        except aiohttp.ClientError:
            pass

    async with listening_to(broker.url, "aas/#") as (_, heard):
        for turn in range(3):
            async with (
                serving(tmp_path / "aas.db", "--events-broker", broker.url) as (process, base),
                aiohttp.ClientSession(base) as client,
            ):
                if turn == 0:
                    await client.post("/submodels", json=submodel("urn:x:1", prop("B", "0")))
                writing = asyncio.create_task(write(client))
                await asyncio.sleep(0.7)
                process.kill()
                await writing
        async with serving(tmp_path / "aas.db", "--events-broker", broker.url):
            while str(value) not in found:
                _, event = await heard_next(heard)
                found += [event["data"]["value"]] if kind(event) == "valueChanged" else []
    first = list(dict.fromkeys(found))
    assert first == sorted(first, key=int)
    assert {str(number) for number in range(1, value + 1)} <= set(found)


def observing(id_short: str, *path: str, **more: Any) -> dict[str, Any]:
    keys = [{"type": "Submodel", "value": "urn:x:1"}]
    keys += [{"type": "SubmodelElementCollection", "value": each} for each in path[:-1]]
    keys += [{"type": "Property", "value": each} for each in path[-1:]]
    return {
        "modelType": "BasicEventElement", "idShort": id_short, "direction": "output", "state": "on",
        "observed": {"type": "ModelReference", "keys": keys}, **more,
    }  # fmt: skip


async def test_event_elements_tell_what_they_observe(settings: Settings, broker: Mosquitto) -> None:
    elements = [
        observing("Speed", "Motor", "Speed", messageTopic="aas/alarms/speed"),
        observing("Off", "Motor", "Speed", messageTopic="aas/alarms/off", state="off"),
        observing("All", messageTopic="aas/alarms/all"),
    ]
    document = submodel("urn:x:1", collection("Motor", prop("Speed"), prop("Load")))
    async with (
        listening_to(broker.url, "aas/alarms/#") as (_, heard),
        telling(settings, broker) as client,
    ):
        await client.post("/submodels", json=document)
        await client.post("/submodels", json=submodel("urn:x:events", *elements))
        await client.patch(f"/{ONE}/submodel-elements/Motor.Speed/$value", json=7)
        await client.patch(f"/{ONE}/submodel-elements/Motor.Load/$value", json=1)
        found = [await heard_next(heard) for _ in range(3)]
        assert sorted(topic for topic, _ in found) == ["aas/alarms/all", "aas/alarms/all", "aas/alarms/speed"]
        event = next(event for topic, event in found if topic == "aas/alarms/speed")
        assert kind(event) == "basicEvent"
        assert event["data"]["source"]["keys"][-1] == {"type": "BasicEventElement", "value": "Speed"}
        assert event["data"]["observableReference"] == elements[0]["observed"]
        happened = json.loads(base64.b64decode(event["data"]["payload"]))
        assert (happened["subject"], happened["data"]) == ("urn:x:1#Motor.Speed", {"value": "7"})
        where = f"/submodels/{b64('urn:x:events')}/submodel-elements"
        await client.patch(f"{where}/Speed", json={**elements[0], "state": "off"})
        await client.put(f"{where}/Off", json={**elements[1], "state": "on"})
        await client.patch(f"/{ONE}/submodel-elements/Motor.Speed/$value", json=8)
        assert sorted([(await heard_next(heard))[0] for _ in range(2)]) == ["aas/alarms/all", "aas/alarms/off"]


async def test_intervals_of_event_elements(settings: Settings, broker: Mosquitto) -> None:
    """Within minInterval only the newest is sent, when it is over; after maxInterval, one without anything new."""
    elements = [
        observing("Slow", "B", messageTopic="aas/slow", minInterval="PT0.5S"),
        observing("Alive", "B", messageTopic="aas/alive", maxInterval="PT0.3S"),
    ]
    async with (
        listening_to(broker.url, "aas/slow") as (_, slow),
        listening_to(broker.url, "aas/alive") as (_, alive),
        telling(settings, broker) as client,
    ):
        await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
        await client.post("/submodels", json=submodel("urn:x:events", *elements))
        for value in range(10):
            await client.patch(f"/{ONE}/submodel-elements/B/$value", json=value)
        found = [json.loads(base64.b64decode((await heard_next(slow))[1]["data"]["payload"])) for _ in range(2)]
        assert [event["data"]["value"] for event in found] == ["0", "9"]
        told = [(await heard_next(alive))[1]["data"] for _ in range(13)]
        assert ["payload" in each for each in told] == [True] * 10 + [False] * 3


@pytest.mark.parametrize("topic", ["aas/#", "aas/+/speed", "machines/press/stop", "aasx/speed", "aas/two\nlines"])
async def test_topics_that_are_not_for_event_elements(settings: Settings, broker: Mosquitto, topic: str) -> None:
    """The element is left out and told; everything else is sent, and again what it says once it is mended."""
    wrong = observing("Wrong", "B", messageTopic=topic)
    where = f"/submodels/{b64('urn:x:events')}/submodel-elements/Wrong"
    async with (
        listening_to(broker.url, "#") as (_, heard),
        telling(settings, broker) as client,
    ):
        await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
        await client.post("/submodels", json=submodel("urn:x:events", wrong))
        topics = [(await heard_next(heard))[0] for _ in range(2)]
        assert topics == [f"aas/{ONE}/created", f"aas/submodels/{b64('urn:x:events')}/created"]
        outlet = (await (await client.get("/live")).json())["outlet"]
        assert outlet["connected"]
        assert [each["origin"] for each in outlet["defects"]] == ["Wrong in urn:x:events"]
        assert "below aas/" in outlet["defects"][0]["text"]
        assert (await client.put(where, json={**wrong, "messageTopic": "aas/right"})).status == 204
        await client.patch(f"/{ONE}/submodel-elements/B/$value", json=8)
        assert "aas/right" in [(await heard_next(heard))[0] for _ in range(3)]
        assert "defects" not in (await (await client.get("/live")).json())["outlet"]


async def test_what_the_broker_refuses_is_counted_and_told(settings: Settings, tmp_path: Path) -> None:
    """It holds nothing up, and does not count as sent."""
    rules = tmp_path / "rules"
    await asyncio.to_thread(rules.write_text, "topic read #\ntopic write aas/submodels/#\n")
    lines = ["allow_anonymous true", f"acl_file {rules}", "user root"]
    async with (
        mosquitto(tmp_path, *lines) as broker,
        listening_to(broker.url, "aas/#") as (_, heard),
        telling(settings, broker) as client,
    ):
        await client.post("/shells", json=shell("urn:s:1"))
        await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
        assert (await heard_next(heard))[0] == f"aas/{ONE}/created"

        async def outlet() -> Any:
            return (await (await client.get("/live")).json())["outlet"]

        async with asyncio.timeout(10):
            while (await outlet())["sent"] < 1:  # noqa: ASYNC110 - the server is asked as a user asks
                await asyncio.sleep(0.02)
        told = await outlet()
    assert (told["connected"], told["sent"], told["refused"]) == (True, 1, 1)
    assert told["error"] == f"the broker refuses aas/shells/{b64('urn:s:1')}/created: not authorized"


class Counted(Way):
    """A way to a broker that knows when somebody came."""

    def __init__(self, to: int) -> None:
        super().__init__(to)
        self.times: list[float] = []

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.times.append(asyncio.get_running_loop().time())
        super()._accept(reader, writer)


async def test_a_broker_that_ends_every_session_is_left_in_peace(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the session, but not what is sent in it: the pauses grow, as they do where nobody answers."""
    monkeypatch.setattr("aas_server.events.outlet.FIRST", 0.05)
    async with mosquitto(tmp_path, "allow_anonymous true", "max_packet_size 1000") as broker:
        between = Counted(broker.port)
        await between.listen()
        try:
            async with telling(settings, between) as client:
                await client.post("/submodels", json=submodel("urn:x:1", prop("B", "x" * 2000, "xs:string")))
                await client.patch(f"/{ONE}/submodel-elements/B/$value", json="y" * 2000)
                async with asyncio.timeout(20):
                    while len(between.times) < 6:  # noqa: ASYNC110 - nobody tells a proxy's user
                        await asyncio.sleep(0.02)
        finally:
            await between.close()
    assert between.times[5] - between.times[4] >= 0.4


async def test_an_interval_that_is_too_short_is_lengthened_and_told(settings: Settings, broker: Mosquitto) -> None:
    element = observing("Alive", "B", messageTopic="aas/alive", maxInterval="PT0.000001S")
    async with (
        listening_to(broker.url, "aas/alive") as (_, alive),
        telling(settings, broker) as client,
    ):
        await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
        await client.post("/submodels", json=submodel("urn:x:events", element))
        await client.patch(f"/{ONE}/submodel-elements/B/$value", json=1)
        times = [datetime.fromisoformat((await heard_next(alive))[1]["time"]) for _ in range(6)]
        outlet = (await (await client.get("/live")).json())["outlet"]
    assert times[5] - times[1] >= timedelta(seconds=0.35)
    assert outlet["defects"] == [
        {"origin": "Alive in urn:x:events", "text": "maxInterval is PT0.000001S; it is taken as 0.1 s"}
    ]


async def test_what_waits_for_its_time_outlives_the_session(settings: Settings, broker: Mosquitto) -> None:
    """It was on its way when the connection was lost, and nobody had acknowledged it."""
    element = observing("Slow", "B", messageTopic="aas/slow", minInterval="PT1S")
    between = Counted(broker.port)
    await between.listen()
    try:
        async with (
            listening_to(broker.url, "aas/slow") as (_, slow),
            telling(settings, between) as client,
        ):
            await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
            await client.post("/submodels", json=submodel("urn:x:events", element))
            for value in (0, 9):
                await client.patch(f"/{ONE}/submodel-elements/B/$value", json=value)
            async with asyncio.timeout(15):
                while (await (await client.get("/live")).json())["outlet"]["sent"] < 4:  # noqa: ASYNC110 - as users ask
                    await asyncio.sleep(0.02)
            between.swallows = True
            await asyncio.sleep(1.2)
            between.swallows = False
            between.cut()
            found = [json.loads(base64.b64decode((await heard_next(slow))[1]["data"]["payload"])) for _ in range(2)]
            assert [event["data"]["value"] for event in found] == ["0", "9"]
    finally:
        await between.close()
