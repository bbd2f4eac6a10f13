"""The table of the metamodel as a closed JSON Schema (draft 2020-12).

Closed: what the table does not name is refused. Where a type leaves the class open, modelType decides, each class being
looked at only when it is named, so that checking takes time linear in the document however deep it is nested.
`python -m aas_server.model.schema` writes it.
"""

import sys

import orjson

from aas_server.model import Json
from aas_server.model.metamodel import (
    CHOICES,
    CLASSES,
    ENUMERATIONS,
    IDENTIFIABLES,
    MODEL_TYPES,
    PRIMITIVES,
    SUBMODEL_ELEMENTS,
    XML_TEXT,
    Attribute,
)

Schema = dict[str, Json]

_HEADER: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:aas-server:schema:aas-3.1",
    "title": "Asset Administration Shell, metamodel 3.1",
    "description": "An Environment, or any Identifiable or SubmodelElement by its modelType. Generated from the table "
    "of the metamodel; patterns are to be read as Unicode (ECMA flag u).",
}

#: Most elements of published submodels are one of these.
_FREQUENT = ("Property", "SubmodelElementCollection", "MultiLanguageProperty", "SubmodelElementList", "File")


def schema(class_name: str | None = None) -> Schema:
    """The schema of one class; without a name, that of an Environment or whatever modelType says.

    >>> schema("Key")["$ref"]
    '#/$defs/Key'
    """
    root: Schema = {"$ref": _defined(class_name)} if class_name else _document()
    return {**_HEADER, **root, "$defs": _definitions()}


def components(place: str) -> Schema:
    """The definitions where others lead to them, as OpenAPI has them: `place` stands before every name.

    >>> components("#/components/schemas/")["DataSpecificationContent"]["oneOf"]
    [{'$ref': '#/components/schemas/DataSpecificationIec61360'}]

    OpenAPI names the classes of a choice, and the attribute that decides; tools that make code of it need that.
    """
    found: Schema = _moved(_definitions(), place)
    for name, classes in CHOICES.items():
        leads = {each: place + each for each in classes}
        discriminator = {"propertyName": "modelType", "mapping": leads}
        found[name] = {"oneOf": [{"$ref": each} for each in leads.values()], "discriminator": discriminator}
    return found


def _moved(part: Json, place: str) -> Json:
    """A part of the schema with its references leading to another place."""
    match part:
        case {"$ref": str(reference)}:
            return {"$ref": place + reference.removeprefix(_defined(""))}
        case dict():
            return {name: _moved(value, place) for name, value in part.items()}
        case list():
            return [_moved(each, place) for each in part]
    return part


def _document() -> Schema:
    named = {"required": ["modelType"], "type": "object"}
    return {
        "type": "object",
        "if": named,
        "then": _dispatch(tuple(name for name in MODEL_TYPES if name in IDENTIFIABLES | SUBMODEL_ELEMENTS)),
        "else": {"$ref": _defined("Environment")},
    }


def _definitions() -> Schema:
    return {
        **{name: _class(name) for name in CLASSES},
        **{name: _dispatch(classes) for name, classes in CHOICES.items()},
        **{name: {"enum": list(literals)} for name, literals in ENUMERATIONS.items()},
        **{name: _text(name) for name in PRIMITIVES},
        "Boolean": {"type": "boolean"},
    }


def _class(name: str) -> Schema:
    attributes = CLASSES[name]
    properties: Schema = {each.name: _attribute(each) for each in attributes}
    required = [each.name for each in attributes if each.required]
    if name in MODEL_TYPES:
        properties["modelType"] = {"const": name}
        required.append("modelType")
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required else found


def _attribute(attribute: Attribute) -> Schema:
    one = {"$ref": _defined(attribute.type)}
    if not attribute.many:
        return one
    return {"type": "array", **({} if attribute.may_be_empty else {"minItems": 1}), "items": one}


def _dispatch(classes: tuple[str, ...]) -> Schema:
    """One question after the other, the frequent ones first: measured, a quarter faster than asking all of them."""
    cases: Schema = {}
    for name in sorted(classes, key=_rarity, reverse=True):
        asked = {"required": ["modelType"], "properties": {"modelType": {"const": name}}}
        cases = {"if": asked, "then": {"$ref": _defined(name)}, **({"else": cases} if cases else {})}
    named = {"modelType": {"enum": list(classes)}}
    return {"type": "object", "required": ["modelType"], "properties": named, **cases}


def _rarity(name: str) -> int:
    return _FREQUENT.index(name) if name in _FREQUENT else len(_FREQUENT)


def _text(name: str) -> Schema:
    primitive = PRIMITIVES[name]
    found: Schema = {"type": "string"}
    if primitive.shortest:
        found["minLength"] = primitive.shortest
    if primitive.longest:
        found["maxLength"] = primitive.longest
    found["pattern"] = primitive.pattern or XML_TEXT
    return found


def _defined(name: str) -> str:
    return f"#/$defs/{name}"


def written() -> bytes:
    """The schema as it lies in schemas/."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(written())
