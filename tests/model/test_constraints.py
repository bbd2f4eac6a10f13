"""Each constraint of Parts 1 and 3a: an instance that violates it, where it is found, and one that just does not."""

from typing import Any

import pytest

from aas_server.model.validation import verify

Json = dict[str, Any]

ENGLISH = [{"language": "en", "text": "Speed"}]
GERMAN = [{"language": "de", "text": "Drehzahl"}]
TEMPLATE = {"kind": "TemplateQualifier", "type": "Cardinality", "valueType": "xs:string"}
PLAIN = {"type": "Cardinality", "valueType": "xs:string"}


def external(*values: str) -> Json:
    return reference("ExternalReference", *(("GlobalReference", value) for value in values))


def reference(kind: str, *keys: tuple[str, str]) -> Json:
    return {"type": kind, "keys": [{"type": each, "value": value} for each, value in keys]}


def model(*keys: tuple[str, str]) -> Json:
    return reference("ModelReference", *keys)


def element(model_type: str, id_short: str | None = None, **attributes: Any) -> Json:
    return {"modelType": model_type, **({"idShort": id_short} if id_short else {}), **attributes}


def number(id_short: str | None = None, **attributes: Any) -> Json:
    return element("Property", id_short, **{"valueType": "xs:int", **attributes})


def submodel(*elements: Json, **attributes: Any) -> Json:
    filled = {"submodelElements": list(elements)} if elements else {}
    return {"modelType": "Submodel", "id": "urn:x:1", **filled, **attributes}


def items(kind: str, *children: Json, **attributes: Any) -> Json:
    filled = {"value": list(children)} if children else {}
    return element("SubmodelElementList", "Items", typeValueListElement=kind, **filled, **attributes)


def shell(asset: Json | None = None, **attributes: Any) -> Json:
    information = asset or {"assetKind": "Instance", "globalAssetId": "urn:a"}
    return {"modelType": "AssetAdministrationShell", "id": "urn:x:2", "assetInformation": information, **attributes}


def asset(**attributes: Any) -> Json:
    return {"assetKind": "Instance", **attributes}


def asset_id(name: str, value: str, **attributes: Any) -> Json:
    return {"name": name, "value": value, **attributes}


def event(**attributes: Any) -> Json:
    observed = model(("Submodel", "urn:x:1"))
    return element(
        "BasicEventElement", "E", **{"observed": observed, "direction": "output", "state": "on"} | attributes
    )


def payload(**attributes: Any) -> Json:
    event_element = model(("Submodel", "urn:x:1"), ("BasicEventElement", "E"))
    required = {"source": event_element, "observableReference": event_element, "timeStamp": "2026-01-31T12:00:00Z"}
    return required | attributes


def operation(**variables: list[str]) -> Json:
    filled = {name: [{"value": number(each)} for each in id_shorts] for name, id_shorts in variables.items()}
    return element("Operation", "O", **filled)


def content(**attributes: Any) -> Json:
    described = {"preferredName": ENGLISH, "definition": ENGLISH}
    return {"modelType": "DataSpecificationIec61360", **described, **attributes}


def concept(category: str | None = None, **attributes: Any) -> Json:
    held = {key: value for key, value in content(**attributes).items() if value is not None}
    specification = {"dataSpecification": external("urn:iec61360"), "dataSpecificationContent": held}
    categorised = {"category": category} if category else {}
    return {
        "modelType": "ConceptDescription",
        "id": "urn:c",
        **categorised,
        "embeddedDataSpecifications": [specification],
    }


CONTENT = "embeddedDataSpecifications[0].dataSpecificationContent"
PAIRS = {"valueReferencePairs": [{"value": "red"}]}
LIST = ("SubmodelElementList", "L")
START = ("Submodel", "urn:x:1")

