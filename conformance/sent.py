"""An OpenAPI document as a generator of requests can read it: no endless bodies, no characters counted one by one.

What is answered is held against the document as it is; only what is sent is drawn from less of it.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

from aas_server.api.openapi.examples import BODIES, PATHS
from aas_server.model.identifiers import encode
from aas_server.model.metamodel import XML_TEXT
from conformance.deviations import replace_pattern

Schema = dict[str, Any]

#: The characters of XML 1.0, by those that are none of them: hypothesis lists every character that a class names.
XML_CHARACTERS = "^[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*$"
#: How the official files write the same set, and as the deviation `astral-characters` reads it.
WRITTEN = (XML_TEXT, r"^[\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*$")

#: Where our example shells have an Operation, and what it takes.
OPERATION = {
    "aasIdentifier": encode("https://example.com/shells/elements"),
    "submodelIdentifier": encode("https://example.com/submodels/elements"),
    "idShortPath": "Operation",
}
REQUEST_OF_VALUES = {
    "inputArguments": {"Augend": 1, "Addend": 2},
    "inoutputArguments": {"Counter": 0},
    "clientTimeoutDuration": "PT60S",
}


def _variable(id_short: str, value: str, value_type: str = "xs:int") -> Schema:
    return {"value": {"modelType": "Property", "idShort": id_short, "valueType": value_type, "value": value}}


REQUEST = {
    "inputArguments": [_variable("Augend", "1"), _variable("Addend", "2")],
    "inoutputArguments": [_variable("Counter", "0", "xs:unsignedInt")],
    "clientTimeoutDuration": "PT60S",
}

#: Bodies by the names that their schemas have in our own document or in the official ones.
EXAMPLES = {
    **BODIES,
    "SubmodelMetadata": BODIES["PatchSubmodel"],
    "SubmodelElementMetadata": BODIES["PatchSubmodelElement"],
    **dict.fromkeys(("OperationRequest", "OperationRequestAsync"), REQUEST),
    **dict.fromkeys(
        ("OperationRequestValue", "OperationRequestValueOnly", "OperationRequestAsyncValueOnly"), REQUEST_OF_VALUES
    ),
}

#: Objects and arrays inside one another in a body, below which only what is required is drawn.
DEPTH = 2
#: Characters of the schema of a bounded body, from which its edges are not tried: the random requests have it.
LARGE = 6_000
#: How many of them inside one another at which a required attribute that leads on is not followed any more.
DEEPEST = 8


def prepared(document: Mapping[str, Any]) -> Schema:
    """The document with bodies of requests that end, and patterns that can be drawn from."""
    made: Schema = copy.deepcopy(dict(document))
    for pattern in WRITTEN:
        replace_pattern(made, pattern, XML_CHARACTERS)
    for path, item in made["paths"].items():
        places = OPERATION if "/invoke" in path else PATHS
        _aim(made, item, places)
        for method, operation in item.items():
            if isinstance(operation, dict):
                _aim(made, operation, places)
            if isinstance(operation, dict) and "requestBody" in operation:
                operation["requestBody"] = _sent(made, resolved(made, operation["requestBody"]), method)
    return made


def _aim(document: Schema, part: Schema, places: Mapping[str, str]) -> None:
    """Let the examples of paths and bodies speak of the same documents."""
    parameters = [resolved(document, each) for each in part.get("parameters", ())]
    if parameters:
        part["parameters"] = [
            {**each, "example": places[each["name"]]} if each["in"] == "path" and each["name"] in places else each
            for each in parameters
        ]


def large(document: Mapping[str, Any]) -> list[str]:
    """The operations whose bodies have too many edges to try them one by one."""
    return [
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and len(json.dumps(operation.get("requestBody", ""))) > LARGE
    ]


def _sent(document: Schema, body: Schema, method: str) -> Schema:
    return {**body, "content": {kind: _content(document, each, method) for kind, each in body["content"].items()}}


def _content(document: Schema, content: Schema, method: str) -> Schema:
    if "schema" not in content:
        return content
    found = {**content, "schema": bounded(document, content["schema"], DEPTH)}
    example = EXAMPLES.get(content["schema"].get("$ref", "").rpartition("/")[2])
    if example is not None:
        found["example"] = _renamed(example) if method == "post" else example
    return found


def _renamed(example: Any) -> Any:
    """What is to be added goes by another name than what is there."""
    named = "id" if "id" in example else "idShort"
    return {**example, named: f"{example[named]}Added"} if named in example else example


def resolved(document: Mapping[str, Any], part: Schema) -> Schema:
    """What a reference leads to."""
    while isinstance(part.get("$ref"), str):
        found: Any = document
        for step in part["$ref"].split("/")[1:]:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        part = found
    return part


def bounded(document: Mapping[str, Any], schema: Any, depth: int) -> Any:
    """The schema without references; below the depth with required attributes and scalars only."""
    if not isinstance(schema, dict) or depth < DEPTH - DEEPEST:
        return schema if isinstance(schema, dict) and "$ref" not in schema else {}
    found = dict(resolved(document, schema))
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in found:
            found[choice] = [bounded(document, each, depth) for each in found[choice]]
    found.pop("discriminator", None)
    if "items" in found:
        found["items"] = bounded(document, found["items"], depth - 1)
    if "properties" in found:
        found["properties"] = {
            name: bounded(document, each, depth - 1)
            for name, each in found["properties"].items()
            if depth > 0 or name in found.get("required", ()) or _is_scalar(document, each)
        }
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = bounded(document, found["additionalProperties"], depth - 1) if depth > 0 else {}
    return found


def _is_scalar(document: Mapping[str, Any], schema: Schema) -> bool:
    found = resolved(document, schema)
    return "enum" in found or "const" in found or found.get("type") in ("string", "boolean", "integer", "number")
