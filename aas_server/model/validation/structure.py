"""The structure of an instance, by JSON Schema: fast where it is right, readable where it is wrong."""

from collections.abc import Iterator
from functools import cache

import jsonschema_rs
import orjson

from aas_server.model import Json
from aas_server.model.errors import Finding
from aas_server.model.metamodel import PRIMITIVES, XML_TEXT
from aas_server.model.schema import schema

#: What a text is not when it does not match the pattern, and the constraint that says so.
_PATTERNS = {
    XML_TEXT: ("holds a character that XML 1.0 does not know", "AASd-130"),
    PRIMITIVES["IdShort"].pattern: (
        "may hold letters, digits, '-' and '_', begins with a letter and does not end with '-'",
        "AASd-002",
    ),
    PRIMITIVES["Language"].pattern: ("is no language tag (BCP 47)", "pattern"),
    PRIMITIVES["VersionType"].pattern: ("is no number without leading zeros", "pattern"),
    PRIMITIVES["ContentType"].pattern: ("is no media type (RFC 2046)", "pattern"),
    PRIMITIVES["DateTimeUtc"].pattern: ("is no xs:dateTime in UTC", "pattern"),
    PRIMITIVES["Duration"].pattern: ("is no xs:duration", "pattern"),
}

_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
_EXPECTED = {"object": "an object", "array": "an array", "string": "a string", "boolean": "a boolean"}

_Step = str | int


def unreadable(instance: Json) -> Finding | None:
    """Why this cannot be looked at at all: nested too deep for any reader, or no JSON.

    The writer of JSON is the cheapest measure of depth there is; the validators would end the process.
    """
    try:
        orjson.dumps(instance)
    except TypeError as error:
        if "Recursion" in str(error):
            return Finding("", "is nested deeper than 254 levels", "depth")
        return Finding("", f"is no JSON: {error}", "type")
    return None


def findings(instance: Json, class_name: str) -> Iterator[Finding]:
    """Where the instance departs from the schema of its class."""
    validator = _validator(class_name)
    if not validator.is_valid(instance):
        for error in validator.iter_errors(instance):
            yield from _findings(error)


@cache
def _validator(class_name: str) -> jsonschema_rs.Draft202012Validator:
    # Patterns in linear time, whatever the text.
    return jsonschema_rs.Draft202012Validator(schema(class_name), pattern_options=jsonschema_rs.RegexOptions())


def _findings(error: jsonschema_rs.ValidationError) -> Iterator[Finding]:
    path = list(error.instance_path)
    keyword = error.kind.name
    if keyword == "additionalProperties":
        owner = _owner(error.instance)
        for name in error.kind.as_dict()["unexpected"]:
            yield Finding(text([*path, name]), f"is no attribute of {owner}", keyword)
        return
    message, constraint = _sentence(keyword, error.kind.value, error.instance)
    if keyword in ("enum", "const") and path[-1:] == ["modelType"]:
        constraint = "modelType"
    yield Finding(text(path), message, constraint)


def _owner(instance: Json) -> str:
    name = instance.get("modelType")
    return name if isinstance(name, str) and len(name) < 50 else "this class"


def _sentence(keyword: str, limit: Json, instance: Json) -> tuple[str, str]:
    match keyword:
        case "type":
            expected = " or ".join(_EXPECTED.get(each, each) for each in limit)
            return f"must be {expected}, not {kind(instance)}", keyword
        case "required":
            return f"lacks {limit}", keyword
        case "enum":
            return f"must be one of {', '.join(map(str, limit))}, not {shown(instance)}", keyword
        case "const":
            return f"must be {limit}, not {shown(instance)}", keyword
        case "minLength":
            return "must not be empty", keyword
        case "maxLength":
            return f"has {len(instance)} characters; at most {limit} are allowed", keyword
        case "minItems":
            return "must not be empty: an array without items is left out", keyword
        case "pattern":
            what, constraint = _PATTERNS[limit]
            return f"{shown(instance)} {what}", constraint
        case _:
            return f"does not meet {keyword}", keyword


def kind(value: Json) -> str:
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def shown(value: Json) -> str:
    """A value in a message: short, whatever it is."""
    if not isinstance(value, str):
        return kind(value)
    return repr(value) if len(value) <= 60 else f"{value[:57]!r}…"


def text(path: list[_Step]) -> str:
    """
    >>> text(["submodelElements", 2, "valueType"])
    'submodelElements[2].valueType'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in path).removeprefix(".")
