"""What validation says of whole instances: structure before constraints, paths, limits, and official material."""

import copy
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from aas_core3_1 import jsonization, verification
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.model.errors import Finding
from aas_server.model.metamodel import CLASSES, SUBMODEL_ELEMENTS
from aas_server.model.validation import MOST, is_structural, verify, verify_child
from tests.shared import shared

CLASS_NAMES = {name.lower(): name for name in CLASSES}

#: aas-core asks for a URI of RFC 8089 or RFC 2396 where we bound the length only: conformance/deviations.toml.
PATHS = ("PatternViolation/File/value/", "PatternViolation/Resource/path/")
#: An IRI that aas-core refuses and that the examples of the standard hold elsewhere.
IRIS = ("value/Any_URI_negatively_fuzzed_05.json",)


def prop(id_short: str, **attributes: Any) -> dict[str, Any]:
    return {"modelType": "Property", "idShort": id_short, "valueType": "xs:int", **attributes}


def numbers(**attributes: Any) -> dict[str, Any]:
    announced = {"typeValueListElement": "Property", "valueTypeListElement": "xs:int"}
    return {"modelType": "SubmodelElementList", "idShort": "Numbers", **announced, **attributes}


def meaning(value: str) -> dict[str, Any]:
    return {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": value}]}


def found(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.path, finding.constraint) for finding in findings]


def test_the_path_leads_to_what_is_wrong() -> None:
    inner = {"modelType": "Entity", "idShort": "e", "statements": [prop("a"), prop("b", value="x")]}
    submodel = {"modelType": "Submodel", "id": "urn:x", "submodelElements": [prop("first"), inner]}
    environment = {"submodels": [{"modelType": "Submodel", "id": "urn:y"}, submodel]}
    assert found(verify(environment, "Environment")) == [
        ("submodels[1].submodelElements[1].statements[1].value", "Property/value")
    ]


def test_each_submodel_says_whether_it_is_a_template() -> None:
    qualified = prop("a", qualifiers=[{"type": "t", "valueType": "xs:int", "kind": "TemplateQualifier"}])
    template = {"modelType": "Submodel", "id": "urn:t", "kind": "Template", "submodelElements": [qualified]}
    instance = {"modelType": "Submodel", "id": "urn:i", "submodelElements": [qualified]}
    assert found(verify({"submodels": [template, instance, template]}, "Environment")) == [
        ("submodels[1].submodelElements[0].qualifiers[0].kind", "AASd-129")
    ]


def test_references_are_looked_at_wherever_they_stand() -> None:
    wrong = {"type": "ExternalReference", "keys": [{"type": "Submodel", "value": "urn:x"}]}
    ids = {
        "semanticId": {**meaning("a"), "referredSemanticId": wrong},
        "supplementalSemanticIds": [meaning("b"), wrong],
    }
    assert found(verify(prop("a", **ids))) == [
        ("semanticId.referredSemanticId.keys[0].type", "AASd-122"),
        ("supplementalSemanticIds[1].keys[0].type", "AASd-122"),
    ]


def test_constraints_wait_until_the_structure_can_be_read() -> None:
    assert found(verify(prop("a", value="x", valueType="xs:number"))) == [("valueType", "enum")]
    assert found(verify(prop("a", value="x", extra=1))) == [("extra", "additionalProperties")]


def test_constraints_are_looked_at_in_spite_of_a_bad_text() -> None:
    assert found(verify(prop("1", value="x"))) == [("idShort", "pattern"), ("value", "Property/value")]


def test_an_empty_list_of_keys_is_one_finding() -> None:
    observed = {"type": "ModelReference", "keys": list[str]()}
    event = {"modelType": "BasicEventElement", "observed": observed, "direction": "input", "state": "on"}
    assert found(verify(event)) == [("observed.keys", "minItems")]


@pytest.mark.parametrize(
    ("instance", "answer"),
    [
        (None, ("", "type")),
        ([], ("", "type")),
        ("Submodel", ("", "type")),
        ({}, ("", "modelType")),
        ({"modelType": 5}, ("modelType", "modelType")),
        ({"modelType": []}, ("modelType", "modelType")),
        ({"modelType": "Motor"}, ("modelType", "modelType")),
    ],
)
def test_what_is_no_instance_is_said_to_be_none(instance: Any, answer: tuple[str, str]) -> None:
    assert found(verify(instance)) == [answer]


def test_no_more_findings_than_anyone_reads() -> None:
    submodel = {"modelType": "Submodel", "id": "urn:x", "submodelElements": [prop("a", value="x")] * (2 * MOST)}
    assert len(list(verify(submodel))) == MOST == 100


