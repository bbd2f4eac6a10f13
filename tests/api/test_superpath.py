"""Submodels below their shell: `/shells/{id}/submodels/{id}`."""

import pytest
from aiohttp import ClientSession

from tests.examples import b64, model, motors, prop, shell, submodel

SHELL = f"/shells/{b64('urn:s:1')}"
BELOW = f"{SHELL}/submodels/{b64('urn:x:1')}"
SUBMODEL = f"/submodels/{b64('urn:x:1')}"


@pytest.fixture(autouse=True)
async def given(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    await client.post("/submodels", json=submodel("urn:x:other"))
    await client.post("/shells", json=shell("urn:s:1", "urn:x:1"))


@pytest.mark.parametrize(
    "rest", ["", "/$value", "/$metadata", "/submodel-elements", "/submodel-elements/Motors[0].Speed"]
)
async def test_reading_below_the_shell_is_reading_the_submodel(client: ClientSession, rest: str) -> None:
    below, direct = await client.get(BELOW + rest), await client.get(SUBMODEL + rest)
    assert (below.status, await below.read()) == (200, await direct.read())
    assert below.headers.get("ETag") == direct.headers.get("ETag")


@pytest.mark.parametrize(
    "path", [f"{SHELL}/submodels/{b64('urn:x:other')}", f"/shells/{b64('urn:no')}/submodels/{b64('urn:x:1')}"]
)
async def test_what_the_shell_does_not_refer_to_is_not_there(client: ClientSession, path: str) -> None:
    assert (await client.get(path)).status == 404
    assert (await client.get(f"{path}/submodel-elements")).status == 404
    assert (await client.patch(f"{path}/$value", json={})).status == 404


async def test_put_of_a_new_submodel_adds_the_reference(client: ClientSession) -> None:
    where = f"{SHELL}/submodels/{b64('urn:x:2')}"
    created = await client.put(where, json=submodel("urn:x:2"))
    assert (created.status, await created.json(), created.headers["Location"]) == (201, model("urn:x:2"), where)
    assert (await (await client.get(SHELL)).json())["submodels"] == [model("urn:x:1"), model("urn:x:2")]
    assert (await client.put(where, json=submodel("urn:x:2", prop("A")))).status == 204
    assert await (await client.get(where)).json() == submodel("urn:x:2", prop("A"))


async def test_put_below_an_unknown_shell_creates_nothing(client: ClientSession) -> None:
    where = f"/shells/{b64('urn:no')}/submodels/{b64('urn:x:2')}"
    assert (await client.put(where, json=submodel("urn:x:2"))).status == 404
    assert (await client.get(f"/submodels/{b64('urn:x:2')}")).status == 404


async def test_delete_removes_submodel_and_reference(client: ClientSession) -> None:
    assert (await client.delete(BELOW)).status == 204
    assert (await client.get(SUBMODEL)).status == 404
    assert "submodels" not in await (await client.get(SHELL)).json()


async def test_references_are_listed_added_and_removed(client: ClientSession) -> None:
    refs = f"{SHELL}/submodel-refs"
    assert (await (await client.get(refs)).json())["result"] == [model("urn:x:1")]
    added = await client.post(refs, json=model("urn:x:other"))
    assert (added.status, await added.json()) == (201, model("urn:x:other"))
    assert (await client.post(refs, json=model("urn:x:other"))).status == 409
    first = await (await client.get(f"{refs}?limit=1")).json()
    assert first["result"] == [model("urn:x:1")]
    second = await (await client.get(f"{refs}?limit=1&cursor={first['paging_metadata']['cursor']}")).json()
    assert (second["result"], second["paging_metadata"]) == ([model("urn:x:other")], {})
    assert (await client.delete(f"{refs}/{b64('urn:x:1')}")).status == 204
    assert (await client.delete(f"{refs}/{b64('urn:x:1')}")).status == 404
    assert (await client.get(SUBMODEL)).status == 200  # only the reference is gone
    assert (await client.get(BELOW)).status == 404


async def test_asset_information_is_read_and_replaced(client: ClientSession) -> None:
    where = f"{SHELL}/asset-information"
    assert await (await client.get(where)).json() == {"assetKind": "Instance", "globalAssetId": "urn:s:1:asset"}
    new = {"assetKind": "Type", "specificAssetIds": [{"name": "serial", "value": "4711"}]}
    assert (await client.put(where, json=new)).status == 204
    assert (await (await client.get(SHELL)).json())["assetInformation"] == new
    assert (await client.put(where, json={"assetKind": "Nonsense"})).status == 400
    assert (await client.put(where, json={"assetKind": "Type"})).status == 400  # AASd-131


@pytest.mark.parametrize("rest", ["/", "/description", "/serialization", "/shells"])
async def test_the_services_below_an_id_that_3_0_clients_ask_for_are_those_of_what_is_there(
    client: ClientSession, rest: str
) -> None:
    for collection, here in (("shells", "urn:s:1"), ("submodels", "urn:x:1")):
        assert (await client.get(f"/api/v3.0/{collection}/{b64(here)}{rest}")).status == 200
        assert (await client.get(f"/api/v3.0/{collection}/{b64('urn:no')}{rest}")).status == 404
        assert (await client.get(f"/api/v3.0/{collection}/!{rest}")).status == 400
