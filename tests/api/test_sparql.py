"""SPARQL 1.1 Protocol, item by item, as clients send it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from aas_server.api.sparql import LONGEST
from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.examples import prop, submodel
from tests.serving import serving

EVERY = "SELECT ?path ?value WHERE { ?element g:path ?path ; g:value ?value } ORDER BY ?path"
QUERY = "application/sparql-query"
GRAPH = "/submodels/dXJuOng6MQ"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of two submodels, with little patience, as a process of its own: all tests share its graph."""
    several = [
        submodel("urn:x:1", prop("A", "1.5"), prop("B", "two", "xs:string")),
        submodel("urn:x:2", prop("C", "3")),
    ]
    bounds = ("--graph-timeout", "3", "--graph-answer", "100000", "--graph-memory", str(1 << 28))
    with serving(tmp_path_factory.mktemp("sparql"), {"submodels": several}, *bounds) as url:
        yield url


@pytest.fixture
async def client(server: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server) as session:
        yield session


async def paths(answer: aiohttp.ClientResponse) -> list[str]:
    assert answer.status == 200, await answer.text()
    found = await answer.json(content_type=None)
    return [row["path"]["value"] for row in found["results"]["bindings"]]


async def test_a_query_comes_by_get_and_in_both_ways_by_post(client: aiohttp.ClientSession) -> None:
    by_get = await client.get("/sparql", params={"query": EVERY})
    as_form = await client.post("/sparql", data={"query": EVERY})
    by_itself = await client.post("/sparql", data=EVERY, headers={"Content-Type": QUERY})
    assert [await paths(each) for each in (by_get, as_form, by_itself)] == [["A", "B", "C"]] * 3
    assert by_get.headers["Content-Type"] == "application/sparql-results+json"


SOLUTIONS = {
    "application/sparql-results+json": '"value":"two"',
    "application/sparql-results+xml": "<literal>two</literal>",
    "text/csv": "B,two",
    "text/tab-separated-values": '"B"\t"two"',
    "application/json": '"value":"two"',
    "text/*": "B,two",
    "text/html, application/sparql-results+xml;q=0.9, */*;q=0.1": "<literal>two</literal>",
}
TRIPLES = {
    "text/turtle": "http://e/A",
    "application/n-triples": "<http://e/A>",
    "application/ld+json": '"@id":"http://e/A"',
    "application/rdf+xml": "rdf:Description",
    "application/trig": "http://e/A",
}


@pytest.mark.parametrize("accept", SOLUTIONS)
async def test_solutions_take_the_form_that_is_accepted(client: aiohttp.ClientSession, accept: str) -> None:
    answer = await client.get("/sparql", params={"query": EVERY}, headers={"Accept": accept})
    assert (answer.status, SOLUTIONS[accept] in await answer.text()) == (200, True)
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", TRIPLES)
async def test_triples_take_the_form_that_is_accepted(client: aiohttp.ClientSession, accept: str) -> None:
    query = "CONSTRUCT { <http://e/A> <http://e/v> ?v } WHERE { ?e g:path 'A' ; g:value ?v }"
    answer = await client.get("/sparql", params={"query": query}, headers={"Accept": accept})
    assert (answer.status, TRIPLES[accept] in await answer.text()) == (200, True)
    assert answer.headers["Content-Type"].startswith(accept)


async def test_a_question_of_yes_or_no(client: aiohttp.ClientSession) -> None:
    for name, expected in (("A", True), ("Z", False)):
        answer = await client.get("/sparql", params={"query": f"ASK {{ ?e g:path '{name}' }}"})
        assert (await answer.json(content_type=None))["boolean"] is expected


async def test_prefixes_may_be_declared_or_left_out(client: aiohttp.ClientSession) -> None:
    declared = f"PREFIX g: <urn:aas-server:graph:>\n{EVERY}"
    assert await paths(await client.get("/sparql", params={"query": declared})) == ["A", "B", "C"]


