"""Which concept descriptions belong to some documents."""

from collections.abc import Iterable

from aas_server.model import Document, Json

#: Keys that stand for a concept wherever they stand in a reference.
_NAMES_A_CONCEPT = ("GlobalReference", "ConceptDescription")

#: Attributes of a shell that refer to submodels and shells, never to concepts.
_OTHERS = ("submodels", "derivedFrom")


def referenced_concepts(documents: Iterable[Document]) -> set[str]:
    """The ids that any reference in the documents may name as a concept, whatever attribute it stands in.

    Semantic ids, supplemental ones, those of qualifiers, extensions and list elements, units, value ids, `isCaseOf`, as
    model and as external references. The first key counts whatever its type says: many a semantic id names its concept
    as a Submodel. Not every id is that of a ConceptDescription: who asks looks which exist.

    >>> key = {"type": "GlobalReference", "value": "0173-1#02-AAO677#002"}
    >>> referenced_concepts([{"semanticId": {"type": "ExternalReference", "keys": [key]}}])
    {'0173-1#02-AAO677#002'}
    """
    identifiers: set[str] = set()
    waiting: list[Json] = [_below(document) for document in documents]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [below for below in value.values() if isinstance(below, dict | list)]
            identifiers |= _named(value.get("keys"))
    return identifiers


def _below(document: Document) -> Json:
    if document.get("modelType") != "AssetAdministrationShell":
        return document
    return {name: value for name, value in document.items() if name not in _OTHERS}


def _named(keys: Json) -> set[str]:
    """The values of the keys that may name a concept."""
    found = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    named = [key.get("value") for key in found[:1]]
    named += [key.get("value") for key in found[1:] if key.get("type") in _NAMES_A_CONCEPT]
    return {value for value in named if isinstance(value, str)}
