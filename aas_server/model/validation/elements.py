"""Rules for submodels and submodel elements."""

import binascii
from collections.abc import Iterator
from typing import Final

from aas_server.model import Document
from aas_server.model.metamodel import CHOICES
from aas_server.model.references import same_meaning
from aas_server.model.validation.common import consistent, unique_languages
from aas_server.model.validation.violations import Rule, Steps, Violation, shown
from aas_server.model.values import fits

#: typeValueListElement may name an abstract class, or one that has a class below it.
_ACCEPTED: Final = {**CHOICES, "RelationshipElement": ("RelationshipElement", "AnnotatedRelationshipElement")}
_TYPED: Final = ("Property", "Range")
_VARIABLES: Final = ("inputVariables", "outputVariables", "inoutputVariables")
_NAMELESS: Final = "an element that does not stand in a SubmodelElementList needs an idShort"


def named_children(attribute: str) -> Rule:
    """The rule that the children of a container have idShorts, each its own."""

    def rule(container: Document) -> Iterator[Violation]:
        taken: set[str] = set()
        for position, child in enumerate(container[attribute]):
            id_short = child.get("idShort")
            if id_short is None:
                yield (attribute, position), _NAMELESS, "AASd-117"
            elif id_short in taken:
                yield (attribute, position, "idShort"), _repeated(id_short), "AASd-022"
            else:
                taken.add(id_short)

    return rule


def _repeated(id_short: str) -> str:
    return f"the idShort {shown(id_short)} stands here more than once"


def alike_items(items: Document) -> Iterator[Violation]:
    """The children of a list have the type and the meaning that the list announces."""
    expected, constraint = items.get("semanticIdListElement"), "AASd-107"
    for position, item in enumerate(items["value"]):
        yield from fitting_item(items, item, ("value", position))
        if (semantic_id := item.get("semanticId")) is None:
            continue
        if expected is None:
            expected, constraint = semantic_id, "AASd-114"
        elif not same_meaning(semantic_id, expected):
            yield ("value", position, "semanticId"), _MEANINGS[constraint], constraint


_MEANINGS: Final = {
    "AASd-107": "the semanticId of an item must be the semanticIdListElement of its list",
    "AASd-114": "items of one list that have a semanticId have the same",
}


def fitting_item(items: Document, item: Document, at: Steps) -> Iterator[Violation]:
    announced, kind = items["typeValueListElement"], item["modelType"]
    if kind != announced and kind not in _ACCEPTED.get(announced, ()):
        yield (*at, "modelType"), f"the list holds elements of type {announced}, not {kind}", "AASd-108"
    elif announced in _TYPED and item["valueType"] != (value_type := items.get("valueTypeListElement")):
        message = (
            f"the list holds values of type {value_type}" if value_type else "the list has no valueTypeListElement"
        )
        yield (*at, "valueType"), message, "AASd-109"


def fitting_child(container: Document, attribute: str, element: Document, replaced: int | None) -> Iterator[Violation]:
    """What a container objects to in one element that is to become its child, in place of the one at `replaced`."""
    if container["modelType"] != "SubmodelElementList":
        if "idShort" not in element:
            yield (), _NAMELESS, "AASd-117"
        return
    yield from fitting_item(container, element, ())
    if (semantic_id := element.get("semanticId")) is None:
        return
    others = [each for position, each in enumerate(container.get(attribute, ())) if position != replaced]
    meanings = [each["semanticId"] for each in others if "semanticId" in each]
    if (expected := container.get("semanticIdListElement")) is not None:
        meanings, constraint = [expected], "AASd-107"
    else:
        constraint = "AASd-114"
    if not all(same_meaning(semantic_id, meaning) for meaning in meanings):
        yield ("semanticId",), _MEANINGS[constraint], constraint


def own_asset(entity: Document) -> Iterator[Violation]:
    known = "globalAssetId" in entity or entity.get("specificAssetIds")
    if entity["entityType"] == "SelfManagedEntity" and not known:
        yield (), "a self-managed entity needs a globalAssetId or a specific asset id", "AASd-014"


def named_variables(attribute: str) -> Rule:
    """The rule that every variable has an idShort that no variable before it in the operation has."""

    def rule(operation: Document) -> Iterator[Violation]:
        earlier = _VARIABLES[: _VARIABLES.index(attribute)]
        taken = {each["value"].get("idShort") for name in earlier for each in operation.get(name, ())}
        for position, variable in enumerate(operation[attribute]):
            id_short = variable["value"].get("idShort")
            if id_short is None:
                yield (attribute, position, "value"), _NAMELESS, "AASd-117"
            elif id_short in taken:
                yield (attribute, position, "value", "idShort"), _repeated(id_short), "AASd-134"
            taken.add(id_short)

    return rule


def outgoing_interval(event: Document) -> Iterator[Violation]:
    if event["direction"] == "input":
        message = "a maximal interval is not applicable to the direction input"
        yield ("maxInterval",), message, "BasicEventElement/maxInterval"


def utc_time(where: str) -> Rule:
    """The rule that an attribute (`Class/attribute`) is a day and time that exist, which its pattern cannot tell."""
    attribute = where.partition("/")[2]

    def rule(instance: Document) -> Iterator[Violation]:
        if not fits("xs:dateTime", instance[attribute]):
            yield (attribute,), f"{shown(instance[attribute])} is no time that exists", where

    return rule


def base64_text(where: str) -> Rule:
    """The rule that an attribute (`Class/attribute`) carries its bytes in base64 (Part 1, JSON mapping of BlobType)."""
    attribute = where.partition("/")[2]

    def rule(instance: Document) -> Iterator[Violation]:
        if not is_base64(instance[attribute]):
            yield (attribute,), "is no base64", where

    return rule


def is_base64(text: str) -> bool:
    """White space, which xs:base64Binary allows, does no harm.

    >>> is_base64("aGVsbG8="), is_base64("aGVs bG8="), is_base64("aGVsbG8")
    (True, True, False)
    """
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        packed = "".join(text.split())
        return packed != text and is_base64(packed)
    return True


#: Class and the attribute whose presence calls for the rule.
RULES: Final[dict[tuple[str, str], Rule]] = {
    ("Submodel", "submodelElements"): named_children("submodelElements"),
    ("SubmodelElementCollection", "value"): named_children("value"),
    ("Entity", "statements"): named_children("statements"),
    ("AnnotatedRelationshipElement", "annotations"): named_children("annotations"),
    ("SubmodelElementList", "value"): alike_items,
    ("Entity", "entityType"): own_asset,
    **{("Operation", attribute): named_variables(attribute) for attribute in _VARIABLES},
    ("Property", "value"): consistent("value", "Property/value"),
    ("Range", "min"): consistent("min", "Range/min"),
    ("Range", "max"): consistent("max", "Range/max"),
    ("MultiLanguageProperty", "value"): unique_languages("value"),
    ("BasicEventElement", "maxInterval"): outgoing_interval,
    ("BasicEventElement", "lastUpdate"): utc_time("BasicEventElement/lastUpdate"),
    ("EventPayload", "timeStamp"): utc_time("EventPayload/timeStamp"),
    ("Blob", "value"): base64_text("Blob/value"),
    ("EventPayload", "payload"): base64_text("EventPayload/payload"),
}
