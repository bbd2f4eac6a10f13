"""The SerializationModifiers: which combinations there are, and what the standard says each shows."""

from typing import Any

import pytest

from aas_server.model import Document
from aas_server.model.content import ApiVersion, Content, Extent, Level, represent, represent_page
from aas_server.model.errors import Malformed, NotFound
from aas_server.model.paths import parse
from aas_server.model.valueonly import value_only
from tests.examples import collection, concept, listed, motors, prop, shell, submodel
from tests.model.test_content_golden import View, kinds

V30, V31 = ApiVersion.V30, ApiVersion.V31


def classes() -> Document:
    """The shape of the example 'Value-Only serialization for a Submodel' in Part 1."""
    rows = [("ECLASS", "27-01", "14.0"), ("IEC CDD", "0112", None)]
    items = [
        collection(None, *(prop(name, value, "xs:string") for name, value in zip("SCV", row, strict=True)))
        for row in rows
    ]
    return submodel("urn:x:c", listed("Classes", "SubmodelElementCollection", *items), prop("Max", "4200", "xs:int"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", {"Classes": [{"S": "ECLASS", "C": "27-01", "V": "14.0"}, {"S": "IEC CDD", "C": "0112"}], "Max": 4200}),
        ("Classes", [{"S": "ECLASS", "C": "27-01", "V": "14.0"}, {"S": "IEC CDD", "C": "0112"}]),
        ("Classes[0]", {"S": "ECLASS", "C": "27-01", "V": "14.0"}),
        ("Max", 4200),
    ],
)
def test_values_as_in_the_examples_of_part_1(path: str, expected: Any) -> None:
    assert represent(classes(), parse(path) if path else (), View(Content.VALUE)) == expected


def test_what_has_no_value_is_left_out() -> None:
    """Part 1, 'Example … with non-serialized elements': with a list of Operations goes the list."""
    operation = {"modelType": "Operation"}
    mixed = collection(
        "Mixed",
        prop("P", "v", "xs:string"),
        prop("Q", None),
        {"modelType": "Capability", "idShort": "C"},
        {**operation, "idShort": "O"},
        listed("L", "Operation", operation),
        collection("Empty"),
    )
    assert value_only(mixed) == {"P": "v"}


def test_index_n_of_an_array_is_the_value_of_item_n() -> None:
    items = [prop(None, None), prop(None, "2"), prop(None, None)]
    assert value_only(listed("L", "Property", *items, valueTypeListElement="xs:double")) == [None, 2]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.CORE, {"Motors": [], "Name": "press"}),
        (Level.DEEP, {"Motors": [{"Speed": 4.2}, {"Speed": 1000}], "Name": "press"}),
    ],
)
def test_core_cuts_the_values_below_the_children(level: Level, expected: Any) -> None:
    assert represent(motors(), (), View(Content.VALUE, level)) == expected


def test_core_cuts_the_elements_below_the_children() -> None:
    shown = represent(motors(), (), View(level=Level.CORE))
    assert shown["submodelElements"][0] == listed("Motors", "SubmodelElementCollection")
    assert shown["submodelElements"][1] == prop("Name", "press", "xs:string")
    item = represent(motors(), ("Motors",), View(level=Level.CORE))
    assert item == listed("Motors", "SubmodelElementCollection", collection(None), collection(None))


def test_blobs_come_with_their_value_when_asked_for() -> None:
    document = kinds()
    for path in (("Icon",), ("Tool", "Drawing")):
        assert "value" not in represent(document, path, View())
        assert "value" not in represent(document, path, View(Content.VALUE))
        with_value = represent(document, path, View(extent=Extent.WITH_BLOB))
        assert represent(document, path, View(Content.VALUE, extent=Extent.WITH_BLOB))["value"] == with_value["value"]
    assert represent(document, (), View(extent=Extent.WITH_BLOB)) is document


def test_a_document_without_blobs_is_not_copied() -> None:
    document = motors()
    assert represent(document, (), View()) is document