def test_deep_nesting_is_a_finding_and_no_crash() -> None:
    element = prop("a")
    for _ in range(99):
        element = {"modelType": "SubmodelElementCollection", "idShort": "c", "value": [element]}
    assert list(verify(element)) == []
    for _ in range(5000):
        element = {"modelType": "SubmodelElementCollection", "idShort": "c", "value": [element]}
    assert {finding.constraint for finding in verify(element)} == {"depth"}


def test_structural_findings_are_told_apart() -> None:
    structural = [*verify(prop("1", extra=1)), *verify({}), *verify(prop("a", displayName=[]))]
    assert structural
    assert all(map(is_structural, structural))
    constraints = [*verify(prop("a", value="x")), *verify({"assetKind": "Type"}, "AssetInformation")]
    constraints += verify(
        {"modelType": "Submodel", "id": "urn:x", "description": [{"language": "en", "text": "a"}] * 2}
    )
    assert [finding.constraint for finding in constraints] == ["Property/value", "AASd-131", "LangStringSet"]
    assert not any(map(is_structural, constraints))


@pytest.mark.parametrize(
    ("container", "element", "answer"),
    [
        ({"modelType": "Submodel", "id": "urn:x"}, prop("a"), []),
        ({"modelType": "Submodel", "id": "urn:x"}, {"modelType": "Capability"}, [("", "AASd-117")]),
        ({"modelType": "Entity", "idShort": "e"}, {"modelType": "Capability"}, [("", "AASd-117")]),
        (numbers(), {"modelType": "Property", "valueType": "xs:int"}, []),
        (numbers(), {"modelType": "Capability"}, [("modelType", "AASd-108")]),
        (numbers(), prop("a", valueType="xs:long"), [("valueType", "AASd-109")]),
        (numbers(semanticIdListElement=meaning("a")), prop("a", semanticId=meaning("a")), []),
        (numbers(semanticIdListElement=meaning("a")), prop("a", semanticId=meaning("b")), [("semanticId", "AASd-107")]),
        (numbers(value=[prop("a")]), prop("a", semanticId=meaning("b")), []),
        (numbers(value=[prop("a", semanticId=meaning("a"))]), prop("b", semanticId=meaning("a")), []),
        (
            numbers(value=[prop("a", semanticId=meaning("a"))]),
            prop("b", semanticId=meaning("b")),
            [("semanticId", "AASd-114")],
        ),
    ],
)
def test_a_container_judges_a_new_child(container: Any, element: Any, answer: list[tuple[str, str]]) -> None:
    assert found(verify_child(container, element)) == answer


def test_an_item_need_not_agree_with_the_one_it_replaces() -> None:
    one = numbers(value=[prop("a", semanticId=meaning("a"))])
    two = numbers(value=[prop("a", semanticId=meaning("a")), prop("b", semanticId=meaning("a"))])
    other = prop("b", semanticId=meaning("b"))
    assert found(verify_child(one, other, replaced=0)) == []
    assert found(verify_child(two, other, replaced=0)) == [("semanticId", "AASd-114")]


# --- official material


def test_every_official_example_is_accepted() -> None:
    read = 0
    with zipfile.ZipFile(shared("corpus/metamodel-3.1.2-examples-json.zip")) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                assert (name, [str(each) for each in verify(json.loads(archive.read(name)), "Environment")]) == (
                    name,
                    [],
                )
                read += 1
    assert read == 2588


def cases(expected: bool) -> Iterator[tuple[str, Any, str]]:
    """The instances that aas-core accepts or refuses; the class stands in the path."""
    with zipfile.ZipFile(shared("corpus/aas-core3.1-cases-half.zip")) as archive:
        for name in archive.namelist():
            if name.startswith("Json/Expected/" if expected else "Json/Unexpected/") and name.endswith(".json"):
                class_name = next(CLASS_NAMES[part.lower()] for part in name.split("/") if part.lower() in CLASS_NAMES)
                yield name, json.loads(archive.read(name)), class_name


def test_what_aas_core_accepts_is_accepted() -> None:
    judged = {name: [str(each) for each in verify(instance, class_name)] for name, instance, class_name in cases(True)}
    assert {name: findings for name, findings in judged.items() if findings} == {}
    assert len(judged) > 1000


def test_what_aas_core_refuses_is_refused_with_a_sentence() -> None:
    judged = {name: list(verify(instance, class_name)) for name, instance, class_name in cases(False)}
    accepted = {name for name, findings in judged.items() if not findings}
    assert {name for name in accepted if not any(part in name for part in PATHS + IRIS)} == set()
    assert all(finding.message for findings in judged.values() for finding in findings)
    assert (len(judged) > 900, len(accepted)) == (True, 13)


# --- aas-core as the oracle: the same verdict on what Hypothesis builds and breaks

