"""Whether an instance has the shape the metamodel gives it; what its values mean is not looked at.

The schema of the table is executed natively, one validator per class, compiled when first needed. Sentences are written
only when something is wrong, and never hold more of the instance than one short value.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

import jsonschema_rs
import orjson

from aas_server.model import Json
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CHOICES, CLASSES, MODEL_TYPES
from aas_server.model.schema import schema

Error = jsonschema_rs.ValidationError

#: More is not read by anybody.
MOST_FINDINGS: Final = 100

_HELD: Final = ("DataElement", "OperationVariable", "SubmodelElement")

#: How many elements may lie around an element.
DEEPEST: Final = 100

#: The attributes that hold elements, or the variables that hold them, by modelType.
_HOLDING: Final = {
    name: held
    for name in MODEL_TYPES
    if (held := [each.name for each in CLASSES[name] if each.many and each.type in _HELD])
}

#: What a pattern asks for, by the name of the primitive in the table; the others are limited to the characters of XML.
_PATTERNS: Final = {
    "ContentType": "is no media type such as 'text/plain' (RFC 7231)",
    "DateTimeUtc": "is no point in time in UTC such as '2026-01-31T12:00:00Z'",
    "Duration": "is no duration such as 'PT1.5S'",
    "IdShort": "may have letters, digits, '_' and '-', begins with a letter and does not end with '-' (AASd-002)",
    "Language": "is no language tag such as 'de' or 'en-GB' (BCP 47)",
    "VersionType": "is no number without leading zeros",
}

_TYPES: Final = {"array": "a list", "boolean": "true or false", "object": "an object", "string": "a text"}


def findings(instance: Json, class_name: str) -> list[Finding]:
    """What is wrong with the shape of an instance of a class; nothing if it is sound. Never raises.

    The class may be one that leaves the rest to modelType, such as SubmodelElement. `constraint` is the violated
    keyword of JSON Schema; modelType for a missing, unknown or misplaced one, depth for nesting.

    >>> [str(finding) for finding in findings({"type": "Submodel", "name": "x"}, "Key")]
    ["value: a Key must have 'value' (required)", "name: a Key has no 'name' (additionalProperties)"]
    """
    if class_name not in CLASSES.keys() | CHOICES.keys():
        return [Finding("modelType", f"{_shown(class_name)} is no class of the metamodel", "modelType")]
    if _too_deep(instance, class_name):
        return [Finding("", f"elements or values are nested deeper than {DEEPEST} levels", "depth")]
    try:
        return [] if _validator(class_name).is_valid(instance) else _explained(instance, class_name)
    except (ValueError, OverflowError) as error:  # UnicodeEncodeError is a ValueError: what no JSON text can hold
        return [Finding("", f"is not JSON: {str(error)[:80]}", "type")]


@cache
def _validator(class_name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(class_name), pattern_options=jsonschema_rs.RegexOptions())


def _explained(instance: Json, class_name: str) -> list[Finding]:
    errors = islice(_validator(class_name).iter_errors(instance), MOST_FINDINGS)
    found = (finding for error in errors for finding in _sentences(error, instance))
    return list(islice(dict.fromkeys(found), MOST_FINDINGS))


# Depth


def _too_deep(instance: Json, class_name: str) -> bool:
    """Decided before the native validator, which would overflow its stack, and without recursion."""
    try:
        # orjson refuses beyond 254 levels of JSON; this is a fourth of what walking all of it costs
        written = orjson.dumps(instance)
    except TypeError:
        return _levels(instance) > DEEPEST * 2
    # few elements cannot lie deep in each other; what has no modelType is refused and not looked into
    return written.count(b'"modelType":') > DEEPEST and _elements_too_deep(instance, class_name)


def _elements_too_deep(instance: Json, class_name: str) -> bool:
    level, depth = _below(instance), -1 if class_name == "Environment" else 0
    while level and depth <= DEEPEST:
        level, depth = [element for holder in level for element in _below(holder)], depth + 1
    return bool(level)


def _below(holder: Json) -> list[Json]:
    """The elements directly below one, below an Environment or an OperationVariable."""
    if not isinstance(holder, dict):
        return []
    model_type = holder.get("modelType")
    if not isinstance(model_type, str):
        return [each for value in holder.values() for each in _listed(value)]
    if model_type not in _HOLDING:
        return []
    below = [each for attribute in _HOLDING[model_type] for each in _listed(holder.get(attribute))]
    return [element for variable in below for element in _below(variable)] if model_type == "Operation" else below


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _levels(instance: Json) -> int:
    """How deep lists and objects lie in each other; counting stops where it is certainly too deep."""
    levels = 0
    level = [instance]
    while level and levels <= DEEPEST * 2 + 1:
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        level = [value for values in inner for value in values]
        levels += 1
    return levels


# Sentences


def _sentences(error: Error, instance: Json) -> Iterator[Finding]:
    path = list(error.instance_path)
    kind: Any = error.kind
    names = [str(step) for step in error.schema_path]
    match kind.name:
        case "required":
            constraint = "modelType" if kind.property == "modelType" else "required"
            message = f"{_a(_owner(names))} must have {kind.property!r}"
            yield Finding(_text([*path, kind.property]), message, constraint)
        case "additionalProperties":
            for name in kind.unexpected:
                message = f"{_a(_owner(names))} has no {_shown(name)}"
                yield Finding(_text([*path, name[:_LONGEST]]), message, "additionalProperties")
        case keyword:
            constraint = "modelType" if path[-1:] == ["modelType"] and keyword in ("const", "enum") else keyword
            yield Finding(_text(path), _sentence(kind, _owner(names), _value(instance, path)), constraint)


def _sentence(kind: Any, owner: str, value: Json) -> str:
    match kind.name:
        case "type":
            return f"must be {_TYPES[kind.types[0]]}, not {_described(value)}"
        case "enum":
            return f"{_shown(value)} is none of {', '.join(kind.options)}"
        case "const":
            return f"must be {kind.expected_value!r} here, not {_shown(value)}"
        case "pattern":
            return f"{_shown(value)} {_PATTERNS.get(owner, 'has a character that XML 1.0 forbids (AASd-130)')}"
        case "minLength":
            return "must not be empty"
        case "maxLength":
            return f"is longer than {kind.limit} characters"
        case "minItems":
            return "must not be an empty list; an attribute without content is left out"
        case keyword:
            return f"violates {keyword}"


def _owner(names: Sequence[str]) -> str:
    """The definition an error came from: the last one named on the way through the schema."""
    return names[len(names) - names[::-1].index("$defs")]


def _a(class_name: str) -> str:
    return f"{'an' if class_name[0] in 'AEIO' else 'a'} {class_name}"


def _text(path: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _value(instance: Json, path: Sequence[str | int]) -> Json:
    for step in path:
        instance = instance[step]
    return instance


_LONGEST: Final = 60


def _shown(value: Json) -> str:
    if not isinstance(value, str):
        return _described(value)
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")


def _described(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a text"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "a number"
