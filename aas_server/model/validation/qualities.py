"""Constraints on what instances of many classes may have: semantics, qualifiers, extensions, texts in languages."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CLASSES
from aas_server.model.validation.check import Check, Checks, repeated


def has_semantic_id(instance: Document) -> Iterator[Finding]:
    if "semanticId" not in instance:
        yield Finding("supplementalSemanticIds", "stand beside a semanticId, and there is none", "AASd-118")


def qualifier_types(instance: Document) -> Iterator[Finding]:
    for place, kind in repeated(each["type"] for each in instance["qualifiers"]):
        yield Finding(f"qualifiers[{place}].type", f"{kind!r} is the type of an earlier qualifier", "AASd-021")


def extension_names(instance: Document) -> Iterator[Finding]:
    for place, name in repeated(each["name"] for each in instance["extensions"]):
        yield Finding(f"extensions[{place}].name", f"{name!r} is the name of an earlier extension", "AASd-077")


def has_version(instance: Document) -> Iterator[Finding]:
    if "version" not in instance:
        yield Finding("revision", "belongs to a version, and there is none", "AASd-005")


def languages(attribute: str) -> Check:
    """One text for each language (Part 1, LangStringSet)."""

    def check(instance: Document) -> Iterator[Finding]:
        for place, language in repeated(each["language"] for each in instance[attribute]):
            yield Finding(f"{attribute}[{place}].language", f"{language!r} has a text already", "LangStringSet")

    return check


CHECKS: Checks = {
    "AdministrativeInformation.revision": (has_version,),
    "HasSemantics.supplementalSemanticIds": (has_semantic_id,),
    "Qualifiable.qualifiers": (qualifier_types,),
    "HasExtensions.extensions": (extension_names,),
} | {
    f"{name}.{each.name}": (languages(each.name),)
    for name, attributes in CLASSES.items()
    for each in attributes
    if each.type.startswith("LangString")
}
