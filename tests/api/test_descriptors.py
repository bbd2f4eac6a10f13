"""Descriptors that others posted: request and answer, for shells and submodels."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.examples import b64, external

#: One store is enough: what is asked here does not depend on it.
pytestmark = pytest.mark.parametrize("settings", ["memory"], indirect=True)


def endpoint(href: str = "https://example.org/x", interface: str = "SUBMODEL-3.1") -> dict[str, Any]:
    return {"interface": interface, "protocolInformation": {"href": href}}


def submodel_descriptor(identifier: str = "urn:d:ä", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "endpoints": [endpoint()], **more}


def shell_descriptor(identifier: str = "urn:d:ä", *nested: str, **more: Any) -> dict[str, Any]:
    descriptor: dict[str, Any] = {"id": identifier, "endpoints": [endpoint(interface="AAS-3.1")], **more}
    if nested:
        descriptor["submodelDescriptors"] = [submodel_descriptor(each) for each in nested]
    return descriptor


KINDS = {"/shell-descriptors": shell_descriptor(), "/submodel-descriptors": submodel_descriptor()}
WHERE = b64("urn:d:ä")


async def messages(answer: Any) -> list[str]:
    return [message["text"] for message in (await answer.json())["messages"]]


@pytest.mark.parametrize("path", KINDS)
async def test_a_descriptor_comes_back_as_it_was_posted(client: ClientSession, path: str) -> None:
    posted = await client.post(path, json=KINDS[path])
    assert (posted.status, await posted.json()) == (201, KINDS[path])
    assert posted.headers["Location"] == f"{path}/{WHERE}"
    got = await client.get(posted.headers["Location"])
    assert (got.status, await got.json(), got.headers["ETag"]) == (200, KINDS[path], posted.headers["ETag"])
    listed = await client.get(path)
    assert (listed.status, await listed.json()) == (200, {"paging_metadata": {}, "result": [KINDS[path]]})
    head = await client.head(f"{path}/{WHERE}")
    assert (head.status, await head.read(), head.headers["ETag"]) == (200, b"", posted.headers["ETag"])


@pytest.mark.parametrize("path", KINDS)
async def test_a_second_post_of_an_id_is_a_conflict(client: ClientSession, path: str) -> None:
    await client.post(path, json=KINDS[path])
    again = await client.post(path, json=KINDS[path])
    assert again.status == 409
    assert "urn:d:ä" in (await messages(again))[0]


@pytest.mark.parametrize("path", KINDS)
async def test_put_creates_and_then_replaces(client: ClientSession, path: str) -> None:
    created = await client.put(f"{path}/{WHERE}", json=KINDS[path])
    assert (created.status, await created.json()) == (201, KINDS[path])
    assert created.headers["Location"] == f"{path}/{WHERE}"
    replaced = await client.put(f"{path}/{WHERE}", json=KINDS[path] | {"idShort": "Other"})
    assert (replaced.status, await replaced.read()) == (204, b"")
    got = await client.get(f"{path}/{WHERE}")
    assert (await got.json())["idShort"] == "Other"
    assert got.headers["ETag"] == replaced.headers["ETag"]


@pytest.mark.parametrize("path", KINDS)
async def test_version_30_knows_no_creation_by_put(client: ClientSession, path: str) -> None:
    assert (await client.put(f"/api/v3.0{path}/{WHERE}", json=KINDS[path])).status == 404
    await client.post(f"/api/v3.0{path}", json=KINDS[path])
    assert (await client.put(f"/api/v3.0{path}/{WHERE}", json=KINDS[path])).status == 204


@pytest.mark.parametrize("path", KINDS)
async def test_a_deleted_descriptor_is_gone(client: ClientSession, path: str) -> None:
    await client.post(path, json=KINDS[path])
    assert (await client.delete(f"{path}/{WHERE}")).status == 204
    assert (await client.get(f"{path}/{WHERE}")).status == 404
    assert (await client.delete(f"{path}/{WHERE}")).status == 404


@pytest.mark.parametrize("path", KINDS)
async def test_preconditions(client: ClientSession, path: str) -> None:
    where = f"{path}/{WHERE}"
    assert (await client.put(where, json=KINDS[path], headers={"If-Match": "*"})).status == 412
    created = await client.put(where, json=KINDS[path], headers={"If-None-Match": "*"})
    assert created.status == 201
    seen = created.headers["ETag"]
    assert (await client.get(where, headers={"If-None-Match": seen})).status == 304
    assert (await client.put(where, json=KINDS[path], headers={"If-None-Match": "*"})).status == 412
    changed = await client.put(where, json=KINDS[path] | {"idShort": "Other"}, headers={"If-Match": seen})
    assert changed.status == 204
    assert (await client.put(where, json=KINDS[path], headers={"If-Match": seen})).status == 412
    assert (await client.delete(where, headers={"If-Match": seen})).status == 412
    assert (await client.delete(where, headers={"If-Match": changed.headers["ETag"]})).status == 204


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/submodel-descriptors", {"id": "urn:x"}, "endpoints: a SubmodelDescriptor must have 'endpoints'"),
        ("/submodel-descriptors", {"id": "urn:x", "endpoints": []}, "endpoints: must not be an empty list"),
        ("/submodel-descriptors", submodel_descriptor(assetKind="Type"), "has no 'assetKind'"),
        ("/submodel-descriptors", submodel_descriptor(endpoints=[{"interface": "SUBMODEL-3.1"}]), "endpoints[0]."),
        ("/shell-descriptors", {}, "id: an AssetAdministrationShellDescriptor must have 'id'"),
        ("/shell-descriptors", shell_descriptor(assetKind="Thing"), "assetKind: 'Thing' is none of"),
        ("/shell-descriptors", shell_descriptor("urn:x", "urn:n", "urn:n"), "submodelDescriptors[1].id: 'urn:n'"),
        ("/shell-descriptors", shell_descriptor(idShort="1x"), "idShort: "),
        ("/shell-descriptors", [shell_descriptor()], "must be an object"),
        (
            "/shell-descriptors",
            shell_descriptor(globalAssetId="urn:a", specificAssetIds=[{"name": "GLOBALassetId", "value": "urn:b"}]),
            "(AASd-116)",
        ),
        (
            "/submodel-descriptors",
            submodel_descriptor(supplementalSemanticIds=[external("urn:o")]),
            "(AASd-118)",
        ),
    ],
)
async def test_what_is_no_descriptor_is_refused(client: ClientSession, path: str, body: Any, place: str) -> None:
    answer = await client.post(path, json=body)
    assert answer.status == 400
    assert any(place in text for text in await messages(answer)), await messages(answer)


async def test_lists_that_part_2_lets_be_empty(client: ClientSession) -> None:
    descriptor = shell_descriptor(specificAssetIds=[], submodelDescriptors=[], description=[], displayName=[])
    assert (await client.post("/shell-descriptors", json=descriptor)).status == 201
    assert await (await client.get(f"/shell-descriptors/{WHERE}")).json() == descriptor


@pytest.mark.parametrize("path", KINDS)
async def test_other_requests_that_are_refused(client: ClientSession, path: str) -> None:
    assert (await client.put(f"{path}/{b64('urn:other')}", json=KINDS[path])).status == 400
    assert (await client.get(f"{path}/a=b")).status == 400
    assert (await client.get(f"{path}?cursor=nonsense")).status == 400
    assert (await client.get(f"{path}?limit=0")).status == 400
    xml = await client.post(path, data="<submodelDescriptor/>", headers={"Content-Type": "application/xml"})
    assert xml.status == 415
    assert (await client.patch(f"{path}/{WHERE}", json={})).status == 405


async def test_shell_descriptors_by_kind_and_type_of_their_assets(client: ClientSession) -> None:
    await client.post("/shell-descriptors", json=shell_descriptor("urn:1", assetKind="Instance", assetType="urn:t"))
    await client.post("/shell-descriptors", json=shell_descriptor("urn:2", assetKind="Type", assetType="urn:t"))
    await client.post("/shell-descriptors", json=shell_descriptor("urn:3"))

    async def found(query: str) -> list[str]:
        answer = await client.get(f"/shell-descriptors?{query}")
        assert answer.status == 200
        return [each["id"] for each in (await answer.json())["result"]]

    assert await found("") == ["urn:1", "urn:2", "urn:3"]
    assert await found("assetKind=Instance") == ["urn:1"]
    assert await found(f"assetType={b64('urn:t')}") == ["urn:1", "urn:2"]
    assert await found(f"assetKind=Type&assetType={b64('urn:t')}") == ["urn:2"]
    assert await found("assetKind=Role") == []
    assert (await client.get("/shell-descriptors?assetKind=instance")).status == 400
    assert (await client.get("/shell-descriptors?assetType=%%%")).status == 400


# Below a shell descriptor

BELOW = f"/shell-descriptors/{WHERE}/submodel-descriptors"


@pytest.fixture
async def parent(client: ClientSession) -> str:
    """The ETag of a posted shell descriptor with two submodel descriptors."""
    posted = await client.post("/shell-descriptors", json=shell_descriptor("urn:d:ä", "urn:n:1", "urn:n:2"))
    return posted.headers["ETag"]


async def test_nested_descriptors_are_read(client: ClientSession, parent: str) -> None:
    listed = await client.get(BELOW)
    assert [each["id"] for each in (await listed.json())["result"]] == ["urn:n:1", "urn:n:2"]
    one = await client.get(f"{BELOW}/{b64('urn:n:2')}")
    assert (one.status, await one.json()) == (200, submodel_descriptor("urn:n:2"))
    assert one.headers["ETag"] == parent
    assert (await client.get(f"{BELOW}/{b64('urn:n:3')}")).status == 404
    assert (await client.get(f"/submodel-descriptors/{b64('urn:n:2')}")).status == 404


async def test_nested_descriptors_are_written_into_the_shells(client: ClientSession, parent: str) -> None:
    posted = await client.post(BELOW, json=submodel_descriptor("urn:n:3"))
    assert (posted.status, await posted.json()) == (201, submodel_descriptor("urn:n:3"))
    assert posted.headers["Location"] == f"{BELOW}/{b64('urn:n:3')}"
    assert (await client.post(BELOW, json=submodel_descriptor("urn:n:3"))).status == 409
    put = await client.put(f"{BELOW}/{b64('urn:n:1')}", json=submodel_descriptor("urn:n:1", idShort="One"))
    assert put.status == 204
    assert (await client.put(f"{BELOW}/{b64('urn:n:0')}", json=submodel_descriptor("urn:n:0"))).status == 201
    assert (await client.delete(f"{BELOW}/{b64('urn:n:2')}")).status == 204
    assert (await client.delete(f"{BELOW}/{b64('urn:n:2')}")).status == 404
    expected = shell_descriptor("urn:d:ä", "urn:n:1", "urn:n:3", "urn:n:0")
    expected["submodelDescriptors"][0]["idShort"] = "One"
    assert await (await client.get(f"/shell-descriptors/{WHERE}")).json() == expected


async def test_the_last_nested_descriptor_takes_the_list_with_it(client: ClientSession, parent: str) -> None:
    for identifier in ("urn:n:1", "urn:n:2"):
        assert (await client.delete(f"{BELOW}/{b64(identifier)}")).status == 204
    assert await (await client.get(f"/shell-descriptors/{WHERE}")).json() == shell_descriptor()
    assert await (await client.get(BELOW)).json() == {"paging_metadata": {}, "result": []}


async def test_preconditions_below_are_those_of_the_shells_descriptor(client: ClientSession, parent: str) -> None:
    where = f"{BELOW}/{b64('urn:n:1')}"
    put = await client.put(where, json=submodel_descriptor("urn:n:1", idShort="A"), headers={"If-Match": parent})
    assert put.status == 204
    assert (await client.delete(where, headers={"If-Match": parent})).status == 412
    assert (await client.delete(where, headers={"If-Match": put.headers["ETag"]})).status == 204


async def test_nothing_is_below_a_shell_descriptor_that_is_not_there(client: ClientSession) -> None:
    assert (await client.get(BELOW)).status == 404
    assert (await client.post(BELOW, json=submodel_descriptor("urn:n:1"))).status == 404
    assert (await client.put(f"{BELOW}/{b64('urn:n:1')}", json=submodel_descriptor("urn:n:1"))).status == 404
    assert (await client.delete(f"{BELOW}/{b64('urn:n:1')}")).status == 404


async def test_version_30_knows_no_creation_by_put_below(client: ClientSession, parent: str) -> None:
    new, old = (f"/api/v3.0{BELOW}/{b64(each)}" for each in ("urn:n:9", "urn:n:1"))
    assert (await client.put(new, json=submodel_descriptor("urn:n:9"))).status == 404
    assert (await client.put(old, json=submodel_descriptor("urn:n:1"))).status == 204


async def test_pages_of_nested_descriptors(client: ClientSession, parent: str) -> None:
    for number in range(3, 9):
        await client.post(BELOW, json=submodel_descriptor(f"urn:n:{number}"))
    seen, cursor = [], ""
    while True:
        page = await (await client.get(f"{BELOW}?limit=3{cursor}")).json()
        seen += [each["id"] for each in page["result"]]
        if not page["paging_metadata"]:
            break
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
        for gone in page["result"]:
            await client.delete(f"{BELOW}/{b64(gone['id'])}")
    assert seen == [f"urn:n:{number}" for number in range(1, 9)]
    assert (await client.get(f"{BELOW}?cursor=nonsense")).status == 400
