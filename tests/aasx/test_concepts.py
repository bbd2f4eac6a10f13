"""The concept descriptions some documents need."""

from typing import Any

import pytest

from aas_server.aasx.concepts import referenced_concepts


def reference(kind: str, value: str = "urn:concept") -> dict[str, Any]:
    return {"type": "ModelReference", "keys": [{"type": kind, "value": value}]}


@pytest.mark.parametrize("kind", ["GlobalReference", "ConceptDescription", "Submodel", "Property", "FragmentReference"])
@pytest.mark.parametrize(
    "attributes",
    [
        lambda found: {"semanticId": found},
        lambda found: {"supplementalSemanticIds": [reference("GlobalReference", "urn:concept"), found]},
        lambda found: {"qualifiers": [{"type": "q", "semanticId": found}]},
        lambda found: {"extensions": [{"name": "e", "semanticId": found}]},
        lambda found: {"semanticIdListElement": found},
        lambda found: {"valueId": found},
        lambda found: {"isCaseOf": [found]},
        lambda found: {
            "submodelElements": [{"modelType": "Operation", "inputVariables": [{"value": {"semanticId": found}}]}]
        },
        lambda found: {"embeddedDataSpecifications": [{"dataSpecificationContent": {"unitId": found}}]},
    ],
)
def test_every_reference_counts(kind: str, attributes: Any) -> None:
    assert referenced_concepts([{"modelType": "Submodel", **attributes(reference(kind))}]) == {"urn:concept"}


def test_references_of_a_shell_to_submodels_and_shells_name_no_concept() -> None:
    shell = {"modelType": "AssetAdministrationShell", "derivedFrom": reference("AssetAdministrationShell", "urn:shell")}
    assert referenced_concepts([{**shell, "submodels": [reference("Submodel", "urn:submodel")]}, {}]) == set()


def test_a_semantic_id_names_its_concept_whatever_the_type_of_its_first_key() -> None:
    submodel = {"modelType": "Submodel", "semanticId": reference("Submodel", "urn:concept")}
    assert referenced_concepts([submodel]) == {"urn:concept"}
