"""Which concept descriptions belong to some documents."""

from collections.abc import Iterable

from aas_server.model import Document, Json

_NAMES_A_CONCEPT = ("GlobalReference", "ConceptDescription")


def referenced_concepts(documents: Iterable[Document]) -> set[str]:
    """The ids that any reference in the documents names as a concept, whatever attribute it stands in.

    Semantic ids, supplemental ones, those of qualifiers and list elements, units, value ids, `isCaseOf`, as model and
    as external references. Not every id is that of a ConceptDescription: who asks looks which exist.

    >>> key = {"type": "GlobalReference", "value": "0173-1#02-AAO677#002"}
    >>> referenced_concepts([{"semanticId": {"type": "ExternalReference", "keys": [key]}}])
    {'0173-1#02-AAO677#002'}
    """
    identifiers: set[str] = set()
    waiting: list[Json] = list(documents)
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [below for below in value.values() if isinstance(below, dict | list)]
            if value.get("type") in _NAMES_A_CONCEPT and isinstance(value.get("value"), str):
                identifiers.add(value["value"])
    return identifiers
