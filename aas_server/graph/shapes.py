"""SHACL: whether the official RDF of documents has the shapes that a file describes. pyshacl looks, where it is there.

The shapes that come with metamodel 3.1 have faults: they want the text of five kinds of language strings under names
that nothing has, and their patterns are written for halves of characters, as some languages have them. These are put
right, and told. What shapes take from the ontology (what is a kind of what, which members an enumeration has) is made
from the table of the metamodel.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aas_server.graph import rdf
from aas_server.graph.quads import AAS, INDEX, STRING, TYPE, Node, Term, Text, Triple, member, properties, triples
from aas_server.graph.terms import RDFS
from aas_server.model import Document, kind_of
from aas_server.model.errors import Finding, Malformed, NotInstalled, Unsupported
from aas_server.model.metamodel import CHOICES, CLASSES, ENUMERATIONS, REGISTERED, ancestors

if TYPE_CHECKING:
    from rdflib import Graph

SH = "http://www.w3.org/ns/shacl#"
SUBCLASS = f"{RDFS}subClassOf"
TEXT = f"{AAS}AbstractLangString/text"
_MISNAMED = re.compile(re.escape(AAS) + r"LangString\w+/text\Z")
#: Characters beyond U+FFFF as UTF-16 has them; pyshacl sees whole ones.
_HALVES = re.compile(re.escape(r"\ud800[\udc00-\udfff]|[\ud801-\udbfe][\udc00-\udfff]|\udbff[\udc00-\udfff]"))
#: How pyshacl writes numbers.
_LITERAL = re.compile(r'Literal\("([^"]*)"[^)]*\)')
#: Characters of a message, and of the value that it is about.
MESSAGE, VALUE = 300, 80


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes to check documents against, and what was put right in them."""

    graph: "Graph"
    mended: tuple[str, ...]


def opened(path: Path) -> Shapes:
    """The shapes in a file. Raises NotInstalled, Malformed, Unsupported, OSError."""
    try:
        import pyshacl  # noqa: F401 - asked for before anything is read
    except ImportError:
        raise NotInstalled("shapes need pyshacl: pip install 'aas-server[shacl]'") from None
    graph = _read(path)
    if not any(str(each).startswith(AAS) for each in graph.objects(None, _iri(f"{SH}targetClass"))):
        raise Unsupported(f"{path} has no shapes for classes of {AAS}")
    return Shapes(graph, _mended(graph))


def _read(path: Path) -> "Graph":
    from rdflib.util import guess_format

    body = path.read_bytes()
    try:
        return rdf.empty().parse(data=body, format=guess_format(path.name) or "turtle")
    except Exception as error:  # each parser of rdflib has its own
        raise Malformed(f"{path} cannot be read as RDF: {str(error).strip()[:MESSAGE]}") from None


def _mended(graph: "Graph") -> tuple[str, ...]:
    """Puts right what is known to be wrong; returns what it was."""
    texts = _replace(graph, "path", _MISNAMED, TEXT)
    patterns = _replace(graph, "pattern", _HALVES, r"[\\U00010000-\\U0010ffff]")
    said = (
        (texts, f"{texts} shapes look for the text of language strings where there can be none"),
        (patterns, f"{patterns} patterns see two characters in each of those that UTF-16 writes as two"),
    )
    return tuple(words for count, words in said if count)


def _replace(graph: "Graph", name: str, wrong: re.Pattern[str], right: str) -> int:
    """Replaces in all values of a property of SHACL; returns in how many."""
    import rdflib

    property_ = _iri(SH + name)
    found = [(shape, value) for shape, value in graph.subject_objects(property_) if wrong.search(str(value))]
    for shape, value in found:
        graph.remove((shape, property_, value))
        made = rdflib.Literal if isinstance(value, rdflib.Literal) else rdflib.URIRef
        graph.add((shape, property_, made(wrong.sub(right, str(value)))))
    return len(found)


