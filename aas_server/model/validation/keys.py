"""Rules for references: which keys may stand where (Part 1, 'Referencing'), and what an attribute may refer to."""

import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

from aas_server.model import Document
from aas_server.model.metamodel import (
    AAS_IDENTIFIABLES,
    AAS_REFERABLES,
    FRAGMENT_KEYS,
    GENERIC_FRAGMENT_KEYS,
    GENERIC_GLOBALLY_IDENTIFIABLES,
    GLOBALLY_IDENTIFIABLES,
)
from aas_server.model.validation.violations import Rule, Steps, Violation, shown

_POSITION: Final = re.compile(r"[0-9]+\Z", re.ASCII).match


def sound_reference(attribute: str) -> Rule:
    """The rule that an attribute holds a sound reference."""

    def rule(instance: Document) -> Iterable[Violation]:
        reference = instance[attribute]
        return () if _is_plain(reference) else _below(reference, (attribute,))

    return rule


def sound_references(attribute: str) -> Rule:
    """The rule that an attribute holds a list of sound references."""

    def rule(instance: Document) -> Iterator[Violation]:
        for position, reference in enumerate(instance[attribute]):
            if not _is_plain(reference):
                yield from _below(reference, (attribute, position))

    return rule


def _is_plain(reference: Document) -> bool:
    """An external reference of one global key, as nearly all semantic ids are: nothing can be wrong with it."""
    keys = reference["keys"]
    return (
        len(keys) == 1
        and keys[0]["type"] == "GlobalReference"
        and reference["type"] == "ExternalReference"
        and len(reference) == 2
    )


def _below(reference: Document | None, at: Steps) -> Iterator[Violation]:
    while reference:
        for below, message, constraint in sound_keys(reference):
            yield (*at, *below), message, constraint
        reference = reference.get("referredSemanticId")
        at = (*at, "referredSemanticId")


def sound_keys(reference: Document) -> Iterator[Violation]:
    types = [key["type"] for key in reference["keys"]]
    if not types:
        return
    external = reference["type"] == "ExternalReference"
    first, first_type = ("keys", 0, "type"), types[0]
    if first_type not in GLOBALLY_IDENTIFIABLES:
        yield first, f"a reference cannot begin with a key of type {first_type}", "AASd-121"
    elif external and first_type not in GENERIC_GLOBALLY_IDENTIFIABLES:
        yield first, f"an external reference begins with a GlobalReference, not with {first_type}", "AASd-122"
    elif not external and first_type not in AAS_IDENTIFIABLES:
        yield first, f"a model reference begins with an Identifiable, not with {first_type}", "AASd-123"
    if external:
        yield from _external(types)
    else:
        yield from _fragments(types)
        yield from _positions(reference)


def _external(types: list[str]) -> Iterator[Violation]:
    if len(types) > 1 and types[-1] not in GENERIC_GLOBALLY_IDENTIFIABLES | GENERIC_FRAGMENT_KEYS:
        message = f"an external reference ends with a GlobalReference or a FragmentReference, not with {types[-1]}"
        yield ("keys", len(types) - 1, "type"), message, "AASd-124"


def _fragments(types: list[str]) -> Iterator[Violation]:
    last = len(types) - 1
    for position in range(1, len(types)):
        at, kind = ("keys", position, "type"), types[position]
        if kind not in FRAGMENT_KEYS:
            yield at, f"in a model reference {kind} cannot follow another key", "AASd-125"
        elif kind not in GENERIC_FRAGMENT_KEYS:
            continue
        elif position != last:
            yield at, f"in a model reference {kind} can only be the last key", "AASd-126"
        elif types[position - 1] not in ("File", "Blob"):
            yield at, f"{kind} must follow a File or a Blob, not {types[position - 1]}", "AASd-127"


def _positions(reference: Document) -> Iterator[Violation]:
    keys = reference["keys"]
    for position in range(1, len(keys)):
        value = keys[position]["value"]
        if keys[position - 1]["type"] == "SubmodelElementList" and not _POSITION(value):
            message = f"after a SubmodelElementList comes a position in it, not {shown(value)}"
            yield ("keys", position, "value"), message, "AASd-128"


def refers_to(where: str, what: str, targets: Container[str]) -> Rule:
    """The rule that an attribute (`Class/attribute`) holds model references whose last key is one of `targets`."""
    attribute = where.partition("/")[2]

    def rule(instance: Document) -> Iterator[Violation]:
        held = instance[attribute]
        if isinstance(held, dict):
            if not _leads_to(held, targets):
                yield (attribute,), f"must be a ModelReference to {what}", where
            return
        for position, reference in enumerate(held):
            if not _leads_to(reference, targets):
                yield (attribute, position), f"must be a ModelReference to {what}", where

    return rule


def _leads_to(reference: Document, targets: Container[str]) -> bool:
    last = [key["type"] for key in reference["keys"][-1:]]
    return reference["type"] == "ModelReference" and all(kind in targets for kind in last)


_SHELL: Final = "AssetAdministrationShell"

#: Class and the attribute whose presence calls for the rule.
RULES: Final[dict[tuple[str, str], Rule]] = {
    ("Reference", "keys"): sound_keys,  # for a reference that is looked at by itself
    (_SHELL, "derivedFrom"): refers_to(f"{_SHELL}/derivedFrom", "an AssetAdministrationShell", (_SHELL,)),
    (_SHELL, "submodels"): refers_to(f"{_SHELL}/submodels", "a Submodel", ("Submodel",)),
    ("BasicEventElement", "observed"): refers_to("BasicEventElement/observed", "a Referable", AAS_REFERABLES),
    ("BasicEventElement", "messageBroker"): refers_to("BasicEventElement/messageBroker", "a Referable", AAS_REFERABLES),
    ("EventPayload", "source"): refers_to(
        "EventPayload/source", "an EventElement", ("EventElement", "BasicEventElement")
    ),
    ("EventPayload", "observableReference"): refers_to(
        "EventPayload/observableReference", "a Referable", AAS_REFERABLES
    ),
}
