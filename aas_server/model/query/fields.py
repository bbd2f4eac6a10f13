"""FieldIdentifiers: `$sme.Motors[].Speed#value` to the steps that lead to its values."""

import re
from functools import lru_cache

from aas_server.model.errors import Malformed
from aas_server.model.query.tree import (
    ANY,
    AnyElement,
    Child,
    Content,
    Field,
    Item,
    ListItem,
    Name,
    Root,
    Start,
    Step,
    Text,
    lists_of,
)

#: Longest FieldIdentifier that is read; one path of 100 names of 40 letters.
LONGEST = 4096

_KEYS = ("keys[].type", "keys[].value")


def _reference(name: str) -> tuple[str, ...]:
    """A reference is also short for the value of its first key."""
    return (name, f"{name}.type", *(f"{name}.{key}" for key in _KEYS))


_SPECIFIC = tuple(f"specificAssetIds[].{name}" for name in ("name", "value", *_reference("externalSubjectId")))
_ENDPOINTS = ("endpoints[].interface", "endpoints[].protocolinformation.href")
_SUBMODEL = (*_reference("semanticId"), "idShort", "id")

#: The attributes of each root, every index left out.
ATTRIBUTES: dict[Root, frozenset[str]] = {
    Root.SHELL: frozenset(
        (
            *("idShort", "id", "submodels[].type"),
            *(f"submodels[].{key}" for key in _KEYS),
            *(f"assetInformation.{name}" for name in ("assetKind", "assetType", "globalAssetId", *_SPECIFIC)),
        )
    ),
    Root.SUBMODEL: frozenset(_SUBMODEL),
    Root.ELEMENT: frozenset((*_reference("semanticId"), "idShort", "value", "valueType", "language")),
    Root.CONCEPT: frozenset(("idShort", "id")),
    Root.SHELL_DESCRIPTOR: frozenset(
        (
            *("idShort", "id", "assetKind", "assetType", "globalAssetId", *_SPECIFIC, *_ENDPOINTS),
            *(f"submodelDescriptors[].{name}" for name in (*_SUBMODEL, *_ENDPOINTS)),
        )
    ),
    Root.SUBMODEL_DESCRIPTOR: frozenset((*_SUBMODEL, *_ENDPOINTS)),
}

#: Names that the grammar writes otherwise than the JSON of the objects.
_SPELLED = {"protocolinformation": "protocolInformation"}

_INDEX = r"\[[0-9]{0,9}\]"
_ID_SHORT = r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_SEGMENT = rf"{_ID_SHORT}(?:{_INDEX})*"
_FIELD = re.compile(rf"(\$[a-z]+)((?:\.{_SEGMENT})*)#([A-Za-z.\[\]0-9]+)").fullmatch
_STEP = re.compile(rf"\.?({_ID_SHORT})|\[([0-9]*)\]")


@lru_cache(maxsize=4096)
def parse_field(text: str) -> Field:
    """
    >>> parse_field("$sm#semanticId").steps
    (Name(name='semanticId'), Name(name='keys'), Item(index=0), Name(name='value'))

    Raises Malformed for what the grammar does not have.
    """
    found = _FIELD(text) if len(text) <= LONGEST else None
    if found is None or found[1] not in list(Root):
        raise Malformed(f"{text[:80]!r} is no FieldIdentifier: {_lacking(text)}")
    root, path, attribute = Root(found[1]), found[2], found[3]
    if path and root is not Root.ELEMENT:
        raise Malformed(f"{text[:80]!r}: only $sme takes an idShortPath")
    bare = re.sub(_INDEX, "[]", attribute)
    if bare not in ATTRIBUTES[root]:
        raise Malformed(f"{text[:80]!r}: {root} has no attribute {attribute[:80]!r}")
    inside = (*_path(path), *_element(bare, attribute)) if root is Root.ELEMENT else _attribute(attribute)
    return Field(text, root, inside, bare, lists_of(root, inside))


def _lacking(text: str) -> str:
    """What is wrong with it, in words."""
    root = text.partition("#")[0].partition(".")[0]
    if root not in list(Root):
        return f"it begins with one of {', '.join(Root)}"
    if "#" not in text:
        return f"it ends with an attribute, as {text[:80]}#{'value' if root == Root.ELEMENT else 'id'}"
    return "$root, .idShortPath for $sme, #attribute"


def _path(path: str) -> tuple[Step, ...]:
    if not path:
        return (AnyElement(),)
    steps: list[Step] = []
    for id_short, index in _STEP.findall(path):
        if id_short:
            steps.append(Child(id_short) if steps else Start(id_short))
        else:
            steps.append(ListItem(_number(index)))
    return tuple(steps)


def _element(bare: str, attribute: str) -> tuple[Step, ...]:
    match bare:
        case "value":
            return (Text(), Content())
        case "language":
            return (Text(), Name("language"))
        case _:
            return _attribute(attribute)


def _attribute(attribute: str) -> tuple[Step, ...]:
    steps: list[Step] = [
        Name(_SPELLED.get(name, name)) if name else Item(_number(index)) for name, index in _STEP.findall(attribute)
    ]
    if attribute.endswith(("semanticId", "externalSubjectId")):
        steps += [Name("keys"), Item(0), Name("value")]
    return tuple(steps)


def _number(index: str) -> int | None:
    return int(index) if index else ANY
