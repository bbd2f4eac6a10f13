"""The view in memory: what each document says stands in a graph of its own, and follows it by difference."""

import sys
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

import pyoxigraph as ox

from aas_server.graph.projecting import Projection, Projector
from aas_server.graph.terms import NS
from aas_server.model import Document, Kind

#: Where triples stand that several documents may say: about assets, and about versions of concepts.
SHARED = f"{NS}shared"
#: Where it stands what the terms mean, and how they stand to other vocabularies.
VOCABULARY = f"{NS}vocabulary"


class View:
    """All graphs. Only one process changes it; others see it as it was when they were forked."""

    def __init__(self, projector: Projector) -> None:
        self.store = ox.Store()
        self._projector = projector
        self._shared: dict[str, frozenset[str]] = {}
        self._counted: Counter[str] = Counter()

    def know(self, turtle: bytes) -> None:
        """Take what is said once for all."""
        self.store.bulk_load(turtle, format=ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(VOCABULARY))

    def fill(self, kind: Kind, documents: Iterable[Document]) -> None:
        """Put documents that are not there yet, many at a time."""
        lines: list[str] = []
        for document in documents:
            found = self._projected(kind, document)
            lines += [f"{line} <{found.graph}> .\n" for line in dict.fromkeys(found.own)]
            new = self._count(found.graph, frozenset(map(sys.intern, found.shared)))[0]
            lines += [f"{line} <{SHARED}> .\n" for line in new]
        # what is projected is valid: looking again would take as long as loading
        self.store.bulk_load("".join(lines).encode(), format=ox.RdfFormat.N_QUADS, lenient=True)

    def put(self, kind: Kind, document: Document) -> None:
        """A document as it is now: what it no longer says is removed, what is new is added."""
        found = self._projected(kind, document)
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

    def lines(self) -> set[str]:
        """All of it as N-Quads, to be compared."""
        return set(map(str, self.store))

    def digests(self) -> dict[str, str]:
        """For each graph how many triples it has, and a sum of them that does not depend on their order."""
        counts: Counter[str] = Counter()
        sums: Counter[str] = Counter()
        for quad in self.store:
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            counts[graph] += 1
            triple = blake2b(str(quad.triple).encode(), digest_size=8).digest()
            sums[graph] = (sums[graph] + int.from_bytes(triple)) % (1 << 64)
        return {graph: f"{count}-{sums[graph]:016x}" for graph, count in counts.items()}

    def _replace(self, graph: str, wanted: set[ox.Quad]) -> None:
        held = set(self.store.quads_for_pattern(None, None, None, ox.NamedNode(graph)))
        for quad in held - wanted:
            self.store.remove(quad)
        self.store.extend(wanted - held)

    def _change(self, new: Iterable[str], gone: Iterable[str]) -> None:
        for quad in _quads(gone, SHARED):
            self.store.remove(quad)
        self.store.extend(_quads(new, SHARED))

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
    return set(ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS))
