"""The graph beside its queries: single graphs, what it holds, what its terms mean, and whether it is in step."""

import asyncio
import contextlib

from aiohttp import web

from aas_server.api import answering
from aas_server.api.keys import GRAPH, REPOSITORY
from aas_server.api.reading import Call
from aas_server.api.sparql import answered
from aas_server.graph import vocabulary
from aas_server.graph.iris import valid
from aas_server.graph.terms import NS
from aas_server.linked.process import Question
from aas_server.model.errors import Malformed, NotFound, Unavailable
from aas_server.model.negotiating import chosen

TURTLE = "text/turtle"


async def get_graph(call: Call) -> web.Response:
    """How the graph stands: whether it is built, and how far it is in the log."""
    graph = call.request.app[GRAPH]
    shown = {"state": graph.state, "position": graph.position, "newest": call.request.app[REPOSITORY].documents.newest}
    with contextlib.suppress(Unavailable):  # it may be lost at this moment
        if graph.ready:
            shown["statements"] = await graph.size()
    return answering.json(call, shown)


async def get_differences(call: Call) -> web.Response:
    """The graphs that are not as they would be if they were made anew; empty where view and repository agree."""
    found = await call.request.app[GRAPH].differences()
    return answering.json(call, {"differences": found})


async def get_named_graph(call: Call) -> web.Response:
    """One graph, or all of them together (SPARQL 1.1 Graph Store HTTP Protocol, 5.2; indirect identification)."""
    given = call.request.query
    names = [name for name, _ in given.items()]
    if names == ["default"]:
        return await answered(call, "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")
    if names != ["graph"]:
        raise Malformed("either `default` or `graph` with the IRI of a graph is needed, once")
    name = given["graph"]
    if not valid(name):
        raise Malformed(f"graph is {name[:200]!r}, which is no absolute IRI")
    asked = Question(f"ASK {{ GRAPH <{name}> {{ ?s ?p ?o }} }}", "application/sparql-results+json")
    if b"true" not in (await call.request.app[GRAPH].ask(asked)).body:
        raise NotFound(f"there is no graph {name}")
    return await answered(call, f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{name}> {{ ?s ?p ?o }} }}")


async def get_vocabulary(call: Call) -> web.Response:
    """What the terms of the graph mean, and how they stand to those of others, as Turtle."""
    graph = call.request.app[GRAPH]
    alignment = await asyncio.to_thread(graph.alignment)
    return _turtle(call, vocabulary.turtle(graph.root, alignment))


async def get_void(call: Call) -> web.Response:
    """What the graph holds and where it is asked, in the Vocabulary of Interlinked Datasets."""
    graph = call.request.app[GRAPH]
    size: int | None = None
    with contextlib.suppress(Unavailable):
        size = await graph.size() if graph.ready else None
    return _turtle(call, _void(graph.root, size))


def _turtle(call: Call, text: str) -> web.Response:
    """Raises NotAcceptable for who wants another form."""
    chosen(call.header("Accept"), [TURTLE])
    return web.Response(text=text, content_type=TURTLE, headers={"Vary": "Accept", "Cache-Control": "no-cache"})


def _void(root: str, size: int | None) -> str:
    """The number of triples is told where the graph is built."""
    counted = f"\n  void:triples {size} ;" if size is not None else ""
    return f"""\
@prefix void: <http://rdfs.org/ns/void#> .
@prefix dcterms: <http://purl.org/dc/terms/> .

<{root}/.well-known/void> a void:DatasetDescription ; dcterms:title "What this server's graph holds" ;
  void:primaryTopic <{root}/rdf-graphs?default> .
<{root}/rdf-graphs?default> a void:Dataset ;
  dcterms:title "Shells, submodels, concepts and assets as they are now" ;{counted}
  void:sparqlEndpoint <{root}/sparql> ;
  void:dataDump <{root}/rdf-graphs?default> ;
  void:vocabulary <{NS}> , <http://www.w3.org/2004/02/skos/core#> , <http://www.w3.org/2000/01/rdf-schema#> ;
  void:uriSpace "{root}/" ;
  void:feature <http://www.w3.org/ns/formats/Turtle> , <http://www.w3.org/ns/formats/N-Triples> ,
    <http://www.w3.org/ns/formats/JSON-LD> , <http://www.w3.org/ns/formats/RDF_XML> .
"""
