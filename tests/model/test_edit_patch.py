"""PATCH of an object's attributes, in the normal serialisation and as $metadata."""

from typing import Any

import pytest

from aas_server.model.content import ApiVersion, Content, represent
from aas_server.model.errors import Malformed
from aas_server.model.metadata import merge, merge_metadata
from aas_server.model.paths import resolve, walk
from tests.examples import collection, external, motors, prop
from tests.model.test_content_golden import View, kinds


def test_attributes_named_are_replaced_the_others_stay() -> None:
    element = prop("Name", "press", "xs:string", category="CONSTANT", semanticId=external("urn:old"))
    body = {"modelType": "Property", "idShort": "Name", "category": None, "semanticId": external("urn:new")}
    expected = prop("Name", "press", "xs:string", semanticId=external("urn:new"))
    assert merge(element, body) == merge_metadata(element, body) == expected
    assert merge(element, {"value": "saw"})["value"] == "saw"
    assert element["category"] == "CONSTANT"


def test_children_are_merged_one_by_one() -> None:
    """Part 2, annex 'Examples for PATCH Operations': a shorter list changes its first items."""
    before = motors()
    items = [collection(None, prop("Speed", "7"))]
    changed = {"modelType": "SubmodelElementList", "idShort": "Motors", "value": items}
    after = merge(before, {"modelType": "Submodel", "id": "urn:x:1", "submodelElements": [changed]})
    assert represent(after, (), View(Content.VALUE)) == {"Motors": [{"Speed": 7}, {"Speed": 1000}], "Name": "press"}
    assert resolve(after, ("Motors",))["typeValueListElement"] == "SubmodelElementCollection"
    assert resolve(after, ("Name",)) is resolve(before, ("Name",))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"submodelElements": [prop("New")]}, "'New'"),
        ({"submodelElements": [prop(None)]}, "None"),
        ({"submodelElements": [{"idShort": "Motors", "value": [{}, {}, {}]}]}, "Motors: no element 2"),
        ({"submodelElements": [{"idShort": "Motors", "value": [prop(None)]}]}, r"Motors\[0\]: modelType"),
        ({"submodelElements": [{"modelType": "Range", "idShort": "Name"}]}, "Name: modelType"),
        ({"submodelElements": {"Name": 1}}, "array"),
        ({"submodelElements": [1]}, "object"),
        ({"id": "urn:x:2"}, "id"),
        ({"modelType": "AssetAdministrationShell"}, "modelType"),
        ([], "object"),
    ],
)
def test_a_body_of_another_structure_is_refused(body: Any, message: str) -> None:
    before = motors()
    with pytest.raises(Malformed, match=message):
        merge(before, body)
    assert before == motors()


def test_an_element_keeps_its_id_short_a_submodel_may_change_it() -> None:
    with pytest.raises(Malformed, match="idShort"):
        merge_metadata(prop("Name"), {"idShort": "Title"})
    assert merge_metadata(motors(), {"idShort": "Renamed"})["idShort"] == "Renamed"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Strokes", {"value": "1"}),
        ("Strokes", {"valueId": None}),
        ("Force", {"min": "0"}),
        ("Manual", {"contentType": "text/plain"}),
        ("Motor", {"globalAssetId": "urn:m"}),
        ("Feeds", {"annotations": []}),
        ("Tool", {"value": []}),
    ],
)
def test_metadata_leave_values_unchanged(path: str, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=next(iter(body))):
        merge_metadata(resolve(kinds(), (path,)), body)


def test_an_operation_has_no_metadata_to_change() -> None:
    with pytest.raises(Malformed, match="Operation"):
        merge_metadata(resolve(kinds(), ("Stop",)), {"category": "X"})


def test_metadata_that_were_read_can_be_written_back() -> None:
    document = kinds()
    for _, element in [((), document), *walk(document)]:
        if element["modelType"] in ("Capability", "Operation"):
            continue
        for version in ApiVersion:
            shown = represent({**element, "id": "urn:x"}, (), View(Content.METADATA, version=version))
            assert merge_metadata(element, {name: value for name, value in shown.items() if name != "id"}) == element
