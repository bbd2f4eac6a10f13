"""The classes of Part 2 in the table of the metamodel say what the official OpenAPI says."""

from typing import Any

import orjson
import pytest

from aas_server.model.metamodel import CLASSES, ENUMERATIONS, PRIMITIVES, REGISTERED, Attribute
from tests.shared import shared

Schema = dict[str, Any]

#: The prose of Part 2 asks for one character at least where the OpenAPI forgets to.
NOT_EMPTY = ("LocatorType", "NameType")


@pytest.fixture(scope="module")
def official() -> dict[str, Schema]:
    api = orjson.loads(shared("specs/bundled/Entire-API-Collection-V3.1.json").read_bytes())
    found: dict[str, Schema] = api["components"]["schemas"]
    attributes = found["ProtocolInformation"]["properties"]["securityAttributes"]
    return {**found, "SecurityAttributeObject": attributes["items"]}


def layers(official: dict[str, Schema], schema: Schema) -> list[Schema]:
    """A schema and all it inherits from."""
    if "$ref" in schema:
        return layers(official, official[schema["$ref"].rpartition("/")[2]])
    return [schema, *(layer for base in schema.get("allOf", []) for layer in layers(official, base))]


def properties(official: dict[str, Schema], name: str) -> dict[str, Schema]:
    return {
        key: value for layer in layers(official, official[name]) for key, value in layer.get("properties", {}).items()
    }


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_attributes_and_what_is_required(official: dict[str, Schema], name: str) -> None:
    required = {each for layer in layers(official, official[name]) for each in layer.get("required", [])}
    assert {each.name for each in CLASSES[name]} == set(properties(official, name))
    assert {each.name for each in CLASSES[name] if each.required} == required


@pytest.mark.parametrize(("name", "attribute"), [(name, each) for name in sorted(REGISTERED) for each in CLASSES[name]])
def test_types_and_bounds(official: dict[str, Schema], name: str, attribute: Attribute) -> None:
    theirs = properties(official, name)[attribute.name]
    assert attribute.many == (theirs.get("type") == "array")
    if attribute.many:
        assert attribute.may_be_empty == (theirs.get("minItems", 0) == 0)
        theirs = theirs["items"]
    if attribute.type in PRIMITIVES:
        ours = PRIMITIVES[attribute.type]
        assert ours.longest == theirs.get("maxLength")
        assert ours.shortest == theirs.get("minLength", 1 if attribute.type in NOT_EMPTY else 0)
    elif attribute.type in ENUMERATIONS:
        wanted = theirs if "enum" in theirs else official[theirs["$ref"].rpartition("/")[2]]
        assert sorted(ENUMERATIONS[attribute.type]) == sorted(wanted["enum"])
    elif attribute.type != "SecurityAttributeObject":
        assert theirs["$ref"].rpartition("/")[2] == attribute.type
