"""IdShortPath: the address of an element inside its submodel, e.g. `Motors[2].Speed` (Part 1, 'idShortPath')."""

import re
from collections.abc import Callable, Iterator

from aas_server.model import Document
from aas_server.model.errors import Malformed, NotFound

IdShortPath = tuple[str | int, ...]

_SEGMENT = re.compile(r"(?:^|\.)([a-zA-Z](?:[a-zA-Z0-9_-]*[a-zA-Z0-9_])?)(?=[.\[]|\Z)|\[(0|[1-9][0-9]{0,8})\]")

#: The attribute that holds the elements directly below, by modelType.
CHILDREN = {
    "Submodel": "submodelElements",
    "SubmodelElementCollection": "value",
    "SubmodelElementList": "value",
    "Entity": "statements",
    "AnnotatedRelationshipElement": "annotations",
}


def parse(text: str) -> IdShortPath:
    """Split an idShortPath into idShorts and list indexes.

    >>> parse("Motors[2].Speed")
    ('Motors', 2, 'Speed')

    Raises Malformed where the text is no path; the message carries the position.
    """
    segments: list[str | int] = []
    end = 0
    while match := _SEGMENT.match(text, end):
        id_short, index = match.groups()
        if not segments and (index or text[0] == "."):
            break
        segments.append(id_short or int(index))
        end = match.end()
    if not segments or end != len(text):
        raise Malformed(f"{text!r} is no idShortPath: cannot read on at position {end}; it is like A.B[0].C")
    return tuple(segments)


def text(path: IdShortPath) -> str:
    """
    >>> text(("Motors", 2, "Speed"))
    'Motors[2].Speed'
    """
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).removeprefix(".")


def children(element: Document) -> list[Document]:
    """The elements directly below a submodel or a containing element; none below any other."""
    attribute = CHILDREN.get(element["modelType"])
    return element.get(attribute) or [] if attribute else []


def resolve(element: Document, path: IdShortPath) -> Document:
    """The element at `path` below `element`; raises NotFound naming the first segment that leads nowhere."""
    for depth, step in enumerate(path, start=1):
        position = find(element, step)
        if position is None:
            raise NotFound(f"no element at {text(path[:depth])!r}")
        element = children(element)[position]
    return element


def resolver(document: Document) -> Callable[[IdShortPath], Document]:
    """`resolve` for many paths into one document: each container is looked through once."""
    known: dict[IdShortPath, Document] = {(): document}
    names: dict[IdShortPath, dict[str, int]] = {}

    def at(path: IdShortPath) -> Document:
        if path not in known:
            parent, step = path[:-1], path[-1]
            container = at(parent)
            if isinstance(step, int) or container["modelType"] == "SubmodelElementList":
                return resolve(container, (step,))
            if parent not in names:
                names[parent] = by_name(container)
            if (position := names[parent].get(step)) is None:
                raise NotFound(f"no element at {text(path)!r}")
            known[path] = children(container)[position]
        return known[path]

    return at


def by_name(container: Document) -> dict[str, int]:
    """The positions of the children by idShort; of two with one idShort, the first."""
    below = children(container)
    return {below[at]["idShort"]: at for at in reversed(range(len(below))) if "idShort" in below[at]}


def find(container: Document, step: str | int) -> int | None:
    """The position among the children that one segment of a path leads to, None where there is none."""
    below = children(container)
    if isinstance(step, int):
        in_list = container["modelType"] == "SubmodelElementList"
        return step if in_list and step < len(below) else None
    if container["modelType"] == "SubmodelElementList":
        return None  # in a list only the index is an address, even where a child carries an idShort
    return next((position for position, child in enumerate(below) if child.get("idShort") == step), None)


def walk(element: Document, path: IdShortPath = ()) -> Iterator[tuple[IdShortPath, Document]]:
    """Every element below `element` with its path, parents first, in document order."""
    in_list = element["modelType"] == "SubmodelElementList"
    for index, child in enumerate(children(element)):
        below = (*path, index if in_list else child.get("idShort", index))
        yield below, child
        yield from walk(child, below)
