"""The table of the metamodel says what the official files say, and the schema says what the table says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from aas_core3_1 import constants

from aas_server.model import metamodel
from aas_server.model.metamodel import CHOICES, CLASSES, ENUMERATIONS, MODEL_TYPES, PRIMITIVES, Attribute
from aas_server.model.schema import schema, written
from tests.shared import shared

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "aas-3.1.schema.json"

Definition = dict[str, Any]

#: The classes of Part 1; those of Part 2 are compared in test_registered.py.
PART_1 = {name: attributes for name, attributes in CLASSES.items() if name not in metamodel.REGISTERED}

#: Ours is wider by intent: idShorts of one letter, and paths that are no URI of RFC 2396.
WIDER = ("IdShort", "PathType")


@pytest.fixture(scope="module")
def official() -> dict[str, Definition]:
    found: dict[str, Definition] = orjson.loads(shared("specs/part1-metamodel-3.1.2/aas.json").read_bytes())
    return found["definitions"]


def layers(official: dict[str, Definition], definition: Definition) -> Iterator[Definition]:
    """A definition and all it inherits from, bases first."""
    while "$ref" in definition:
        definition = official[definition["$ref"].removeprefix("#/definitions/")]
    for base in definition.get("allOf", []):
        yield from layers(official, base)
    yield definition


def properties(official: dict[str, Definition], class_name: str) -> dict[str, list[Definition]]:
    """All that is said of each property of a class."""
    found: dict[str, list[Definition]] = {}
    for layer in layers(official, official[class_name]):
        for name, said in layer.get("properties", {}).items():
            found.setdefault(name, []).extend([said, *said.get("allOf", [])])
    return found


def facts(said: list[Definition]) -> dict[str, Any]:
    """Keyword by keyword what the official schema asks of a property; patterns are a set."""
    joined = {key: value for each in said for key, value in each.items() if key not in ("allOf", "pattern")}
    return {**joined, "patterns": {each["pattern"] for each in said if "pattern" in each}}


def concrete(official: dict[str, Definition]) -> set[str]:
    """What has properties of its own and is neither a base of others nor a choice."""
    structured = {name for name, each in official.items() if {"properties", "allOf"} & set(each)}
    bases = {base["$ref"].removeprefix("#/definitions/") for each in official.values() for base in parents(each)}
    return structured - bases


def parents(definition: Definition) -> list[Definition]:
    return [base for base in definition.get("allOf", []) if "$ref" in base]


def test_the_committed_schema_is_the_one_of_the_table() -> None:
    assert SCHEMA.read_bytes() == written()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(orjson.loads(written()))


def test_every_class_is_closed_and_nothing_is_tried_out() -> None:
    definitions = schema()["$defs"]
    assert [name for name in CLASSES if definitions[name]["additionalProperties"] is not False] == []
    assert b"oneOf" not in written()
    assert b"anyOf" not in written()


@pytest.mark.parametrize("name", PRIMITIVES)
def test_patterns_are_read_by_python_too(name: str) -> None:
    re.compile(schema()["$defs"][name]["pattern"])


def test_every_type_is_defined() -> None:
    known = {*CLASSES, *CHOICES, *ENUMERATIONS, *PRIMITIVES, "Boolean"}
    assert {attribute.type for attributes in CLASSES.values() for attribute in attributes} <= known


def test_the_classes_are_those_of_the_official_schema(official: dict[str, Definition]) -> None:
    assert set(PART_1) == concrete(official)
    assert set(MODEL_TYPES) == set(official["ModelType"]["enum"])


@pytest.mark.parametrize("class_name", PART_1)
def test_attributes_and_what_is_required(official: dict[str, Definition], class_name: str) -> None:
    ours = [attribute.name for attribute in CLASSES[class_name]]
    theirs = properties(official, class_name)
    required = {name for layer in layers(official, official[class_name]) for name in layer.get("required", [])}
    assert sorted(ours) == sorted(theirs.keys() - {"modelType"})
    assert {each.name for each in CLASSES[class_name] if each.required} == required - {"modelType"}
    assert (class_name in MODEL_TYPES) == ("modelType" in theirs)


@pytest.mark.parametrize(
    ("class_name", "attribute"), [(name, each) for name, attributes in PART_1.items() for each in attributes]
)
def test_types_and_bounds(official: dict[str, Definition], class_name: str, attribute: Attribute) -> None:
    theirs = facts(properties(official, class_name)[attribute.name])
    assert attribute.many == (theirs.get("type") == "array")
    one = theirs["items"] if attribute.many else theirs
    if attribute.type in PRIMITIVES:
        assert_same_text(attribute.type, theirs)
    elif attribute.type == "Boolean":
        assert theirs["type"] == "boolean"
    else:
        assert one["$ref"].removeprefix("#/definitions/").removesuffix("_choice") == attribute.type


def assert_same_text(name: str, theirs: dict[str, Any]) -> None:
    ours = PRIMITIVES[name]
    empty_fits = all(re.match(pattern, "") for pattern in theirs["patterns"]) and not theirs.get("minLength")
    assert (ours.shortest == 0, ours.longest) == (empty_fits, theirs.get("maxLength"))
    narrower = len(theirs["patterns"]) > 1 or (not empty_fits and "minLength" not in theirs)
    assert (ours.pattern is not None) == narrower or name in WIDER


@pytest.mark.parametrize("name", [name for name in ENUMERATIONS if name != "SecurityTypeEnum"])
def test_enumerations(official: dict[str, Definition], name: str) -> None:
    assert sorted(ENUMERATIONS[name]) == sorted(official[name]["enum"])


@pytest.mark.parametrize("name", ["SubmodelElement", "DataElement", "DataSpecificationContent"])
def test_choices(official: dict[str, Definition], name: str) -> None:
    theirs = {each["$ref"].removeprefix("#/definitions/") for each in official[f"{name}_choice"]["oneOf"]}
    assert set(CHOICES[name]) == theirs


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metamodel.AAS_IDENTIFIABLES, constants.AAS_IDENTIFIABLES),
        (metamodel.AAS_REFERABLES, constants.AAS_REFERABLES),
        (metamodel.AAS_SUBMODEL_ELEMENTS, constants.AAS_SUBMODEL_ELEMENTS_AS_KEYS),
        (metamodel.FRAGMENT_KEYS, constants.FRAGMENT_KEYS),
        (metamodel.GENERIC_FRAGMENT_KEYS, constants.GENERIC_FRAGMENT_KEYS),
        (metamodel.GENERIC_GLOBALLY_IDENTIFIABLES, constants.GENERIC_GLOBALLY_IDENTIFIABLES),
        (metamodel.GLOBALLY_IDENTIFIABLES, constants.GLOBALLY_IDENTIFIABLES),
    ],
)
def test_key_types(ours: frozenset[str], theirs: set[Any]) -> None:
    assert ours == {literal.value for literal in theirs}


def test_there_are_three_identifiables_and_fourteen_elements() -> None:
    assert len(metamodel.IDENTIFIABLES) == 3
    assert len(metamodel.SUBMODEL_ELEMENTS) == 14
