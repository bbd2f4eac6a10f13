"""Constraints of Part 3a on data specifications of IEC 61360 and the concept descriptions that hold them."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.validation.check import Checks

_WITH_UNIT = frozenset({"INTEGER_MEASURE", "REAL_MEASURE", "RATIONAL_MEASURE", "INTEGER_CURRENCY", "REAL_CURRENCY"})
_VALUES = frozenset(
    {"DATE", "STRING", "STRING_TRANSLATABLE", "BOOLEAN", "RATIONAL", "TIME", "TIMESTAMP"}
    | {"INTEGER_COUNT", "REAL_COUNT", *_WITH_UNIT}
)

#: Category → constraint, the data types it allows (None: any), and whether there must be one.
_CATEGORIES: dict[str, tuple[str, frozenset[str] | None, bool]] = {
    "PROPERTY": ("AASc-3a-004", _VALUES, True),
    "VALUE": ("AASc-3a-004", _VALUES, True),
    "REFERENCE": ("AASc-3a-005", frozenset({"STRING", "IRI", "IRDI"}), False),
    "DOCUMENT": ("AASc-3a-006", frozenset({"FILE", "BLOB", "HTML"}), False),
    "QUALIFIER_TYPE": ("AASc-3a-007", None, True),
}


def name_is_english(content: Document) -> Iterator[Finding]:
    if not _in_english(content["preferredName"]):
        yield Finding("preferredName", "has no English text", "AASc-3a-002")


def unit_is_given(content: Document) -> Iterator[Finding]:
    if content["dataType"] in _WITH_UNIT and "unit" not in content and "unitId" not in content:
        yield Finding("dataType", f"{content['dataType']} needs a unit or a unitId", "AASc-3a-009")


def value_or_list(content: Document) -> Iterator[Finding]:
    if "valueList" in content:
        yield Finding("value", "excludes a valueList, and there is one", "AASc-3a-010")


def data_specifications(concept: Document) -> Iterator[Finding]:
    for place, each in enumerate(concept["embeddedDataSpecifications"]):
        where = f"embeddedDataSpecifications[{place}].dataSpecificationContent"
        content = each["dataSpecificationContent"]
        yield from _defined(content, where)
        yield from _categorised(concept.get("category", ""), content, where)


def _defined(content: Document, where: str) -> Iterator[Finding]:
    if "value" not in content and not _in_english(content.get("definition", ())):
        yield Finding(f"{where}.definition", "is missing in English", "AASc-3a-008")


def _categorised(category: str, content: Document, where: str) -> Iterator[Finding]:
    constraint, allowed, needed = _CATEGORIES.get(category, ("", None, False))
    data_type = content.get("dataType")
    if data_type is None and needed:
        yield Finding(f"{where}.dataType", f"is missing for the category {category}", constraint)
    elif data_type is not None and allowed is not None and data_type not in allowed:
        yield Finding(f"{where}.dataType", f"{data_type} is none of the category {category}", constraint)


def listed_values(environment: Document) -> Iterator[Finding]:
    """A concept that a value list refers to has a value. Seen where an Environment holds them both."""
    listed = {key for concept in environment["conceptDescriptions"] for key in _listed(concept)}
    for place, concept in enumerate(environment["conceptDescriptions"]):
        contents = [each["dataSpecificationContent"] for each in concept.get("embeddedDataSpecifications") or ()]
        if concept["id"] in listed and contents and not any("value" in each for each in contents):
            message = f"{concept['id']!r} stands in a value list and has no value"
            yield Finding(f"conceptDescriptions[{place}]", message, "AASc-3a-003")


def _listed(concept: Document) -> Iterator[str]:
    for each in concept.get("embeddedDataSpecifications") or ():
        for pair in each["dataSpecificationContent"].get("valueList", {}).get("valueReferencePairs", ()):
            if keys := pair.get("valueId", {}).get("keys"):
                yield keys[-1]["value"]


def _in_english(texts: list[Document]) -> bool:
    return any(each["language"].lower().split("-")[0] == "en" for each in texts)


CHECKS: Checks = {
    "ConceptDescription.embeddedDataSpecifications": (data_specifications,),
    "DataSpecificationIec61360.dataType": (unit_is_given,),
    "DataSpecificationIec61360.preferredName": (name_is_english,),
    "DataSpecificationIec61360.value": (value_or_list,),
    "Environment.conceptDescriptions": (listed_values,),
}
