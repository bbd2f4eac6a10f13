"""References as text, compared, followed to their target, and made for objects."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model.errors import NotFound
from aas_server.model.paths import walk
from aas_server.model.references import path_of, same, same_meaning, target, text, to_element, to_shell, to_submodel
from tests.examples import collection, external, listed, model, motors, prop, submodel

EXTERNAL = "ExternalReference"


def chain(*keys: tuple[str, str], kind: str = "ModelReference") -> dict[str, Any]:
    return {"type": kind, "keys": [{"type": key_type, "value": value} for key_type, value in keys]}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (external("0173-1#02-BAA120#008"), "(GlobalReference)0173-1#02-BAA120#008"),
        (model("urn:x:1"), "(Submodel)urn:x:1"),
        (chain(("Submodel", "urn:x:1"), ("Property", "Speed")), "(Submodel)urn:x:1,(Property)Speed"),
        (
            chain(("Submodel", "u"), ("SubmodelElementList", "L"), ("Property", "0")),
            "(Submodel)u,(SubmodelElementList)L,(Property)0",
        ),
    ],
)
def test_text_is_the_serialisation_of_part_1_without_blanks(reference: dict[str, Any], expected: str) -> None:
    assert text(reference) == expected


def test_what_does_not_say_where_is_not_in_the_text() -> None:
    assert text({**model("urn:x:1"), "referredSemanticId": external("urn:y")}) == text(model("urn:x:1"))


def test_same_compares_types_and_values_of_all_keys() -> None:
    one = chain(("Submodel", "u"), ("Property", "P"))
    assert same(one, {**chain(("Submodel", "u"), ("Property", "P")), "referredSemanticId": external("urn:y")})
    assert not same(one, chain(("Submodel", "u"), ("Range", "P")))
    assert not same(one, chain(("Submodel", "u"), ("Property", "Q")))
    assert not same(one, model("u"))
    assert not same(model("u"), one)


def test_values_match_whatever_their_types() -> None:
    """The examples of Part 1, 'Value matching of two references'."""
    one = chain(("GlobalReference", "1"), ("GlobalReference", "2"), kind=EXTERNAL)
    assert same_meaning(one, chain(("GlobalReference", "1"), ("FragmentReference", "2"), kind=EXTERNAL))
    assert same_meaning(external("urn:c:1"), model("urn:c:1", "ConceptDescription"))
    assert not same_meaning(one, chain(("GlobalReference", "1"), ("FragmentReference", "3"), kind=EXTERNAL))
    assert not same_meaning(one, external("1"))


def test_the_target_is_what_the_first_key_names() -> None:
    assert target(model("urn:x:1")) == "urn:x:1"
    assert target(chain(("Submodel", "urn:x:1"), ("Property", "Speed"))) == "urn:x:1"
    assert target(external("urn:x:2")) == "urn:x:2"


def test_references_to_identifiables() -> None:
    assert to_submodel("urn:x:1") == model("urn:x:1")
    assert to_shell("urn:s:1") == model("urn:s:1", "AssetAdministrationShell")


def test_an_item_of_a_list_is_named_by_its_index() -> None:
    """AASd-128: after a SubmodelElementList comes an integer."""
    assert to_element(motors(), ("Motors", 1, "Speed")) == chain(
        ("Submodel", "urn:x:1"),
        ("SubmodelElementList", "Motors"),
        ("SubmodelElementCollection", "1"),
        ("Property", "Speed"),
    )


def test_entities_and_annotations_are_containers_too() -> None:
    machine = {"modelType": "Entity", "idShort": "E", "statements": [prop("P")]}
    related = {"modelType": "AnnotatedRelationshipElement", "idShort": "R", "annotations": [prop("A")]}
    document = submodel("u", machine, related)
    assert text(to_element(document, ("E", "P"))) == "(Submodel)u,(Entity)E,(Property)P"
    assert text(to_element(document, ("R", "A"))) == "(Submodel)u,(AnnotatedRelationshipElement)R,(Property)A"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("Pumps",), "'Pumps'"),
        (("Motors", 2), "'Motors[2]'"),
        (("Motors", "Speed"), "'Motors.Speed'"),
        (("Name", 0), "0"),
    ],
)
def test_a_path_that_leads_nowhere(path: tuple[str | int, ...], named: str) -> None:
    with pytest.raises(NotFound, match="no element at") as raised:
        to_element(motors(), path)
    assert named in str(raised.value)


NAMES = st.text("abcXYZ_", min_size=1, max_size=4).map("n{}".format)


def unique(elements: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(elements, max_size=3, unique_by=lambda element: element["idShort"])


ELEMENTS = st.recursive(
    st.builds(prop, NAMES),
    lambda below: st.one_of(
        st.builds(lambda name, children: collection(name, *children), NAMES, unique(below)),
        st.builds(lambda name, n: listed(name, "Property", *[prop(None)] * n), NAMES, st.integers(0, 3)),
    ),
    max_leaves=12,
)


@given(unique(ELEMENTS))
def test_every_element_has_a_reference_with_a_key_for_each_step(elements: list[dict[str, Any]]) -> None:
    document = submodel("urn:x:1", *elements)
    for path, element in walk(document):
        reference = to_element(document, path)
        assert target(reference) == "urn:x:1"
        assert [key["value"] for key in reference["keys"][1:]] == [str(step) for step in path]
        assert reference["keys"][-1]["type"] == element["modelType"]
        assert path_of(reference, document) == path


KEYS = st.lists(st.tuples(st.sampled_from(["Submodel", "Property", "Range"]), st.text("ab:/#", min_size=1)), min_size=1)


@given(KEYS, KEYS)
def test_equal_text_is_the_same_reference(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert (text(chain(*one)) == text(chain(*other))) is same(chain(*one), chain(*other))
    assert same(chain(*one), chain(*one))
    assert same_meaning(chain(*one), chain(*other)) or not same(chain(*one), chain(*other))


def test_a_key_value_that_looks_like_more_keys_is_not_the_same() -> None:
    one, other = external("a,(GlobalReference)b"), chain(("GlobalReference", "a"), ("GlobalReference", "b"))
    assert not same(one, other)


def test_a_fragment_is_no_step_of_the_path() -> None:
    document = submodel("u", {"modelType": "File", "idShort": "F", "contentType": "a/b"})
    assert path_of(chain(("Submodel", "u"), ("File", "F"), ("FragmentReference", "page=1")), document) == ("F",)


@pytest.mark.parametrize(
    "keys",
    [
        [("Property", "Nothing")],
        [("SubmodelElementList", "Motors"), ("SubmodelElementCollection", "2")],
        [("SubmodelElementList", "Motors"), ("SubmodelElementCollection", "-1")],
        [("SubmodelElementList", "Motors"), ("SubmodelElementCollection", "9" * 5_000)],
    ],
)
def test_keys_that_lead_nowhere(keys: list[tuple[str, str]]) -> None:
    with pytest.raises(NotFound):
        path_of(chain(("Submodel", "urn:x:1"), *keys), motors())
