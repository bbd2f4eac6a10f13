"""Nodes become a proposal: an environment of AID, AIMC, OperationalData and a shell, for a person to look at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aas_server.live import Endpoint
from aas_server.live.browsed import Argument, Left, Node, NodeKind, Said, Shape
from aas_server.live.describing import (
    INTERFACE,
    action,
    affordance,
    configuration,
    interface,
    mapping,
    printable,
    reference,
    submodel,
)
from aas_server.model import Document
from aas_server.model.references import to_submodel

#: What is proposed, by idShort.
AID, AIMC, DATA = "AssetInterfacesDescription", "AssetInterfacesMappingConfiguration", "OperationalData"
#: The types of values (OPC 10000-6, 5.1.2) as those of Properties.
VALUE_TYPES = {
    "Boolean": "xs:boolean", "SByte": "xs:byte", "Byte": "xs:unsignedByte", "Int16": "xs:short",
    "UInt16": "xs:unsignedShort", "Int32": "xs:int", "UInt32": "xs:unsignedInt", "Int64": "xs:long",
    "UInt64": "xs:unsignedLong", "Float": "xs:float", "Double": "xs:double", "DateTime": "xs:dateTime",
    "ByteString": "xs:base64Binary", "StatusCode": "xs:unsignedInt", "Number": "xs:double", "Integer": "xs:long",
    "UInteger": "xs:unsignedLong",
}  # fmt: skip
#: Characters that no idShort has (Part 1, AASd-002), and how long one is at most.
_OTHERS, _LONGEST = re.compile(r"[^A-Za-z0-9_]+"), 128
_ID_SHORT = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?\Z").match
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z").match

#: An element on the way from a submodel: its modelType and idShort.
Steps = tuple[tuple[str, str], ...]


class Names:
    """IdShorts that are given once each."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def of(self, name: str) -> str:
        """A valid idShort that is like the name, and that nobody has yet.

        >>> names = Names()
        >>> names.of("Motor speed"), names.of("Motor.speed"), names.of("2nd"), names.of("äöü")
        ('Motor_speed', 'Motor_speed_2', 'n_2nd', 'n')
        """
        given = _OTHERS.sub("_", name).strip("_")
        given = given if given[:1].isalpha() else f"n_{given}".rstrip("_")
        found = given = given[: _LONGEST - 8]
        while found in self._taken:
            self._next[given] = self._next.get(given, 1) + 1
            found = f"{given}_{self._next[given]}"
        self._taken.add(found)
        return found


@dataclass(frozen=True, slots=True)
class Ids:
    """The identifiers of what is proposed: a prefix, and what each of them is."""

    prefix: str

    def of(self, name: str) -> str:
        """
        >>> Ids("urn:plant").of("shell"), Ids("https://example.org/plant/").of("shell")
        ('urn:plant:shell', 'https://example.org/plant/shell')
        """
        divider = "" if self.prefix.endswith(("/", ":", "#")) else "/" if "://" in self.prefix else ":"
        return f"{self.prefix}{divider}{name}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants it: what the ids begin with, and whether clients may write and call."""

    prefix: str
    writable: bool = False
    methods: bool = True


def proposal(top: Node, endpoint: Endpoint, wishes: Wishes, left: Left) -> Document:
    """The environment that makes the nodes below this one live. Notes what is left out."""
    ids = Ids(wishes.prefix)
    proposing = Proposing(ids, wishes, left)
    data = proposing.elements(top.children if top.kind is NodeKind.OBJECT else [top], (), Names(), top)
    submodels = [
        interface(ids.of(AID), endpoint, proposing.properties, proposing.actions),
        configuration(ids.of(AIMC), proposing.mappings),
        submodel(ids.of(DATA), DATA, data),
    ]
    return {"assetAdministrationShells": [_shell(ids, top, submodels)], "submodels": submodels}