#: Constraint, class where the instance does not say it, what violates it, where that is found, and the near miss.
CASES: list[tuple[str, str | None, Json, str, Json]] = [
    ("AASd-005", "AdministrativeInformation", {"revision": "1"}, "revision", {"version": "0", "revision": "1"}),
    (
        "AASd-014",
        None,
        element("Entity", entityType="SelfManagedEntity"),
        "",
        element("Entity", entityType="CoManagedEntity"),
    ),
    (
        "AASd-014",
        None,
        element("Entity", entityType="SelfManagedEntity"),
        "",
        element("Entity", entityType="SelfManagedEntity", specificAssetIds=[asset_id("serial", "1")]),
    ),
    ("AASd-020", "Qualifier", PLAIN | {"valueType": "xs:int", "value": "x"}, "value", PLAIN | {"value": "x"}),
    ("AASd-021", None, number(qualifiers=[PLAIN, PLAIN]), "qualifiers[1].type", number(qualifiers=[PLAIN])),
    (
        "AASd-022",
        None,
        submodel(number("a"), number("a")),
        "submodelElements[1].idShort",
        submodel(number("a"), number("A")),
    ),
    (
        "AASd-022",
        None,
        element("SubmodelElementCollection", value=[number("a"), number("a")]),
        "value[1].idShort",
        element(
            "SubmodelElementCollection",
            value=[number("a"), element("SubmodelElementCollection", "b", value=[number("a")])],
        ),
    ),
    (
        "AASd-022",
        None,
        element("Entity", statements=[number("a"), number("b"), number("a")]),
        "statements[2].idShort",
        element("Entity", "a", statements=[number("a")]),
    ),
    (
        "AASd-022",
        None,
        element("AnnotatedRelationshipElement", annotations=[number("a"), number("a")]),
        "annotations[1].idShort",
        element("AnnotatedRelationshipElement", annotations=[number("a"), number("a_")]),
    ),
    (
        "AASd-077",
        None,
        number(extensions=[{"name": "a"}, {"name": "a"}]),
        "extensions[1].name",
        number(extensions=[{"name": "a"}, {"name": "b"}]),
    ),
    (
        "AASd-107",
        None,
        items("Capability", element("Capability", semanticId=external("b")), semanticIdListElement=external("a")),
        "value[0].semanticId",
        items("Capability", element("Capability"), semanticIdListElement=external("a")),
    ),
    ("AASd-108", None, items("Capability", number()), "value[0].modelType", items("DataElement", number())),
    (
        "AASd-108",
        None,
        items("AnnotatedRelationshipElement", element("RelationshipElement")),
        "value[0].modelType",
        items("RelationshipElement", element("AnnotatedRelationshipElement")),
    ),
    ("AASd-109", None, items("Property", number()), "value[0].valueType", items("Property")),
    (
        "AASd-109",
        None,
        items("Property", number(valueType="xs:long"), valueTypeListElement="xs:int"),
        "value[0].valueType",
        items("Property", number(), valueTypeListElement="xs:int"),
    ),
    (
        "AASd-114",
        None,
        items("Capability", *(element("Capability", semanticId=external(each)) for each in "aab")),
        "value[2].semanticId",
        items("Capability", element("Capability", semanticId=external("a")), element("Capability")),
    ),
    (
        "AASd-116",
        "AssetInformation",
        asset(globalAssetId="urn:a", specificAssetIds=[asset_id("GlobalAssetID", "urn:b")]),
        "specificAssetIds[0]",
        asset(globalAssetId="urn:a", specificAssetIds=[asset_id("GlobalAssetID", "urn:a")]),
    ),
    ("AASd-117", None, submodel(number()), "submodelElements[0]", number()),
    (
        "AASd-117",
        None,
        element("Operation", inputVariables=[{"value": number()}]),
        "inputVariables[0].value",
        operation(inputVariables=["a"]),
    ),
    (
        "AASd-118",
        None,
        number(supplementalSemanticIds=[external("a")]),
        "supplementalSemanticIds",
        number(semanticId=external("b"), supplementalSemanticIds=[external("a")]),
    ),
    (
        "AASd-119",
        None,
        submodel(qualifiers=[TEMPLATE]),
        "qualifiers[0].kind",
        submodel(kind="Template", qualifiers=[TEMPLATE]),
    ),
    (
        "AASd-121",
        "Reference",
        reference("ExternalReference", ("FragmentReference", "f")),
        "keys[0].type",
        external("a"),
    ),
    ("AASd-122", "Reference", reference("ExternalReference", START), "keys[0].type", model(START)),
    ("AASd-123", "Reference", model(("GlobalReference", "a")), "keys[0].type", model(("Identifiable", "a"))),
    (
        "AASd-124",
        "Reference",
        reference("ExternalReference", ("GlobalReference", "a"), ("Property", "p")),
        "keys[1].type",
        reference("ExternalReference", ("GlobalReference", "a"), ("FragmentReference", "p")),
    ),
    ("AASd-125", "Reference", model(START, START), "keys[1].type", model(START, ("Property", "p"))),
    (
        "AASd-126",
        "Reference",
        model(START, ("File", "f"), ("FragmentReference", "x"), ("Property", "p")),
        "keys[2].type",
        model(START, ("File", "f"), ("FragmentReference", "x")),
    ),
    (
        "AASd-127",
        "Reference",
        model(START, ("Property", "p"), ("FragmentReference", "x")),
        "keys[2].type",
        model(START, ("Blob", "b"), ("FragmentReference", "x")),
    ),
    (
        "AASd-128",
        "Reference",
        model(START, LIST, ("Property", "p")),
        "keys[2].value",
        model(START, LIST, ("Property", "0")),
    ),
    (
        "AASd-129",
        None,
        submodel(element("SubmodelElementCollection", "c", value=[number("a", qualifiers=[TEMPLATE])])),
        "submodelElements[0].value[0].qualifiers[0].kind",
        submodel(number("a", qualifiers=[TEMPLATE]), kind="Template"),
    ),
    ("AASd-131", "AssetInformation", asset(), "", asset(specificAssetIds=[asset_id("serial", "1")])),
    (
        "AASd-133",
        "SpecificAssetId",
        asset_id("a", "1", externalSubjectId=model(START)),
        "externalSubjectId.type",
        asset_id("a", "1", externalSubjectId=external("urn:company")),
    ),
    (
        "AASd-134",
        None,
        operation(inputVariables=["a", "b"], inoutputVariables=["c", "b"]),
        "inoutputVariables[1].value.idShort",
        operation(inputVariables=["a", "b"], inoutputVariables=["c", "B"]),
    ),
    ("AASc-3a-002", "DataSpecificationIec61360", content(preferredName=GERMAN), "preferredName", content()),
    (
        "AASc-3a-004",
        None,
        concept("PROPERTY", dataType="IRI"),
        f"{CONTENT}.dataType",
        concept("PROPERTY", dataType="STRING"),
    ),
    ("AASc-3a-004", None, concept("VALUE"), f"{CONTENT}.dataType", concept()),
    (
        "AASc-3a-005",
        None,
        concept("REFERENCE", dataType="BOOLEAN"),
        f"{CONTENT}.dataType",
        concept("REFERENCE", dataType="IRDI"),
    ),
    (
        "AASc-3a-006",
        None,
        concept("DOCUMENT", dataType="STRING"),
        f"{CONTENT}.dataType",
        concept("DOCUMENT", dataType="HTML"),
    ),
    ("AASc-3a-007", None, concept("QUALIFIER_TYPE"), f"{CONTENT}.dataType", concept("QUALIFIER_TYPE", dataType="IRI")),
    (
        "AASc-3a-008",
        None,
        concept(definition=GERMAN),
        f"{CONTENT}.definition",
        concept(definition=[{"language": "en-GB", "text": "speed"}]),
    ),
    ("AASc-3a-008", None, concept(definition=None), f"{CONTENT}.definition", concept(definition=None, value="red")),
    (
        "AASc-3a-009",
        "DataSpecificationIec61360",
        content(dataType="REAL_MEASURE"),
        "dataType",
        content(dataType="REAL_MEASURE", unitId=external("urn:rpm")),
    ),
    (
        "AASc-3a-010",
        "DataSpecificationIec61360",
        content(value="red", valueList=PAIRS),
        "value",
        content(valueList=PAIRS),
    ),
    # Sentences of the standard that have no number: the finding names the attribute.
    (
        "LangStringSet",
        None,
        number(displayName=ENGLISH * 2),
        "displayName[1].language",
        number(displayName=ENGLISH + GERMAN),
    ),
    (
        "LangStringSet",
        "DataSpecificationIec61360",
        content(shortName=ENGLISH * 2),
        "shortName[1].language",
        content(shortName=ENGLISH + GERMAN),
    ),
    (
        "LangStringSet",
        None,
        element("MultiLanguageProperty", value=ENGLISH * 2),
        "value[1].language",
        element("MultiLanguageProperty", value=ENGLISH + GERMAN),
    ),
    ("Property/value", None, number(value="1.5"), "value", number(value="-1")),
    (
        "Range/max",
        None,
        element("Range", valueType="xs:date", min="2024-02-29", max="2023-02-29"),
        "max",
        element("Range", valueType="xs:date", min="2024-02-29"),
    ),
    (
        "Extension/value",
        "Extension",
        {"name": "a", "valueType": "xs:boolean", "value": "yes"},
        "value",
        {"name": "a", "value": "yes"},
    ),
    ("Blob/value", None, element("Blob", value="aGVsbG8"), "value", element("Blob", value="aGVsbG8=")),
    ("EventPayload/payload", "EventPayload", payload(payload="§"), "payload", payload(payload="")),
    ("EventPayload/source", "EventPayload", payload(source=model(START)), "source", payload()),
    (
        "EventPayload/observableReference",
        "EventPayload",
        payload(observableReference=external("a")),
        "observableReference",
        payload(observableReference=model(START)),
    ),
    ("BasicEventElement/observed", None, event(observed=external("a")), "observed", event()),
    (
        "BasicEventElement/messageBroker",
        None,
        event(messageBroker=external("a")),
        "messageBroker",
        event(messageBroker=model(START)),
    ),
    (
        "BasicEventElement/maxInterval",
        None,
        event(direction="input", maxInterval="PT1S"),
        "maxInterval",
        event(maxInterval="PT1S"),
    ),
    (
        "AssetAdministrationShell/derivedFrom",
        None,
        shell(derivedFrom=model(START)),
        "derivedFrom",
        shell(derivedFrom=model(("AssetAdministrationShell", "urn:x:0"))),
    ),
    (
        "AssetAdministrationShell/submodels",
        None,
        shell(submodels=[model(START), external("urn:x:1")]),
        "submodels[1]",
        shell(submodels=[model(START)]),
    ),
]


