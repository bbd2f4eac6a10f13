"""Rules for what many classes have: semantics, qualifiers, extensions, texts in languages, versions, assets."""

from collections.abc import Iterable, Iterator
from typing import Final

from aas_server.model import Document
from aas_server.model.validation.violations import Rule, Violation, shown
from aas_server.model.values import fits


def main_semantic_id(instance: Document) -> Iterator[Violation]:
    if "semanticId" not in instance:
        yield ("supplementalSemanticIds",), "supplemental semantic ids need a semanticId beside them", "AASd-118"


def consistent(attribute: str, constraint: str) -> Rule:
    """The rule that a text is in the lexical space of the valueType beside it."""

    def rule(instance: Document) -> Iterable[Violation]:
        # Extension/valueType is optional, and xs:string where it is missing.
        value_type = instance.get("valueType", "xs:string")
        text = instance[attribute]
        if value_type == "xs:string" or fits(value_type, text):
            return ()
        return [((attribute,), f"{shown(text)} is no {value_type}", constraint)]

    return rule


def unique(attribute: str, key: str, constraint: str) -> Rule:
    """The rule that no two items of a list have the same text under `key`."""

    def rule(instance: Document) -> Iterable[Violation]:
        items = instance[attribute]
        return _repeated(items) if len(items) > 1 else ()

    def _repeated(items: list[Document]) -> Iterator[Violation]:
        taken: set[str] = set()
        for position, item in enumerate(items):
            if item[key] in taken:
                yield (attribute, position, key), f"{shown(item[key])} stands here more than once", constraint
            taken.add(item[key])

    return rule


def unique_languages(attribute: str) -> Rule:
    """A lang string set has one text for each language (Part 1, 'Primitive and Simple Data Types')."""
    return unique(attribute, "language", "LangStringSet")


def template_elements(element: Document) -> Iterable[Violation]:
    return _template_qualifiers(element, "a TemplateQualifier stands only in a submodel of kind Template", "AASd-129")


def template_submodel(submodel: Document) -> Iterable[Violation]:
    if submodel.get("kind") == "Template":
        return ()
    return _template_qualifiers(submodel, "a submodel with a TemplateQualifier must be of kind Template", "AASd-119")


def _template_qualifiers(instance: Document, message: str, constraint: str) -> Iterable[Violation]:
    return [
        (("qualifiers", position, "kind"), message, constraint)
        for position, qualifier in enumerate(instance["qualifiers"])
        if qualifier.get("kind") == "TemplateQualifier"
    ]


def versioned_revision(administration: Document) -> Iterator[Violation]:
    if "version" not in administration:
        yield ("revision",), "a revision requires a version", "AASd-005"


def identified_asset(asset: Document) -> Iterator[Violation]:
    if "globalAssetId" not in asset and not asset.get("specificAssetIds"):
        yield (), "an asset needs a globalAssetId or at least one specific asset id", "AASd-131"


def reserved_name(asset: Document) -> Iterator[Violation]:
    known = asset.get("globalAssetId")
    for position, each in enumerate(asset["specificAssetIds"]):
        if each["name"].lower() == "globalassetid" and each["value"] != known:
            message = "the name globalAssetId is reserved; such an entry must repeat the globalAssetId of the asset"
            yield ("specificAssetIds", position), message, "AASd-116"


def external_subject(instance: Document) -> Iterator[Violation]:
    if instance["externalSubjectId"]["type"] != "ExternalReference":
        yield ("externalSubjectId", "type"), "must be an ExternalReference", "AASd-133"


#: Class, concrete or abstract, and the attribute whose presence calls for the rule.
RULES: Final[dict[tuple[str, str], Rule]] = {
    ("HasSemantics", "supplementalSemanticIds"): main_semantic_id,
    ("HasExtensions", "extensions"): unique("extensions", "name", "AASd-077"),
    ("Qualifiable", "qualifiers"): unique("qualifiers", "type", "AASd-021"),
    ("SubmodelElement", "qualifiers"): template_elements,
    ("Submodel", "qualifiers"): template_submodel,
    ("Qualifier", "value"): consistent("value", "AASd-020"),
    ("Extension", "value"): consistent("value", "Extension/value"),
    ("Referable", "displayName"): unique_languages("displayName"),
    ("Referable", "description"): unique_languages("description"),
    ("AdministrativeInformation", "revision"): versioned_revision,
    ("AssetInformation", "assetKind"): identified_asset,
    ("AssetInformation", "specificAssetIds"): reserved_name,
    ("SpecificAssetId", "externalSubjectId"): external_subject,
    # Part 2: descriptors repeat attributes of what they describe, and the rules for them.
    ("Descriptor", "displayName"): unique_languages("displayName"),
    ("Descriptor", "description"): unique_languages("description"),
    ("AssetAdministrationShellDescriptor", "specificAssetIds"): reserved_name,
    ("AssetAdministrationShellDescriptor", "submodelDescriptors"): unique(
        "submodelDescriptors", "id", "SubmodelDescriptor/id"
    ),
}