class Proposing:
    """Gathers elements, what the interface affords of them, and what maps the one to the other."""

    def __init__(self, ids: Ids, wishes: Wishes, left: Left) -> None:
        self._ids, self._wishes, self._left = ids, wishes, left
        self._names = {"properties": Names(), "actions": Names()}
        self.properties: list[Document] = []
        self.actions: list[Document] = []
        self.mappings: list[Document] = []

    def elements(self, nodes: Sequence[Node], at: Steps, names: Names, above: Node) -> list[Document]:
        """The elements of these nodes and all below; objects without anything to show are none."""
        return [element for node in nodes for element in self._node(node, at, names, above)]

    def _node(self, node: Node, at: Steps, names: Names, above: Node) -> Iterator[Document]:
        match node.kind:
            case NodeKind.METHOD:
                if self._offers(node):
                    yield self._method(node, at, names.of(node.name), above)
                elif self._wishes.methods and all(each.shape for each in (*node.inputs, *node.outputs)):
                    self._left.out("a method with an argument whose name is no idShort", node.name)
            case NodeKind.VARIABLE if node.shape is not None:
                yield self._variable(node, node.shape, at, names.of(node.name))
                yield from self._object(node, at, names, f"{node.name}_parts")
            case _:
                yield from self._object(node, at, names, node.name)

    def _object(self, node: Node, at: Steps, names: Names, name: str) -> Iterator[Document]:
        if any(each.shape is not None or self._offers(each) for each in node.walk() if each is not node):
            id_short = names.of(name)
            below = self.elements(node.children, (*at, ("SubmodelElementCollection", id_short)), Names(), node)
            yield _told({"modelType": "SubmodelElementCollection", "idShort": id_short}, node) | {"value": below}

    def _variable(self, node: Node, shape: Shape, at: Steps, id_short: str) -> Document:
        made = _told(_named(self._element(shape, node.name), id_short), node)
        if shape.texts:
            made.setdefault("description", _said(Said(", ".join(f"{n}: {text}" for n, text in shape.texts)), 1023))
        name = self._mapped("properties", (*at, (made["modelType"], id_short)))
        self.properties.append(affordance(name, node, shape, writable=self._wishes.writable and node.writable))
        return made

    def _offers(self, node: Node) -> bool:
        """Whether a method can be an Operation: its arguments are found by their names."""
        if node.kind is not NodeKind.METHOD or not self._wishes.methods:
            return False
        arguments = (*node.inputs, *node.outputs)
        names = [each.name for each in arguments]
        return all(each.shape is not None and _ID_SHORT(each.name) for each in arguments) and len(names) == len(
            set(names)
        )

    def _method(self, node: Node, at: Steps, id_short: str, above: Node) -> Document:
        made = _told({"modelType": "Operation", "idShort": id_short}, node)
        for attribute, arguments in (("inputVariables", node.inputs), ("outputVariables", node.outputs)):
            if arguments:
                made[attribute] = [{"value": self._argument(each)} for each in arguments]
        name = self._mapped("actions", (*at, ("Operation", id_short)))
        self.actions.append(action(name, node, above))
        return made

    def _argument(self, argument: Argument) -> Document:
        assert argument.shape is not None  # noqa: S101 - a method that has such an argument is not offered
        made = _named(self._element(replace(argument.shape, texts=()), argument.name), argument.name)
        return made | ({"description": found} if (found := _said(argument.description, 1023)) else {})

    def _mapped(self, kind: str, sink: Steps) -> str:
        """Map what the interface affords to an element; the name that it has there."""
        name = self._names[kind].of("_".join(step for _, step in sink))
        steps = [("SubmodelElementCollection", each) for each in (INTERFACE, "InteractionMetadata", kind, name)]
        source = reference(self._ids.of(AID), steps)
        self.mappings.append(mapping(name, source, reference(self._ids.of(DATA), sink)))
        return name

    # Elements by what they hold

    def _element(self, shape: Shape, where: str) -> Document:
        """An empty element that takes values of this shape."""
        if shape.rank:
            return self._list(replace(shape, rank=shape.rank - 1), where)
        match shape.builtin:
            case "ExtensionObject":
                below = [
                    _named(self._element(each, f"{where}.{name}"), name) for name, each in self._fields(shape, where)
                ]
                return {"modelType": "SubmodelElementCollection"} | ({"value": below} if below else {})
            case "LocalizedText":
                return {"modelType": "MultiLanguageProperty"}
            case "Range":
                return {"modelType": "Range", "valueType": "xs:double"}
            case builtin:
                value_type = "xs:string" if shape.texts else VALUE_TYPES.get(builtin, "xs:string")
                return {"modelType": "Property", "valueType": value_type}

    def _list(self, shape: Shape, where: str) -> Document:
        """A list. One of what is in it is there where the declaration alone does not say what more would be like."""
        inner = self._element(shape, where)
        made: Document = {"modelType": "SubmodelElementList", "typeValueListElement": inner["modelType"]}
        if "valueType" in inner:
            made["valueTypeListElement"] = inner["valueType"]
        if inner["modelType"] in ("SubmodelElementCollection", "SubmodelElementList"):
            made["value"] = [inner]
        return made

    def _fields(self, shape: Shape, where: str) -> Iterator[tuple[str, Shape]]:
        """Fields keep their names, by which they are filled."""
        for name, each in shape.fields:
            if _ID_SHORT(name):
                yield name, each
            else:
                self._left.out("a field whose name is no idShort", f"{where}.{name}")


def _named(element: Document, id_short: str) -> Document:
    return {"modelType": element["modelType"], "idShort": id_short, **element}


def _told(element: Document, node: Node) -> Document:
    """An element with what its node says of itself."""
    named = _said(node.title, 128) if node.title.text != element["idShort"] else None
    described = _said(node.description, 1023) if node.description.text not in (node.name, node.title.text) else None
    return element | ({"displayName": named} if named else {}) | ({"description": described} if described else {})


def _said(said: Said, most: int) -> list[Document] | None:
    text = printable(said.text)[:most]
    language = said.language if _LANGUAGE(said.language) else "en"
    return [{"language": language, "text": text}] if text else None


def _shell(ids: Ids, top: Node, submodels: Sequence[Document]) -> Document:
    return {
        "modelType": "AssetAdministrationShell",
        "id": ids.of("shell"),
        "idShort": Names().of(top.name or "Plant"),
        "assetInformation": {"assetKind": "Instance", "globalAssetId": ids.of("asset")},
        "submodels": [to_submodel(each["id"]) for each in submodels],
    }
