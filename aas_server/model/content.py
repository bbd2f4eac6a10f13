"""How an object is shown under the SerializationModifiers of Part 2: content, level and extent."""

from collections.abc import Iterator, Sequence

from aas_server.model import Document, Json
from aas_server.model.errors import Malformed
from aas_server.model.metadata import metadata
from aas_server.model.modifiers import ApiVersion, Content, Extent, Level, Modifiers
from aas_server.model.paths import CHILDREN, IdShortPath, children, resolve, text, walk
from aas_server.model.references import to_element, to_shell, to_submodel
from aas_server.model.valueonly import UNLIMITED, named_values, value_only, wrapped

__all__ = ["ApiVersion", "Content", "Extent", "Level", "Modifiers", "represent", "represent_page"]


def represent(document: Document, path: IdShortPath, view: Modifiers) -> Json:
    """A document (path ()) or one of its elements under the modifiers.

    Raises NotFound, and Malformed for modifiers that do not go together or do not apply to this kind of object.
    """
    element = resolve(document, path)
    _check_combination(view)
    _check_applicable(element, path, view)
    match view.content:
        case Content.NORMAL:
            return normal(element, view.level, view.extent)
        case Content.METADATA:
            return metadata(element, view.version)
        case Content.VALUE:
            return _value(element, path, view)
        case Content.REFERENCE:
            return reference(document, path)
        case Content.PATH:
            return list(_paths(element, path, view.level))


def represent_page(items: Sequence[Document], view: Modifiers, submodel: Document | None = None) -> Json:
    """The `result` of a page: documents, or with `submodel` elements directly below it.

    An array, but for $value, which is an object by idShort; 3.0 has an array there too. A submodel is named by its id
    where it has no idShort or shares it with another on the page; elements without a value are left out.
    """
    _check_combination(view)
    match view.content:
        case Content.NORMAL:
            return [normal(item, view.level, view.extent) for item in items]
        case Content.METADATA:
            return [metadata(item, view.version) for item in items]
        case Content.VALUE if view.version is ApiVersion.V30:
            return [_named(item, view) if submodel else _value(item, (), view) for item in items]
        case Content.VALUE if submodel:
            return named_values(list(items), _with_blobs(view), _depth(view))
        case Content.VALUE:
            return dict(zip(_names(items), (_value(item, (), view) for item in items), strict=True))
        case Content.REFERENCE:
            return [_below(submodel, item) if submodel else reference(item) for item in items]
        case Content.PATH:
            return [path for item in items for path in _paths(item, (item["idShort"],) if submodel else (), view.level)]


def normal(element: Document, level: Level | None = None, extent: Extent | None = None) -> Document:
    """The normal serialisation; core cuts what is below the children, and by default Blobs come without their value."""
    if level is Level.CORE:
        element = _replaced(element, [_childless(child) for child in children(element)])
    return element if extent is Extent.WITH_BLOB else _without_blobs(element)


def reference(document: Document, path: IdShortPath = ()) -> Document:
    """The reference to a shell, a submodel or an element of it."""
    if document["modelType"] == "AssetAdministrationShell":
        return to_shell(document["id"])
    return to_element(document, path) if path else to_submodel(document["id"])


def _below(submodel: Document, element: Document) -> Document:
    """The reference to an element directly below a submodel."""
    whole = to_submodel(submodel["id"])
    return whole | {"keys": [*whole["keys"], {"type": element["modelType"], "value": element["idShort"]}]}


def _value(element: Document, path: IdShortPath, view: Modifiers) -> Json:
    value = value_only(element, blobs=_with_blobs(view), depth=_depth(view))
    return wrapped(element, value, path) if view.version is ApiVersion.V30 else value


def _named(element: Document, view: Modifiers) -> Json:
    return named_values([element], _with_blobs(view), _depth(view))


def _names(submodels: Sequence[Document]) -> Iterator[str]:
    id_shorts = [submodel.get("idShort") for submodel in submodels]
    for submodel, id_short in zip(submodels, id_shorts, strict=True):
        yield id_short if id_short and id_shorts.count(id_short) == 1 else submodel["id"]


def _paths(element: Document, path: IdShortPath, level: Level | None) -> Iterator[str]:
    """The path of the element, unless it is the submodel, and of those below it."""
    if path:
        yield text(path)
    for below, _ in walk(element, path):
        if level is not Level.CORE or len(below) == len(path) + 1:
            yield text(below)


def _depth(view: Modifiers) -> int:
    return 1 if view.level is Level.CORE else UNLIMITED


def _with_blobs(view: Modifiers) -> bool:
    return view.extent is Extent.WITH_BLOB


def _childless(element: Document) -> Document:
    attribute = CHILDREN.get(element["modelType"])
    return {name: value for name, value in element.items() if name != attribute} if attribute in element else element


def _without_blobs(element: Document) -> Document:
    """The element without the values of Blobs at and below it; the very same one where there are none."""
    if element["modelType"] == "Blob":
        return {name: value for name, value in element.items() if name != "value"} if "value" in element else element
    if not (before := children(element)):
        return element
    after = [_without_blobs(child) for child in before]
    return element if all(map(_is, after, before)) else _replaced(element, after)


def _is(one: Document, other: Document) -> bool:
    return one is other


def _replaced(element: Document, elements: list[Document]) -> Document:
    return {**element, CHILDREN[element["modelType"]]: elements} if elements else element


_CONTAINERS = ("Submodel", "SubmodelElementCollection", "SubmodelElementList", "Entity")
#: What has the content (Part 2, 'Applicability of SerializationModifiers'); paths as 'Enumeration: Content' says.
_PATHS = {
    ApiVersion.V30: frozenset(_CONTAINERS),
    ApiVersion.V31: frozenset({*_CONTAINERS, "AnnotatedRelationshipElement"}),
}
_ONLY_REFERENCE = frozenset({"AssetAdministrationShell", "Capability", "Operation"})


def _check_applicable(element: Document, path: IdShortPath, view: Modifiers) -> None:
    model_type = element["modelType"]
    match view.content:
        case Content.VALUE | Content.METADATA:
            applies = model_type not in _ONLY_REFERENCE and model_type != "ConceptDescription"
        case Content.REFERENCE:
            applies = model_type != "ConceptDescription"
        case Content.PATH:
            applies = model_type in _PATHS[view.version]
        case Content.NORMAL:
            return
    if not applies:
        raise Malformed(f"{text(path) or element.get('id')!r}: {view.content} is not defined for {model_type}")


def _check_combination(view: Modifiers) -> None:
    """Part 2, 'Modifier Constraints'."""
    match view.content:
        case Content.METADATA if view.level is not None:
            raise Malformed("level cannot be combined with $metadata")
        case Content.METADATA if view.extent is Extent.WITH_BLOB:
            raise Malformed("extent=withBlobValue cannot be combined with $metadata")
        case Content.REFERENCE if view.level is Level.DEEP:
            raise Malformed("level=deep cannot be combined with $reference")