@pytest.mark.parametrize(
    "view",
    [
        View(Content.METADATA, Level.CORE),
        View(Content.METADATA, Level.DEEP),
        View(Content.METADATA, extent=Extent.WITH_BLOB),
        View(Content.REFERENCE, Level.DEEP),
    ],
)
def test_modifiers_that_do_not_go_together(view: View) -> None:
    with pytest.raises(Malformed, match="cannot be combined"):
        represent(motors(), (), view)
    with pytest.raises(Malformed, match="cannot be combined"):
        represent_page([motors()], view)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("Forming", Content.VALUE),
        ("Stop", Content.VALUE),
        ("Forming", Content.METADATA),
        ("Stop", Content.METADATA),
        ("Strokes", Content.PATH),
        ("Overload", Content.PATH),
        ("Drives", Content.PATH),
    ],
)
@pytest.mark.parametrize("version", list(ApiVersion))
def test_contents_that_are_not_defined_for_a_kind(path: str, content: Content, version: ApiVersion) -> None:
    with pytest.raises(Malformed, match=f"{path}.*not defined"):
        represent(kinds(), (path,), View(content, version=version))


def test_paths_of_an_annotated_relationship_are_new_in_3_1() -> None:
    assert represent(kinds(), ("Feeds",), View(Content.PATH)) == ["Feeds", "Feeds.Rate"]
    with pytest.raises(Malformed, match="Feeds"):
        represent(kinds(), ("Feeds",), View(Content.PATH, version=V30))


def test_shells_and_concepts_have_no_value() -> None:
    for document in (shell(), concept()):
        for content in (Content.VALUE, Content.METADATA, Content.PATH):
            with pytest.raises(Malformed, match=document["id"]):
                represent(document, (), View(content))
    assert represent(shell(), (), View(Content.REFERENCE))["keys"][0]["type"] == "AssetAdministrationShell"
    with pytest.raises(Malformed, match="urn:c:1"):
        represent(concept(), (), View(Content.REFERENCE))


def test_a_path_that_leads_nowhere() -> None:
    with pytest.raises(NotFound, match="Nothing"):
        represent(motors(), ("Nothing",), View(Content.VALUE))


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (V31, {"Motors": [{"Speed": 4.2}, {"Speed": 1000}], "Name": "press"}),
        (V30, [{"Motors": [{"Speed": 4.2}, {"Speed": 1000}]}, {"Name": "press"}]),
    ],
)
def test_a_page_of_values_is_an_object_since_3_1(version: ApiVersion, expected: Any) -> None:
    document = motors()
    page = represent_page(document["submodelElements"], View(Content.VALUE, version=version), document)
    assert page == expected


def test_values_of_submodels_are_named_by_id_where_the_id_short_does_not_tell_them_apart() -> None:
    page = [
        submodel("urn:x:1", prop("P", "1"), idShort="One"),
        submodel("urn:x:2", prop("P", "2"), idShort="Two"),
        submodel("urn:x:3", prop("P", "3"), idShort="Two"),
        submodel("urn:x:4", prop("P", "4")),
    ]
    named = represent_page(page, View(Content.VALUE))
    assert named == {"One": {"P": 1}, "urn:x:2": {"P": 2}, "urn:x:3": {"P": 3}, "urn:x:4": {"P": 4}}
    assert represent_page(page, View(Content.VALUE, version=V30)) == [{"P": 1}, {"P": 2}, {"P": 3}, {"P": 4}]


@pytest.mark.parametrize(
    ("path", "expected"), [("Name", {"Name": "press"}), ("Motors[1].Speed", {"Speed": 1000}), ("Motors", list)]
)
def test_3_0_wraps_the_value_of_a_property(path: str, expected: Any) -> None:
    shown = represent(motors(), parse(path), View(Content.VALUE, version=V30))
    assert isinstance(shown, list) if expected is list else shown == expected
    assert represent(motors(), ("Name",), View(Content.VALUE, version=V31)) == "press"


def test_3_0_keeps_in_the_metadata_what_it_requires() -> None:
    document = kinds()
    for path, name in (("Manual", "contentType"), ("Drives", "first"), ("Feeds", "second"), ("Overload", "observed")):
        assert name not in represent(document, (path,), View(Content.METADATA, version=V31))
        assert name in represent(document, (path,), View(Content.METADATA, version=V30))


def test_no_representation_changes_the_document() -> None:
    document = kinds()
    for content in Content:
        for version in ApiVersion:
            represent(document, (), View(content, version=version))
            represent_page(document["submodelElements"], View(content, version=version), document)
    assert document == kinds()
