"""The query tests of the W3C, as `/sparql` answers them: `python -m conformance.sparql FOLDER`.

FOLDER is `sparql/sparql11` of a checkout of github.com/w3c/rdf-tests, which is no part of this project. Tests of the
query language, of its syntax and of the forms of results are run; updates, entailment and federation are not offered.
"""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import click
import pyoxigraph as ox
import rdflib
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.query import Result

from aas_server.graph.querying import answer
from aas_server.model.errors import Problem

MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
QT = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-query#")
RS = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/result-set#")
#: The manifests that speak of what is offered.
MANIFESTS = ("manifest-sparql11-query.ttl", "manifest-sparql11-results.ttl")
#: What answers are asked for as, to be compared with files of these endings.
ACCEPTED = {
    ".srx": "application/sparql-results+xml", ".srj": "application/sparql-results+json", ".csv": "text/csv",
    ".tsv": "text/tab-separated-values", ".ttl": "text/turtle, application/sparql-results+json",
    ".rdf": "text/turtle, application/sparql-results+json",
}  # fmt: skip
#: What stands for the default graph of a test: here all graphs have names.
DEFAULT = "urn:conformance:default"


@dataclass(slots=True)
class Test:
    """One entry of a manifest."""

    name: str
    kind: str
    query: Path
    data: list[Path] = field(default_factory=list)
    graphs: list[Path] = field(default_factory=list)
    result: Path | None = None


def tests(folder: Path) -> Iterator[Test]:
    for name in MANIFESTS:
        for manifest in _included(folder / name):
            yield from _entries(manifest)


def _included(path: Path) -> Iterator[Path]:
    read = _read(path)
    for several in read.objects(None, MF.include):
        yield from map(_path, Collection(read, several))


def _entries(path: Path) -> Iterator[Test]:
    read = _read(path)
    for several in read.objects(None, MF.entries):
        for entry in Collection(read, several):
            action = read.value(entry, MF.action)
            query = read.value(action, QT.query) or action
            result = read.value(entry, MF.result)
            yield Test(
                str(read.value(entry, MF.name)),
                str(read.value(entry, rdflib.RDF.type)).removeprefix(str(MF)),
                _path(query),
                [_path(each) for each in read.objects(action, QT.data)],
                [_path(each) for each in read.objects(action, QT.graphData) if isinstance(each, rdflib.URIRef)],
                _path(result) if result is not None else None,
            )


def _read(path: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(path, format="turtle", publicID=path.as_uri())


def _path(iri: Any) -> Path:
    return Path(unquote(urlparse(str(iri)).path))


def passes(test: Test) -> bool:
    """Raises whatever goes wrong on the way."""
    text = test.query.read_text(encoding="utf-8")
    if test.kind in ("PositiveSyntaxTest11", "NegativeSyntaxTest11"):
        return _parses(text, test) == (test.kind == "PositiveSyntaxTest11")
    if test.result is None:
        raise ValueError(f"{test.kind} has no result")
    ending = test.result.suffix
    media, body = answer(_store(test), {}, {**_asked(test), "accept": ACCEPTED[ending]}, text)
    if ending == ".csv":
        return _cells(body.decode()) == _cells(test.result.read_text(encoding="utf-8"))
    if media == "text/turtle":
        return isomorphic(rdflib.Graph().parse(data=body, format="turtle"), _graph(test.result))
    return isomorphic(_table(_result(body, media)), _table(_expected(test.result)))


def _parses(text: str, test: Test) -> bool:
    try:
        answer(ox.Store(), {}, {**_asked(test), "accept": "*/*"}, text)
    except Problem:
        return False
    return True


def _store(test: Test) -> ox.Store:
    store = ox.Store()
    for path, name in [*((path, DEFAULT) for path in test.data), *((path, path.as_uri()) for path in test.graphs)]:
        form = ox.RdfFormat.from_extension(path.suffix[1:])
        store.load(path=str(path), format=form, base_iri=path.as_uri(), to_graph=ox.NamedNode(name))
    return store


def _asked(test: Test) -> dict[str, Any]:
    named = [path.as_uri() for path in test.graphs]
    return {"base": test.query.as_uri(), "default": [DEFAULT], "named": named, "size": 1 << 24}


# Answers as graphs: a row is a node of its own, so that rows may be equal, and blank nodes have any name


def _result(body: bytes, media: str) -> Result:
    forms = {name: name.rpartition("+")[2] for name in ACCEPTED.values() if "+" in name}
    return Result.parse(io.BytesIO(body), format={"text/tab-separated-values": "tsv", **forms}[media])


def _cells(text: str) -> list[list[str]]:
    """The rows of a CSV answer; numbers by their value, blank nodes whatever their name."""
    rows = csv.reader(io.StringIO(text.replace("\r\n", "\n")))
    return sorted([_cell(each) for each in row] for row in rows)


def _cell(text: str) -> str:
    if text.startswith("_:"):
        return "_:"
    try:
        return repr(float(text))
    except ValueError:
        return text


def _plain(value: Any) -> Any:
    """Numbers by their value, for one has many spellings; the case of languages does not count."""
    if isinstance(value, rdflib.Literal) and isinstance(value.value, (int, float, Decimal)):
        exact = isinstance(value.value, int)
        spelled = str(value.value).lower() if exact else repr(float(value.value))
        return rdflib.Literal(spelled, datatype=value.datatype, normalize=False)
    if isinstance(value, rdflib.Literal) and value.datatype == rdflib.XSD.string:
        return rdflib.Literal(str(value))
    return value


def _expected(path: Path) -> Any:
    if path.suffix in (".ttl", ".rdf"):
        return _graph(path)
    return _result(path.read_bytes(), ACCEPTED[path.suffix])


def _graph(path: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(path, publicID=path.as_uri())


def _table(found: Any) -> rdflib.Graph:
    table = rdflib.Graph()
    if isinstance(found, rdflib.Graph):  # a result set in the vocabulary of the tests
        for row in found.objects(None, RS.solution):
            this = rdflib.BNode()
            table.add((this, rdflib.RDF.type, RS.solution))
            for binding in found.objects(row, RS.binding):
                name = found.value(binding, RS.variable)
                table.add((this, RS[str(name)], _plain(found.value(binding, RS.value))))
        return table
    if found.type == "ASK":
        table.add((RS.answer, RS.boolean, rdflib.Literal(found.askAnswer)))
        return table
    for row in found.bindings:
        this = rdflib.BNode()
        table.add((this, rdflib.RDF.type, RS.solution))
        for variable, value in row.items():
            table.add((this, RS[str(variable)], _plain(value)))
    return table


def main(folder: Path) -> int:
    rdflib.NORMALIZE_LITERALS = False
    counts: Counter[str] = Counter()
    failed = []
    for test in tests(folder):
        try:
            passed = passes(test)
            why = "" if passed else "the answer is another one"
        except Exception as error:  # a test that cannot be run is one that fails
            passed, why = False, f"{type(error).__name__}: {error}"
        counts["passed" if passed else "failed"] += 1
        if not passed:
            failed.append(f"{test.query.parent.name}: {test.name}: {why[:160]}")
    for each in failed:
        click.echo(each)
    click.echo(f"{counts['passed']} of {counts.total()} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
