"""Readers and servers that are killed: whoever goes on behind the last id that was seen misses nothing."""

import asyncio
import random
from pathlib import Path

import aiohttp

from aas_server.app import Server
from aas_server.model.changes import SetValue
from tests.events.streams import Stream, stream
from tests.examples import b64, prop, submodel
from tests.test_kill import serving

CHANGES, KILLS = 10_000, 20


async def read_until(reading: Stream, count: int) -> list[tuple[str, str, str]]:
    """What was read when so many events are there, or the stream has ended."""
    found: list[tuple[str, str, str]] = []
    try:
        while len(found) < count:
            (event,) = await reading.events(1)
            found.append((event["id"], event["subject"], event["data"]["value"]))
    except (EOFError, aiohttp.ClientError):
        pass
    return found


async def test_a_reader_killed_twenty_times_misses_nothing(server: Server, client: aiohttp.ClientSession) -> None:
    chance = random.Random(1)
    elements = [f"P{number}" for number in range(50)]
    await server.repository.create(submodel("urn:x:1", *[prop(name) for name in elements]))
    expected = [(f"urn:x:1#{elements[number % 50]}", str(number)) for number in range(CHANGES)]

    async def write() -> None:
        for start in range(0, CHANGES, 100):
            await server.repository.apply(
                [
                    SetValue("urn:x:1", (elements[number % 50],), {"value": str(number)}, prop(elements[number % 50]))
                    for number in range(start, start + 100)
                ]
            )
            await asyncio.sleep(0.005)

    found: list[tuple[str, str, str]] = []
    last = ""
    async with stream(client) as first:
        last = first.last
        writing = asyncio.create_task(write())
    for _ in range(KILLS):
        async with stream(client, last) as reading:
            found += await read_until(reading, chance.randrange(200, 700))
            last = found[-1][0]
            assert reading.response.connection is not None
            reading.response.connection.transport.abort()  # type: ignore[union-attr]
    await writing
    async with stream(client, last) as reading:
        found += await read_until(reading, CHANGES - len(found))
    assert [each[1:] for each in found] == expected
    assert len({identifier for identifier, *_ in found}) == CHANGES


async def test_events_go_on_where_a_killed_server_was(tmp_path: Path) -> None:
    """All that was acknowledged is told, once, in the order in which it was stored."""
    found: list[tuple[str, str, str]] = []
    last, value, acknowledged = "", 0, []

    async def write(client: aiohttp.ClientSession) -> None:
        nonlocal value
        where = f"/submodels/{b64('urn:x:1')}/submodel-elements/B/$value"
        try:
            while True:
                value += 1
                async with client.patch(where, json=value) as answer:
                    if answer.status == 204:
                        acknowledged.append(str(value))
        except aiohttp.ClientError:
            pass

    for round_number in range(3):
        async with serving(tmp_path / "aas.db") as (process, base), aiohttp.ClientSession(base) as client:
            if round_number == 0:
                await client.post("/submodels", json=submodel("urn:x:1", prop("B")))
            async with stream(client, last) as reading:
                last = reading.last
                writing = asyncio.create_task(write(client))
                found += await read_until(reading, 100)
                process.kill()
                await writing
                last = found[-1][0]
    async with (
        serving(tmp_path / "aas.db") as (_, base),
        aiohttp.ClientSession(base) as client,
        client.get("/events", headers={"Last-Event-ID": last}) as response,
    ):
        rest = Stream(response)
        while int(found[-1][2]) < int(acknowledged[-1]):
            found += await read_until(rest, 1)
    values = [each[2] for each in found]
    assert sorted(set(values), key=int) == values
    assert set(acknowledged) <= set(values)
    assert len(acknowledged) > 200