async def test_a_dataset_is_named_by_the_request_or_by_the_query(client: aiohttp.ClientSession) -> None:
    one = f"{str(client._base_url).rstrip('/')}{GRAPH}"
    by_request = {"query": EVERY, "default-graph-uri": one}
    assert await paths(await client.get("/sparql", params=by_request)) == ["A", "B"]
    posted = await client.post(
        "/sparql", params={"default-graph-uri": one}, data=EVERY, headers={"Content-Type": QUERY}
    )
    assert await paths(posted) == ["A", "B"]
    by_query = {"query": EVERY.replace("WHERE", f"FROM <{one}> WHERE")}
    assert await paths(await client.get("/sparql", params=by_query)) == ["A", "B"]
    named = {"query": "SELECT ?path WHERE { GRAPH ?g { ?e g:path ?path } }", "named-graph-uri": one}
    assert sorted(await paths(await client.get("/sparql", params=named))) == ["A", "B"]
    assert await paths(await client.get("/sparql", params={**named, "query": EVERY})) == []


async def test_relative_iris_are_relative_to_the_endpoint(client: aiohttp.ClientSession) -> None:
    relative = f"SELECT ?path FROM <{GRAPH}> WHERE {{ ?e g:path ?path }} ORDER BY ?path"
    assert await paths(await client.get("/sparql", params={"query": relative})) == ["A", "B"]


