"""What our terms mean, as RDF: what `/ns/graph` serves, and what stands in the view for who asks a term about itself."""

from collections.abc import Iterator

from aas_server.graph.projecting import literal
from aas_server.graph.terms import CLASSES, FUNCTIONS, LABEL, PROPERTIES, RDF, RDFS, TYPE, term

#: What a function is: it has no class of its own in RDF Schema.
_KINDS = ((CLASSES, f"<{RDFS}Class>"), (PROPERTIES, f"<{RDF}Property>"), (FUNCTIONS, term("Function")))
_COMMENT, _DEFINED = f"<{RDFS}comment>", f"<{RDFS}isDefinedBy>"


def lines(where: str) -> Iterator[str]:
    """Triples as N-Triples without their full stop; `where` is the address at which they are served."""
    for terms, kind in _KINDS:
        for name, sentence in terms.items():
            this = term(name)
            yield f"{this} {TYPE} {kind}"
            yield f"{this} {LABEL} {literal(name)}"
            yield f"{this} {_COMMENT} {literal(sentence)}@en"
            yield f"{this} {_DEFINED} <{where}>"
