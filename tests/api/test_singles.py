"""One shell at /aas and one submodel at /submodel, as the settings name them: the same rows, another mount."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.app import listening
from aas_server.repository import Repository
from tests.examples import b64, model, prop, shell, submodel

SHELL, SUBMODEL = "urn:x:shell", "urn:x:submodel"


@pytest.fixture
async def single(repository: Repository, altered: Any) -> AsyncIterator[ClientSession]:
    """A server with one shell that refers to one submodel, both offered by themselves."""
    settings = altered(shell=SHELL, submodel=SUBMODEL)
    async with listening(repository, settings) as server, ClientSession(server.url) as client:
        assert (await client.put("/aas", json=shell(SHELL, SUBMODEL))).status == 201
        assert (await client.put("/submodel", json=submodel(SUBMODEL, prop("Speed", "1", "xs:string")))).status == 201
        yield client


@pytest.mark.parametrize(
    ("alone", "among_others"),
    [
        ("/aas", f"/shells/{b64(SHELL)}"),
        ("/aas/$reference", f"/shells/{b64(SHELL)}/$reference"),
        ("/aas/asset-information", f"/shells/{b64(SHELL)}/asset-information"),
        ("/aas/submodel-refs", f"/shells/{b64(SHELL)}/submodel-refs"),
        (f"/aas/submodels/{b64(SUBMODEL)}", f"/shells/{b64(SHELL)}/submodels/{b64(SUBMODEL)}"),
        (f"/aas/submodels/{b64(SUBMODEL)}/$value", f"/submodels/{b64(SUBMODEL)}/$value"),
        ("/submodel", f"/submodels/{b64(SUBMODEL)}"),
        ("/submodel/$metadata", f"/submodels/{b64(SUBMODEL)}/$metadata"),
        ("/submodel/submodel-elements", f"/submodels/{b64(SUBMODEL)}/submodel-elements"),
        ("/submodel/submodel-elements/Speed/$value", f"/submodels/{b64(SUBMODEL)}/submodel-elements/Speed/$value"),
    ],
)
@pytest.mark.parametrize("base", ["", "/api/v3.1", "/api/v3.0"])
async def test_it_answers_as_the_repository_does(
    single: ClientSession, alone: str, among_others: str, base: str
) -> None:
    one, other = await single.get(base + alone), await single.get(base + among_others)
    assert (one.status, await one.read()) == (200, await other.read())
    assert one.headers.get("ETag") == other.headers.get("ETag")


async def test_writing_reaches_the_same_documents(single: ClientSession) -> None:
    etag = (await single.get("/submodel")).headers["ETag"]
    answer = await single.patch("/submodel/submodel-elements/Speed/$value", json="2", headers={"If-Match": etag})
    assert answer.status == 204
    assert await (await single.get(f"/submodels/{b64(SUBMODEL)}/submodel-elements/Speed/$value")).json() == "2"
    stale = await single.put("/submodel", json=submodel(SUBMODEL), headers={"If-Match": etag})
    assert stale.status == 412


async def test_what_is_created_is_found_below_the_mount_that_was_called(single: ClientSession) -> None:
    added = await single.post("/submodel/submodel-elements", json=prop("Torque", "1"))
    assert (added.status, added.headers["Location"]) == (201, "/submodel/submodel-elements/Torque")
    referred = await single.post("/aas/submodel-refs", json=model("urn:x:other"))
    assert referred.headers["Location"] == f"/aas/submodel-refs/{b64('urn:x:other')}"
    put = await single.put(f"/aas/submodels/{b64('urn:x:new')}", json=submodel("urn:x:new"))
    assert (put.status, put.headers["Location"]) == (201, f"/aas/submodels/{b64('urn:x:new')}")
    assert (await single.get(put.headers["Location"])).status == 200


async def test_a_submodel_of_another_shell_is_not_below_this_one(single: ClientSession) -> None:
    assert (await single.put(f"/submodels/{b64('urn:x:foreign')}", json=submodel("urn:x:foreign"))).status == 201
    assert (await single.get(f"/aas/submodels/{b64('urn:x:foreign')}")).status == 404


async def test_another_id_is_refused(single: ClientSession) -> None:
    answer = await single.put("/submodel", json=submodel("urn:x:another"))
    assert (answer.status, "urn:x:another" in await answer.text()) == (400, True)


@pytest.mark.parametrize(("path", "setting"), [("/aas", "shell"), ("/submodel/$value", "submodel")])
async def test_without_the_setting_it_is_said_which(client: ClientSession, path: str, setting: str) -> None:
    answer = await client.get(path)
    assert answer.status == 404
    assert f"the setting '{setting}' names none" in (await answer.json())["messages"][0]["text"]
