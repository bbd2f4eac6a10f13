"""`GET /serialization`: what was put in comes out, in the form that is asked for."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from aas_server.aasx import reader
from aas_server.api.serialization import OFFERED
from aas_server.app import listening, open_repository
from aas_server.config import Settings, shipped
from aas_server.model import Document, xml
from aas_server.model.errors import NotAcceptable
from aas_server.model.negotiating import chosen
from tests.api.test_errors import refused
from tests.api.test_files import form
from tests.examples import b64, concept, external, model, motors, prop, shell, submodel

#: What does not depend on the store is tested with one kind of it.
ONE_STORE = pytest.mark.parametrize("settings", ["memory"], indirect=True)
AASX = "application/asset-administration-shell-package+xml"
CONVEYOR = (shipped("submodels") / "examples" / "conveyor.json").read_bytes()
LISTS = ("assetAdministrationShells", "submodels", "conceptDescriptions")
LINE = [
    shell("urn:s:1", "urn:x:1", "urn:x:absent"),
    shell("urn:s:2", "urn:x:2"),
    motors("urn:x:1"),
    submodel("urn:x:2", prop("Speed", semanticId=external("urn:c:1"))),
    concept("urn:c:1"),
    concept("urn:c:unused"),
]


async def put_in(client: ClientSession, *documents: dict[str, Any]) -> None:
    paths = {
        "AssetAdministrationShell": "shells",
        "Submodel": "submodels",
        "ConceptDescription": "concept-descriptions",
    }
    for document in documents:
        answer = await client.post(f"/{paths[document['modelType']]}", json=document)
        assert answer.status == 201, await answer.text()


async def exported(client: ClientSession, query: str = "", accept: str = "application/json") -> bytes:
    answer = await client.get(f"/serialization{query}", headers={"Accept": accept})
    assert answer.status == 200, await answer.text()
    return await answer.read()


async def ids(client: ClientSession, query: str = "") -> list[str]:
    environment = json.loads(await exported(client, query))
    return [document["id"] for name in LISTS for document in environment.get(name, [])]


def by_id(environment: Document) -> dict[str, Document]:
    return {document["id"]: document for name in LISTS for document in environment.get(name, [])}


# Forms


@ONE_STORE
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/xml", "application/xml"),
        ("text/html, application/xml;q=0.9, */*;q=0.1", "application/xml"),
        ("application/xml;q=0, */*", "application/json"),
        *((name, name) for name in OFFERED),
    ],
)
async def test_the_form_that_is_accepted(client: ClientSession, accept: str, content_type: str) -> None:
    await put_in(client, *LINE)
    answer = await client.get("/serialization", headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    body = await answer.read()
    read = reader.read(io.BytesIO(body))
    assert by_id(read.environment) == by_id({"submodels": LINE})
    assert read.findings == []
    assert (body[:2] == b"PK") == (content_type not in ("application/json", "application/xml"))


@ONE_STORE
@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/json;q=0", "application/pdf, text/plain"])
async def test_a_form_that_is_not_offered(client: ClientSession, accept: str) -> None:
    text = await refused(await client.get("/serialization", headers={"Accept": accept}), 406)
    assert all(name in text for name in OFFERED)


TYPES = st.sampled_from([*OFFERED, "*/*", "application/*", "text/html", "image/png", ""])
WEIGHTS = st.sampled_from(
    ["", ";q=0", ";q=0.0", ";q=0.3", ";q=1", ";q=", ";q=x", ";q=.", ";q=\u00b2", ";q=-1", ";a=b;q=0.7"]
)


@given(st.one_of(st.text(), st.lists(st.tuples(TYPES, WEIGHTS).map("".join)).map(", ".join)))
def test_any_accept_header_is_understood_or_refused(accept: str) -> None:
    try:
        assert chosen(accept, OFFERED) in OFFERED
    except NotAcceptable as refusal:
        assert repr(accept) in str(refusal)  # noqa: PT017 -- either outcome is right


@given(st.sampled_from(OFFERED), st.sampled_from(OFFERED))
def test_the_greater_weight_wins(one: str, other: str) -> None:
    assert chosen(f"{one};q=0.4, {other};q=0.5", OFFERED) == other


async def test_xml_is_of_the_namespace_of_31(client: ClientSession) -> None:
    await put_in(client, *LINE)
    body = await exported(client, accept="application/xml")
    assert b"https://admin-shell.io/aas/3/1" in body
    assert by_id(xml.read(body)) == by_id({"submodels": LINE})


async def test_the_environment_in_a_package_may_be_json(client: ClientSession) -> None:
    await put_in(client, *LINE)
    for query, suffix in (("", ".xml"), ("?json=true", ".json")):
        names = zipfile.ZipFile(io.BytesIO(await exported(client, query, AASX))).namelist()
        assert [
            name for name in names if name.startswith("aasx/") and name.endswith(("content.xml", "content.json"))
        ] == [f"aasx/{suffix[1:]}/content{suffix}"]


async def test_an_empty_server_exports_an_empty_environment(client: ClientSession) -> None:
    assert json.loads(await exported(client)) == {}
    assert by_id(xml.read(await exported(client, accept="application/xml"))) == {}


# Selection


def parameter(name: str, *identifiers: str, comma: bool = False) -> str:
    if comma:
        return f"{name}=" + ",".join(map(b64, identifiers))
    return "&".join(f"{name}={b64(identifier)}" for identifier in identifiers)


async def test_everything_without_ids(client: ClientSession) -> None:
    await put_in(client, *LINE)
    assert sorted(await ids(client)) == sorted(document["id"] for document in LINE)


@pytest.mark.parametrize("comma", [False, True])
async def test_shells_bring_their_submodels(client: ClientSession, comma: bool) -> None:
    await put_in(client, *LINE)
    query = "?" + parameter("aasIds", "urn:s:1", "urn:s:2", comma=comma)
    assert await ids(client, query) == ["urn:s:1", "urn:s:2", "urn:x:1", "urn:x:2", "urn:c:1"]
    assert await ids(client, "?" + parameter("aasIds", "urn:s:1")) == ["urn:s:1", "urn:x:1"]


async def test_submodels_alone_and_both(client: ClientSession) -> None:
    await put_in(client, *LINE)
    assert await ids(client, "?" + parameter("submodelIds", "urn:x:2", "urn:x:1", "urn:x:2")) == [
        "urn:x:2",
        "urn:x:1",
        "urn:c:1",
    ]
    both = "?" + parameter("aasIds", "urn:s:1") + "&" + parameter("submodelIds", "urn:x:2")
    assert await ids(client, both) == ["urn:s:1", "urn:x:2", "urn:c:1"]


@pytest.mark.parametrize(("flag", "included"), [("True", True), ("true", True), ("False", False), ("false", False)])
async def test_concept_descriptions_on_demand(client: ClientSession, flag: str, included: bool) -> None:
    await put_in(client, *LINE)
    for query, expected in (
        ("?", {"urn:c:1", "urn:c:unused"}),
        ("?" + parameter("aasIds", "urn:s:2") + "&", {"urn:c:1"}),
    ):
        found = await ids(client, f"{query}includeConceptDescriptions={flag}")
        assert {each for each in found if each.startswith("urn:c")} == (expected if included else set())


@pytest.mark.parametrize("name", ["aasIds", "submodelIds"])
async def test_an_id_that_is_not_there(client: ClientSession, name: str) -> None:
    await put_in(client, *LINE)
    for accept in ("application/json", AASX):
        answer = await client.get(f"/serialization?{parameter(name, 'urn:no')}", headers={"Accept": accept})
        assert "'urn:no'" in await refused(answer, 404)
    await refused(await client.get(f"/serialization?{name}=!!"), 400)


async def test_concepts_bring_along_those_that_they_refer_to(client: ClientSession) -> None:
    """A Submodel as the type of a semantic id's key; a case of a concept whose unit is a third; a ring of two."""
    await put_in(
        client,
        submodel("urn:x:1", prop("P", semanticId=model("urn:c:1"))),
        concept("urn:c:1", isCaseOf=[external("urn:c:2")]),
        concept("urn:c:2", isCaseOf=[external("urn:c:3"), external("urn:c:1")]),
        concept("urn:c:3"),
        concept("urn:c:other", isCaseOf=[external("urn:c:1")]),
    )
    found = await ids(client, f"?{parameter('submodelIds', 'urn:x:1')}")
    assert found == ["urn:x:1", "urn:c:1", "urn:c:2", "urn:c:3"]


