"""Constraints on references (Part 1, 'Constraints for Referencing'), and on what an attribute may refer to."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.metamodel import (
    AAS_IDENTIFIABLES,
    AAS_REFERABLES,
    FRAGMENT_KEYS,
    GENERIC_FRAGMENT_KEYS,
    GENERIC_GLOBALLY_IDENTIFIABLES,
    GLOBALLY_IDENTIFIABLES,
)
from aas_server.model.validation.check import Check, Checks
from aas_server.model.validation.structure import shown
from aas_server.model.values import fits

_EVENT_ELEMENTS = frozenset({"EventElement", "BasicEventElement"})


def key_chain(reference: Document) -> Iterator[Finding]:
    types = [key["type"] for key in reference["keys"]]
    if types == ["GlobalReference"] and reference["type"] == "ExternalReference":
        return
    if types and types[0] not in GLOBALLY_IDENTIFIABLES:
        yield Finding("keys[0].type", f"no reference begins with {types[0]}", "AASd-121")
    elif types and reference["type"] == "ExternalReference":
        yield from _external(types)
    elif types:
        yield from _model(types)
        yield from _indexes(reference["keys"])


def _external(types: list[str]) -> Iterator[Finding]:
    if types[0] not in GENERIC_GLOBALLY_IDENTIFIABLES:
        yield Finding("keys[0].type", f"an ExternalReference does not begin with {types[0]}", "AASd-122")
    if types[-1] not in GENERIC_GLOBALLY_IDENTIFIABLES | GENERIC_FRAGMENT_KEYS:
        yield Finding(f"keys[{len(types) - 1}].type", f"an ExternalReference does not end with {types[-1]}", "AASd-124")


def _model(types: list[str]) -> Iterator[Finding]:
    if types[0] not in AAS_IDENTIFIABLES:
        yield Finding("keys[0].type", f"a ModelReference does not begin with {types[0]}", "AASd-123")
    for place, kind in enumerate(types[1:], start=1):
        where = f"keys[{place}].type"
        if kind not in FRAGMENT_KEYS:
            yield Finding(where, f"{kind} stands only at the beginning of a ModelReference", "AASd-125")
        elif kind in GENERIC_FRAGMENT_KEYS and place < len(types) - 1:
            yield Finding(where, f"{kind} stands only at the end of a ModelReference", "AASd-126")
        elif kind == "FragmentReference" and types[place - 1] not in ("File", "Blob"):
            yield Finding(where, f"{types[place - 1]} has no fragments; File and Blob have", "AASd-127")


def _indexes(keys: list[Document]) -> Iterator[Finding]:
    for place, (key, following) in enumerate(zip(keys, keys[1:], strict=False), start=1):
        if key["type"] == "SubmodelElementList" and not fits("xs:nonNegativeInteger", following["value"]):
            message = f"{shown(following['value'])} is no index in a SubmodelElementList"
            yield Finding(f"keys[{place}].value", message, "AASd-128")


def refers_to(attribute: str, allowed: frozenset[str], what: str) -> Check:
    """The attribute is a ModelReference to certain classes (Part 1, the type of the attribute)."""

    def check(instance: Document) -> Iterator[Finding]:
        value = instance[attribute]
        if isinstance(value, dict):
            if not _is_to(value, allowed):
                yield Finding(attribute, f"must be a ModelReference to {what}", "ModelReference")
            return
        for place, each in enumerate(value):
            if not _is_to(each, allowed):
                yield Finding(f"{attribute}[{place}]", f"must be a ModelReference to {what}", "ModelReference")

    return check


def _is_to(reference: Document, allowed: frozenset[str]) -> bool:
    keys = reference["keys"]
    return reference["type"] == "ModelReference" and (not keys or keys[-1]["type"] in allowed)


_SHELL = frozenset({"AssetAdministrationShell"})
_SUBMODEL = frozenset({"Submodel"})

CHECKS: Checks = {
    "Reference.keys": (key_chain,),
    "AssetAdministrationShell.derivedFrom": (refers_to("derivedFrom", _SHELL, "an AssetAdministrationShell"),),
    "AssetAdministrationShell.submodels": (refers_to("submodels", _SUBMODEL, "a Submodel"),),
    "BasicEventElement.messageBroker": (refers_to("messageBroker", AAS_REFERABLES, "a Referable"),),
    "BasicEventElement.observed": (refers_to("observed", AAS_REFERABLES, "a Referable"),),
    "EventPayload.observableReference": (refers_to("observableReference", AAS_REFERABLES, "a Referable"),),
    "EventPayload.source": (refers_to("source", _EVENT_ELEMENTS, "an EventElement"),),
    "Extension.refersTo": (refers_to("refersTo", AAS_REFERABLES, "a Referable"),),
}
