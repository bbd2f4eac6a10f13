"""Values of the plant lie over what is stored: every reader sees them, nobody's edit is refused because of them."""

from collections.abc import Sequence

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from aas_server.model.changes import Event, Logged
from aas_server.model.edit import Attributes
from aas_server.model.errors import Forbidden, Malformed
from aas_server.model.paths import IdShortPath, resolve
from aas_server.model.quality import LAST_USABLE, status_code
from aas_server.repository import Repository
from aas_server.repository.feeding import Feeding
from aas_server.repository.slots import Convert, Slot
from tests.examples import b64, collection, external, listed, prop, submodel

SPEED: IdShortPath = ("Drive", "Speed")
#: 2026-11-27T12:00:00Z as OPC UA counts time.
NOON = 134402544000000000
HERE = f"/submodels/{b64('urn:x:1')}"
VALUE = f"{HERE}/submodel-elements/Drive.Speed/$value"


def as_text(element: dict[str, object]) -> Convert:
    def convert(value: object) -> Sequence[tuple[IdShortPath, Attributes]]:
        if not isinstance(value, int | float):
            raise Malformed(f"{value!r} is no number")
        return [((), {"value": str(value)})]

    return convert


def line() -> dict[str, object]:
    return submodel("urn:x:1", prop("Name", "A", "xs:string"), collection("Drive", prop("Speed", "1.0"), prop("Set")))


async def bound(repository: Repository) -> Slot:
    await repository.create(line())
    (slot,) = await Feeding(repository).bind("urn:x:1", {SPEED: as_text})
    return slot


async def logged(repository: Repository, after: int) -> list[Logged]:
    async for batch in repository.changes(after):
        return list(batch)
    raise AssertionError("the log has ended")


async def test_a_reading_is_seen_at_once_wherever_its_element_is_shown(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)
    for path in (VALUE, HERE, f"{HERE}/$value", "/submodels", f"{HERE}/submodel-elements"):
        await client.get(path)
    slot.set(4.5, 0, NOON)
    assert await (await client.get(VALUE)).json() == 4.5
    assert (await (await client.get(f"{HERE}/$value")).json())["Drive"]["Speed"] == 4.5
    whole = await (await client.get(HERE)).json()
    assert resolve(whole, SPEED)["value"] == "4.5"
    assert (await (await client.get("/submodels")).json())["result"] == [whole]
    assert (await (await client.get(f"{HERE}/submodel-elements")).json())["result"] == whole["submodelElements"]


async def test_quality_and_source_time_are_headers_of_a_value(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)
    first = await client.get(VALUE)
    assert (await first.json(), first.headers["X-Value-Quality"]) == (1.0, "UncertainInitialValue")
    slot.set(4.5, 0, NOON)
    second = await client.get(VALUE)
    assert second.headers["X-Value-Quality"] == "Good"
    assert second.headers["X-Source-Timestamp"] == "2026-11-27T12:00:00Z"
    slot.set(None, status_code("BadSensorFailure"), NOON + 10_000_000)
    third = await client.get(VALUE)
    assert (await third.json(), third.headers["X-Value-Quality"]) == (4.5, "BadSensorFailure")
    assert third.headers["X-Source-Timestamp"] == "2026-11-27T12:00:01Z"
    assert "X-Value-Quality" not in (await client.get(f"{HERE}/submodel-elements/Name/$value")).headers


