"""Documents as RDF over HTTP: asked for by Accept, taken by Content-Type, each form with an ETag of its own."""

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import pytest
import rdflib
from aiohttp import ClientSession

from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings
from aas_server.graph.quads import AAS
from aas_server.graph.rdf import LARGEST
from aas_server.model.negotiating import JSONLD, NTRIPLES, RDFXML, TURTLE
from tests.examples import b64, collection, concept, listed, prop, shell, submodel

FORMS = {TURTLE: "turtle", NTRIPLES: "nt", JSONLD: "json-ld", RDFXML: "xml"}
LIST = listed("L", "Property", prop(None, "1"), prop(None, "2"), valueTypeListElement="xs:double")
DOCUMENTS: dict[str, dict[str, Any]] = {
    "/shells": shell("urn:s:1", "urn:x:1"),
    "/submodels": submodel("urn:x:1", prop("Speed", "1.50"), collection("C", LIST)),
    "/concept-descriptions": concept("0173-1#02-AAO677#004"),
}
SUBMODEL = f"/submodels/{b64('urn:x:1')}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    settings = Settings(port=0, store="sqlite:///:memory:")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        for path, document in DOCUMENTS.items():
            assert (await session.post(path, json=document)).status == 201
        yield session


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_goes_out_and_comes_in_again_in_every_form(
    client: ClientSession, path: str, form: str
) -> None:
    where = f"{path}/{b64(DOCUMENTS[path]['id'])}"
    answer = await client.get(where, headers={"Accept": form})
    assert (answer.status, answer.content_type) == (200, form)
    body = await answer.read()
    assert len(rdflib.Graph().parse(data=body, format=FORMS[form])) >= 2
    assert (await client.delete(where)).status == 204
    assert (await client.post(path, data=body, headers={"Content-Type": form})).status == 201
    assert await (await client.get(where)).json() == DOCUMENTS[path]
    assert (await client.put(where, data=body, headers={"Content-Type": form})).status == 204


async def test_an_element_is_its_url_wherever_it_is_shown(server: Server, client: ClientSession) -> None:
    above, place = rdflib.URIRef("urn:x:1"), rdflib.URIRef(f"{server.url}{SUBMODEL}/submodel-elements/C.L%5B1%5D")
    value = rdflib.URIRef(f"{AAS}Property/value")
    for where in (SUBMODEL, f"{SUBMODEL}/submodel-elements/C", f"{SUBMODEL}/submodel-elements/C.L%5B1%5D"):
        answer = await client.get(where, headers={"Accept": TURTLE})
        read = rdflib.Graph().parse(data=await answer.text(), format="turtle")
        assert str(read.value(place, value)) == "2", where
    assert (above, rdflib.RDF.type, None) not in read


async def test_an_element_is_taken_as_rdf(client: ClientSession) -> None:
    element = f'[ a <{AAS}Property> ; <{AAS}Referable/idShort> "New" ; <{AAS}Property/value> "0012" ; '
    element += f"<{AAS}Property/valueType> <{AAS}DataTypeDefXsd/Int> ] ."
    told = {"Content-Type": TURTLE}
    assert (await client.post(f"{SUBMODEL}/submodel-elements", data=element, headers=told)).status == 201
    got = await (await client.get(f"{SUBMODEL}/submodel-elements/New")).json()
    assert got == {"modelType": "Property", "idShort": "New", "value": "0012", "valueType": "xs:int"}


async def test_each_form_has_an_etag_of_its_own_that_writes_take(client: ClientSession) -> None:
    tags = {}
    for form in ("application/json", "application/xml", *FORMS):
        answer = await client.get(SUBMODEL, headers={"Accept": form})
        tags[form] = answer.headers["ETag"]
        again = await client.get(SUBMODEL, headers={"Accept": form, "If-None-Match": tags[form]})
        assert (again.status, again.headers["ETag"], again.headers["Vary"]) == (
            304,
            tags[form],
            "Accept, Accept-Encoding",
        )
    assert len(set(tags.values())) == 6
    written = await client.put(SUBMODEL, json=submodel("urn:x:1"), headers={"If-Match": tags[TURTLE]})
    assert written.status == 204
    written = await client.put(SUBMODEL, json=submodel("urn:x:1"), headers={"If-Match": tags[JSONLD]})
    assert written.status == 412


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/turtle;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/turtle", TURTLE),
        ("text/html, application/rdf+xml;q=0.9, */*;q=0.8", RDFXML),
        ("application/*", "application/json"),
        ("TEXT/TURTLE", TURTLE),
    ],
)
async def test_the_form_is_what_is_wanted_most(client: ClientSession, accept: str, form: str) -> None:
    assert (await client.get(SUBMODEL, headers={"Accept": accept})).content_type == form


async def test_values_are_json_whatever_is_accepted(client: ClientSession) -> None:
    answer = await client.get(f"{SUBMODEL}/submodel-elements/Speed/$value", headers={"Accept": TURTLE})
    assert (answer.content_type, await answer.text()) == ("application/json", "1.5")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("<urn:x:1> a", 400, "the body is no text/turtle: "),
        (f"<urn:x:1> a <{AAS}Submodel> .", 400, "id"),
        (
            f'<urn:x:9> a <{AAS}Submodel> ; <{AAS}Identifiable/id> "urn:x:9" .',
            400,
            "is 'urn:x:9', in the path",
        ),
        (
            f'<urn:x:1> a <{AAS}Submodel> ; <{AAS}Identifiable/id> "urn:x:1" ; <urn:p> 1 .',
            400,
            "has urn:p, which",
        ),
        ("#" * (LARGEST + 1), 413, f"at most {LARGEST} are read"),
    ],
)
async def test_what_cannot_be_taken_is_told_and_changes_nothing(
    client: ClientSession, body: str, status: int, words: str
) -> None:
    answer = await client.put(SUBMODEL, data=BytesIO(body.encode()), headers={"Content-Type": TURTLE})
    assert answer.status == status
    assert words in (await answer.json())["messages"][0]["text"]
    assert await (await client.get(SUBMODEL)).json() == DOCUMENTS["/submodels"]
