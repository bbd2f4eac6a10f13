"""The metamodel of AAS Part 1 as pure functions over AAS JSON. No I/O, no clock, no event loop."""

from enum import StrEnum
from typing import Any

#: A shell, submodel, concept description, descriptor or element in the normal JSON serialisation, exactly as received.
Document = dict[str, Any]

#: Anything JSON can hold.
Json = Any


class Kind(StrEnum):
    """What a stored document is; each kind has an id space of its own. The value is the standard's modelType."""

    SHELL = "AssetAdministrationShell"
    SUBMODEL = "Submodel"
    CONCEPT = "ConceptDescription"


_KINDS = {kind.value: kind for kind in Kind}


def kind_of(document: Document) -> Kind:
    """The kind of an Identifiable, from its modelType. Raises KeyError for any other object."""
    return _KINDS[document["modelType"]]