async def test_without_a_query_the_service_describes_itself(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/sparql")
    assert (answer.status, answer.content_type) == (200, "text/turtle")
    assert "sd:UnionDefaultGraph" in await answer.text()


def typed(body: str | bytes, media_type: str) -> dict[str, Any]:
    return {"data": body, "headers": {"Content-Type": media_type}}


def form(query: str, accept: str = "*/*") -> dict[str, Any]:
    return {"data": {"query": query}, "headers": {"Accept": accept}}


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no query": ({"data": {"other": "x"}}, 400, "0 parameters query"),
    "two queries": ({"data": [("query", EVERY), ("query", EVERY)]}, 400, "2 parameters query"),
    "no sense": (form("SELECT nothing"), 400, "cannot be read: error at 1:"),
    "an update by form": ({"data": {"update": "CLEAR ALL"}}, 403, "updates are not carried out"),
    "an update by itself": (typed("CLEAR ALL", "application/sparql-update"), 403, "updates are not carried out"),
    "an update as query": (form("INSERT DATA { <a:a> <a:b> <a:c> }"), 403, "updates are not carried out"),
    "an unknown prefix": (form("SELECT * { ?s foaf:name ?x }"), 400, "the prefix foaf: is not declared; known without"),
    "another media type": (typed(EVERY, "text/plain"), 415, "application/sparql-query"),
    "no UTF-8": (typed(b"\xff", QUERY), 400, "not UTF-8"),
    "another charset": (typed(EVERY, f"{QUERY}; charset=utf-16"), 400, "must be in UTF-8"),
    "nothing acceptable": (form(EVERY, "image/png"), 406, "text/csv"),
    "a form that no boolean has": (form("ASK {}", "text/csv"), 406, "offered are"),
    "another server": (form("SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }"), 403, "SERVICE"),
    "a long query": (form(f"# {'x' * LONGEST}\n{EVERY}"), 413, "characters"),
    "a large body": (typed(b"#" * 500_000, QUERY), 413, "bytes"),
    "a graph that is no IRI": ({"data": {"query": EVERY, "default-graph-uri": "no iri"}}, 400, "'no iri' is no IRI"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_answered_is_told_as_a_result(client: aiohttp.ClientSession, what: str) -> None:
    sent, status, words = REFUSED[what]
    answer = await client.post("/sparql", **sent)
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert words in (await answer.json())["messages"][0]["text"]


async def test_other_methods_are_not_offered(client: aiohttp.ClientSession) -> None:
    assert (await client.put("/sparql", data="x")).status == 405


# --- queries that would do harm

PRODUCT = " . ".join(f"?a{n} ?b{n} ?c{n}" for n in range(8))
HARMFUL = {
    "a cross product": (f"SELECT (COUNT(*) AS ?n) WHERE {{ {PRODUCT} }}", "takes longer"),
    "a cross product in order": (f"SELECT * WHERE {{ {PRODUCT} }} ORDER BY DESC(?a7)", "more memory|takes longer"),
    "a huge graph": (f"CONSTRUCT {{ ?a0 ?b1 ?c2 }} WHERE {{ {PRODUCT} }}", "LIMIT|takes longer"),
    "a huge answer": (f"SELECT * WHERE {{ {PRODUCT} }}", "LIMIT|takes longer"),
}


@pytest.mark.parametrize("what", HARMFUL)
async def test_a_harmful_query_ends_and_others_go_on(client: aiohttp.ClientSession, what: str) -> None:
    query, words = HARMFUL[what]
    answer = await client.post("/sparql", data={"query": query})
    assert answer.status in (400, 413)
    text = (await answer.json())["messages"][0]["text"]
    assert any(word in text for word in words.split("|")), text
    assert await paths(await client.get("/sparql", params={"query": EVERY})) == ["A", "B", "C"]


CALLS = (
    "SELECT * {{ SERVICE <{url}> {{ ?s ?p ?o }} }}",
    "SELECT * {{ sErViCe SILENT <{url}> {{ ?s ?p ?o }} }}",
    "SELECT * {{ BIND(<{url}> AS ?x) SERVICE ?x {{ ?s ?p ?o }} }}",
    "SELECT * FROM <{url}> {{ ?s ?p ?o }}",
    "SELECT * FROM NAMED <{url}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "SELECT * FROM <file:///etc/passwd> {{ ?s ?p ?o }}",
    "SELECT * {{ GRAPH <{url}> {{ ?s ?p ?o }} }}",
    "DESCRIBE <{url}>",
)


@pytest.mark.parametrize("query", CALLS)
async def test_no_query_calls_out(client: aiohttp.ClientSession, query: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening_socket:
        listening_socket.setblocking(False)
        url = f"http://127.0.0.1:{listening_socket.getsockname()[1]}/"
        answer = await client.post("/sparql", data={"query": query.format(url=url)})
        assert "root:" not in await answer.text()
        with pytest.raises(BlockingIOError):
            listening_socket.accept()


async def test_it_can_be_switched_off() -> None:
    settings = Settings(port=0, store="sqlite:///:memory:", graph="off")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        answer = await session.get("/sparql", params={"query": EVERY})
        assert (answer.status, "switched off" in await answer.text()) == (501, True)


async def test_where_processes_do_not_fork_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(port=0, store="sqlite:///:memory:")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        monkeypatch.delattr(os, "fork")
        answer = await session.get("/sparql", params={"query": EVERY})
        assert (answer.status, "such as Linux or macOS" in await answer.text()) == (501, True)
        assert (await (await session.get("/graph")).json())["state"] == "waiting"


async def test_a_function_that_nobody_knows_is_told(client: aiohttp.ClientSession) -> None:
    query = "SELECT (<urn:nobody>(1) AS ?x) { ?s g:path ?p }"
    answer = await client.get("/sparql", params={"query": query})
    assert (answer.status, "the query cannot be answered: " in await answer.text()) == (400, True)


async def test_who_has_gone_takes_nobodys_place(server: str, client: aiohttp.ClientSession) -> None:
    """As many as may run and wait ask what takes long, and go."""
    host, port = server.removeprefix("http://").split(":")
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l } ORDER BY ?c ?f ?i ?l"
    body = f"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: {QUERY}\r\nContent-Length: {len(query)}\r\n\r\n{query}"
    connections = [await asyncio.open_connection(host, int(port)) for _ in range(22)]
    for _, writer in connections:
        writer.write(body.encode())
        await writer.drain()
    while (await client.get("/sparql", params={"query": "ASK {}"})).status != 503:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()
    answers = [await client.get("/sparql", params={"query": "ASK {}"}) for _ in range(5)]
    assert [answer.status for answer in answers][1:] == [200] * 4  # the first may come before they are known to be gone
