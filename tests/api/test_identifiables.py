"""Whole documents: shells, submodels and concept descriptions created, read, replaced, removed."""

import json

import pytest
from aiohttp import ClientSession

from tests.examples import b64, concept, motors, prop, shell, submodel

KINDS = {
    "/submodels": submodel("urn:x:ä", prop("Speed")),
    "/shells": shell("urn:x:ä"),
    "/concept-descriptions": concept("urn:x:ä"),
}


@pytest.mark.parametrize("path", KINDS)
async def test_a_document_comes_back_as_it_was_posted(client: ClientSession, path: str) -> None:
    document = KINDS[path]
    posted = await client.post(path, json=document)
    assert (posted.status, await posted.json()) == (201, document)
    assert posted.headers["Location"] == f"{path}/{b64(document['id'])}"
    got = await client.get(posted.headers["Location"])
    assert (got.status, await got.json(), got.headers["ETag"]) == (200, document, posted.headers["ETag"])


@pytest.mark.parametrize("path", KINDS)
async def test_a_second_post_of_an_id_is_a_conflict(client: ClientSession, path: str) -> None:
    await client.post(path, json=KINDS[path])
    again = await client.post(path, json=KINDS[path])
    assert again.status == 409
    (message,) = (await again.json())["messages"]
    assert (message["code"], message["messageType"]) == ("409", "Error")
    assert "urn:x:ä" in message["text"]
    assert message["timestamp"].endswith("Z")


@pytest.mark.parametrize("path", KINDS)
async def test_put_creates_and_then_replaces(client: ClientSession, path: str) -> None:
    document = KINDS[path]
    where = f"{path}/{b64(document['id'])}"
    created = await client.put(where, json=document)
    assert (created.status, created.headers["Location"], await created.json()) == (201, where, document)
    replaced = await client.put(where, json=document | {"idShort": "Other"})
    assert (replaced.status, await replaced.read()) == (204, b"")
    got = await client.get(where)
    assert (await got.json())["idShort"] == "Other"
    assert got.headers["ETag"] == replaced.headers["ETag"]


@pytest.mark.parametrize("path", KINDS)
async def test_a_deleted_document_is_gone(client: ClientSession, path: str) -> None:
    where = f"{path}/{b64('urn:x:ä')}"
    await client.put(where, json=KINDS[path])
    assert (await client.delete(where)).status == 204
    assert (await client.get(where)).status == 404
    assert (await client.delete(where)).status == 404


async def test_the_id_in_the_body_must_be_the_one_in_the_path(client: ClientSession) -> None:
    answer = await client.put(f"/submodels/{b64('urn:x:1')}", json=submodel("urn:x:2"))
    assert answer.status == 400
    assert "urn:x:2" in (await answer.json())["messages"][0]["text"]


async def test_an_invalid_document_is_refused_with_every_finding_and_its_place(client: ClientSession) -> None:
    wrong = submodel("urn:x:1", prop("Speed", "fast"), prop("Mode", valueType="xs:nothing"))
    answer = await client.post("/submodels", json=wrong)
    texts = [message["text"] for message in (await answer.json())["messages"]]
    assert answer.status == 400
    assert any("submodelElements[1].valueType" in text for text in texts)
    assert (await client.get(f"/submodels/{b64('urn:x:1')}")).status == 404


async def test_a_shell_is_no_submodel(client: ClientSession) -> None:
    assert (await client.post("/submodels", json=shell())).status == 400


async def test_the_three_kinds_have_id_spaces_of_their_own(client: ClientSession) -> None:
    for path, make in (("/shells", shell), ("/submodels", submodel), ("/concept-descriptions", concept)):
        assert (await client.post(path, json=make("urn:same"))).status == 201
    assert (await client.delete(f"/submodels/{b64('urn:same')}")).status == 204
    assert (await client.get(f"/shells/{b64('urn:same')}")).status == 200


async def test_value_texts_and_order_are_kept_to_the_letter(client: ClientSession) -> None:
    document = submodel(
        "urn:x:1",
        prop("A", "1.0E3"),
        prop("B", "007", "xs:int"),
        prop("C", "24:00:00", "xs:time"),
        prop("D", "x", "xs:string", qualifiers=[
            {"type": "q0", "valueType": "xs:int", "value": "0"},
            {"type": "q1", "valueType": "xs:boolean", "value": "false"},
            {"type": "q2", "valueType": "xs:string", "value": ""},
        ]),
    )  # fmt: skip
    await client.post("/submodels", json=document)
    got = await (await client.get(f"/submodels/{b64('urn:x:1')}")).read()
    assert got == json.dumps(document, separators=(",", ":")).encode()


async def test_level_core_cuts_what_is_below_the_children(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    got = await (await client.get(f"/submodels/{b64('urn:x:1')}?level=core")).json()
    assert [element["idShort"] for element in got["submodelElements"]] == ["Motors", "Name"]
    assert "value" not in got["submodelElements"][0]


async def test_blob_values_are_left_out_unless_asked_for(client: ClientSession) -> None:
    blob = {"modelType": "Blob", "idShort": "Raw", "contentType": "text/plain", "value": "aGVsbG8="}
    await client.post("/submodels", json=submodel("urn:x:1", blob))
    where = f"/submodels/{b64('urn:x:1')}"
    for path in ("", "/submodel-elements/Raw"):
        got = await (await client.get(where + path)).text()
        assert "aGVsbG8=" not in got
        assert "Raw" in got
        assert "aGVsbG8=" in await (await client.get(f"{where}{path}?extent=withBlobValue")).text()
    assert "aGVsbG8=" not in await (await client.get("/submodels")).text()


@pytest.mark.parametrize("query", ["level=deepest", "extent=all", "limit=0", "limit=x", "cursor=", "cursor=nonsense"])
async def test_a_wrong_parameter_is_named(client: ClientSession, query: str) -> None:
    answer = await client.get(f"/submodels?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in (await answer.json())["messages"][0]["text"]


async def test_patch_changes_what_the_body_names(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    where = f"/submodels/{b64('urn:x:1')}"
    metadata = {"modelType": "Submodel", "id": "urn:x:1", "idShort": "Drives"}
    assert (await client.patch(f"{where}/$metadata", json=metadata)).status == 204
    assert (await client.patch(f"{where}/$value", json={"Name": "lathe"})).status == 204
    got = await (await client.get(where)).json()
    assert got["idShort"] == "Drives"
    assert got["submodelElements"][1]["value"] == "lathe"
    assert got["submodelElements"][0] == motors()["submodelElements"][0]
