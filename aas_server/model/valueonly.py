"""Format 'Value' (Part 1, ValueOnly): the raw values of an element as JSON, and such JSON as updates of the elements.

Where the standard leaves a choice: a list item without a value is null where items with a value follow, so that index n
stays index n; a Property or ReferenceElement asked for by itself is null where it has no value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aas_server.model import Document, Json
from aas_server.model.edit import without
from aas_server.model.errors import Finding, Invalid
from aas_server.model.modifiers import ApiVersion
from aas_server.model.paths import CHILDREN, IdShortPath, children, text
from aas_server.model.scalars import from_json, to_json
from aas_server.model.validation import verify

#: An element has nothing to show: "elements without a value are not serialized".
OMITTED: Final = object()
#: The kinds that never have a value.
VALUELESS = ("Capability", "Operation")
#: As deep as there are elements.
UNLIMITED = -1

_ATTRIBUTE = re.compile(r"[.\[]").split

Update = tuple[IdShortPath, Mapping[str, object]]


def value_only(element: Document, *, blobs: bool = False, depth: int = UNLIMITED) -> Json:
    """The values of an element and of those below it, to a depth; the values of Blobs only when asked for.

    >>> value_only({"modelType": "Property", "valueType": "xs:int", "value": "5000"})
    5000
    """
    value = _shown(element, blobs, depth)
    return _EMPTY.get(element["modelType"], dict)() if value is OMITTED else value


#: What stands for no value where an element is asked for by itself.
_EMPTY: dict[str, type] = {
    "Property": type(None),
    "ReferenceElement": type(None),
    "MultiLanguageProperty": list,
    "SubmodelElementList": list,
}


def _shown(element: Document, blobs: bool, depth: int) -> Json:
    match element["modelType"]:
        case "Property":
            value = element.get("value")
            return OMITTED if value is None else to_json(element["valueType"], value)
        case "Submodel" | "SubmodelElementCollection" if below := children(element):
            return named_values(below, blobs, depth - 1) or OMITTED if depth else {}
        case "SubmodelElementList" if below := children(element):
            cut = OMITTED if element["typeValueListElement"] in VALUELESS else []
            return _items(below, blobs, depth - 1) or OMITTED if depth else cut
        case "MultiLanguageProperty":
            return [{each["language"]: each["text"]} for each in element.get("value") or ()] or OMITTED
        case "Range":
            kind = element["valueType"]
            return {bound: to_json(kind, element[bound]) for bound in ("min", "max") if bound in element} or OMITTED
        case "ReferenceElement":
            return element.get("value", OMITTED)
        case model_type:
            return _attributes_of(element, PARTS.get(model_type, ()), blobs, depth)


def named_values(elements: list[Document], blobs: bool = False, depth: int = UNLIMITED) -> dict[str, Json]:
    """The values of elements by their idShorts."""
    shown = {}
    for position, element in enumerate(elements):
        if (value := _shown(element, blobs, depth)) is not OMITTED:
            shown[element.get("idShort") or str(position)] = value
    return shown


def _items(elements: list[Document], blobs: bool, depth: int) -> list[Json]:
    """The values of list items; null keeps the place of one that has none, unless nothing follows."""
    items = [_shown(element, blobs, depth) for element in elements]
    while items and items[-1] is OMITTED:
        items.pop()
    return [None if item is OMITTED else item for item in items]


#: The attributes that together are the value of an element, in the order of the standard.
PARTS: dict[str, tuple[str, ...]] = {
    "File": ("contentType", "value"),
    "Blob": ("contentType", "value"),
    "Range": ("min", "max"),
    "RelationshipElement": ("first", "second"),
    "AnnotatedRelationshipElement": ("first", "second", "annotations"),
    "Entity": ("statements", "entityType", "globalAssetId", "specificAssetIds"),
    "BasicEventElement": ("observed",),
}


def _attributes_of(element: Document, names: tuple[str, ...], blobs: bool, depth: int) -> Json:
    shown = {name: element[name] for name in names if name in element}
    if element["modelType"] == "Blob" and not blobs:
        shown.pop("value", None)
    below = CHILDREN.get(element["modelType"])
    if below in shown:
        shown[below] = named_values(children(element), blobs, depth - 1) if depth else {}
        if depth and not shown[below]:
            del shown[below]
    return shown or OMITTED


def changes(
    element: Document, value: Json, path: IdShortPath = (), version: ApiVersion = ApiVersion.V31
) -> list[Update]:
    """What a ValueOnly JSON sets, as new attributes of the elements at and below `path`.

    A value that is there already is no update, so what a caller sends back unchanged keeps its lexical form. Raises
    Invalid with everything that does not fit: unknown idShorts, wrong shapes, values of another type.
    """
    if version is ApiVersion.V30:
        value = _unwrapped(element, value, path)
    if value is None and value_only(element) is None:
        return []  # what such an element shows by itself
    found = list(_changes(element, value, path, version))
    if findings := [each for each in found if isinstance(each, Finding)]:
        raise Invalid(findings)
    return [each for each in found if not isinstance(each, Finding)]


def wrapped(element: Document, value: Json, path: IdShortPath) -> Json:
    """The answer of 3.0 to who asks for one element: the bare value of a Property is named in an object."""
    if element["modelType"] != "Property":
        return value
    return {} if value is None else {_name(element, path): value}


def _unwrapped(element: Document, value: Json, path: IdShortPath) -> Json:
    if element["modelType"] == "Property" and isinstance(value, dict) and value.keys() <= {_name(element, path)}:
        return value.get(_name(element, path))
    return value


def _name(element: Document, path: IdShortPath) -> str:
    return element.get("idShort") or text(path[-1:])


def _changes(element: Document, value: Json, path: IdShortPath, version: ApiVersion) -> Iterator[Update | Finding]:
    match element["modelType"]:
        case "Submodel" | "SubmodelElementCollection":
            yield from _named_changes(element, value, path, version)
        case "SubmodelElementList":
            yield from _item_changes(element, value, path, version)
        case "Capability" | "Operation" as model_type:
            yield Finding(text(path), f"a {model_type} has no value that could be set")
        case "Property":
            yield from _update(element, path, _typed(element, "value", value))
        case "MultiLanguageProperty":
            yield from _update(element, path, _texts(value, version))
        case "ReferenceElement":
            yield from _update(element, path, [_given("value", value)])
        case model_type:
            yield from _part_changes(element, PARTS[model_type], value, path, version)


def _named_changes(
    container: Document, value: Json, path: IdShortPath, version: ApiVersion
) -> Iterator[Update | Finding]:
    if version is ApiVersion.V30 and isinstance(value, list) and all(isinstance(each, dict) for each in value):
        value = {name: item for each in value for name, item in each.items()}  # 3.0 had arrays of one-key objects
    if not isinstance(value, dict):
        yield Finding(text(path), "must be an object of values by idShort")
        return
    named = {child.get("idShort"): child for child in reversed(children(container))}
    for name, below in value.items():
        if name in named:
            yield from _changes(named[name], below, (*path, name), version)
        else:
            yield Finding(text((*path, name)), "no such element")


def _item_changes(
    container: Document, value: Json, path: IdShortPath, version: ApiVersion
) -> Iterator[Update | Finding]:
    """A shorter array leaves the rest as it is (Part 2, annex 'SerializationModifier Examples')."""
    items = children(container)
    if not isinstance(value, list):
        yield Finding(text(path), "must be an array of values")
        return
    if len(value) > len(items):
        yield Finding(text(path), f"{len(value)} values for {len(items)} elements: a value does not add an element")
    for index, (child, item) in enumerate(zip(items, value, strict=False)):
        if item is not None:
            yield from _changes(child, item, (*path, index), version)
        elif _shown(child, blobs=True, depth=UNLIMITED) is not OMITTED:
            yield Finding(text((*path, index)), "null cannot replace a value")


def _part_changes(
    element: Document, names: tuple[str, ...], value: Json, path: IdShortPath, version: ApiVersion
) -> Iterator[Update | Finding]:
    if not isinstance(value, dict) or not value.keys() <= set(names):
        yield Finding(text(path), f"must be an object with no more than {', '.join(names)}")
        return
    own = dict(value)
    if (below := CHILDREN.get(element["modelType"])) in own:
        yield from _named_changes(element, own.pop(below), path, version)
    if element["modelType"] == "Range":
        yield from _update(element, path, [each for name in own for each in _typed(element, name, own[name])])
    else:
        yield from _update(element, path, [_given(name, part) for name, part in own.items()])


Attribute = tuple[str, Json]


def _typed(element: Document, name: str, value: Json) -> list[Attribute | str]:
    """The attribute with the lexical form of a value, or what is wrong with it; nothing where it is there already."""
    kind, before = element["valueType"], element.get(name)
    if before is not None and _same(to_json(kind, before), value):
        return []
    try:
        return [(name, from_json(kind, value))]
    except ValueError as error:
        return [str(error)]


def _given(name: str, value: Json) -> Attribute | str:
    return f"{name} cannot be null" if value is None else (name, value)


def _same(before: Json, value: Json) -> bool:
    return bool(before == value) and isinstance(before, bool) == isinstance(value, bool)


def _texts(value: Json, version: ApiVersion) -> list[Attribute | str]:
    if version is ApiVersion.V30 and isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return ['must be an array of objects such as {"en": "a text"}']
    return [("value", [{"language": tag, "text": each[tag]} for each in value for tag in each] or None)]


def _update(element: Document, path: IdShortPath, found: Sequence[Attribute | str]) -> Iterator[Update | Finding]:
    """The attributes that change, when the element is as valid with them as it was before."""
    yield from (Finding(text(path), each) for each in found if isinstance(each, str))
    attributes = {each[0]: each[1] for each in found if not isinstance(each, str)}
    changed = {name: value for name, value in attributes.items() if element.get(name) != value}
    if not changed:
        return
    if "valueType" not in element:  # a typed value has been checked where it was read
        yield from (Finding(text(path), str(each)) for each in _new_findings(element, changed))
    yield path, changed


def _new_findings(element: Document, changed: Mapping[str, Json]) -> Iterator[Finding]:
    """What is wrong with the new attributes, or becomes wrong by them; the children are looked at by themselves."""
    alone = without(element, CHILDREN.get(element["modelType"], ""))
    known = set(verify(alone))
    after = {name: value for name, value in {**alone, **changed}.items() if value is not None}
    yield from (each for each in verify(after) if each not in known or _ATTRIBUTE(each.path)[0] in changed)
