"""A value that cannot be decoded, whether it is sent or asked for, stands alone: the others carry on."""

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncua.ua
import pytest
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.live.opcua.decoding import Unusual, decode
from aas_server.live.opcua.skipping import UNDECODED, Unreadable
from tests.examples import prop, submodel
from tests.live.interfaces import DATA, configuration, interface, node, of
from tests.live.plants import URI, Plant, plant
from tests.live.test_following import live, permitting, post, shows, until
from tests.live.test_opcua import at, connected

__all__ = ["permitting"]

#: Its types are written for those who build clients.
ua: Any = asyncua.ua

SHORT = {"body": "010203"}
STRANGE = {"body": "01", "type": "ns=2;i=7777"}


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant(20) as running:
        yield running


async def test_a_structure_that_is_cut_short_stands_alone(press: Plant, tmp_path: Path) -> None:
    """Observed and polled; it is well again with the next value that is."""
    words = f"BadDecodingError: nsu={URI};s=Point: Not enough data left in buffer, request for 8, we have 3"
    items = {1: at("Speed"), 2: at("Point"), 3: at("Count"), 4: at("Point", observed=False, polling=0.1)}
    async with connected(press.url, tmp_path, again=1.0) as watch:
        await watch.connection.observe(items)
        await watch.sees({1: 1.0, 2: {"X": 1.0, "Y": 2.0}, 3: 7, 4: {"X": 1.0, "Y": 2.0}})
        await press.set(Speed=2.0, Point=SHORT, Count=8)
        await watch.sees({1: 2.0, 2: None, 3: 8, 4: None})
        assert (watch.statuses[2], watch.statuses[4]) == ("BadDecodingError", "BadDecodingError")
        assert watch.connection.standing.errors == {2: words, 4: words}
        await press.set(Speed=3.0)
        await watch.sees({1: 3.0})
        await press.set(Point=STRANGE)
        await watch.until(lambda: {watch.statuses[2], watch.statuses[4]} == {"BadDataEncodingUnsupported"})
        strange = "the structure ns=2;i=7777 is of a type that the server does not describe"
        assert watch.connection.standing.errors == {2: strange, 4: strange}
        assert watch.connection.standing.connects == 1


async def test_a_value_that_hides_where_it_ends_stands_alone(press: Plant, tmp_path: Path) -> None:
    """What came with it, before and after, is read; it is tried again, and found when it is well."""
    others = {number: at(f"V{number}") for number in range(20)}
    async with connected(press.url, tmp_path, again=1.0) as watch:
        await watch.connection.observe({**others, 20: at("Raw"), 21: at("Raw", observed=False, polling=0.1)})
        await watch.sees({0: 0.0, 19: 0.0, 20: b"\x01\x02", 21: b"\x01\x02"})
        await press.set(torn="Raw", all=1)
        await watch.sees({**dict.fromkeys(others, 1.0), 20: None, 21: None})
        assert (watch.statuses[20], watch.statuses[21]) == ("BadDecodingError", "BadDecodingError")
        errors = watch.connection.standing.errors
        assert {number: words.partition(": Not")[0] for number, words in errors.items()} == dict.fromkeys(
            (20, 21), f"BadDecodingError: nsu={URI};s=Raw"
        )
        found = await watch.connection.read([3, 4])
        assert [each.value for each in found] == [1.0, 1.0]
        for value in (2, 3):
            await press.set(torn="Raw", all=value)
            await watch.sees(dict.fromkeys(others, float(value)))
        await press.set(Raw="whole")
        await watch.sees({20: b"whole", 21: b"whole"})
        assert watch.connection.standing.errors == {}
        assert watch.connection.standing.connects == 1


async def test_a_value_that_the_server_cannot_send_stands_alone(press: Plant, tmp_path: Path) -> None:
    """It fails the whole Read that asks for it."""
    items = {number: at(name, observed=False, polling=0.1) for number, name in enumerate(("Speed", "Count", "On"))}
    async with connected(press.url, tmp_path, again=1.0) as watch:
        await watch.connection.observe(items)
        await watch.sees({0: 1.0, 1: 7, 2: True})
        await press.set(Count=70000, Speed=2.0, On=False)  # it is an Int16
        await watch.sees({0: 2.0, 1: None, 2: False})
        words = f"BadDecodingError: nsu={URI};s=Count: the server answers BadInternalError"
        assert watch.connection.standing.errors == {1: words}
        await press.set(Count=8)
        await watch.sees({1: 8})
        assert (watch.connection.standing.errors, watch.connection.standing.connects) == ({}, 1)