@pytest.mark.parametrize(
    ("constraint", "model_type", "wrong", "path", "near_miss"), CASES, ids=[f"{case[0]} at {case[3]}" for case in CASES]
)
def test_constraint(constraint: str, model_type: str | None, wrong: Json, path: str, near_miss: Json) -> None:
    assert [(finding.path, finding.constraint) for finding in verify(wrong, model_type)] == [(path, constraint)]
    assert [str(finding) for finding in verify(near_miss, model_type)] == []


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (number("1a"), "idShort"),  # AASd-002
        (number("a-"), "idShort"),
        (number(valueType="xs:string", value="\x00"), "value"),  # AASd-130
        (number(category="\ufffe"), "category"),
    ],
)
def test_constraints_on_characters_are_patterns(wrong: Json, path: str) -> None:
    assert [(finding.path, finding.constraint) for finding in verify(wrong)] == [(path, "pattern")]


@pytest.mark.parametrize("id_short", ["a", "a-b", "Z_", "x9"])
def test_id_shorts_of_either_version_are_accepted(id_short: str) -> None:
    assert list(verify(number(id_short))) == []


def test_constraints_that_versions_removed_are_not_asked() -> None:
    """AASd-120 (no idShort in a list) and AASd-090 (categories of data elements) ended with 3.1."""
    named = number("Named", category="SOMETHING")
    assert list(verify(items("Property", named, valueTypeListElement="xs:int"))) == []


def test_a_sentence_says_what_is_wrong() -> None:
    assert [str(finding) for finding in verify(submodel(number("a", value="fast")))] == [
        "submodelElements[0].value: 'fast' is no xs:int (Property/value)"
    ]
