"""Operations over HTTP: both serialisations, at once and later, and everything that can go wrong on the way."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from aas_server.app import listening, open_repository
from aas_server.config import Settings, shipped
from aas_server.model import Kind
from aas_server.model.changes import Put
from aas_server.repository import Repository
from tests.api.test_errors import refused
from tests.examples import b64, collection, external, prop, submodel
from tests.operations.handlers import SUBMODEL, released

EXAMPLE = orjson.loads((shipped("submodels") / "examples" / "elements.json").read_bytes())["submodels"][0]
HANDLERS = "tests.operations.handlers:operations"


def variables(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"value": element} for element in elements]


def operation(id_short: str, inputs: Any = (), outputs: Any = (), inoutputs: Any = (), **more: Any) -> dict[str, Any]:
    declared = {"inputVariables": inputs, "outputVariables": outputs, "inoutputVariables": inoutputs}
    held = {name: variables(*elements) for name, elements in declared.items() if elements}
    return {"modelType": "Operation", "idShort": id_short, **held, **more}


def integer(id_short: str, value: str | None = None, **more: Any) -> dict[str, Any]:
    return prop(id_short, value, "xs:int", **more)


OPTIONAL = [{"type": "SMT/Cardinality", "valueType": "xs:string", "value": "ZeroToOne"}]
ADD = operation("Add", [integer("A"), integer("B", "5")], [integer("Sum")], [integer("Count")])
OPERATIONS = submodel(
    SUBMODEL,
    ADD,
    collection("Cell", operation("Wait", [prop("Seconds", None)], [prop("Waited", None, "xs:boolean")])),
    operation("Blocks"),
    operation("Refuses"),
    operation("Breaks"),
    operation("Cancels"),
    operation("Nonsense", (), [integer("Answer")]),
    operation("Nobody"),
    operation(
        "Echo",
        [prop("Text", None, "xs:string"), prop("Loud", None, "xs:boolean", qualifiers=OPTIONAL)],
        [prop("Back", None, "xs:string")],
        semanticId=external("urn:meaning:echo"),
    ),
    integer("Number", "1"),
)
PATH = f"/submodels/{b64(SUBMODEL)}/submodel-elements"
VALUES = {"inputArguments": {"A": 2, "B": 40}, "inoutputArguments": {"Count": 0}}
NORMAL = {
    "inputArguments": variables(integer("A", "2"), integer("B", "40")),
    "inoutputArguments": variables(integer("Count", "0")),
}


@pytest.fixture
async def plant(repository: Repository, altered: Any) -> AsyncIterator[ClientSession]:
    """A server whose operations the functions of `handlers` carry out."""
    settings = altered(operations=(HANDLERS,), operation_timeout=5.0)
    async with listening(repository, settings) as server, ClientSession(server.url) as client:
        assert (await client.put(f"/submodels/{b64(SUBMODEL)}", json=OPERATIONS)).status == 201
        yield client


async def invoked(client: ClientSession, name: str, request: Any = None, form: str = "/$value") -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{name}/invoke{form}", json=request or {})
    assert answer.status == 200, await answer.text()
    result: dict[str, Any] = await answer.json()
    return result


async def outcome(client: ClientSession, name: str, request: Any = None) -> tuple[str, str]:
    """State and message of an invocation that does not come to its end."""
    result = await invoked(client, name, request)
    (message,) = result["messages"]
    assert message["messageType"] == "Error"
    return result["executionState"], message["text"]


async def later(client: ClientSession, name: str, request: Any, form: str = "") -> Any:
    """The answer to the result of an invocation that was begun, found as a client finds it."""
    begun = await client.post(f"{PATH}/{name}/invoke-async{form}", json=request)
    assert begun.status == 202, await begun.text()
    where = begun.headers["Location"]
    async with asyncio.timeout(10):
        while (status := await client.get(where, allow_redirects=False)).status == 200:
            assert (await status.json())["executionState"] in ("Initiated", "Running")
            await asyncio.sleep(0.02)
    assert status.status == 302
    return await client.get(status.headers["Location"] + form)


async def test_values_in_and_out(plant: ClientSession) -> None:
    assert await invoked(plant, "Add", VALUES) == {
        "executionState": "Completed",
        "outputArguments": {"Sum": 42},
        "inoutputArguments": {"Count": 1},
    }


async def test_elements_in_and_out(plant: ClientSession) -> None:
    assert await invoked(plant, "Add", NORMAL, "") == {
        "executionState": "Completed",
        "outputArguments": variables(integer("Sum", "42")),
        "inoutputArguments": variables(integer("Count", "1")),
    }


@pytest.mark.parametrize(("form", "request_"), [("", NORMAL), ("/$value", VALUES)])
async def test_begun_and_asked_for_later(plant: ClientSession, form: str, request_: Any) -> None:
    answer = await later(plant, "Add", {**request_, "clientTimeoutDuration": "PT10S"}, form)
    assert answer.status == 200
    assert await answer.json() == await invoked(plant, "Add", request_, form)


async def test_below_a_collection_and_below_a_shell(plant: ClientSession) -> None:
    assert await invoked(plant, "Cell.Wait", {"inputArguments": {"Seconds": 0}}) == {
        "executionState": "Completed",
        "outputArguments": {"Waited": True},
    }
    shell = {
        "modelType": "AssetAdministrationShell",
        "id": "urn:x:shell",
        "assetInformation": {"assetKind": "Instance", "globalAssetId": "urn:x:asset"},
        "submodels": [{"type": "ModelReference", "keys": [{"type": "Submodel", "value": SUBMODEL}]}],
    }
    await plant.post("/shells", json=shell)
    answer = await plant.post(f"/shells/{b64('urn:x:shell')}{PATH}/Add/invoke/$value", json=VALUES)
    assert (await answer.json())["outputArguments"] == {"Sum": 42}


async def test_an_operation_is_found_by_what_it_means_and_an_optional_argument_may_be_missing(
    plant: ClientSession,
) -> None:
    assert (await invoked(plant, "Echo", {"inputArguments": {"Text": "hello"}}))["outputArguments"] == {"Back": "hello"}


WRONG_VALUES = {
    "'B' is missing": {"inputArguments": {"A": 1}, "inoutputArguments": {"Count": 0}},
    "inoutputArguments: the argument 'Count' is missing": {"inputArguments": {"A": 1, "B": 1}},
    "inputArguments.C: the operation has no such variable; it has A, B": {"inputArguments": {"A": 1, "B": 1, "C": 1}},
    "inputArguments.A": {**VALUES, "inputArguments": {"A": "one", "B": 1}},
    "must be an object": {"inputArguments": []},
    "has no 'input'": {"input": {}},
    "is no duration": {**VALUES, "clientTimeoutDuration": "10 s"},
    "'None' is no duration": {**VALUES, "clientTimeoutDuration": None},
}
WRONG_ELEMENTS = {
    "inputArguments: the argument 'B' is missing": [integer("A", "1")],
    "no such variable 'C'; it has A, B": [integer("A", "1"), integer("B", "1"), integer("C", "1")],
    "given more than once": [integer("A", "1"), integer("A", "1")],
    "inputArguments[0].value.valueType: must be 'xs:int', not 'xs:string'": [prop("A", "1", "xs:string")],
    "inputArguments[0].value.modelType: must be 'Property'": [{"modelType": "Capability", "idShort": "A"}],
    "inputArguments[0].value.value": [integer("A", "one")],
}


@pytest.mark.parametrize("way", ["invoke", "invoke-async"])
async def test_arguments_are_checked_before_anything_happens(plant: ClientSession, way: str) -> None:
    for word, body in WRONG_VALUES.items():
        text = await refused(await plant.post(f"{PATH}/Add/{way}/$value", json=body), 400)
        assert word in text, text
    for word, elements in WRONG_ELEMENTS.items():
        body = {**NORMAL, "inputArguments": variables(*elements)}
        text = await refused(await plant.post(f"{PATH}/Add/{way}", json=body), 400)
        assert word in text, text
    assert "array" in await refused(await plant.post(f"{PATH}/Add/{way}", json={"inputArguments": {}}), 400)


async def test_only_an_operation_can_be_invoked(plant: ClientSession) -> None:
    assert "Property" in await refused(await plant.post(f"{PATH}/Number/invoke", json={}), 405)
    await refused(await plant.post(f"{PATH}/Missing/invoke", json={}), 404)


async def test_what_goes_wrong_is_an_outcome(plant: ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    assert await outcome(plant, "Refuses") == ("Failed", "the press is open")
    state, text = await outcome(plant, "Breaks")
    assert (state, "secret" in text, "ZeroDivisionError: secret" in caplog.text) == ("Failed", False, True)
    state, text = await outcome(plant, "Nonsense")
    assert (state, "outputArguments.More: the operation has no such variable" in text) == ("Failed", True)
    state, text = await outcome(plant, "Nobody")
    assert (state, "nothing here carries out Nobody" in text) == ("Failed", True)
    assert (await outcome(plant, "Cancels"))[0] == "Canceled"
    answer = await later(plant, "Refuses", {})
    assert (answer.status, (await answer.json())["executionState"]) == (200, "Failed")


async def test_it_may_take_as_long_as_the_caller_waits(plant: ClientSession) -> None:
    request = {"inputArguments": {"Seconds": 60}, "clientTimeoutDuration": "PT0.05S"}
    assert await outcome(plant, "Cell.Wait", request) == (
        "Timeout",
        f"Cell.Wait in {SUBMODEL} did not end within 0.05 s",
    )
    answer = await later(plant, "Cell.Wait", request, "/$value")
    assert (await answer.json())["executionState"] == "Timeout"


async def test_a_function_that_blocks_holds_nobody_up(plant: ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    released.clear()
    state, text = await outcome(plant, "Blocks", {"clientTimeoutDuration": "PT0.1S"})
    assert (state, "did not end within 0.1 s" in text) == ("Timeout", True)
    waiting = asyncio.create_task(invoked(plant, "Blocks"))
    assert (await invoked(plant, "Add", VALUES))["executionState"] == "Completed"
    released.set()
    assert (await waiting)["executionState"] == "Completed"
    async with asyncio.timeout(5):
        while "nobody waited" not in caplog.text:  # noqa: ASYNC110 - a thread ends, nothing tells
            await asyncio.sleep(0.02)


async def test_a_handle_belongs_to_its_operation(plant: ClientSession) -> None:
    begun = await plant.post(f"{PATH}/Add/invoke-async/$value", json=VALUES)
    other = begun.headers["Location"].replace("/Add/", "/Refuses/")
    await refused(await plant.get(other), 404)
    await refused(await plant.get(other.replace("status", "results")), 404)


async def test_there_is_no_result_before_the_end(plant: ClientSession) -> None:
    begun = await plant.post(f"{PATH}/Cell.Wait/invoke-async/$value", json={"inputArguments": {"Seconds": 60}})
    status = await plant.get(begun.headers["Location"], allow_redirects=False)
    assert (status.status, await status.json()) == (200, {"executionState": "Running"})
    result = await plant.get(begun.headers["Location"].replace("operation-status", "operation-results"))
    assert "still being carried out" in await refused(result, 404)


async def test_what_was_running_when_the_server_died_has_failed(tmp_path: Path) -> None:
    settings = Settings(port=0, store=f"sqlite:///{tmp_path / 'aas.db'}")
    left = {"id": "left", "about": f"{SUBMODEL} Add", "state": "Running", "created": "2026-01-01T00:00:00.000+00:00"}
    async with open_repository(settings) as repository:
        await repository.apply([Put(OPERATIONS), Put(left, stored_as=Kind.HANDLE)])
        async with listening(repository, settings) as server, ClientSession(server.url) as client:
            answer = await client.get(f"{PATH}/Add/operation-status/{b64('left')}")
            result = await answer.json()
    assert (result["executionState"], result["messages"][0]["text"]) == ("Failed", "the server stopped while it ran")


async def test_every_invocation_is_logged(plant: ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "aas_server"):
        await invoked(plant, "Add", VALUES)
    assert f"operation Add in {SUBMODEL}: Completed" in caplog.text


@pytest.mark.parametrize("name", ["nowhere", "no.such.module:operations", "tests.operations.handlers:SUBMODEL"])
async def test_a_registration_that_is_none_stops_the_start(repository: Repository, altered: Any, name: str) -> None:
    with pytest.raises(Exception, match="operations"):
        async with listening(repository, altered(operations=(name,))):
            pytest.fail("it started")


async def test_the_operation_of_the_example_shells_works(repository: Repository, altered: Any) -> None:
    await repository.apply([Put(EXAMPLE)])
    async with listening(repository, altered(examples=True)) as server, ClientSession(server.url) as client:
        where = f"/submodels/{b64(EXAMPLE['id'])}/submodel-elements/Operation/invoke/$value"
        request = {"inputArguments": {"Augend": 2, "Addend": 40}, "inoutputArguments": {"Counter": 1}}
        result = await (await client.post(where, json=request)).json()
    assert (result["outputArguments"], result["inoutputArguments"]) == ({"Sum": 42}, {"Counter": 2})
