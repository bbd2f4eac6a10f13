"""SPARQL 1.1 Protocol over the graph: queries by GET and by both forms of POST; updates are refused."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from aas_server.api.fast import Connection
from aas_server.api.keys import GRAPH
from aas_server.api.reading import Call
from aas_server.graph.terms import NS
from aas_server.linked.process import Answer, Question
from aas_server.model.errors import Forbidden, Malformed, TooLarge, Unavailable, Unsupported

FORM, QUERY, UPDATE = "application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update"
#: Bytes of a request that are read, and characters of a query.
LARGEST, LONGEST = 1 << 18, 1 << 16

Parameters = list[tuple[str, str]]


async def get_sparql(call: Call) -> web.Response:
    """Answer a query, or without one say what this service is (SPARQL 1.1 Service Description)."""
    given = list(call.request.query.items())
    if not given:
        return web.Response(text=_described(_here(call)), content_type="text/turtle", headers={"Vary": "Accept"})
    return await _answer(call, given)


async def post_sparql(call: Call) -> web.Response:
    """Answer a query that comes as a form, or by itself with its dataset in the address."""
    declared = call.header("Content-Type").partition(";")[0].strip().lower()
    given = list(call.request.query.items())
    match declared:
        case "application/sparql-query":
            given.append(("query", await _text(call)))
        case "application/x-www-form-urlencoded":
            given += _form(await _text(call))
        case "application/sparql-update":
            raise Forbidden("the graph follows the repository: updates are not carried out")
        case _:
            raise Unsupported(f"Content-Type {declared!r}: a query comes as {QUERY} or {FORM}")
    return await _answer(call, given)


async def _text(call: Call) -> str:
    """The body as text. Raises Malformed where it is not UTF-8, TooLarge."""
    charset = call.request.charset
    if charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise Malformed(f"the body is in {charset!r}; it must be in UTF-8")
    body = bytearray()
    async for piece in call.request.content.iter_any():
        body += piece
        if len(body) > LARGEST:
            raise TooLarge(f"the body has more than {LARGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def _form(text: str) -> Parameters:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:  # too many, or not UTF-8
        raise Malformed(f"the form cannot be read: {error}") from None


async def answered(call: Call, query: str) -> web.Response:
    """The answer to a query of ours, in the form that the client accepts."""
    return await _asked(call, Question(query, call.header("Accept"), _here(call)))


async def _answer(call: Call, given: Parameters) -> web.Response:
    return await _asked(call, _question(call, given))


async def _asked(call: Call, question: Question) -> web.Response:
    found = await _attended(call, call.request.app[GRAPH].ask(question))
    headers = {"Content-Type": found.media_type, "Vary": "Accept", "Cache-Control": "no-cache"}
    if found.media_type.startswith("text/"):
        headers["Content-Type"] += "; charset=utf-8"
    return web.Response(body=found.body, headers=headers)


async def _attended(call: Call, asking: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer, as long as the client is there: whoever has gone takes nobody's place. Raises Unavailable."""
    task, connection = asyncio.ensure_future(asking), call.request.protocol

    def leave() -> None:
        task.cancel()

    if isinstance(connection, Connection):
        connection.left = leave
    try:
        return await task
    except asyncio.CancelledError:
        if call.request.transport is not None and not call.request.transport.is_closing():
            raise  # it is the server that ends
        raise Unavailable("whoever has asked is gone") from None
    finally:
        task.cancel()
        if isinstance(connection, Connection):
            connection.left = None


def _question(call: Call, given: Parameters) -> Question:
    """Raises Malformed, Forbidden, TooLarge."""
    if any(name == "update" for name, _ in given):
        raise Forbidden("the graph follows the repository: updates are not carried out")
    queries = _named(given, "query")
    if len(queries) != 1:
        raise Malformed(f"there are {len(queries)} parameters query; exactly one is needed")
    if len(queries[0]) > LONGEST:
        raise TooLarge(f"the query has {len(queries[0])} characters; at most {LONGEST} are read")
    return Question(
        queries[0],
        call.header("Accept"),
        _here(call),
        tuple(_named(given, "default-graph-uri")),
        tuple(_named(given, "named-graph-uri")),
    )


def _named(given: Iterable[tuple[str, str]], name: str) -> list[str]:
    return [value for known, value in given if known == name]


def _here(call: Call) -> str:
    return f"{call.request.app[GRAPH].root}/sparql"


def _described(here: str) -> str:
    """The service in its own vocabulary, as Turtle."""
    forms = (
        "SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV", "Turtle", "N-Triples",
        "JSON-LD", "RDF_XML", "TriG", "N-Quads",
    )  # fmt: skip
    return f"""\
@prefix sd: <http://www.w3.org/ns/sparql-service-description#> .
@prefix fmt: <http://www.w3.org/ns/formats/> .

<{here}> a sd:Service ;
  sd:endpoint <{here}> ;
  sd:supportedLanguage sd:SPARQL11Query ;
  sd:feature sd:UnionDefaultGraph ;
  sd:resultFormat {", ".join(f"fmt:{form}" for form in forms)} ;
  sd:defaultDataset [ a sd:Dataset ; sd:defaultGraph [ a sd:Graph ] ;
    sd:namedGraph [ a sd:NamedGraph ; sd:name <{NS}shared> ] ] .
"""
