"""The official mapping in the syntaxes of RDF. rdflib, because it speaks all four and comes along without the graph."""

import io
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from aas_server.graph.quads import AAS, LANGUAGE, STRING, Described, Node, Placed, Term, Text, document, lines, triples
from aas_server.graph.terms import RDF, XSD
from aas_server.model import Document
from aas_server.model.errors import Malformed, TooLarge
from aas_server.model.negotiating import JSONLD, NTRIPLES, RDFXML, TURTLE

if TYPE_CHECKING:
    from rdflib import Graph

#: Media types, and what rdflib calls them.
SYNTAXES: Final = {TURTLE: "turtle", JSONLD: "json-ld", NTRIPLES: "nt", RDFXML: "xml"}
#: Bytes that are read: rdflib takes a second for a megabyte.
LARGEST = 4 << 20
#: Statements that are written in another syntax than N-Triples: some seconds.
MOST = 20_000
#: What relative IRIs are relative to: those that are none are ids that are no IRIs.
BASE = "urn:aas-server:graph:base/"
_PREFIXES = {"aas": AAS, "g": "urn:aas-server:graph:", "rdf": RDF, "xsd": XSD}
#: Classes that properties in N-Triples are defined by.
_CLASS = re.compile(rf" <{re.escape(AAS)}(\w+)/\w+> ")
_DECLARED = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def written(instance: Document, class_name: str, media_type: str, placed: Placed) -> bytes:
    """An instance of a class of the metamodel in a syntax of RDF. Raises TooLarge."""
    text = lines(triples(instance, class_name, placed))
    if media_type == NTRIPLES:
        return text.encode()
    if (count := text.count("\n")) > MOST:
        raise TooLarge(f"{count} statements are too many for {media_type}: at most {MOST}, or any number as {NTRIPLES}")
    graph = empty()
    graph.parse(data=text, format="nt")
    classes = sorted(set(_CLASS.findall(text)))
    for prefix, namespace in {**_PREFIXES, **{each.lower(): f"{AAS}{each}/" for each in classes}}.items():
        graph.bind(prefix, namespace)
    return bytes(graph.serialize(format=SYNTAXES[media_type], encoding="utf-8"))


def read(body: bytes, media_type: str, class_name: str) -> Document:
    """The instance of a class that a graph describes. Raises Malformed, TooLarge."""
    if len(body) > LARGEST:
        raise TooLarge(f"the graph has {len(body)} bytes; at most {LARGEST} are read")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    _check(text, media_type)
    graph = empty()
    try:
        graph.parse(io.StringIO(text), format=SYNTAXES[media_type], publicID=BASE)
    except RecursionError:
        raise Malformed("the graph is nested too deep") from None
    except Exception as error:  # each parser of rdflib has its own
        raise Malformed(f"the body is no {media_type}: {_words(error)}") from None
    return document(described(graph), class_name)


def empty() -> "Graph":
    """Literals stay as they are spelled; loaded late, for starting takes longer with it."""
    import rdflib

    rdflib.NORMALIZE_LITERALS = False
    return rdflib.Graph(bind_namespaces="none")


def described(graph: "Graph") -> Described:
    """A graph of rdflib as plain terms, in its order."""
    found: dict[Node, dict[str, list[Term]]] = {}
    for node in graph.subjects(unique=True):
        said = found[label(node)] = {}
        for property_, value in graph.predicate_objects(node):  # which come as they were read, unlike all of them
            said.setdefault(_whole(str(property_)), []).append(_term(value))
    return found


def label(node: Any) -> Node:
    """A node as a plain term."""
    from rdflib import BNode

    return f"_:{node}" if isinstance(node, BNode) else _whole(str(node))


def _term(value: Any) -> Term:
    from rdflib import Literal

    if isinstance(value, Literal):
        return Text(_whole(str(value)), LANGUAGE if value.language else str(value.datatype or STRING))
    return label(value)


def _check(text: str, media_type: str) -> None:
    """What a parser would follow or expand. Raises Malformed."""
    if media_type == RDFXML and _DECLARED.search(text):
        raise Malformed("document types and entities are not read")
    if media_type == JSONLD:
        try:
            _local(orjson.loads(text))
        except orjson.JSONDecodeError as error:
            raise Malformed(f"the body is no JSON: {error}") from None


def _local(value: Any) -> None:
    """Raises Malformed for a context that stands elsewhere: nothing is fetched."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict() as each:
                if "@import" in each or _elsewhere(each.get("@context")):
                    raise Malformed("the body names a context that is to be fetched; it must stand in the body")
                pending += each.values()
            case list() as several:
                pending += several


def _elsewhere(context: Any) -> bool:
    """Whether a context is named by its address, in however many lists."""
    pending = [context]
    while pending:
        match pending.pop():
            case str():
                return True
            case list() as several:
                pending += several
    return False


def _words(error: Exception) -> str:
    """In one line; parsers show what they have read."""
    return " ".join(_whole(str(error)).split())[:300] or type(error).__name__


def _whole(text: str) -> str:
    """Without halves of characters, which escapes of Turtle can make and nothing can write."""
    return text.encode(errors="replace").decode()
