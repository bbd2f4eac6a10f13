"""Rules of Part 3a V3.1, Data Specification IEC 61360."""

from collections.abc import Iterable, Iterator
from typing import Final

from aas_server.model import Document
from aas_server.model.metamodel import ENUMERATIONS
from aas_server.model.validation.common import unique_languages
from aas_server.model.validation.violations import Rule, Violation

_MEASURED: Final = frozenset(
    {"INTEGER_MEASURE", "REAL_MEASURE", "RATIONAL_MEASURE", "INTEGER_CURRENCY", "REAL_CURRENCY"}
)
_REFERRED: Final = frozenset({"STRING", "IRI", "IRDI"})
_FILED: Final = frozenset({"FILE", "BLOB", "HTML"})
_VALUES: Final = frozenset(ENUMERATIONS["DataTypeIec61360"]) - _FILED - {"IRI", "IRDI"}

#: The data types that a concept of this category may have, and the constraint that says so; None: any.
_CATEGORIES: Final[dict[str, tuple[frozenset[str] | None, str]]] = {
    "PROPERTY": (_VALUES, "AASc-3a-004"),
    "VALUE": (_VALUES, "AASc-3a-004"),
    "REFERENCE": (_REFERRED, "AASc-3a-005"),
    "DOCUMENT": (_FILED, "AASc-3a-006"),
    "QUALIFIER_TYPE": (None, "AASc-3a-007"),
}


def described_concept(concept: Document) -> Iterator[Violation]:
    """What a concept description adds to the rules of its contents."""
    allowed, constraint = _CATEGORIES.get(concept.get("category", ""), (None, ""))
    for position, each in enumerate(concept["embeddedDataSpecifications"]):
        content = each["dataSpecificationContent"]
        at = ("embeddedDataSpecifications", position, "dataSpecificationContent")
        if "value" not in content and not _has_english(content.get("definition", ())):
            message = "a concept that does not describe a value needs a definition in English"
            yield (*at, "definition"), message, "AASc-3a-008"
        data_type = content.get("dataType")
        if constraint and (data_type is None or (allowed and data_type not in allowed)):
            choice = f" out of {', '.join(sorted(allowed))}" if allowed else ""
            message = f"a concept of category {concept['category']} needs a dataType{choice}"
            yield (*at, "dataType"), message, constraint


def english_name(content: Document) -> Iterator[Violation]:
    if not _has_english(content["preferredName"]):
        yield ("preferredName",), "must be given at least in English", "AASc-3a-002"


def _has_english(texts: Iterable[Document]) -> bool:
    return any(each["language"].lower().partition("-")[0] == "en" for each in texts)


def measured_unit(content: Document) -> Iterator[Violation]:
    if content["dataType"] in _MEASURED and "unit" not in content and "unitId" not in content:
        yield ("dataType",), f"{content['dataType']} needs a unit or a unitId", "AASc-3a-009"


def single_value(content: Document) -> Iterator[Violation]:
    if "valueList" in content:
        yield ("value",), "value and valueList exclude each other", "AASc-3a-010"


#: Class and the attribute whose presence calls for the rules.
RULES: Final[dict[tuple[str, str], Rule]] = {
    ("ConceptDescription", "embeddedDataSpecifications"): described_concept,
    ("DataSpecificationIec61360", "preferredName"): english_name,
    ("DataSpecificationIec61360", "dataType"): measured_unit,
    ("DataSpecificationIec61360", "value"): single_value,
}
#: Lang string sets of the same class.
LANGUAGES: Final[dict[tuple[str, str], Rule]] = {
    ("DataSpecificationIec61360", attribute): unique_languages(attribute)
    for attribute in ("preferredName", "shortName", "definition")
}
