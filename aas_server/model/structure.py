"""Whether an instance has the shape the metamodel gives it; what its values mean is not looked at.

The schema of the table is executed natively, one validator per class, compiled when first needed. Only when that says
no, the instance is walked along the table to say what is wrong; the walk ends at a hundred findings, whereas the
validator would list all errors with a copy of everything below each (measured: seconds for a megabyte).
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Final

import jsonschema_rs
import orjson

from aas_server.model import Json
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CHOICES, CLASSES, ENUMERATIONS, MODEL_TYPES, PRIMITIVES, Attribute
from aas_server.model.schema import schema

#: More is not read by anybody.
MOST_FINDINGS: Final = 100

#: How many elements may lie around an element.
DEEPEST: Final = 100

_HELD: Final = ("DataElement", "OperationVariable", "SubmodelElement")

#: The attributes that hold elements, or the variables that hold them, by modelType.
_HOLDING: Final = {
    name: held
    for name in MODEL_TYPES
    if (held := [each.name for each in CLASSES[name] if each.many and each.type in _HELD])
}

#: What a pattern asks for, by the name of the primitive; the others are limited to the characters of XML.
_PATTERNS: Final = {
    "ContentType": "is no media type such as 'text/plain' (RFC 7231)",
    "DateTimeUtc": "is no point in time in UTC such as '2026-01-31T12:00:00Z'",
    "Duration": "is no duration such as 'PT1.5S'",
    "IdShort": "may have letters, digits, '_' and '-', begins with a letter and does not end with '-' (AASd-002)",
    "Language": "is no language tag such as 'de' or 'en-GB' (BCP 47)",
    "VersionType": "is no number without leading zeros",
}

_ATTRIBUTES: Final = {name: {each.name: each for each in attributes} for name, attributes in CLASSES.items()}

_LONGEST: Final = 60

#: Where something lies: the place it lies in, and its key or index there.
_Place = tuple["_Place", str | int] | None

#: What is still to be looked at: where it lies, and the type the table gives it.
_Waiting = tuple[_Place, Json, str]


def findings(instance: Json, class_name: str) -> list[Finding]:
    """What is wrong with the shape of an instance of a class; nothing if it is sound. Never raises.

    The class may be one that leaves the rest to modelType, such as SubmodelElement. `constraint` is the violated
    keyword of JSON Schema; modelType for a missing, unknown or misplaced one, depth for nesting.

    >>> [str(finding) for finding in findings({"type": "Submodel", "name": "x"}, "Key")]
    ["value: a Key must have 'value' (required)", "name: a Key has no 'name' (additionalProperties)"]
    """
    if class_name not in CLASSES and class_name not in CHOICES:
        return [Finding("modelType", f"{_shown(class_name)} is no class of the metamodel", "modelType")]
    if refused := _unreadable(instance, class_name):
        return [refused]
    if _validator(class_name).is_valid(instance):
        return []
    found = list(islice(_explained(instance, class_name), MOST_FINDINGS))
    return found or [Finding("", f"is no {class_name}", "schema")]


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(name), pattern_options=jsonschema_rs.RegexOptions())


# Depth


def _unreadable(instance: Json, class_name: str) -> Finding | None:
    """What must not reach the native validator, which would overflow its stack; decided without recursion."""
    deep = Finding("", f"is nested deeper than {DEEPEST} elements", "depth")
    try:
        # orjson refuses beyond 254 levels of JSON; this is a fourth of what walking all of it costs
        written = orjson.dumps(instance)
    except TypeError as error:
        return deep if "Recursion" in str(error) else Finding("", f"cannot be written as JSON: {error}", "type")
    # few elements cannot lie deep in each other; what has no modelType is refused and not looked into
    if written.count(b'"modelType":') > DEEPEST and _too_deep(instance, class_name):
        return deep
    return None


def _too_deep(instance: Json, class_name: str) -> bool:
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


# What is wrong


def _explained(instance: Json, class_name: str) -> Iterator[Finding]:
    waiting: list[_Waiting] = [(None, instance, class_name)]
    while waiting:
        place, value, name = waiting.pop()
        inside: list[_Waiting] = []
        if name in CLASSES or name in CHOICES:
            yield from _object(place, value, name, inside)
        elif wrong := _scalar(value, name):
            sentence, keyword = wrong
            yield Finding(_text(place), sentence, keyword)
        waiting.extend(reversed(inside))


def _object(place: _Place, value: Json, name: str, inside: list[_Waiting]) -> Iterator[Finding]:
    """What is wrong with an object itself; what is in it and has a type goes to `inside`."""
    if not isinstance(value, dict):
        yield Finding(_text(place), f"must be an object, not {_described(value)}", "type")
        return
    if wrong := _model_type(value, name):
        yield Finding(_text((place, "modelType")), wrong, "modelType")
        if name in CHOICES:
            return
    yield from _members(place, value, value["modelType"] if name in CHOICES else name, inside)


def _members(place: _Place, value: dict[str, Json], name: str, inside: list[_Waiting]) -> Iterator[Finding]:
    attributes = _ATTRIBUTES[name]
    for missing in (each.name for each in CLASSES[name] if each.required and each.name not in value):
        yield Finding(_text((place, missing)), f"{_a(name)} must have {missing!r}", "required")
    for key, content in value.items():
        if key in attributes:
            yield from _attribute((place, key), content, attributes[key], inside)
        elif key != "modelType" or name not in MODEL_TYPES:
            yield Finding(_text((place, key)), f"{_a(name)} has no {_shown(key)}", "additionalProperties")


def _model_type(value: dict[str, Json], name: str) -> str | None:
    allowed = CHOICES.get(name) or ((name,) if name in MODEL_TYPES else ())
    if not allowed or value.get("modelType") in allowed:
        return None
    if "modelType" not in value:
        return f"{_a(name)} must have 'modelType'"
    shown = _shown(value["modelType"])
    return (
        f"must be {str(name)!r} here, not {shown}" if allowed == (name,) else f"{shown} is none of {', '.join(allowed)}"
    )


def _attribute(place: _Place, value: Json, attribute: Attribute, inside: list[_Waiting]) -> Iterator[Finding]:
    if not attribute.many:
        inside.append((place, value, attribute.type))
    elif not isinstance(value, list):
        yield Finding(_text(place), f"must be a list, not {_described(value)}", "type")
    elif not value and not attribute.may_be_empty:
        yield Finding(_text(place), "must not be an empty list; an attribute without content is left out", "minItems")
    else:
        inside.extend(((place, index), item, attribute.type) for index, item in enumerate(value))


def _scalar(value: Json, name: str) -> tuple[str, str] | None:
    if name == "Boolean":
        return None if isinstance(value, bool) else (f"must be true or false, not {_described(value)}", "type")
    if name in ENUMERATIONS:
        literals = ENUMERATIONS[name]
        return None if value in literals else (f"{_shown(value)} is none of {', '.join(literals)}", "enum")
    # asked natively: its regular expressions take linear time
    return None if _validator(name).is_valid(value) else _no_text(value, name)


def _no_text(value: Json, name: str) -> tuple[str, str]:
    primitive = PRIMITIVES[name]
    if not isinstance(value, str):
        return f"must be a text, not {_described(value)}", "type"
    if len(value) < primitive.shortest:
        return "must not be empty", "minLength"
    if primitive.longest and len(value) > primitive.longest:
        return f"is longer than {primitive.longest} characters", "maxLength"
    return f"{_shown(value)} {_PATTERNS.get(name, 'has a character that XML 1.0 forbids (AASd-130)')}", "pattern"


# Words


def _a(class_name: str) -> str:
    return f"{'an' if class_name[0] in 'AEIO' else 'a'} {class_name}"


def _plain(name: str) -> str:
    """A name as it stands in a path: in quotation marks where the path could be misread."""
    return name if name.isalnum() or name.isidentifier() else orjson.dumps(name).decode()


def _text(place: _Place) -> str:
    steps: list[str] = []
    while place:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{_plain(step[:_LONGEST])}")
    return "".join(reversed(steps)).removeprefix(".")


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
