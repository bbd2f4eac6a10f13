"""Which assets are parts of which, as a bill of material says (IDTA 02011, Hierarchical Structures)."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import NotFound
from aas_server.model.paths import IdShortPath, children, resolve

#: What semantic ids of its relationships and of its ArcheType begin with, whatever their version.
_STRUCTURES = "https://admin-shell.io/idta/HierarchicalStructures/"
#: Digits of a position in a list; more are no position.
LONGEST = 9
_HAS, _IS = f"{_STRUCTURES}HasPart/", f"{_STRUCTURES}IsPartOf/"


class Parts:
    """The parts of one submodel: entities inside others, and the relationships that say so."""

    def __init__(self, document: Document) -> None:
        self._document = document
        kind = next((each.get("value") for each in children(document) if each.get("idShort") == "ArcheType"), None)
        #: Entities inside stand for what the outer one is a part of.
        self._upwards = kind == "OneUp"

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Whole and part, by the ids of their assets; the same pair may come more than once."""
        for element in children(self._document):
            yield from self._below(element, None)

    def _below(self, element: Document, whole: str | None) -> Iterator[tuple[str, str]]:
        asset: str | None = None
        match element["modelType"]:
            case "Entity":
                asset = element.get("globalAssetId")
                if whole and asset:
                    yield (asset, whole) if self._upwards else (whole, asset)
            case "RelationshipElement" | "AnnotatedRelationshipElement":
                yield from self._related(element)
        for each in children(element):
            yield from self._below(each, asset if asset is not None else whole)

    def _related(self, relationship: Document) -> Iterator[tuple[str, str]]:
        meaning = _last(relationship.get("semanticId"))
        if meaning.startswith((_HAS, _IS)):
            first, second = (self._asset(relationship.get(name)) for name in ("first", "second"))
            if first and second:
                yield (first, second) if meaning.startswith(_HAS) else (second, first)

    def _asset(self, reference: object) -> str | None:
        """The asset of the entity that a reference leads to, where that is in this submodel."""
        keys = reference.get("keys") if isinstance(reference, dict) else None
        if not keys or keys[0].get("value") != self._document["id"]:
            return None
        try:
            found = resolve(self._document, steps(keys[1:]))
        except NotFound:
            return None
        asset: str | None = found.get("globalAssetId")
        return asset


def steps(keys: list[Document]) -> IdShortPath:
    """An idShortPath; keys below a list are positions in it."""
    found: list[str | int] = []
    for before, key in zip([{}, *keys], keys, strict=False):
        value = str(key.get("value", ""))
        listed = before.get("type") == "SubmodelElementList" and value.isdecimal() and len(value) <= LONGEST
        found.append(int(value) if listed else value)
    return tuple(found)


def _last(reference: object) -> str:
    keys = reference.get("keys") if isinstance(reference, dict) else None
    return str(keys[-1].get("value", "")).strip() if keys else ""
