"""The JSON-LD context over HTTP: where it is, and that what is read through it leads to it."""

import asyncio
import re
from typing import Any
from urllib.parse import urljoin

import orjson
import pytest
from aiohttp import ClientSession
from pyld import jsonld

from aas_server.app import Server, listening
from aas_server.graph.quads import AAS
from aas_server.repository import Repository
from tests.examples import b64, concept, motors, shell

CONTEXT = "/contexts/aas-3.1.jsonld"
SHELL, SUBMODEL, CONCEPT = f"/shells/{b64('urn:s:1')}", f"/submodels/{b64('urn:x:1')}", "/concept-descriptions"
LINK = re.compile(r'<([^>]*)>; rel="http://www\.w3\.org/ns/json-ld#context"; type="application/ld\+json"')

LINKED = [
    *("/shells", SHELL, f"{SHELL}/$reference"),
    *("/submodels", "/submodels/$metadata", "/submodels/$reference", SUBMODEL, f"{SUBMODEL}/$metadata"),
    *(CONCEPT, f"{CONCEPT}/{b64('urn:c:1')}"),
    *(f"{SUBMODEL}/submodel-elements{rest}" for rest in ("", "/$metadata", "/Motors", "/Motors%5B0%5D.Speed")),
    *(f"{SUBMODEL}/submodel-elements/Name{rest}" for rest in ("?level=core", "/$metadata", "/$reference")),
    *(f"{base}{SUBMODEL}/submodel-elements/Name" for base in ("/api/v3", "/api/v3.1", "/api/v3.0", SHELL)),
    f"/api/v3.0{SUBMODEL}/",
]
UNLINKED = [
    *(f"{SUBMODEL}{rest}" for rest in ("/$value", "/$path", "/submodel-elements/$value", "/submodel-elements/$path")),
    *(f"{SUBMODEL}/submodel-elements/{rest}" for rest in ("Name/$value", "Motors/$path", "Nothing")),
    *("/submodels/$value", "/submodels/$path", "/description", "/shell-descriptors", CONTEXT),
]


@pytest.fixture(autouse=True)
async def given(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    await client.post("/shells", json=shell("urn:s:1", "urn:x:1"))
    await client.post("/concept-descriptions", json=concept())


async def test_the_context_may_be_kept(client: ClientSession) -> None:
    answer = await client.get(CONTEXT)
    assert (answer.status, answer.content_type) == (200, "application/ld+json")
    assert answer.headers["Cache-Control"] == "public, max-age=604800"
    assert orjson.loads(await answer.read())["@context"]["@vocab"] == AAS
    again = await client.get(CONTEXT, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.headers["ETag"].removesuffix('"')) == (304, answer.headers["ETag"][:33])
    assert (await client.head(CONTEXT)).status == 200


async def test_each_coding_of_it_has_its_own_etag(client: ClientSession) -> None:
    plain, packed = [
        (await client.get(CONTEXT, headers={"Accept-Encoding": coding})).headers["ETag"]
        for coding in ("identity", "gzip")
    ]
    assert packed == f'{plain[:-1]}-gzip"'
    assert (await client.get(CONTEXT, headers={"If-None-Match": packed})).status == 304


@pytest.mark.parametrize("path", LINKED)
async def test_what_is_read_through_it_leads_to_it(server: Server, client: ClientSession, path: str) -> None:
    for _ in range(2):  # the second answer may come from memory
        answer = await client.get(path)
        found = LINK.fullmatch(answer.headers["Link"])
        assert found is not None
        assert urljoin(str(answer.url), found[1]) == f"{server.url}{CONTEXT}"
        assert urljoin(f"https://proxy/below/it{path}", found[1]) == f"https://proxy/below/it{CONTEXT}"


@pytest.mark.parametrize("path", UNLINKED)
async def test_nothing_else_does(client: ClientSession, path: str) -> None:
    assert "Link" not in (await client.get(path)).headers


@pytest.mark.parametrize("form", ["application/xml", "application/ld+json", "text/turtle"])
async def test_other_forms_say_what_they_mean_themselves(client: ClientSession, form: str) -> None:
    answer = await client.get(SUBMODEL, headers={"Accept": form})
    assert (answer.content_type, "Link" in answer.headers) == (form, False)


async def test_a_client_that_knows_only_json_ld_reads_triples(server: Server) -> None:
    url = f"{server.url}{SUBMODEL}"
    read = await asyncio.to_thread(jsonld.to_rdf, url, {"documentLoader": jsonld.requests_document_loader()})
    said = [(each["predicate"]["value"], each["object"]["value"]) for each in read["@default"]]
    assert {each["subject"]["value"] for each in read["@default"]} >= {"urn:x:1"}
    assert [value for name, value in said if name == f"{AAS}Property/value"] == ["4.2", "1.0E3", "press"]


async def test_pages_of_other_origins_may_follow_it(repository: Repository, altered: Any) -> None:
    async with listening(repository, altered(cors_origins="*")) as server, ClientSession(server.url) as client:
        answer = await client.get(SUBMODEL, headers={"Origin": "https://ui.example"})
        assert "Link" in answer.headers["Access-Control-Expose-Headers"]
        found = await client.get(CONTEXT, headers={"Origin": "https://ui.example"})
        assert (found.status, found.headers["Access-Control-Allow-Origin"]) == (200, "*")
