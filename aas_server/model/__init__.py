"""The metamodel of AAS Part 1 as pure functions over AAS JSON. No I/O, no clock, no event loop."""

from enum import StrEnum
from typing import Any

#: A shell, submodel, concept description, descriptor or element in the normal JSON serialisation, exactly as received.
Document = dict[str, Any]

#: Anything JSON can hold.
Json = Any


class Kind(StrEnum):
    """What a stored document is; each kind has an id space of its own. The value is the standard's name of its class.

    The first three are the Identifiables of Part 1. The others are what Part 2 adds: descriptors, the asset links of a
    shell and the submodel descriptors added to a hosted shell under its id, an uploaded package, a handle by which the
    outcome of something asynchronous is asked for, how far a remote registry has been told what is hosted here, how a
    connection to the plant stands, and how far a broker has been told what happens.
    """

    SHELL = "AssetAdministrationShell"
    SUBMODEL = "Submodel"
    CONCEPT = "ConceptDescription"
    SHELL_DESCRIPTOR = "AssetAdministrationShellDescriptor"
    SUBMODEL_DESCRIPTOR = "SubmodelDescriptor"
    NESTED_DESCRIPTORS = "SubmodelDescriptors"
    ASSET_LINKS = "AssetLinks"
    PACKAGE = "Package"
    HANDLE = "Handle"
    REGISTRATION = "Registration"
    CONNECTION = "Connection"
    OUTBOX = "Outbox"

    # A key of dictionaries on every path; Enum's own hash is a function in Python.
    __hash__ = str.__hash__


IDENTIFIABLES = (Kind.SHELL, Kind.SUBMODEL, Kind.CONCEPT)

_KINDS = {kind.value: kind for kind in IDENTIFIABLES}


def kind_of(document: Document) -> Kind:
    """The kind of an Identifiable, from its modelType. Raises KeyError for any other object."""
    return _KINDS[document["modelType"]]
