"""Documents in the official RDF mapping of the metamodel (IDTA 01001-3-1, "RDF"), and back.

Pure, and made from the document, so that values keep their spelling. A property is `…/<class that defines it>/<name>`,
a value an xs:string whatever its valueType, an enumeration a member of its own namespace. The mapping has no order:
items of a list of several also say their index, in our own vocabulary; a graph without it is read in its own order.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Final

from aas_server.graph.iris import iri
from aas_server.graph.terms import LABEL, NS, RDF, RDFS, XSD
from aas_server.model import Document, Json
from aas_server.model.errors import Malformed
from aas_server.model.metamodel import (
    CHOICES,
    CLASSES,
    ENUMERATIONS,
    IDENTIFIABLES,
    SUBMODEL_ELEMENTS,
    Attribute,
    ancestors,
    own_names,
)
from aas_server.model.paths import IdShortPath

AAS: Final = "https://admin-shell.io/aas/3/1/"
TYPE, INDEX = f"{RDF}type", f"{NS}index"
STRING, BOOLEAN, BINARY, INTEGER = (f"{XSD}{name}" for name in ("string", "boolean", "base64Binary", "integer"))
LANGUAGE = f"{RDF}langString"
#: What the rules of the mapping let a writer add for people.
_SHOWN = frozenset((LABEL[1:-1], f"{RDFS}comment"))
#: Primitives that are no texts.
TYPED = {"Boolean": BOOLEAN, "BlobType": BINARY}
#: Nodes in each other, at most.
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Text:
    """A literal."""

    value: str
    datatype: str = STRING


#: A node is an IRI, or a label of its own that begins with `_:`.
Node = str
Term = Node | Text
Triple = tuple[Node, str, Term]
#: Where an element is: its IRI; None leaves it without one.
Placed = Callable[[IdShortPath], Node | None]
#: What stands in a graph: for each node its properties, each with its values, in the order of the graph.
Described = Mapping[Node, Mapping[str, Sequence[Term]]]


@cache
def properties(class_name: str) -> dict[str, Attribute]:
    """The attributes of a class by the IRIs of their properties."""
    owners = {name: owner for owner in reversed(ancestors(class_name)) for name in own_names(owner)}
    if class_name.startswith("LangString"):
        owners = dict.fromkeys(owners, "AbstractLangString")
    return {f"{AAS}{owners[each.name]}/{each.name}": each for each in CLASSES[class_name]}


def member(enumeration: str, value: str) -> str:
    """The member of an enumeration that a literal stands for.

    >>> member("DataTypeDefXsd", "xs:anyURI").removeprefix(AAS), member("AssetKind", "Type").removeprefix(AAS)
    ('DataTypeDefXsd/AnyUri', 'AssetKind/Type')
    >>> member("DataTypeIec61360", "REAL_MEASURE").removeprefix(AAS)
    'DataTypeIec61360/RealMeasure'
    """
    name = value.removeprefix("xs:")
    if name.isupper():
        name = "".join(part.capitalize() for part in name.split("_"))
    return f"{AAS}{enumeration}/{name[:1].upper()}{name[1:].replace('URI', 'Uri')}"


_MEMBERS: Final = {member(name, value): value for name, values in ENUMERATIONS.items() for value in values}


# Writing


def triples(document: Document, class_name: str, placed: Placed = lambda _: None) -> Iterator[Triple]:
    """What a verified instance of a class of the metamodel says; its own node comes first.

    An element in it has the IRI that `placed` gives for its path: below a submodel, or below the element itself.
    """
    yield from _Writer(placed).instance(document, class_name, ())[1]


class _Writer:
    def __init__(self, placed: Placed) -> None:
        self._placed, self._labels = placed, count()
        self._used: set[Node] = set()

    def instance(self, value: Document, class_name: str, path: IdShortPath) -> tuple[Node, Iterator[Triple]]:
        name = value["modelType"] if class_name in CHOICES else class_name
        this = self._node(value, name, path)
        return this, self._said(this, value, name, path)

    def _node(self, value: Document, name: str, path: IdShortPath) -> Node:
        if name in IDENTIFIABLES:
            return iri(value["id"])
        place = self._placed(path) if name in SUBMODEL_ELEMENTS else None
        if place is None or place in self._used:  # two elements of one name, which only imports load
            return f"_:b{next(self._labels)}"
        self._used.add(place)
        return place

    def _said(self, this: Node, value: Document, name: str, path: IdShortPath) -> Iterator[Triple]:
        yield this, TYPE, f"{AAS}{name}"
        for property_, attribute in properties(name).items():
            given = value.get(attribute.name)
            if given is None:
                continue
            items = given if attribute.many else [given]
            for number, item in enumerate(items):
                where = (*path, *_step(name, attribute, item, number))
                yield from self._value(this, property_, attribute, item, where, number if len(items) > 1 else None)

    def _value(
        self, this: Node, property_: str, attribute: Attribute, item: Json, path: IdShortPath, index: int | None
    ) -> Iterator[Triple]:
        if attribute.type in ENUMERATIONS:
            yield this, property_, member(attribute.type, str(item))
        elif attribute.type in CLASSES or attribute.type in CHOICES:
            node, said = self.instance(item, attribute.type, path)
            yield this, property_, node
            if index is not None:
                yield node, INDEX, Text(str(index), INTEGER)
            yield from said
        elif isinstance(item, bool):
            yield this, property_, Text(str(item).lower(), BOOLEAN)
        else:
            yield this, property_, Text(str(item), TYPED.get(attribute.type, STRING))


def _step(name: str, attribute: Attribute, item: Json, number: int) -> IdShortPath:
    """What a path needs to go on to an element: its place in a list, else its idShort; nothing to go elsewhere."""
    if attribute.type not in ("SubmodelElement", "DataElement") or not isinstance(item, dict):
        return ()
    if name == "SubmodelElementList":
        return (number,)
    return (str(item.get("idShort") or number),)


_ESCAPED = re.compile(r'["\\\n\r\t\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def lines(said: Iterable[Triple]) -> str:
    """Triples as N-Triples."""
    return "".join(f"{_written(node)} <{property_}> {_written(value)} .\n" for node, property_, value in said)


def _written(term: Term) -> str:
    if isinstance(term, str):
        return term if term.startswith("_:") else f"<{term}>"
    text = _ESCAPED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}", term.value)
    return f'"{text}"' if term.datatype == STRING else f'"{text}"^^<{term.datatype}>'


# Reading


def document(described: Described, class_name: str) -> Document:
    """The one instance of a class (or of one that belongs to it) that a graph describes.

    It has the types of the metamodel; whether it keeps to the constraints is for others to see. Raises Malformed where
    there is none or more than one, and for what the mapping does not know: nothing is left out in silence.
    """
    wanted = {f"{AAS}{name}" for name in CHOICES.get(class_name, (class_name,))}
    below = {value for said in described.values() for values in said.values() for value in values}
    found = [node for node, said in described.items() if wanted.intersection(said.get(TYPE, ())) and node not in below]
    if len(found) != 1:
        raise Malformed(
            f"the graph describes {len(found)} of {class_name} that are part of nothing else; one is needed"
        )
    reader = _Reader(described)
    read = reader.instance(found[0], class_name, 0)
    if unread := described.keys() - reader.read:
        raise Malformed(f"the graph describes {min(unread)}, which is no part of {found[0]}")
    return read


class _Reader:
    def __init__(self, described: Described) -> None:
        self._described = described
        self.read: set[Node] = set()

    def instance(self, node: Node, class_name: str, depth: int) -> Document:
        if depth > DEEPEST:
            raise Malformed(f"{node} is more than {DEEPEST} nodes deep")
        if node in self.read:
            raise Malformed(f"{node} stands in two places")
        self.read.add(node)
        said = self._described.get(node, {})
        name = self._class(node, class_name, said)
        known, found = properties(name), {}
        for property_, values in said.items():
            if property_ in known:
                attribute = known[property_]
                found[attribute.name] = self._values(node, attribute, values, depth)
            elif property_ not in (TYPE, INDEX, *_SHOWN):
                raise Malformed(f"{node} has {property_}, which {name} does not")
        return {"modelType": name, **found} if _named(name) else found

    def _class(self, node: Node, class_name: str, said: Mapping[str, Sequence[Term]]) -> str:
        """What it is: what it says, else what must stand there."""
        choices = CHOICES.get(class_name, (class_name,))
        types = [each for each in said.get(TYPE, ()) if isinstance(each, str)]
        named = [name for name in choices if f"{AAS}{name}" in types]
        if not named and not types and len(choices) == 1:
            return class_name
        if len(named) != 1:
            raise Malformed(f"{node} has the types {', '.join(types) or 'none'}; one of {class_name} is needed")
        return named[0]

    def _values(self, node: Node, attribute: Attribute, values: Sequence[Term], depth: int) -> Json:
        if attribute.many:
            return [self._value(node, attribute, each, depth) for each in sorted(values, key=self._index)]
        if len(values) != 1:
            raise Malformed(f"{node} has {len(values)} values of {attribute.name}; it can have one")
        return self._value(node, attribute, values[0], depth)

    def _index(self, item: Term) -> int:
        """Its place where it says one; sorting keeps the order of others."""
        said = self._described.get(item, {}).get(INDEX, ()) if isinstance(item, str) else ()
        given = said[0] if said else None
        return int(given.value) if isinstance(given, Text) and re.fullmatch(r"\d{1,9}", given.value, re.ASCII) else 0

    def _value(self, node: Node, attribute: Attribute, given: Term, depth: int) -> Json:
        if attribute.type in CLASSES or attribute.type in CHOICES:
            if isinstance(given, str):
                return self.instance(given, attribute.type, depth + 1)
        elif attribute.type in ENUMERATIONS:
            if isinstance(given, str) and (member := _MEMBERS.get(given)) in ENUMERATIONS[attribute.type]:
                return member
        elif isinstance(given, Text) and given.datatype != LANGUAGE:
            return _boolean(given.value) if attribute.type == "Boolean" else given.value
        shown = given if isinstance(given, str) else given.value
        raise Malformed(f"{node} has {shown[:200]!r} as {attribute.name}, which cannot be one")


def _boolean(text: str) -> Json:
    """As XML Schema spells it; what is none stays, to be found by verification."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text, text)


def _named(name: str) -> bool:
    """Whether instances say by modelType what they are."""
    return name in IDENTIFIABLES or name in SUBMODEL_ELEMENTS or name in CHOICES["DataSpecificationContent"]
