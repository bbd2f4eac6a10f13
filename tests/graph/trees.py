"""Triples as trees, to be compared: a document says nothing in circles, and the labels of nodes say nothing.

What the official mapping says is put as a JSON-LD context can put it: lists are lists, texts have their language, only
modelType gives a type, and an id is its node.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aas_server.graph.quads import AAS, INDEX, TYPE, Term, Text, Triple
from aas_server.graph.terms import RDF, XSD
from aas_server.model.metamodel import ENUMERATIONS, MODEL_TYPES

FIRST, REST, NIL = (f"{RDF}{name}" for name in ("first", "rest", "nil"))
LANGUAGE, TEXT = f"{AAS}AbstractLangString/language", f"{AAS}AbstractLangString/text"
LISTED = (f"{AAS}Reference/keys", f"{AAS}SubmodelElementList/value")
TYPED = tuple(f"{AAS}{name}" for name in MODEL_TYPES)
#: The enumeration that a context cannot rename.
TYPES = {f"{AAS}DataTypeDefXsd/{name[3].upper()}{name[4:]}": XSD + name[3:] for name in ENUMERATIONS["DataTypeDefXsd"]}
TYPES[f"{AAS}DataTypeDefXsd/AnyUri"] = TYPES.pop(f"{AAS}DataTypeDefXsd/AnyURI")

#: What nodes say, or the items of lists, all the way down.
Tree = Any
Said = Mapping[Term, Sequence[tuple[str, Term]]]


def grouped(triples: Iterable[Triple]) -> Said:
    found: dict[Term, list[tuple[str, Term]]] = defaultdict(list)
    for node, property_, value in triples:
        found[node].append((property_, value))
    return found


def trees(triples: Iterable[Triple]) -> dict[Term, Tree]:
    """What is said of each node that is part of nothing else; those without a name come under a number."""
    said = grouped(triples)
    below = {value for values in said.values() for _, value in values}
    first = [node for node in said if node not in below]
    return {_name(node, number): _tree(node, said) for number, node in enumerate(first)}


def _name(node: Term, number: int) -> Term:
    return f"_:{number}" if isinstance(node, str) and node.startswith("_:") else node


def _tree(node: Term, said: Said) -> Tree:
    if node not in said:
        return node
    values = dict(said[node])
    if FIRST in values:
        rest = values[REST]
        return [_tree(values[FIRST], said), *(() if rest == NIL else _tree(rest, said))]
    return _sorted((property_, _tree(value, said)) for property_, value in said[node])


def official(triples: Iterable[Triple]) -> dict[Term, Tree]:
    """The official triples of a document, put as a context can put them, under its node."""
    said = grouped(triples)
    first = next(iter(said))
    return {first: _put(first, said)}


def _put(node: Term, said: Said) -> Tree:
    if node not in said:
        return TYPES.get(node, node) if isinstance(node, str) else node
    values = dict(said[node])
    match values.get(LANGUAGE), values.get(TEXT):
        case Text(language), Text(text):
            return Text(text, language)
    several: dict[str, list[Tree]] = defaultdict(list)
    for property_, value in said[node]:
        if _expressible(property_, value):
            several[property_].append(_put(value, said))
    return _sorted((name, each) for name, found in several.items() for each in ([found] if name in LISTED else found))


def _expressible(property_: str, value: Term) -> bool:
    return property_ not in (INDEX, f"{AAS}Identifiable/id") and (property_ != TYPE or value in TYPED)


def _sorted(said: Iterable[tuple[str, Tree]]) -> tuple[tuple[str, Tree], ...]:
    return tuple(sorted(said, key=repr))


def size(tree: Tree) -> int:
    """How many triples make a tree."""
    if isinstance(tree, list):
        return sum(2 + size(each) for each in tree)
    return sum(1 + size(each) for _, each in tree) if isinstance(tree, tuple) else 0
