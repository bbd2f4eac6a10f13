"""Documents as XML: by Accept, and as a body."""

import pytest
from aiohttp import ClientSession

from aas_server.model import xml
from tests.examples import b64, concept, motors, shell

XML = {"Accept": "application/xml"}
DOCUMENTS = {"/submodels": motors("urn:x"), "/shells": shell("urn:x"), "/concept-descriptions": concept("urn:x")}


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_as_xml_and_back(client: ClientSession, path: str) -> None:
    where = f"{path}/{b64('urn:x')}"
    body = xml.write(DOCUMENTS[path])
    posted = await client.post(path, data=body, headers={"Content-Type": "application/xml"})
    assert (posted.status, await posted.json()) == (201, DOCUMENTS[path])
    got = await client.get(where, headers=XML)
    assert got.headers["Content-Type"] == "application/xml"
    assert xml.read(await got.read()) == DOCUMENTS[path]
    plain = await client.get(where)
    assert plain.headers["ETag"] != got.headers["ETag"]
    assert (await client.get(where, headers=XML | {"If-None-Match": got.headers["ETag"]})).status == 304
    replaced = await client.put(where, data=body, headers={"Content-Type": "text/xml", "If-Match": got.headers["ETag"]})
    assert replaced.status == 204


async def test_an_element_as_xml(client: ClientSession) -> None:
    await client.post("/submodels", json=motors("urn:x"))
    where = f"/submodels/{b64('urn:x')}/submodel-elements/Name"
    assert xml.read(await (await client.get(where, headers=XML)).read())["value"] == "press"
    assert await (await client.get(f"{where}/$value", headers=XML)).json() == "press"  # values have no XML form


@pytest.mark.parametrize("body", [b"", b"<a", b"<a/>", b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>', b"{}"])
async def test_what_is_no_xml_of_a_document(client: ClientSession, body: bytes) -> None:
    answer = await client.post("/submodels", data=body, headers={"Content-Type": "application/xml"})
    assert answer.status == 400
    assert (await answer.json())["messages"][0]["text"]