async def test_the_etag_of_a_value_changes_with_it_and_with_nothing_else(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    seen = (await client.get(VALUE)).headers["ETag"]
    name = f"{HERE}/submodel-elements/Name/$value"
    name_seen, whole_seen = (await client.get(name)).headers["ETag"], (await client.get(HERE)).headers["ETag"]
    slot.set(4.5, 0, NOON + 10_000_000)
    unchanged = await client.get(VALUE, headers={"If-None-Match": seen})
    assert unchanged.status == 304
    slot.set(4.6, 0, NOON + 20_000_000)
    assert (await client.get(VALUE, headers={"If-None-Match": seen})).status == 200
    assert (await client.get(HERE, headers={"If-None-Match": whole_seen})).status == 200
    assert (await client.get(name, headers={"If-None-Match": name_seen})).status == 304


async def test_a_moving_value_refuses_no_edit(repository: Repository, client: aiohttp.ClientSession) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    seen = await client.get(HERE)
    document = await seen.json()
    slot.set(4.6, 0, NOON)
    await Feeding(repository).store()
    document["submodelElements"][0]["value"] = "B"
    put = await client.put(HERE, json=document, headers={"If-Match": seen.headers["ETag"]})
    assert put.status == 204
    late = await client.put(HERE, json=document, headers={"If-Match": seen.headers["ETag"]})
    assert late.status == 412
    assert await (await client.get(VALUE)).json() == 4.6  # and what was put of it is no longer true


async def test_readings_are_stored_in_batches_and_survive_a_restart(settings: Settings) -> None:
    if ":memory:" in settings.store:
        pytest.skip("a store in memory survives nothing")
    async with open_repository(settings) as repository:
        slot = await bound(repository)
        before = (await repository.get(Kind.SUBMODEL, "urn:x:1")).revision
        for number in range(100):
            slot.set(float(number), 0, NOON + number)
        assert await Feeding(repository).store() == 1
        assert await Feeding(repository).store() == 0
        (change,) = await logged(repository, before)
        assert (change.event, change.path, change.attributes) == (Event.VALUE, SPEED, {"value": "99.0"})
        assert (change.quality, str(change.source_time)) == ("Good", "2026-11-27 12:00:00.000009+00:00")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        entry = await repository.get(Kind.SUBMODEL, "urn:x:1")
        assert resolve(entry.document, SPEED)["value"] == "99.0"
        assert entry.revision == before
        found = {"$condition": {"$gt": [{"$field": "$sme.Drive.Speed#value"}, {"$numVal": 98}]}}
        async with aiohttp.ClientSession(server.url) as client:
            answer = await client.post("/query/submodels", json=found)
            assert [each["id"] for each in (await answer.json())["result"]] == ["urn:x:1"]


async def test_values_found_by_queries_are_those_stored_last(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)

    async def found(number: float) -> bool:
        condition = {"$eq": [{"$field": "$sme.Drive.Speed#value"}, {"$numVal": number}]}
        answer = await client.post("/query/submodels", json={"$condition": condition})
        return bool((await answer.json())["result"])

    for number in (4.5, 4.6, 4.7):
        slot.set(number, 0, NOON)
        await Feeding(repository).store()
    assert [await found(number) for number in (1.0, 4.5, 4.6, 4.7)] == [False, False, False, True]
    document = line()
    assert (await client.put(HERE, json=document)).status == 204
    assert [await found(number) for number in (1.0, 4.7)] == [True, False]
    await Feeding(repository).store()  # the plant's value is stored again, over what somebody has put
    assert [await found(number) for number in (1.0, 4.7)] == [False, True]


async def test_an_element_that_goes_and_comes_back_is_fed_again(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    assert (await client.delete(f"{HERE}/submodel-elements/Drive.Speed")).status == 204
    slot.set(4.6, 0, NOON)
    await Feeding(repository).store()
    assert slot.error == "the element is not there"
    assert (await client.get(VALUE)).status == 404
    element = prop("Speed", "0.0")
    assert (await client.post(f"{HERE}/submodel-elements/Drive", json=element)).status == 201
    assert await (await client.get(VALUE)).json() == 4.6
    assert (await client.delete(HERE)).status == 204
    slot.set(4.7, 0, NOON)
    await Feeding(repository).store()
    assert (await client.get(VALUE)).status == 404
    await repository.create(line())
    assert await (await client.get(VALUE)).json() == 4.7


async def test_a_value_that_does_not_fit_leaves_the_last_one(repository: Repository) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    await repository.get(Kind.SUBMODEL, "urn:x:1")
    await Feeding(repository).store()
    slot.set("off", 0, NOON)
    entry = await repository.get(Kind.SUBMODEL, "urn:x:1")
    assert (resolve(entry.document, SPEED)["value"], slot.error) == ("4.5", "'off' is no number")
    slot.set(5.0, 0, NOON)
    entry = await repository.get(Kind.SUBMODEL, "urn:x:1")
    assert (resolve(entry.document, SPEED)["value"], slot.error) == ("5.0", "")


async def test_a_silent_source_leaves_the_value_and_says_nothing_of_each_element(repository: Repository) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    await Feeding(repository).store()
    slot.doubt(LAST_USABLE)
    assert slot.headers()["X-Value-Quality"] == "UncertainLastUsableValue"
    assert await Feeding(repository).store() == 0


async def test_what_is_no_longer_fed_keeps_its_last_value(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    slot = await bound(repository)
    slot.set(4.5, 0, NOON)
    seen = await client.get(VALUE)
    await Feeding(repository).unbind([slot])
    after = await client.get(VALUE)
    assert (await after.json(), "X-Value-Quality" in after.headers) == (4.5, False)
    assert after.headers["ETag"] != seen.headers["ETag"]
    patched = await client.patch(VALUE, json=7.0)
    assert (patched.status, await (await client.get(VALUE)).json()) == (204, 7.0)


async def test_what_is_set_of_a_fed_element_goes_to_the_plant_only(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    await bound(repository)
    written: list[tuple[IdShortPath, Attributes]] = []

    class Press:
        async def write(self, submodel_id: str, values: Sequence[tuple[IdShortPath, Attributes]]) -> None:
            if values[0][1]["value"] == "13.0":
                raise Forbidden("thirteen is not written")
            written.extend(values)

    repository.plant = None  # as before anything has connected
    unconnected = await client.patch(VALUE, json=2.0)
    assert unconnected.status == 503
    repository.plant = Press()
    assert (await client.patch(VALUE, json=2.0)).status == 204
    assert (await client.patch(f"{HERE}/$value", json={"Name": "B", "Drive": {"Speed": 3.0}})).status == 204
    refused = await client.patch(f"{HERE}/$value", json={"Name": "C", "Drive": {"Speed": 13.0}})
    assert refused.status == 403
    assert (await client.patch(VALUE, json="fast")).status == 400
    assert written == [(SPEED, {"value": "2.0"}), (SPEED, {"value": "3.0"})]
    assert await (await client.get(f"{HERE}/submodel-elements/Name/$value")).json() == "B"
    assert await (await client.get(VALUE)).json() == 1.0


async def test_qualifiers_tell_quality_and_time_where_wanted(settings: Settings) -> None:
    async with open_repository(settings) as repository:
        repository.live.qualifiers = True
        slot = await bound(repository)
        slot.set(4.5, status_code("UncertainSensorNotAccurate"), NOON)
        shown = resolve((await repository.get(Kind.SUBMODEL, "urn:x:1")).document, SPEED)
        told = {each["type"]: each["value"] for each in shown["qualifiers"]}
        assert told == {"ValueQuality": "UncertainSensorNotAccurate", "SourceTimestamp": "2026-11-27T12:00:00Z"}
        slot.set(4.5, status_code("UncertainSensorNotAccurate"), NOON + 10_000_000)
        shown = resolve((await repository.get(Kind.SUBMODEL, "urn:x:1")).document, SPEED)
        assert [each["value"] for each in shown["qualifiers"]][1] == "2026-11-27T12:00:01Z"


async def test_a_list_that_grows_is_stored_whole(repository: Repository, client: aiohttp.ClientSession) -> None:
    await repository.create(
        submodel("urn:x:1", listed("All", "Property", prop(None, "1.0"), valueTypeListElement="xs:double"))
    )

    def whole(element: dict[str, object]) -> Convert:
        def convert(value: object) -> Sequence[tuple[IdShortPath, Attributes]]:
            assert isinstance(value, list)
            return [((), {"value": [prop(None, str(each)) for each in value]})]

        return convert

    (slot,) = await Feeding(repository).bind("urn:x:1", {("All",): whole})
    slot.set([1.0, 2.0], 0, NOON)
    assert await (await client.get(f"{HERE}/submodel-elements/All%5B1%5D/$value")).json() == 2.0
    await Feeding(repository).store()
    await Feeding(repository).store()
    await Feeding(repository).unbind([slot])
    assert await (await client.get(f"{HERE}/$value")).json() == {"All": [1.0, 2.0]}


async def test_a_property_with_a_semantic_id_is_found_by_its_new_value(
    repository: Repository, client: aiohttp.ClientSession
) -> None:
    await repository.create(submodel("urn:x:1", prop("Speed", "1.0", semanticId=external("urn:speed"))))
    (slot,) = await Feeding(repository).bind("urn:x:1", {("Speed",): as_text})
    slot.set(9.0, 0, NOON)
    await Feeding(repository).store()
    condition = {"$eq": [{"$field": "$sme#value"}, {"$numVal": 9}]}
    answer = await client.post("/query/submodels", json={"$condition": condition})
    assert resolve((await answer.json())["result"][0], ("Speed",))["value"] == "9.0"