async def test_the_old_version_answers_too(client: ClientSession) -> None:
    await put_in(client, *LINE)
    answer = await client.get(f"/api/v3.0/serialization?{parameter('aasIds', 'urn:s:1')}=")
    assert answer.status == 200


# There and back


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[ClientSession, ClientSession]]:
    """Clients of two servers with a store each."""
    async with AsyncExitStack() as stack:

        async def client(name: str) -> ClientSession:
            settings = Settings(port=0, store=f"sqlite:///{tmp_path / name}.db")
            repository = await stack.enter_async_context(open_repository(settings))
            server = await stack.enter_async_context(listening(repository, settings))
            return await stack.enter_async_context(ClientSession(server.url))

        yield await client("one"), await client("two")


async def parts(client: ClientSession, environment: Document) -> dict[str, str]:
    """SHA-256 of every file that the documents of an environment name, by where it is read."""
    found = {}
    for document in environment.get("submodels", []):
        root = f"/submodels/{b64(document['id'])}"
        paths = await (await client.get(f"{root}/$path")).json()
        for path in paths:
            answer = await client.get(
                f"{root}/submodel-elements/{path.replace('[', '%5B').replace(']', '%5D')}/attachment"
            )
            if answer.status == 200:
                found[f"{document['id']} {path}"] = hashlib.sha256(await answer.read()).hexdigest()
    for document in environment.get("assetAdministrationShells", []):
        answer = await client.get(f"/shells/{b64(document['id'])}/asset-information/thumbnail")
        if answer.status == 200:
            found[document["id"]] = hashlib.sha256(await answer.read()).hexdigest()
    return found


