"""ValueOnly JSON as updates of elements: what it sets, what it refuses, and that nothing is lost on the way."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model import Document, Json
from aas_server.model.content import ApiVersion, Content, Extent, represent
from aas_server.model.edit import apply_values
from aas_server.model.errors import Invalid, NotFound
from aas_server.model.metadata import DROPPED
from aas_server.model.paths import CHILDREN, parse, resolve
from aas_server.model.valueonly import changes, value_only
from aas_server.model.values import fits
from tests.examples import collection, external, listed, model, motors, prop, submodel
from tests.model.test_content_golden import View, kinds

V30 = ApiVersion.V30
SERIAL = {"name": "serial", "value": "M-10"}


@pytest.mark.parametrize(
    ("path", "value", "attributes"),
    [
        ("Strokes", 7, {"value": "7"}),
        ("Title", [{"en": "Press"}], {"value": [{"language": "en", "text": "Press"}]}),
        ("Title", [], {"value": None}),
        ("Force", {"min": 1.5, "max": "INF"}, {"min": "1.5", "max": "INF"}),
        ("Force", {"max": 9}, {"max": "9"}),
        ("Standard", external("urn:x"), {"value": external("urn:x")}),
        ("Icon", {"contentType": "image/png", "value": "AAAA"}, {"contentType": "image/png", "value": "AAAA"}),
        ("Icon", {"value": "AAAA"}, {"value": "AAAA"}),
        ("Manual", {"contentType": "text/plain", "value": "/a.txt"}, {"contentType": "text/plain", "value": "/a.txt"}),
        ("Drives", {"second": external("urn:x")}, {"second": external("urn:x")}),
        ("Motor", {"globalAssetId": "urn:m:2"}, {"globalAssetId": "urn:m:2"}),
        (
            "Motor",
            {"specificAssetIds": [{"name": "a", "value": "b"}]},
            {"specificAssetIds": [{"name": "a", "value": "b"}]},
        ),
        ("Overload", {"observed": model("urn:x")}, {"observed": model("urn:x")}),
        ("Tool.Serial", "123456789012345678901", {"value": "123456789012345678901"}),
        ("Temperatures[1]", 3, {"value": "3"}),
    ],
)
def test_a_value_sets_attributes(path: str, value: Json, attributes: dict[str, Any]) -> None:
    document = kinds()
    assert changes(resolve(document, parse(path)), value, parse(path)) == [(parse(path), attributes)]
    after = apply_values(document, [(parse(path), attributes)])
    expected = resolve(document, parse(path)) | {name: new for name, new in attributes.items() if new is not None}
    assert resolve(after, parse(path)) == {k: v for k, v in expected.items() if attributes.get(k, v) is not None}


def test_values_of_a_whole_submodel() -> None:
    value = {
        "Feeds": {"annotations": {"Rate": 1}},
        "Motor": {"statements": {"Running": False, "Ratings": {"Power": 8}}},
        "Tool": {"Name": "die 5", "Life": {"Since": "2026-02-01"}},
        "Temperatures": [1.5, 2],
    }
    assert changes(kinds(), value) == [
        (("Feeds", "Rate"), {"value": "1"}),
        (("Motor", "Running"), {"value": "false"}),
        (("Motor", "Ratings", "Power"), {"value": "8"}),
        (("Tool", "Name"), {"value": "die 5"}),
        (("Tool", "Life", "Since"), {"value": "2026-02-01"}),
        (("Temperatures", 0), {"value": "1.5"}),
        (("Temperatures", 1), {"value": "2"}),
    ]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"Nothing": 1}, "Nothing"),
        ({"Strokes": -1}, "Strokes"),
        ({"Strokes": "7"}, "Strokes"),
        ({"Strokes": None}, "Strokes"),
        ({"Strokes": {"Strokes": 7}}, "Strokes"),
        ({"Title": {"en": "Press"}}, "Title"),
        ({"Title": [{"english?": "Press"}]}, "Title"),
        ({"Title": [{"en": "a"}, {"en": "b"}]}, "Title"),
        ({"Title": [{"en": 5}]}, "Title"),
        ({"Force": {"min": "low", "max": 3}}, "Force"),
        ({"Force": {"mean": 2}}, "Force"),
        ({"Standard": "urn:x"}, "Standard"),
        ({"Standard": None}, "Standard"),
        ({"Standard": {"type": "ExternalReference", "keys": []}}, "Standard"),
        ({"Icon": {"value": "no base64!"}}, "Icon"),
        ({"Icon": "AAAA"}, "Icon"),
        ({"Manual": {"contentType": ""}}, "Manual"),
        ({"Manual": {"value": None}}, "Manual"),
        ({"Drives": {"third": external("urn:x")}}, "Drives"),
        ({"Motor": {"entityType": "Robot"}}, "Motor"),
        ({"Motor": {"globalAssetId": external("urn:x")}}, "Motor"),
        ({"Motor": {"specificAssetIds": []}}, "Motor"),
        ({"Motor": {"statements": {"Speed": 1}}}, "Motor.Speed"),
        ({"Motor": {"statements": [1]}}, "Motor"),
        ({"Overload": {"observed": {}}}, "Overload"),
        ({"Stop": {}}, "Stop"),
        ({"Forming": 1}, "Forming"),
        ({"Tool": []}, "Tool"),
        ({"Temperatures": {"0": 1}}, "Temperatures"),
        ({"Temperatures": [1, 2, 3, 4, 5]}, "Temperatures"),
        ({"Temperatures": [None]}, "Temperatures[0]"),
        ([1], ""),
        (None, ""),
    ],
)
def test_a_value_that_does_not_fit_is_refused_where_it_stands(value: Json, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        changes(kinds(), value)
    assert {finding.path for finding in refused.value.findings} == {where}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        changes(kinds(), {"Strokes": 1.5, "Force": {"min": "a", "max": "b"}, "Nothing": 1, "Tool": {"Name": 4}})
    assert [finding.path for finding in refused.value.findings] == ["Strokes", "Force", "Force", "Nothing", "Tool.Name"]


def test_what_was_wrong_before_does_not_stand_in_the_way() -> None:
    """Packages are loaded with their defects; a caller can still set what is right."""
    document = submodel("urn:x:1", {"modelType": "File", "idShort": "F", "contentType": "no type", "value": "/a"})
    assert changes(document, {"F": {"value": "/b"}}) == [(("F",), {"value": "/b"})]
    with pytest.raises(Invalid):
        changes(document, {"F": {"contentType": "nor this"}})


def test_an_unchanged_value_keeps_its_lexical_form() -> None:
    value = represent(motors(), (), View(Content.VALUE))
    assert changes(motors(), value) == []
    value["Motors"][0]["Speed"] = 1
    assert changes(motors(), value) == [(("Motors", 0, "Speed"), {"value": "1"})]


def test_true_is_not_one() -> None:
    assert changes(prop("P", "1", "xs:boolean"), True) == []
    with pytest.raises(Invalid, match="boolean"):
        changes(prop("P", "1", "xs:boolean"), 1)
    with pytest.raises(Invalid, match="number"):
        changes(prop("P", "1", "xs:int"), True)


def test_3_0_takes_what_it_shows() -> None:
    name = resolve(motors(), ("Name",))
    assert changes(name, {"Name": "saw"}, ("Name",), V30) == changes(name, "saw", ("Name",), V30)
    assert changes(name, "saw", ("Name",)) == [(("Name",), {"value": "saw"})]
    with pytest.raises(Invalid, match="Name"):
        changes(name, {"Name": "saw"}, ("Name",))
    item = resolve(kinds(), ("Temperatures", 0))
    assert changes(item, {"[0]": 5}, ("Temperatures", 0), V30) == [(("Temperatures", 0), {"value": "5"})]


def test_no_value_can_be_sent_back_as_it_is_shown() -> None:
    path = ("Tool", "Remark")
    remark = resolve(kinds(), path)
    assert changes(remark, None, path) == changes(remark, {}, path, V30) == []
    with pytest.raises(Invalid):
        changes(remark, {}, path)


def test_3_0_takes_arrays_of_named_values_and_languages_as_an_object() -> None:
    value = {"Feeds": {"annotations": [{"Rate": 1}]}, "Title": {"en": "Press", "de": "Presse"}}
    texts = [{"language": "en", "text": "Press"}, {"language": "de", "text": "Presse"}]
    assert changes(kinds(), value, version=V30) == [(("Feeds", "Rate"), {"value": "1"}), (("Title",), {"value": texts})]
    with pytest.raises(Invalid):
        changes(kinds(), value)


def test_values_go_to_the_elements_they_are_for() -> None:
    many = submodel("urn:x:1", *(prop(f"P{number}", str(number)) for number in range(20)))
    after = apply_values(many, [((f"P{number}",), {"value": str(-number)}) for number in range(10)])
    assert value_only(after) == {f"P{number}": -number if number < 10 else number for number in range(20)}
    assert all(
        new is old for new, old in zip(after["submodelElements"][10:], many["submodelElements"][10:], strict=True)
    )
    with pytest.raises(NotFound, match="P99"):
        apply_values(many, [((f"P{number}",), {"value": "0"}) for number in (1, 2, 3, 4, 99)])


def test_the_later_of_two_updates_holds() -> None:
    after = apply_values(motors(), [(("Name",), {"value": "a"}), (("Name",), {"value": "b", "category": None})])
    assert resolve(after, ("Name",)) == prop("Name", "b", "xs:string")


# Laws


TYPED = {
    "xs:string": st.text("aé ☃"),
    "xs:boolean": st.sampled_from(["true", "false", "1", "0"]),
    "xs:int": st.integers(-(2**31), 2**31 - 1).map(str),
    "xs:long": st.integers(-(2**63), 2**63 - 1).map(str),
    "xs:integer": st.integers().map(str) | st.sampled_from(["+5", "007", "-0"]),
    "xs:decimal": st.decimals(allow_nan=False, allow_infinity=False, places=6).map(lambda number: format(number, "f")),
    "xs:double": st.floats().map(
        lambda number: {"inf": "INF", "-inf": "-INF", "nan": "NaN"}.get(str(number), str(number))
    ),
    "xs:date": st.dates().map(str),
}
REFERENCES = st.sampled_from([external("urn:a"), external("urn:b")])


def leaves() -> st.SearchStrategy[Document]:
    def typed(model_type: str, *names: str) -> st.SearchStrategy[Document]:
        return st.sampled_from(sorted(TYPED)).flatmap(
            lambda kind: st.fixed_dictionaries(
                {"modelType": st.just(model_type), "valueType": st.just(kind)},
                optional=dict.fromkeys(names, TYPED[kind]),
            )
        )

    def plain(model_type: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
        return st.fixed_dictionaries({"modelType": st.just(model_type)}, optional=parts)

    types = st.sampled_from(["text/plain", "image/png"])
    language = st.fixed_dictionaries({"language": st.sampled_from(["de", "en"]), "text": st.text("xyz", min_size=1)})
    texts = st.lists(language, min_size=1, unique_by=lambda each: each["language"])
    return st.one_of(
        typed("Property", "value"),
        typed("Range", "min", "max"),
        plain("MultiLanguageProperty", value=texts),
        plain("ReferenceElement", value=REFERENCES),
        plain("Blob", contentType=types, value=st.sampled_from(["AAAA", "AQ=="])),
        plain("File", contentType=types, value=st.sampled_from(["/a", "/b"])),
        plain("RelationshipElement", first=REFERENCES, second=REFERENCES),
        plain("Capability"),
        plain("Operation"),
    )


def named(elements: list[Document]) -> list[Document]:
    return [{**element, "idShort": f"e{position}"} for position, element in enumerate(elements)]


def containers(below: st.SearchStrategy[Document]) -> st.SearchStrategy[Document]:
    some = st.lists(below, min_size=1, max_size=4)
    alike = below.flatmap(lambda element: st.lists(st.just(element) | st.just(blank(element)), min_size=1, max_size=4))
    return st.one_of(
        some.map(lambda elements: collection(None, *named(elements))),
        some.map(lambda elements: {"modelType": "Entity", "statements": named(elements)}),
        alike.map(lambda elements: unnamed(listed("", elements[0]["modelType"], *elements))),
        st.builds(
            lambda first, elements: {
                "modelType": "AnnotatedRelationshipElement",
                "first": first,
                "annotations": elements,
            },
            REFERENCES,
            st.lists(leaves(), min_size=1, max_size=3).map(named),
        ),
    )


def unnamed(element: Document) -> Document:
    return {name: value for name, value in element.items() if name != "idShort"}


def blank(element: Document) -> Document:
    """The element and all below it without values."""
    below = CHILDREN.get(element["modelType"])
    dropped = DROPPED[element["modelType"]] - {below}
    bare = {name: value for name, value in element.items() if name not in dropped}
    return {**bare, below: [blank(child) for child in element[below]]} if below in element else bare


SUBMODELS = st.lists(st.recursive(leaves(), containers, max_leaves=12), min_size=1, max_size=5).map(
    lambda elements: submodel("urn:x:law", *named(elements))
)


def literals(element: Document) -> Iterator[tuple[str, str]]:
    for name in ("value", "min", "max"):
        if "valueType" in element and name in element:
            yield element["valueType"], element[name]
    for child in element.get(CHILDREN.get(element["modelType"], ""), []):
        yield from literals(child)


@given(SUBMODELS, st.sampled_from(ApiVersion))
def test_what_is_shown_is_no_change(document: Document, version: ApiVersion) -> None:
    shown = represent(document, (), View(Content.VALUE, extent=Extent.WITH_BLOB, version=version))
    assert changes(document, shown, version=version) == []


@given(SUBMODELS)
def test_values_set_in_a_blank_submodel_are_shown_the_same(document: Document) -> None:
    before = copy.deepcopy(document)
    shown = json.loads(json.dumps(value_only(document, blobs=True)))
    empty = blank(document)
    filled = apply_values(empty, changes(empty, shown))
    assert json.dumps(value_only(filled, blobs=True)) == json.dumps(shown)
    assert all(fits(kind, text) for kind, text in literals(filled))
    assert len(list(literals(filled))) == len(list(literals(document)))
    assert document == before
    assert empty == blank(document)
