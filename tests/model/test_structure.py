"""What is said about an instance that has not the shape of its class."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model.metamodel import CHOICES, CLASSES
from aas_server.model.schema import schema
from aas_server.model.structure import DEEPEST, MOST_FINDINGS, findings
from tests.examples import collection, external, listed, model, prop, shell, submodel

EXAMPLE = Path(__file__).resolve().parents[2] / "submodels" / "examples" / "elements.json"

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def told(instance: Any, class_name: str) -> list[str]:
    return [f"{finding.path}: {finding.constraint}" for finding in findings(instance, class_name)]


@pytest.mark.parametrize("id_short", ["x", "Speed", "a_", "a-b", "A1", "x" * 128])
def test_id_shorts_of_either_version(id_short: str) -> None:
    assert told(prop(id_short), "Property") == []


@pytest.mark.parametrize("id_short", ["a-", "1a", "_a", "a b", "ä", "a\n", "x" * 129])
def test_no_id_shorts(id_short: str) -> None:
    assert [finding.path for finding in findings(prop(id_short), "Property")] == ["idShort"]


@pytest.mark.parametrize("path", ["/aasx/files/Übersicht 1.pdf", "https://例え.jp/a", "file:///a.pdf"])
def test_a_file_lies_at_any_path(path: str) -> None:
    assert told({"modelType": "File", "idShort": "F", "value": path}, "File") == []


@pytest.mark.parametrize("language", ["de", "en-GB", "zh-Hans-CN", "sr-Latn-RS", "de-CH-1996", "x-any", "i-klingon"])
def test_languages(language: str) -> None:
    assert told({"language": language, "text": "?"}, "LangStringTextType") == []


@pytest.mark.parametrize("language", ["", "d", "de_DE", "de-", "123", "en-GB\n"])
def test_no_languages(language: str) -> None:
    assert {finding.path for finding in findings({"language": language, "text": "?"}, "LangStringTextType")} == {
        "language"
    }


@pytest.mark.parametrize("media", ["text/plain", "application/step+p21; charset=utf-8", 'a/b;c="d \\" e"'])
def test_media_types(media: str) -> None:
    assert told({"path": "/a", "contentType": media}, "Resource") == []


@pytest.mark.parametrize("media", ["text", "text/", "text/plain;", 'a/b;c="', "text/pläin"])
def test_no_media_types(media: str) -> None:
    assert told({"path": "/a", "contentType": media}, "Resource") == ["contentType: pattern"]


@pytest.mark.parametrize(
    ("instance", "class_name", "expected"),
    [
        ({}, "Key", ["type: required", "value: required"]),
        ({"type": "Submodel", "value": "x", "Value": "y"}, "Key", ["Value: additionalProperties"]),
        ({"type": "submodel", "value": "x"}, "Key", ["type: enum"]),
        ({"type": "Submodel", "value": ""}, "Key", ["value: minLength"]),
        ({"type": "Submodel", "value": "x" * 2049}, "Key", ["value: maxLength"]),
        ({"type": "Submodel", "value": "\x00"}, "Key", ["value: pattern"]),
        ({"type": "Submodel", "value": 7}, "Key", ["value: type"]),
        ({"type": "Submodel", "value": None}, "Key", ["value: type"]),
        ({"type": "ModelReference", "keys": []}, "Reference", ["keys: minItems"]),
        ({"type": "ModelReference", "keys": {}}, "Reference", ["keys: type"]),
        ([], "Reference", [": type"]),
        ({"version": "01"}, "AdministrativeInformation", ["version: pattern"]),
        ({"version": "12345"}, "AdministrativeInformation", ["version: maxLength"]),
        (prop("a", "1", "xs:nothing"), "SubmodelElement", ["valueType: enum"]),
        (prop("a"), "Range", ["modelType: modelType", "value: additionalProperties"]),
        ({"idShort": "a"}, "SubmodelElement", ["modelType: modelType"]),
        ({"modelType": 7}, "SubmodelElement", ["modelType: modelType"]),
        ({"modelType": "Motor", "rpm": 1}, "SubmodelElement", ["modelType: modelType"]),
        (submodel("urn:x:1", shell()), "Submodel", ["submodelElements[0].modelType: modelType"]),
        (submodel("urn:x:1", listed("L", "Property", prop("a", value=3))), "Submodel", []),  # type: ignore[arg-type]
        (submodel("urn:x:1", kind="Copy"), "Submodel", ["kind: enum"]),
        ({}, "Motor", ["modelType: modelType"]),
        ({}, "Environment", []),
        ({"submodels": [submodel(""), 3]}, "Environment", ["submodels[0].id: minLength", "submodels[1]: type"]),
        ({"value": prop(None)}, "OperationVariable", []),
    ],
)
def test_what_is_wrong_and_where(instance: Any, class_name: str, expected: list[str]) -> None:
    if class_name == "Submodel" and "submodelElements" in instance and not expected:
        expected = ["submodelElements[0].value[0].value: type"]
    assert sorted(told(instance, class_name)) == expected


@pytest.mark.parametrize(
    ("instance", "class_name", "sentence"),
    [
        ({"modelType": "Property"}, "Property", "valueType: a Property must have 'valueType' (required)"),
        ({"modelType": "Entity", "a": 1}, "Entity", "a: an Entity has no 'a' (additionalProperties)"),
        (submodel(kind="Copy"), "Submodel", "kind: 'Copy' is none of Instance, Template (enum)"),
        (prop("a", None, category=None), "Property", "category: must be a text, not null (type)"),
        (prop("a", None, category=[1]), "Property", "category: must be a text, not a list (type)"),
        (prop("a", None, category=""), "Property", "category: must not be empty (minLength)"),
        (prop("a", None, category="x" * 129), "Property", "category: is longer than 128 characters (maxLength)"),
        (
            prop("a", "x" * 1000 + "\x00"),
            "Property",
            f"value: '{'x' * 60}…' has a character that XML 1.0 forbids (AASd-130) (pattern)",
        ),
        (
            {"modelType": "Blob", "contentType": "text"},
            "Blob",
            "contentType: 'text' is no media type such as 'text/plain' (RFC 7231) (pattern)",
        ),
        ({"modelType": "Blob"}, "File", "modelType: must be 'File' here, not 'Blob' (modelType)"),
        (
            {"modelType": "SubmodelElementCollection", "value": []},
            "SubmodelElementCollection",
            "value: must not be an empty list; an attribute without content is left out (minItems)",
        ),
    ],
)
def test_the_sentence(instance: Any, class_name: str, sentence: str) -> None:
    assert [str(finding) for finding in findings(instance, class_name)] == [sentence]


# Depth


def nested(levels: int, kind: str = "Collection") -> dict[str, Any]:
    """A Property with so many containers around it."""
    element = prop("P")
    for _ in range(levels):
        match kind:
            case "Collection":
                element = collection("C", element)
            case "Entity":
                element = {"modelType": "Entity", "idShort": "E", "statements": [element]}
            case _:
                element = {"modelType": "Operation", "idShort": "O", "inputVariables": [{"value": element}]}
    return element


@pytest.mark.parametrize("kind", ["Collection", "Entity"])
def test_a_hundred_containers_and_no_more(kind: str) -> None:
    assert told(submodel("urn:x:1", nested(DEEPEST, kind)), "Submodel") == []
    assert told(submodel("urn:x:1", nested(DEEPEST + 1, kind)), "Submodel") == [": depth"]
    assert told({"submodels": [submodel("urn:x:1", nested(DEEPEST, kind))]}, "Environment") == []


@pytest.mark.parametrize("levels", [150, 300, 1_000, 50_000])
@pytest.mark.parametrize("kind", ["Collection", "Entity", "Operation"])
def test_far_too_deep(levels: int, kind: str) -> None:
    assert told(submodel("urn:x:1", nested(levels, kind)), "Submodel") == [": depth"]


def test_deep_references_and_deep_nonsense() -> None:
    reference = external("a")
    for _ in range(50_000):
        reference = {**model("a"), "referredSemanticId": reference}
    nonsense: Any = []
    for _ in range(50_000):
        nonsense = [nonsense]
    assert told(prop("a", semanticId=reference), "Property") == [": depth"]
    assert told(nonsense, "Property") == [": depth"]
    assert told(prop("a", nothing=nonsense), "Property") == [": depth"]


# Laws


@cache
def example() -> bytes:
    return EXAMPLE.read_bytes()


def places(instance: Any) -> list[tuple[Any, Any]]:
    """Every object or list with every key or index of it."""
    found = []
    keys = instance.keys() if isinstance(instance, dict) else range(len(instance)) if isinstance(instance, list) else ()
    for key in keys:
        found += [(instance, key), *places(instance[key])]
    return found


@cache
def python(class_name: str) -> Any:
    return jsonschema.Draft202012Validator(schema(class_name))


def leads_somewhere(instance: Any, path: str) -> bool:
    """The path, or all of it but the last name, which may be what is missing."""
    steps = re.findall(r'\[\d+\]|"(?:[^"\\]|\\.)*"|[^."\[]+', path)
    for index, step in enumerate(steps):
        key = int(step[1:-1]) if step.startswith("[") else json.loads(step) if step.startswith('"') else step
        if isinstance(instance, dict) and key not in instance:
            return index == len(steps) - 1
        instance = instance[key]
    return True


def test_the_example_is_sound() -> None:
    assert told(orjson.loads(example()), "Environment") == []


@given(st.data())
def test_one_thing_changed(data: st.DataObject) -> None:
    """What is wrong is found exactly when another validator finds it, and at a place that is there."""
    environment = orjson.loads(example())
    holder, key = data.draw(st.sampled_from(places(environment["submodels"][0])))
    holder[key] = data.draw(JSON | st.sampled_from([*CLASSES, "", "de", "a-", "1", "true", [], {}]))
    found = findings(environment, "Environment")
    assert (found == []) == python("Environment").is_valid(environment)
    assert [str(finding) for finding in found if not leads_somewhere(environment, finding.path)] == []


@given(JSON, st.sampled_from([*CLASSES, *CHOICES]))
def test_nothing_raises(instance: Any, class_name: str) -> None:
    found = findings(instance, class_name)
    assert len(found) <= MOST_FINDINGS
    assert all(finding.message and finding.constraint for finding in found)


@pytest.mark.parametrize("value", [2**64, -(2**70), 1e308, float("nan"), float("inf"), "\ud800", b"", {1: 2}, object()])
def test_values_that_no_json_text_holds(value: Any) -> None:
    assert told(prop("a", category=value), "Property") != []
    assert told(value, "Property") != []


def test_a_hundred_findings_are_enough() -> None:
    document = submodel("urn:x:1", *({"modelType": "Property", "a": 1, "b": 2} for _ in range(1_000)))
    assert len(findings(document, "Submodel")) == MOST_FINDINGS
    assert len(findings({str(n): n for n in range(1_000)}, "Key")) == MOST_FINDINGS


def test_one_finding_never_holds_the_instance() -> None:
    huge = "x" * 100_000
    instance = {"modelType": huge, huge: huge, "idShort": [huge]}
    assert sum(len(str(finding)) for finding in findings(instance, "Property")) < 2_000
    assert sum(len(str(finding)) for finding in findings(instance, "SubmodelElement")) < 2_000
