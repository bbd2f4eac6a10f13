"""What guards a write: bounds of numbers wherever in a value they are, and how often it may be."""

import gc
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from aas_server.live.compiling import compiled
from aas_server.repository.slots import Slot
from tests.examples import collection, listed, prop, submodel
from tests.live.interfaces import DATA, configuration, interface, node, of, text
from tests.live.plants import Plant, plant
from tests.live.test_following import AIMC_AT, ELEMENTS, at, client, permitting, post, shows

__all__ = ["client", "permitting"]


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


def bounds(least: str, most: str) -> dict[str, Any]:
    given = {"min": least, "max": most}
    told = {name: value for name, value in given.items() if value}
    return {"modelType": "Range", "idShort": "min_max", "valueType": "xs:double", **told}


def told(name: str, given: str) -> dict[str, Any]:
    return {"qualifiers": [{"type": name, "valueType": "xs:double", "value": given}]}


async def test_numbers_in_lists_and_structures_are_bounded(press: Plant, client: aiohttp.ClientSession) -> None:
    fields = collection("properties", collection("X", text("type", "number"), bounds("0", "10")))
    items = collection("items", text("type", "number"), bounds("-100", "100"))
    properties = [
        node("Array", at("Array"), writable=True, extra=[bounds("0", "100")]),
        node("Listed", at("Array"), writable=True, extra=[items]),
        node("Point", at("Point"), writable=True, extra=[bounds("-100", "100"), fields]),
    ]
    three = [prop(None, "0.0")] * 3
    lists = [listed(name, "Property", *three, valueTypeListElement="xs:double") for name in ("Array", "Listed")]
    await post(client, submodel(DATA, *lists, collection("Point", prop("X"), prop("Y"))))
    await post(client, interface(press.url, properties), configuration(of("Array"), of("Listed"), of("Point")))
    await shows(client, Array=[1.0, 2.0, 3.0], Listed=[1.0, 2.0, 3.0], Point={"X": 1.0, "Y": 2.0})
    for path, given, status in [
        ("Array", [1.0, 5000.0, 2.0], 400), ("Array", [1.0, 50.0, 2.0], 204), ("Array", [1.0, "NaN", 2.0], 400),
        ("Listed", [1.0, -101.0, 2.0], 400), ("Listed", [1.0, -99.0, 2.0], 204),
        ("Point", {"Y": 101.0}, 400), ("Point", {"X": 11.0}, 400), ("Point", {"X": 9.0, "Y": 11.0}, 204),
    ]:  # fmt: skip
        answer = await client.patch(f"{ELEMENTS}/{path}/$value", json=given)
        words = await answer.text()
        assert (answer.status, "is not between" in words) == (status, status == 400), (path, given, words)
    await shows(client, Array=[1.0, -99.0, 2.0], Point={"X": 9.0, "Y": 11.0})


@pytest.mark.parametrize(("extra", "status"), [([], 204), ([bounds("", "100")], 400)])
async def test_what_is_no_number_is_refused_where_bounds_are(
    press: Plant, client: aiohttp.ClientSession, extra: list[Any], status: int
) -> None:
    speed = node("Speed", at("Speed"), writable=True, extra=extra)
    await post(client, submodel(DATA, prop("Speed")), interface(press.url, [speed]), configuration(of("Speed")))
    await shows(client, Speed=1.0)
    answer = await client.patch(f"{ELEMENTS}/Speed/$value", json="NaN")
    assert (answer.status, "nan is not at most 100" in await answer.text()) == (status, status == 400)


GUARDS = [
    (told("maxWriteRate", "0"), [], "maxWriteRate is 0: it must be more than 0"),
    (told("maxWriteRate", "-1"), [], "maxWriteRate is -1: it must be more than 0"),
    (told("maxWriteRate", "NaN"), [], "maxWriteRate is nan: it must be more than 0"),
    (told("maxWriteRate", "often"), [], "'often' is no number"),
    ({}, [bounds("NaN", "1")], "min_max is from nan to 1: nothing is within"),
    ({}, [bounds("2", "1")], "min_max is from 2 to 1: nothing is within"),
]


@pytest.mark.parametrize(("qualifiers", "extra", "words"), GUARDS)
def test_guards_that_are_none_are_defects(qualifiers: dict[str, Any], extra: list[Any], words: str) -> None:
    speed = {**node("Speed", at("Speed"), writable=True, extra=extra), **qualifiers}
    documents = [submodel(DATA, prop("Speed")), interface("opc.tcp://plc", [speed]), configuration(of("Speed"))]
    plan = compiled(documents[2:], {each["id"]: each for each in documents}.get)
    assert (plan.mappings, [each.text for each in plan.defects]) == ((), [words])


async def test_nothing_is_kept_of_what_is_mapped_no_longer(press: Plant, client: aiohttp.ClientSession) -> None:
    paced = [{**node(name, at(name), writable=True), **told("maxWriteRate", "5")} for name in ("Speed", "Count")]
    await post(client, submodel(DATA, prop("Gone"), prop("Count", "0", "xs:int")), interface(press.url, paced))
    await post(client, configuration(of("Speed", "Gone")))
    await shows(client, Gone=1.0)
    assert (await client.patch(f"{ELEMENTS}/Gone/$value", json=2.0)).status == 204
    assert (await client.put(AIMC_AT, json=configuration(of("Count")))).status == 204
    await shows(client, Count=7)
    assert (await client.patch(f"{ELEMENTS}/Count/$value", json=8)).status == 204
    kept = [each for each in gc.get_objects() if isinstance(each, defaultdict)]
    written = {key.path for each in kept for key in list(each) if isinstance(key, Slot)}
    assert (("Gone",) in written, ("Count",) in written) == (False, True)
