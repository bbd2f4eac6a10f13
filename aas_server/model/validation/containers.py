"""Constraints between an element and what it lies in: idShorts, lists, templates, events."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CHOICES
from aas_server.model.paths import CHILDREN, children
from aas_server.model.references import same_meaning
from aas_server.model.validation.check import Check, Checks, repeated

_VARIABLES = ("inputVariables", "outputVariables", "inoutputVariables")


def child(container: Document, element: Document, replaced: str | int | None = None) -> Iterator[Finding]:
    """What a container has against one element, its siblings known."""
    if container["modelType"] != "SubmodelElementList":
        yield from _named(element)
    else:
        yield from value_type_is_set(container)
        yield from _fits_list(container, element, _meaning(container, replaced))
    if container["modelType"] == "Submodel" and container.get("kind") != "Template":
        yield from _template_qualifiers(element)


def _named(element: Document) -> Iterator[Finding]:
    if "idShort" not in element:
        yield Finding(
            "idShort", f"is missing: {element['modelType']} has none, and it is no item of a list", "AASd-117"
        )


def id_shorts(attribute: str) -> Check:
    """Every element has an idShort that no element beside it has."""

    def check(container: Document) -> Iterator[Finding]:
        elements = container[attribute]
        for place, element in enumerate(elements):
            yield from (_under(f"{attribute}[{place}]", found) for found in _named(element))
        for place, id_short in repeated(element.get("idShort") for element in elements):
            where = f"{attribute}[{place}].idShort"
            yield Finding(where, f"{id_short!r} is the idShort of an earlier element", "AASd-022")

    return check


def variable_id_shorts(operation: Document) -> Iterator[Finding]:
    places = [
        (f"{name}[{place}].value", each["value"]) for name in _VARIABLES for place, each in _items(operation, name)
    ]
    for where, element in places:
        yield from (_under(where, found) for found in _named(element))
    for place, id_short in repeated(element.get("idShort") for _, element in places):
        message = f"{id_short!r} is the idShort of an earlier variable of the Operation"
        yield Finding(f"{places[place][0]}.idShort", message, "AASd-134")


def list_items(container: Document) -> Iterator[Finding]:
    meaning = _meaning(container)
    for place, element in _items(container, "value"):
        yield from (_under(f"value[{place}]", found) for found in _fits_list(container, element, meaning))


def value_type_is_set(container: Document) -> Iterator[Finding]:
    kind = container["typeValueListElement"]
    if kind in ("Property", "Range") and "valueTypeListElement" not in container:
        yield Finding("valueTypeListElement", f"is missing: a list of {kind} elements has one", "AASd-109")


def _meaning(container: Document, replaced: str | int | None = None) -> tuple[str, Document] | None:
    """The semantic id that items of the list must have if they have one, and by which constraint."""
    if declared := container.get("semanticIdListElement"):
        return "AASd-107", declared
    others = (each for place, each in _items(container, "value") if place != replaced)
    found = next((each["semanticId"] for each in others if "semanticId" in each), None)
    return ("AASd-114", found) if found else None


def _fits_list(container: Document, element: Document, meaning: tuple[str, Document] | None) -> Iterator[Finding]:
    kind, value_type = container["typeValueListElement"], container.get("valueTypeListElement")
    if element["modelType"] not in CHOICES.get(kind, (kind,)):
        yield Finding("modelType", f"is {element['modelType']} in a list of {kind} elements", "AASd-108")
    if value_type and kind in ("Property", "Range") and element.get("valueType", value_type) != value_type:
        yield Finding("valueType", f"is {element['valueType']} in a list of {value_type}", "AASd-109")
    if meaning and "semanticId" in element and not same_meaning(element["semanticId"], meaning[1]):
        which = "semanticIdListElement" if meaning[0] == "AASd-107" else "an earlier item"
        yield Finding("semanticId", f"is not the same as that of the list ({which})", meaning[0])


def template_submodel(submodel: Document) -> Iterator[Finding]:
    if submodel.get("kind") == "Template":
        return
    for place, qualifier in _items(submodel, "qualifiers"):
        if qualifier.get("kind") == "TemplateQualifier":
            message = "TemplateQualifier belongs to a submodel of kind Template"
            yield Finding(f"qualifiers[{place}].kind", message, "AASd-119")
    for place, element in _items(submodel, "submodelElements"):
        yield from (_under(f"submodelElements[{place}]", found) for found in _template_qualifiers(element))


def _template_qualifiers(element: Document) -> Iterator[Finding]:
    for place, qualifier in _items(element, "qualifiers"):
        if qualifier.get("kind") == "TemplateQualifier":
            message = "TemplateQualifier belongs into a submodel of kind Template"
            yield Finding(f"qualifiers[{place}].kind", message, "AASd-129")
    attribute = CHILDREN.get(element["modelType"], "")
    for place, below in enumerate(children(element)):
        yield from (_under(f"{attribute}[{place}]", found) for found in _template_qualifiers(below))
    for name in _VARIABLES if element["modelType"] == "Operation" else ():
        for place, variable in _items(element, name):
            yield from (_under(f"{name}[{place}].value", found) for found in _template_qualifiers(variable["value"]))


def interval_has_direction(event: Document) -> Iterator[Finding]:
    if event["direction"] == "input":
        yield Finding("maxInterval", "does not apply to events of direction input", "maxInterval")


def _items(instance: Document, attribute: str) -> Iterator[tuple[int, Document]]:
    return enumerate(instance.get(attribute) or ())


def _under(place: str, found: Finding) -> Finding:
    return Finding(f"{place}.{found.path}", found.message, found.constraint)


CHECKS: Checks = {
    "AnnotatedRelationshipElement.annotations": (id_shorts("annotations"),),
    "BasicEventElement.maxInterval": (interval_has_direction,),
    "Entity.statements": (id_shorts("statements"),),
    "Operation.modelType": (variable_id_shorts,),
    "Submodel.modelType": (template_submodel,),
    "Submodel.submodelElements": (id_shorts("submodelElements"),),
    "SubmodelElementCollection.value": (id_shorts("value"),),
    "SubmodelElementList.typeValueListElement": (value_type_is_set, list_items),
}