FILE = {"modelType": "File", "idShort": "Manual", "contentType": "text/plain"}


async def with_files(client: ClientSession) -> None:
    """Two submodels with different files of one name, one with the same file under two elements, a thumbnail."""
    await put_in(client, shell("urn:s:1", "urn:x:1", "urn:x:2"), submodel("urn:x:1", FILE), submodel("urn:x:2", FILE))
    await put_in(client, submodel("urn:x:3", FILE, {**FILE, "idShort": "Copy"}))
    contents = {
        "urn:x:1/Manual": b"one",
        "urn:x:2/Manual": os.urandom(3 << 18),
        "urn:x:3/Manual": b"3",
        "urn:x:3/Copy": b"3",
    }
    for place, content in contents.items():
        identifier, _, element = place.partition("/")
        url = f"/submodels/{b64(identifier)}/submodel-elements/{element}/attachment"
        assert (await client.put(url, data=form(content, "ä manual.txt", "text/plain"))).status == 204
    url = f"/shells/{b64('urn:s:1')}/asset-information/thumbnail"
    assert (await client.put(url, data=form(b"png", "t.png", "image/png"))).status == 204


@pytest.mark.parametrize("query", ["", "?json=true"])
async def test_a_package_brings_everything_into_another_store(
    two: tuple[ClientSession, ClientSession], query: str
) -> None:
    source, target = two
    await with_files(source)
    package = await exported(source, query, AASX)
    answer = await target.post("/upload", data=io.BytesIO(package))
    assert (answer.status, (await answer.json())["findings"]) == (201, [])
    before, after = json.loads(await exported(source)), json.loads(await exported(target))
    hashes = await parts(source, before)
    assert len(hashes) == 5
    assert await parts(target, after) == hashes
    assert unnamed(after) == unnamed(before)
    assert await exported(target, query, AASX) == await exported(target, query, AASX)
    again = await exported(target, query, AASX)
    await source.post("/upload", data=io.BytesIO(again))
    assert await exported(source, query, AASX) == again


def unnamed(value: Any) -> Any:
    """Documents without the names of their files: of two of one name, one is renamed in a package."""
    match value:
        case list():
            return [unnamed(each) for each in value]
        case {"modelType": "File", "value": str()}:
            return {**value, "value": "a file"}
        case dict():
            return {key: unnamed(each) for key, each in value.items()}
        case _:
            return value


async def test_the_examples_come_back_equal(two: tuple[ClientSession, ClientSession]) -> None:
    source, target = two
    await source.post("/upload", data=io.BytesIO(CONVEYOR))
    await target.post("/upload", data=io.BytesIO(await exported(source, "", AASX)))
    assert by_id(json.loads(await exported(target))) == by_id(json.loads(CONVEYOR))


async def test_the_form_of_the_package_is_read_whatever_is_asked_for(client: ClientSession) -> None:
    answer = await client.get("/serialization?json=perhaps", headers={"Accept": "application/json"})
    assert answer.status == 400
    assert "json" in await answer.text()
