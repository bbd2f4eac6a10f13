"""What our terms mean, as RDF: served at `/ns/graph`, and part of the view."""

from collections.abc import Iterator

from aas_server.graph.projecting import literal
from aas_server.graph.terms import CLASSES, FUNCTIONS, LABEL, PROPERTIES, RDF, RDFS, TYPE, term

#: What a function is: it has no class of its own in RDF Schema.
_KINDS = ((CLASSES, f"<{RDFS}Class>"), (PROPERTIES, f"<{RDF}Property>"), (FUNCTIONS, term("Function")))
_COMMENT, _DEFINED = f"<{RDFS}comment>", f"<{RDFS}isDefinedBy>"


def turtle(root: str, alignment: str) -> str:
    """All that is said once for all; `alignment` says, as Turtle, how our terms stand to others."""
    return alignment + "".join(f"{line} .\n" for line in lines(f"{root}/ns/graph"))


def lines(where: str) -> Iterator[str]:
    """Triples as N-Triples without their full stop; `where` is the address at which they are served."""
    for terms, kind in _KINDS:
        for name, sentence in terms.items():
            this = term(name)
            yield f"{this} {TYPE} {kind}"
            yield f"{this} {LABEL} {literal(name)}"
            yield f"{this} {_COMMENT} {literal(sentence)}@en"
            yield f"{this} {_DEFINED} <{where}>"
