"""Changes to one document as functions from document to document; what does not change is shared, not copied."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from aas_server.model import Document
from aas_server.model.errors import AlreadyExists, Finding, Invalid, Malformed, NotFound
from aas_server.model.paths import CHILDREN, IdShortPath, children, find, resolve, text
from aas_server.model.references import target

#: Attributes of an element and what becomes of them; None removes one.
Attributes = Mapping[str, object]

# Elements


def insert(submodel: Document, parent: IdShortPath, element: Document) -> tuple[Document, IdShortPath]:
    """Add an element behind its siblings, below `parent` (() is the submodel); returns also where it is now.

    Raises NotFound for a parent that is not there, Malformed for one that holds no elements, AlreadyExists for an
    idShort that is taken (AASd-022).
    """
    container = resolve(submodel, parent)
    _holds_elements(container, parent)
    step = _step(container, element)
    path = (*parent, step)
    if isinstance(step, str) and find(container, step) is not None:
        raise AlreadyExists(f"an element {text(path)!r} exists (AASd-022)")
    return replace_at(submodel, parent, lambda found: _with_children(found, [*children(found), element])), path


def put(submodel: Document, path: IdShortPath, element: Document) -> tuple[Document, bool]:
    """Replace the element at `path`, or create it below the parent that is there; tells whether it was created.

    A list grows at its end only. Raises NotFound without a parent, Malformed for a body with another idShort.
    """
    *above, last = path
    parent = tuple(above)
    container = resolve(submodel, parent)
    _holds_elements(container, parent)
    _same_name(container, path, element)
    position = find(container, last)
    if position is not None:
        return replace_at(submodel, path, lambda _: element), False
    if last != _step(container, element):
        raise NotFound(f"no element at {text(path)!r}; elements are added to a list at its end")
    return insert(submodel, parent, element)[0], True


def remove(submodel: Document, path: IdShortPath) -> Document:
    """Take an element away; the last one takes the array with it, for arrays are never empty (Part 1, JSON)."""
    resolve(submodel, path)
    *above, last = path

    def without(container: Document) -> Document:
        position = find(container, last)
        return _with_children(container, [child for at, child in enumerate(children(container)) if at != position])

    return replace_at(submodel, tuple(above), without)


def replace_at(element: Document, path: IdShortPath, function: Callable[[Document], Document]) -> Document:
    """The document with what `function` makes of the element at `path`. Raises NotFound."""
    if not path:
        return function(element)
    position = find(element, path[0])
    if position is None:
        raise NotFound(f"no element at {text(path)!r}")
    below = list(children(element))
    below[position] = replace_at(below[position], path[1:], function)
    return _with_children(element, below)


def apply_values(document: Document, updates: Iterable[tuple[IdShortPath, Attributes]]) -> Document:
    """The document with new attributes at each path, later updates over earlier ones. Raises NotFound."""
    own: dict[str, object] = {}
    below: dict[str | int, list[tuple[IdShortPath, Attributes]]] = {}
    for path, attributes in updates:
        if path:
            below.setdefault(path[0], []).append((path[1:], attributes))
        else:
            own.update(attributes)
    if own:
        document = {name: value for name, value in {**document, **own}.items() if value is not None}
    if not below:
        return document
    elements = list(children(document))
    for step, position in _positions(document, below).items():
        elements[position] = apply_values(elements[position], below[step])
    return _with_children(document, elements)


def _positions(container: Document, steps: Iterable[str | int]) -> dict[str | int, int]:
    """Where the children are that these steps lead to; many are looked up in one pass."""
    steps = list(steps)
    if len(steps) > 4 and container["modelType"] != "SubmodelElementList":
        named = {child.get("idShort"): at for at, child in reversed(list(enumerate(children(container))))}
        found = {step: named.get(step) if isinstance(step, str) else None for step in steps}
    else:
        found = {step: find(container, step) for step in steps}
    positions = {step: position for step, position in found.items() if position is not None}
    if missing := [step for step in steps if step not in positions]:
        where = container.get("idShort", container["modelType"])
        raise NotFound(f"no element at {text((missing[0],))!r} below {where!r}")
    return positions


def _holds_elements(container: Document, path: IdShortPath) -> None:
    if container["modelType"] not in CHILDREN:
        raise Malformed(f"{text(path)!r} is a {container['modelType']}: it holds no elements")


def _step(container: Document, element: Document) -> str | int:
    """The segment that would lead to a new element of this container."""
    if container["modelType"] == "SubmodelElementList":
        return len(children(container))
    id_short = element.get("idShort")
    if not isinstance(id_short, str):
        raise Invalid([Finding("idShort", "is required outside of a SubmodelElementList", "AASd-117")])
    return id_short


def _same_name(container: Document, path: IdShortPath, element: Document) -> None:
    in_list = container["modelType"] == "SubmodelElementList"
    if not in_list and isinstance(path[-1], str) and _step(container, element) != path[-1]:
        raise Malformed(f"the idShort in the body is {element['idShort']!r}, but the path is {text(path)!r}")


def _with_children(container: Document, elements: Sequence[Document]) -> Document:
    attribute = CHILDREN[container["modelType"]]
    if elements:
        return {**container, attribute: elements}
    return without(container, attribute)


def without(document: Document, attribute: str) -> Document:
    """The document without an attribute."""
    return {name: value for name, value in document.items() if name != attribute}


# Files


def with_file(element: Document, name: str, content_type: str) -> Document:
    """The File referring to an attachment of this name."""
    return {**element, "value": name, "contentType": content_type}


def without_file(element: Document) -> Document:
    """The File referring to nothing; what it may hold, its contentType, stays (3.0 requires it)."""
    return without(element, "value")


# Shells


def references(shell: Document) -> list[Document]:
    """The shell's references to its submodels."""
    return shell.get("submodels") or []


def refers(shell: Document, submodel_id: str) -> bool:
    return any(target(reference) == submodel_id for reference in references(shell))


def with_reference(shell: Document, reference: Document) -> Document:
    """The shell with one more reference. Raises AlreadyExists for a submodel it refers to."""
    submodel_id = target(reference)
    if submodel_id is not None and refers(shell, submodel_id):
        raise AlreadyExists(f"shell {shell['id']!r} refers to submodel {submodel_id!r} already")
    return {**shell, "submodels": [*references(shell), reference]}


def without_reference(shell: Document, submodel_id: str) -> Document:
    """The shell without its reference to this submodel. Raises NotFound."""
    rest = [reference for reference in references(shell) if target(reference) != submodel_id]
    if len(rest) == len(references(shell)):
        raise NotFound(f"shell {shell['id']!r} has no reference to submodel {submodel_id!r}")
    return {**shell, "submodels": rest} if rest else without(shell, "submodels")


def with_asset(shell: Document, asset: Document) -> Document:
    """The shell with this AssetInformation."""
    return {**shell, "assetInformation": asset}


def with_thumbnail(shell: Document, name: str, content_type: str) -> Document:
    """The shell whose asset has the package part of this name as its default thumbnail."""
    thumbnail = {"path": name, "contentType": content_type}
    return with_asset(shell, {**shell["assetInformation"], "defaultThumbnail": thumbnail})


def without_thumbnail(shell: Document) -> Document:
    return with_asset(shell, without(shell["assetInformation"], "defaultThumbnail"))
