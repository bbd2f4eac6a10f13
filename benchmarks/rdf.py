"""The view by itself, beside rdflib with the same statements and the same queries."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pyoxigraph as ox
import rdflib

from aas_server.app import TABLES
from aas_server.graph.library import library
from aas_server.graph.serving import view_of
from aas_server.graph.terms import PREFIXES
from aas_server.graph.view import View
from aas_server.model import Document, Kind
from aas_server.model.identifiers import encode
from benchmarks import fleet
from benchmarks.fleet import Size, motor
from benchmarks.report import Row, compared

Result = TypeVar("Result")

LOOKUP = 'SELECT ?submodel { ?submodel e:0173-1-02-AAM556-004 "SN-%s" }'
MAKERS = """SELECT ?maker (COUNT(DISTINCT ?asset) AS ?n) {
  ?plate e:0173-1-02-AAO677-004 ?maker . ?asset g:submodel ?plate ; a g:Asset } GROUP BY ?maker"""
#: What is asked of us and of rdflib, without functions of ours.
SHARED = {
    "a serial number": LOOKUP % motor(1, 3),
    "fleet join over three submodels": library(TABLES / "queries")["overheated"]
    .filled({})
    .replace("COALESCE(g:live(?element), ?stored)", "?stored")
    .replace("BIND(g:age(?element) AS ?age)", ""),
    "assets by maker": MAKERS,
}


def beside_rdflib(seconds: float) -> Iterator[Row]:
    """The same statements and queries; a hundred shells, for rdflib does not end on many."""
    size = Size(2)
    view, taken = timed(lambda: _view(size))
    written = bytes(view.store.dump(format=ox.RdfFormat.N_QUADS) or b"").decode()
    plain, loaded = timed(lambda: _plain(written))
    yield Row(
        f"filling the view with {size.shells} shells, projection included",
        f"{taken:.2f} s",
        f"1/{loaded / taken:.1f} of rdflib reading the statements",
    )
    for name, query in SHARED.items():
        ours = _best(lambda query=query: _rows(view, query), seconds)  # type: ignore[misc]
        theirs = _best(lambda query=query: len(list(plain.query(query, initNs=PREFIXES))), seconds)  # type: ignore[misc]
        yield Row(f"{name}, {size.shells} shells", f"{ours * 1000:.2f} ms", f"1/{theirs / ours:,.0f} of rdflib")
    yield replaced(view, plain, size)


def _view(size: Size) -> View:
    view = view_of("http://127.0.0.1", TABLES)
    for kind, document in fleet.documents(size):
        view.fill(kind, [document])
    return view


def _plain(written: str) -> rdflib.Dataset:
    plain = rdflib.Dataset(default_union=True)
    plain.parse(data=written, format="nquads")
    return plain


def _rows(view: View, query: str) -> int:
    found = view.store.query(query, prefixes=PREFIXES, use_default_graph_as_union=True)
    assert isinstance(found, ox.QuerySolutions)
    return sum(1 for _ in found)


def replaced(view: View, plain: rdflib.Dataset, size: Size) -> Row:
    """A submodel with another value: by difference, and the way of a graph that is exchanged."""
    document = next(each for kind, each in fleet.documents(size) if kind is Kind.SUBMODEL and "motor" in each["id"])

    def with_value(number: int) -> Document:
        several = [dict(element) for element in document["submodelElements"]]
        several[3]["value"] = f"SN-{number}"
        return {**document, "submodelElements": several}

    taken = [timed(lambda n=n: view.put(Kind.SUBMODEL, with_value(n)))[1] for n in range(200)]  # type: ignore[misc]
    name = f"http://127.0.0.1/submodels/{encode(document['id'])}"
    quads = b"".join(
        f"{quad.triple} .\n".encode() for quad in view.store.quads_for_pattern(None, None, None, ox.NamedNode(name))
    )

    def exchanged() -> None:
        graph = plain.graph(rdflib.URIRef(name))
        graph.remove((None, None, None))
        graph.parse(data=quads, format="nt")

    theirs = statistics.median(timed(exchanged)[1] for _ in range(20))
    ours = statistics.median(taken)
    row = compared("replacing a submodel in the view", ours * 1000, 3, "ms")
    return Row(row.what, row.measured, f"1/{theirs / ours:.1f} of rdflib", row.target, row.verdict)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def _best(work: Callable[[], int], seconds: float) -> float:
    """The shortest of a few times, at least one."""
    end, taken = time.monotonic() + seconds, [timed(work)[1]]
    while time.monotonic() < end and len(taken) < 20:
        taken.append(timed(work)[1])
    return min(taken)