async def test_who_asks_how_the_plant_stands_is_told(press: Plant, permitting: Settings) -> None:
    point = {"modelType": "SubmodelElementCollection", "idShort": "Point", "value": [prop("X"), prop("Y")]}
    href = f"nsu={URI};s=Point"
    async with (
        open_repository(permitting) as repository,
        listening(repository, permitting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        properties = [node("Speed", f"/?id=nsu={URI};s=Speed"), node("Point", f"/?id={href}")]
        await post(client, submodel(DATA, prop("Speed", "0"), point), interface(press.url, properties))
        await post(client, configuration(of("Speed"), of("Point")))
        await shows(client, Speed=1.0, Point={"X": 1.0, "Y": 2.0})
        await press.set(Point=SHORT, Speed=2.0)
        await shows(client, Speed=2.0, Point={"X": 1.0, "Y": 2.0})

        async def told() -> bool:
            return [each["troubled"] for each in (await live(client))["connections"]] == [1]

        await until(told)
        (found,) = (await (await client.get("/live/mappings?troubled=true")).json())["result"]
        assert found["error"].startswith(f"BadDecodingError: {href}: Not enough data")
        assert found["sinks"][0]["quality"] == "BadDecodingError"


async def test_nodes_that_are_not_there_are_named_when_polled(press: Plant, tmp_path: Path) -> None:
    async with connected(press.url, tmp_path) as watch:
        items = {1: at("Nowhere", observed=False, polling=0.1), 2: at("Speed", observed=False, polling=0.1)}
        await watch.connection.observe(items)
        await watch.until(lambda: watch.statuses.get(1) == "BadNodeIdUnknown")
        assert watch.connection.standing.errors == {1: f"BadNodeIdUnknown: nsu={URI};s=Nowhere"}
        await press.set(Speed=[None, "BadSensorFailure"])  # that is a quality, and no fault of the mapping
        await watch.until(lambda: watch.statuses[2] == "BadSensorFailure")
        await press.set(Speed=2.0)
        await watch.sees({2: 2.0})
        assert list(watch.connection.standing.errors) == [1]


# Bytes


def response(*values: Any) -> bytes:
    """The body of a PublishResponse: each value of an item, numbered from 0."""
    whole = ua.PublishResponse()
    whole.Parameters.SubscriptionId = 5
    whole.Parameters.NotificationMessage.SequenceNumber = 9
    notification = ua.DataChangeNotification()
    notification.MonitoredItems = [
        ua.MonitoredItemNotification(ClientHandle=number, Value=ua.DataValue(ua.Variant(value)))
        for number, value in enumerate(values)
    ]
    whole.Parameters.NotificationMessage.NotificationData = [notification]
    return bytes(struct_to_binary(whole))


RANGE = ua.ExtensionObject(TypeId=ua.NodeId(ua.ObjectIds.Range_Encoding_DefaultBinary), Body=b"\x00" * 9)


@pytest.mark.parametrize("value", [RANGE, [RANGE, RANGE], [RANGE, ua.Range(1.0, 2.0)]])
def test_what_comes_before_and_after_such_a_structure_is_read(value: Any) -> None:
    found = decode(response(1.5, value, "after"), lambda given: given)
    assert [each[1] for each in found.notifications if each[0] != 1] == [1.5, "after"]
    (odd,) = [each[1] for each in found.notifications if each[0] == 1]
    assert isinstance(odd, Unreadable)
    assert odd.status == UNDECODED
    assert (found.subscription, found.sequence, found.whole) == (5, 9, True)


def test_a_text_that_is_shorter_than_it_says_breaks_its_notification_only() -> None:
    body = response(1.5, "text")
    torn = body.replace(struct.pack("<i", 4) + b"text", struct.pack("<i", 40) + b"text")
    found = decode(torn, lambda given: given)
    assert (found.subscription, found.sequence, found.whole, found.notifications) == (5, 9, False, [])


WHOLE = response(1.5, "text", RANGE, ua.LocalizedText("t", "en"), [1, 2, 3], ua.Range(1.0, 2.0))


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4), st.integers(0, 40))
def test_whatever_the_bytes_are_nobody_stumbles(at: int, instead: bytes, missing: int) -> None:
    body = WHOLE[:at] + instead + WHOLE[at + len(instead) : len(WHOLE) - missing]
    try:
        found = decode(body, lambda given: given)
    except (Unusual, struct.error, IndexError):
        return
    assert found.whole or not found.notifications
