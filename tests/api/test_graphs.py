"""The graph beside its queries: Graph Store reads, VoID, the vocabulary, and who may see what."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO, StringIO

import aiohttp
import pandas
import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from aas_server.api.keys import GRAPH
from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings
from aas_server.graph.terms import CLASSES, FUNCTIONS, NS, PROPERTIES
from aas_server.linked.process import Question
from tests.examples import b64, prop, shell, submodel

TURTLE = {"Accept": "text/turtle"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    settings = Settings(port=0, store="sqlite:///:memory:", graph="start")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Two shells of one asset, with a submodel each, that are in the graph."""
    async with aiohttp.ClientSession(server.url) as session:
        for number in "12":
            at = f"urn:x:{number}"
            assert (await session.post("/submodels", json=submodel(at, prop("A", number)))).status == 201
            about = shell(f"urn:s:{number}", at, globalAssetId=f"urn:a:{number}", assetType="urn:kind")
            assert (await session.post("/shells", json=about)).status == 201
        while (await (await session.get("/graph")).json())["position"] < server.repository.documents.newest:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.6)  # a snapshot may be half a second old
        yield session


# SPARQL 1.1 Graph Store HTTP Protocol, reads


async def test_a_graph_is_read_by_its_name(server: Server, client: aiohttp.ClientSession) -> None:
    name = f"{server.url}/submodels/{b64('urn:x:1')}"
    answer = await client.get("/rdf-graphs", params={"graph": name}, headers=TURTLE)
    assert (answer.status, answer.content_type) == (200, "text/turtle")
    read = rdflib.Graph().parse(data=await answer.text(), format="turtle")
    values = list(read.objects(None, rdflib.URIRef(f"{NS}value")))
    assert [float(str(value)) for value in values] == [1.0]
    assert (await client.head("/rdf-graphs", params={"graph": name})).status == 200


async def test_all_graphs_together_are_the_default_graph(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/rdf-graphs?default", headers={"Accept": "application/n-triples"})
    assert (answer.status, len((await answer.text()).splitlines()) > 20) == (200, True)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "either `default` or `graph` with the IRI of a graph is needed, once"),
        ("?default&graph=urn:x", 400, "either `default` or `graph` with the IRI of a graph is needed, once"),
        ("?graph=urn:x&graph=urn:y", 400, "either `default` or `graph` with the IRI of a graph is needed, once"),
        ("?graph=relative", 400, "graph is 'relative', which is no absolute IRI"),
        ("?graph=urn:x%3E%20%7B%7D", 400, "graph is 'urn:x> {}', which is no absolute IRI"),
        ("?graph=urn:nobody", 404, "there is no graph urn:nobody"),
    ],
)
async def test_graphs_that_cannot_be_read(client: aiohttp.ClientSession, query: str, status: int, words: str) -> None:
    answer = await client.get(f"/rdf-graphs{query}")
    assert (answer.status, (await answer.json())["messages"][0]["text"]) == (status, words)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_graphs_are_not_written(client: aiohttp.ClientSession, method: str) -> None:
    answer = await client.request(method, "/rdf-graphs?default", data="")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_a_form_that_no_graph_has(client: aiohttp.ClientSession) -> None:
    assert (await client.get("/rdf-graphs?default", headers={"Accept": "text/csv"})).status == 406
    assert (await client.get("/ns/graph", headers={"Accept": "text/csv"})).status == 406


# What is said of it


async def test_the_dataset_is_described(server: Server, client: aiohttp.ClientSession) -> None:
    read = rdflib.Graph().parse(data=await (await client.get("/.well-known/void")).text(), format="turtle")
    void = rdflib.Namespace("http://rdfs.org/ns/void#")
    (dataset,) = read.subjects(rdflib.RDF.type, void.Dataset)
    assert read.value(dataset, void.sparqlEndpoint) == rdflib.URIRef(f"{server.url}/sparql")
    size = read.value(dataset, void.triples)
    assert isinstance(size, rdflib.Literal)
    assert size.toPython() == (await (await client.get("/graph")).json())["statements"]


async def test_every_term_is_described_where_it_says(server: Server, client: aiohttp.ClientSession) -> None:
    read = rdflib.Graph().parse(data=await (await client.get("/ns/graph")).text(), format="turtle")
    for name in (*CLASSES, *PROPERTIES, *FUNCTIONS):
        term = rdflib.URIRef(NS + name)
        assert read.value(term, rdflib.RDFS.isDefinedBy) == rdflib.URIRef(f"{server.url}/ns/graph")
        assert str(read.value(term, rdflib.RDFS.comment)).endswith(".")


async def test_alignments_are_asked_like_anything_else(client: aiohttp.ClientSession) -> None:
    query = """PREFIX iso: <urn:aas-server:iso23247:> SELECT DISTINCT ?thing {
        ?thing a/rdfs:subClassOf iso:ObservableManufacturingElement } ORDER BY ?thing"""
    answer = await client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
    assert (await answer.text()).split() == ["thing", "urn:a:1", "urn:a:2"]


# Who may see what


async def test_what_is_hidden_is_not_there_not_even_counted(server: Server, client: aiohttp.ClientSession) -> None:
    graph = server.app[GRAPH]
    hidden = tuple(f"{server.url}/{each}" for each in (f"shells/{b64('urn:s:2')}", f"submodels/{b64('urn:x:2')}"))

    async def counted(query: str, *hidden: str) -> str:
        asked = Question(f"SELECT (COUNT(*) AS ?n) {{ {query} }}", "text/csv", server.url, hidden=hidden)
        return (await graph.ask(asked)).body.decode().split()[1]

    for query in (
        "?s a g:Shell",
        "?s a g:Submodel",
        "?x g:path ?y",
        "?a a <urn:kind>",
        "?a g:submodel ?s . ?a a g:Asset",
    ):
        assert (query, await counted(query), await counted(query, *hidden)) == (query, "2", "1")
    assert await counted("GRAPH ?g { ?s a g:Asset }", *hidden) == "1"
    assert await counted("?s a g:Shell") == "2"


# Clients that people use


async def test_rdflib_asks_it_as_a_store(server: Server, client: aiohttp.ClientSession) -> None:
    def ask() -> list[str]:
        store = SPARQLStore(f"{server.url}/sparql", method="GET")
        rows = rdflib.Graph(store).query(f"SELECT ?s {{ ?s a <{NS}Shell> }} ORDER BY ?s")
        return [str(row[0]) for row in rows]  # type: ignore[index]

    assert await asyncio.to_thread(ask) == ["urn:s:1", "urn:s:2"]


async def test_pandas_reads_its_answers(server: Server, client: aiohttp.ClientSession) -> None:
    query = "SELECT ?path ?value { ?x g:path ?path ; g:value ?value } ORDER BY ?value"
    answer = await client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
    frame = pandas.read_csv(BytesIO(await answer.read()))
    assert frame["value"].tolist() == [1.0, 2.0]

    def read() -> float:
        options = {"Accept": "text/csv"}
        where = f"{server.url}/sparql?query=SELECT%20?value%20%7B%20?x%20g:value%20?value%20%7D"
        return float(pandas.read_csv(where, storage_options=options)["value"].sum())

    assert await asyncio.to_thread(read) == 3.0


async def test_curl_asks_it_as_the_documentation_says(server: Server, client: aiohttp.ClientSession) -> None:
    query = "query=SELECT ?value WHERE { ?x g:value ?value } ORDER BY ?value"
    command = ["curl", "-sG", f"{server.url}/sparql", "-H", "Accept: text/csv", "--data-urlencode", query]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert StringIO(told.decode()).read().split() == ["value", "1", "2"]
