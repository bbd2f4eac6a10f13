"""The view in memory: what each document says stands in a graph of its own, and follows it by difference."""

import logging
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from typing import Any

import pyoxigraph as ox

from aas_server.graph.projecting import Projection, Projector
from aas_server.graph.terms import NS
from aas_server.model import Document, Kind

log = logging.getLogger(__name__)

_VALUES = tuple(ox.NamedNode(f"{NS}{name}") for name in ("value", "min", "max"))
_IN, _CONCEPT, _ELEMENT = (ox.NamedNode(f"{NS}{name}") for name in ("inSubmodel", "concept", "element"))

#: Where triples stand that several documents may say: about assets, and about versions of concepts.
SHARED = f"{NS}shared"
#: Where it stands what the terms mean, and how they stand to other vocabularies.
VOCABULARY = f"{NS}vocabulary"


class View:
    """All graphs. Only one process changes it; others see it as it was when they were forked."""

    def __init__(self, projector: Projector) -> None:
        self.store = ox.Store()
        #: How many statements there are: the store would have to look at each of them.
        self.size = 0
        self._projector = projector
        self._shared: dict[str, frozenset[str]] = {}
        self._counted: Counter[str] = Counter()

    def know(self, turtle: bytes) -> None:
        """Take what is said once for all."""
        self.store.bulk_load(turtle, format=ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(VOCABULARY))
        self.size = len(self.store)

    def fill(self, kind: Kind, documents: Iterable[Document]) -> None:
        """Put documents that are not there yet, many at a time."""
        lines: list[str] = []
        for document in documents:
            if (found := self._tried(kind, document)) is None:
                continue
            lines += [f"{line} <{found.graph}> .\n" for line in dict.fromkeys(found.own)]
            new = self._count(found.graph, frozenset(map(sys.intern, found.shared)))[0]
            lines += [f"{line} <{SHARED}> .\n" for line in new]
        self.size += len(lines)
        # what is projected is valid: looking again would take as long as loading
        self.store.bulk_load("".join(lines).encode(), format=ox.RdfFormat.N_QUADS, lenient=True)

    def put(self, kind: Kind, document: Document) -> None:
        """A document as it is now: what it no longer says is removed, what is new is added."""
        if (found := self._tried(kind, document)) is None:
            self.delete(kind, document["id"])
            return
        new, gone = self._count(found.graph, frozenset(map(sys.intern, found.shared)))
        self._replace(found.graph, _quads(found.own, found.graph))
        self._change(new, gone)

    def delete(self, kind: Kind, identifier: str) -> None:
        self.hide(self._graph(kind, identifier))

    def hide(self, graph: str) -> None:
        """Take away what the document of this graph says, and nobody else."""
        new, gone = self._count(graph, frozenset())
        self._replace(graph, set())
        self._change(new, gone)

    def digests(self, live: Iterable[str] = ()) -> dict[str, str]:
        """For each graph how many triples it has, and a sum of them that does not depend on their order.

        What elements say that the plant feeds, by their IRIs, is left out: it is as old as the last edit.
        """
        changing = {each for element in live for each in self._changing(ox.NamedNode(element))}
        counts: Counter[str] = Counter()
        sums: Counter[str] = Counter()
        for quad in self.store:
            if (quad.subject, quad.predicate) in changing:
                continue
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            counts[graph] += 1
            triple = blake2b(str(quad.triple).encode(), digest_size=8).digest()
            sums[graph] = (sums[graph] + int.from_bytes(triple)) % (1 << 64)
        return {graph: f"{count}-{sums[graph]:016x}" for graph, count in counts.items()}

    def _changing(self, element: ox.NamedNode) -> Iterator[tuple[Any, Any]]:
        """Subjects and predicates of the values of an element and those in it, and of the facts that they make."""
        yield from ((element, predicate) for predicate in _VALUES)
        for submodel in self._objects(element, _IN):
            yield from ((submodel, concept) for concept in self._objects(element, _CONCEPT))
        for below in self._objects(element, _ELEMENT):
            yield from self._changing(below)

    def _objects(self, subject: ox.NamedNode, predicate: ox.NamedNode) -> list[Any]:
        return [quad.object for quad in self.store.quads_for_pattern(subject, predicate, None, None)]

    def _replace(self, graph: str, wanted: set[ox.Quad]) -> None:
        held = set(self.store.quads_for_pattern(None, None, None, ox.NamedNode(graph)))
        self._exchange(held - wanted, wanted - held)

    def _change(self, new: Iterable[str], gone: Iterable[str]) -> None:
        self._exchange(_quads(gone, SHARED), _quads(new, SHARED))

    def _exchange(self, gone: Collection[ox.Quad], new: Collection[ox.Quad]) -> None:
        for quad in gone:
            self.store.remove(quad)
        self.store.extend(new)
        self.size += len(new) - len(gone)

    def _count(self, graph: str, said: frozenset[str]) -> tuple[list[str], list[str]]:
        """The shared triples that nobody has said before, and those that nobody says any more."""
        before = self._shared.get(graph, frozenset())
        self._counted.update(said - before)
        self._counted.subtract(before - said)
        gone = [line for line in before - said if not self._counted[line]]
        new = [line for line in said - before if self._counted[line] == 1]
        for line in gone:
            del self._counted[line]
        if said:
            self._shared[graph] = said
        else:
            self._shared.pop(graph, None)
        return new, gone

    def _tried(self, kind: Kind, document: Document) -> Projection | None:
        """None, and a word to the log, for a document that cannot be shown: the others are not to suffer from it."""
        try:
            return self._projected(kind, document)
        except Exception:
            log.exception("%s %r is not in the graph", kind.value, document.get("id"))
            return None

    def _projected(self, kind: Kind, document: Document) -> Projection:
        match kind:
            case Kind.SHELL:
                return self._projector.shell(document)
            case Kind.SUBMODEL:
                return self._projector.submodel(document)
            case Kind.CONCEPT:
                return self._projector.concept(document)
        raise ValueError(f"{kind} has no graph")

    def _graph(self, kind: Kind, identifier: str) -> str:
        places = self._projector.places
        match kind:
            case Kind.SHELL:
                return places.shell(identifier)
            case Kind.SUBMODEL:
                return places.submodel(identifier)
        return places.concept(identifier)


def _quads(lines: Iterable[str], graph: str) -> set[ox.Quad]:
    text = "".join([f"{line} <{graph}> .\n" for line in lines])
    return set(ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS, lenient=True))