def check(document: Document, shapes: Shapes) -> list[Finding]:
    """What is found in a document whose JSON has the form of its class; the constraint is the name of SHACL's.

    Raises Malformed for shapes that cannot be used.
    """
    from rdflib import RDF

    said = list(triples(document, kind_of(document).value))
    graph = rdf.empty()
    for each in (*said, *known()):
        graph.add(tuple(map(_term, each)))
    report, paths = _report(graph, shapes), _paths(said)
    results = report.subjects(RDF.type, _iri(f"{SH}ValidationResult"))
    found = [_finding({name: report.value(each, _iri(SH + name)) for name in _TOLD}, paths) for each in results]
    return sorted(found, key=str)


def _report(graph: "Graph", shapes: Shapes) -> Any:
    import pyshacl
    from pyshacl.errors import ReportableRuntimeError

    try:
        _, report, _ = pyshacl.validate(graph, shacl_graph=shapes.graph, inplace=True)
    except ReportableRuntimeError as error:
        report = error
    if isinstance(report, Exception):
        raise Malformed(f"the shapes cannot be used: {str(report).strip()[:MESSAGE]}")
    return report


#: What is read of a result.
_TOLD = ("focusNode", "resultPath", "value", "resultMessage", "sourceConstraintComponent")


def _finding(result: dict[str, Any], paths: dict[Node, str]) -> Finding:
    inside = paths.get(rdf.label(result["focusNode"]), "")
    name = str(result["resultPath"] or "").rpartition("/")[2]
    value = "" if result["value"] is None else f"{str(result['value'])[:VALUE]!r}: "
    message = _LITERAL.sub(r"\1", str(result["resultMessage"]))[:MESSAGE]
    constraint = str(result["sourceConstraintComponent"]).removeprefix(SH).removesuffix("ConstraintComponent")
    path = ".".join(part for part in (inside, name) if part)
    return Finding(path, f"{value}{message}", constraint)


def _paths(said: Sequence[Triple]) -> dict[Node, str]:
    """The JSON path of each node: those of a document are a tree, parents first."""
    indexes = {node: value.value for node, property_, value in said if property_ == INDEX and isinstance(value, Text)}
    nodes = {node for node, _, _ in said}
    paths = {said[0][0]: ""}
    for node, property_, value in said:
        if isinstance(value, str) and value in nodes and value not in paths:
            step = property_.rpartition("/")[2] + (f"[{indexes.get(value, '0')}]" if property_ in _lists() else "")
            paths[value] = f"{paths[node]}.{step}".removeprefix(".")
    return paths


@cache
def _lists() -> frozenset[str]:
    """The properties that have several values."""
    return frozenset(iri for name in CLASSES for iri, attribute in properties(name).items() if attribute.many)


@cache
def known() -> tuple[Triple, ...]:
    """What shapes take from the ontology: what is a kind of what, and the members of enumerations."""
    classes = [name for name in CLASSES if name not in REGISTERED]
    kinds = [(name, base) for name in classes for base in ancestors(name)[1:]]
    kinds += [(name, base) for base, names in CHOICES.items() for name in names if base not in ancestors(name)]
    kinds += [(name, "AbstractLangString") for name in classes if name.startswith("LangString")]
    used = {each.type for name in classes for each in CLASSES[name]} & ENUMERATIONS.keys()
    members = [(member(name, value), TYPE, AAS + name) for name in sorted(used) for value in ENUMERATIONS[name]]
    return (*((AAS + name, SUBCLASS, AAS + base) for name, base in kinds), *members)


def _iri(text: str) -> Any:
    from rdflib import URIRef

    return URIRef(text)


def _term(term: Term) -> Any:
    from rdflib import BNode, Literal, URIRef

    if isinstance(term, Text):
        return Literal(term.value, datatype=None if term.datatype == STRING else URIRef(term.datatype))
    return BNode(term[2:]) if term.startswith("_:") else URIRef(term)