SHORT = st.sampled_from(["a", "b", "globalAssetId"])
KEY = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["GlobalReference", "FragmentReference", "Submodel", "Property", "File", "SubmodelElementList"]
        ),
        "value": st.sampled_from(["0", "x"]),
    }
)
REFERENCE = st.fixed_dictionaries(
    {"type": st.sampled_from(["ExternalReference", "ModelReference"]), "keys": st.lists(KEY, min_size=1, max_size=4)}
)
SPECIFIC = st.fixed_dictionaries(
    {"name": SHORT, "value": st.sampled_from(["u", "v"])},
    optional={"semanticId": REFERENCE, "supplementalSemanticIds": st.lists(REFERENCE, min_size=1, max_size=1)},
)
ASSET = st.fixed_dictionaries(
    {"assetKind": st.just("Type")},
    optional={
        "globalAssetId": st.sampled_from(["u", "v"]),
        "specificAssetIds": st.lists(SPECIFIC, min_size=1, max_size=2),
    },
)
QUALIFIER = st.fixed_dictionaries(
    {"type": SHORT, "valueType": st.sampled_from(["xs:int", "xs:string"])},
    optional={"value": st.sampled_from(["1", "x"]), "kind": st.sampled_from(["TemplateQualifier", "ValueQualifier"])},
)
ITEM = st.fixed_dictionaries(
    {"modelType": st.sampled_from(["Property", "Range"]), "valueType": st.sampled_from(["xs:int", "xs:string"])},
    optional={"semanticId": st.sampled_from([meaning("a"), meaning("b")]), "idShort": st.just("ab")},
)
LIST = st.fixed_dictionaries(
    {
        "modelType": st.just("SubmodelElementList"),
        "idShort": st.just("cd"),
        "typeValueListElement": st.sampled_from(["Property", "Range", "DataElement", "Entity"]),
        "value": st.lists(ITEM, min_size=1, max_size=3),
    },
    optional={"valueTypeListElement": st.just("xs:int"), "semanticIdListElement": st.just(meaning("a"))},
)
NAMED = st.fixed_dictionaries(
    {"modelType": st.just("Property"), "valueType": st.just("xs:int")},
    optional={
        "idShort": st.sampled_from(["ab", "cd", "ef"]),
        "value": st.sampled_from(["1", "x"]),
        "qualifiers": st.lists(QUALIFIER, min_size=1, max_size=2),
    },
)
SUBMODEL = st.fixed_dictionaries(
    {
        "modelType": st.just("Submodel"),
        "id": st.just("urn:x"),
        "submodelElements": st.lists(NAMED | LIST, min_size=1, max_size=3),
    },
    optional={
        "kind": st.sampled_from(["Template", "Instance"]),
        "qualifiers": st.lists(QUALIFIER, min_size=1, max_size=1),
    },
)


@settings(max_examples=150, deadline=None)
@given(REFERENCE)
def test_references_as_aas_core_judges_them(reference: Any) -> None:
    theirs = list(verification.verify(jsonization.reference_from_jsonable(reference)))
    assert bool(list(verify(reference, "Reference"))) == bool(theirs), theirs


@settings(max_examples=100, deadline=None)
@given(ASSET)
def test_assets_as_aas_core_judges_them(asset: Any) -> None:
    theirs = list(verification.verify(jsonization.asset_information_from_jsonable(asset)))
    assert bool(list(verify(asset, "AssetInformation"))) == bool(theirs), theirs


@settings(max_examples=200, deadline=None)
@given(SUBMODEL)
def test_submodels_as_aas_core_judges_them(submodel: Any) -> None:
    theirs = list(verification.verify(jsonization.submodel_from_jsonable(submodel)))
    assert bool(list(verify(submodel))) == bool(theirs), theirs


@settings(max_examples=50, deadline=None)
@given(SUBMODEL)
def test_looking_changes_nothing(submodel: Any) -> None:
    before = copy.deepcopy(submodel)
    list(verify(submodel))
    assert submodel == before


def test_every_kind_of_element_is_looked_into() -> None:
    for name in SUBMODEL_ELEMENTS:
        wrong: dict[str, Any] = {"modelType": name, "qualifiers": [{"type": "t", "valueType": "xs:int", "value": "x"}]}
        if name in ("Property", "Range"):
            wrong["valueType"] = "xs:int"
        if name == "SubmodelElementList":
            wrong["typeValueListElement"] = "Capability"
        if name == "BasicEventElement":
            observed = {"type": "ModelReference", "keys": [{"type": "Submodel", "value": "urn:x"}]}
            wrong |= {"observed": observed, "direction": "input", "state": "on"}
        assert found(verify(wrong)) == [("qualifiers[0].value", "AASd-020")], name
