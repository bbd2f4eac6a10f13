"""The types of a server's variables: each looked up once, many in one request, down to what is sent on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from aas_server.live.browsed import Shape
from aas_server.live.opcua.asking import Asking

_IDS: Any = ua.object_ids.ObjectIds
#: Where the way up from a type ends (OPC 10000-6, 5.1.2, and the abstract types of 10000-5).
ENDS = {number: ua.VariantType(number).name for number in range(1, 23)} | {
    24: "Variant", 26: "Number", 27: "Integer", 28: "UInteger", 29: "Enumeration",
}  # fmt: skip
#: Types that only a value says more of.
ABSTRACT = frozenset({"Variant", "Number", "Integer", "UInteger"})
#: Structures in each other, at most; a type may hold itself.
_DEPTH = 8


class Types:
    """Data types of one server, for one session."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._above: dict[ua.NodeId, ua.NodeId | None] = {}
        self._definitions: dict[ua.NodeId, Any] = {}
        self._texts: dict[ua.NodeId, Mapping[int, str]] = {}

    async def load(self, types: Iterable[ua.NodeId]) -> None:
        """Look up these types, those above them, and those of their fields."""
        wanted = {each for each in types if _end(each) is None} - self._above.keys()
        while wanted:
            several = list(wanted)
            await self._defined(several)
            await self._related(several)
            found = {above for each in several if (above := self._above[each]) is not None}
            found |= {field.DataType for each in several for field in _fields(self._definitions.get(each))}
            wanted = {each for each in found if _end(each) is None} - self._above.keys()

    async def _defined(self, types: Sequence[ua.NodeId]) -> None:
        values = await self._asking.attributes(types, AttributeIds.DataTypeDefinition)
        for each, found in zip(types, values, strict=True):
            self._definitions[each] = found.Value.Value if found.Value is not None else None

    async def _related(self, types: Sequence[ua.NodeId]) -> None:
        """What is above each type, and the texts of enumerations that are no part of their definition."""
        texts: dict[ua.NodeId, ua.NodeId] = {}
        both = ua.BrowseDirection.Both
        for each, (references, _) in zip(types, await self._asking.references(types, both), strict=True):
            self._above[each] = None
            for one in references:
                if (node := self._asking.local(one.NodeId)) is None:
                    continue
                if not one.IsForward and one.ReferenceTypeId == _SUBTYPE:
                    self._above[each] = node
                elif one.IsForward and one.BrowseName.Name in ("EnumStrings", "EnumValues"):
                    texts[each] = node
        for each, value in zip(texts, await self._asking.values(list(texts.values())), strict=True):
            self._texts[each] = _texts(value.Value.Value if value.Value is not None else None)

    def shape(self, data_type: ua.NodeId, rank: int = 0, depth: int = 0) -> Shape | None:
        """What a variable of this type holds; None where nobody says. `rank` is the number of dimensions."""
        chain, at = [data_type], data_type
        while (end := _end(at)) is None:
            above = self._above.get(at)
            if above is None or above in chain:
                return None
            chain.append(at := above)
        match end:
            case "Enumeration":
                return Shape("Int32", rank, tuple(sorted(self._named(chain).items())))
            case "ExtensionObject":
                return self._structure(chain, rank, depth)
            case _:
                return Shape(end, rank)

    def like(self, shape: Shape, declared: int, found: ua.Variant | None) -> Shape | None:
        """The shape of a variable whose type or ValueRank leaves open what is there; `declared` is that rank."""
        builtin, rank = shape.builtin, shape.rank
        if found is None or found.VariantType is ua.VariantType.Null:
            return replace(shape, rank=max(rank, int(declared == 0)))
        if builtin in ABSTRACT:
            builtin = ENDS.get(found.VariantType.value, "")
            if builtin in ("", "ExtensionObject"):
                return None
        if declared < 1:
            rank = len(found.Dimensions or (0,)) if found.is_array else 0
        return replace(shape, builtin=builtin, rank=rank)

    def _named(self, chain: Sequence[ua.NodeId]) -> Mapping[int, str]:
        for each in chain:
            definition = self._definitions.get(each)
            if isinstance(definition, ua.EnumDefinition):
                return {int(field.Value): field.Name or "" for field in definition.Fields or ()}
            if each in self._texts:
                return self._texts[each]
        return {}

    def _structure(self, chain: Sequence[ua.NodeId], rank: int, depth: int) -> Shape | None:
        if chain[0] == _RANGE:
            return Shape("Range", rank)
        definition: Any = self._definitions.get(chain[0])
        if not _fields(definition) or depth >= _DEPTH or definition.StructureType == ua.StructureType.Union:
            return None
        fields = [
            (str(each.Name), self.shape(each.DataType, max(0, int(each.ValueRank)), depth + 1))
            for each in _fields(definition)
        ]
        return Shape(
            "ExtensionObject", rank, fields=tuple((name, shape) for name, shape in fields if shape is not None)
        )


_SUBTYPE, _RANGE = ua.NodeId(_IDS.HasSubtype), ua.NodeId(_IDS.Range)


def _end(data_type: ua.NodeId) -> str | None:
    """The builtin or abstract type that this is; None where it is made of others."""
    if data_type.NamespaceIndex == 0 and isinstance(data_type.Identifier, int):
        return ENDS.get(data_type.Identifier)
    return None


def _fields(definition: Any) -> Sequence[Any]:
    return definition.Fields or () if isinstance(definition, ua.StructureDefinition) else ()


def _texts(given: Any) -> Mapping[int, str]:
    """EnumStrings count from 0, EnumValues say their number (OPC 10000-3, 8.39)."""
    if not isinstance(given, list):
        return {}
    if all(isinstance(each, ua.LocalizedText) for each in given):
        return {number: each.Text or "" for number, each in enumerate(given)}
    return {int(each.Value): each.DisplayName.Text or "" for each in given if isinstance(each, ua.EnumValueType)}
