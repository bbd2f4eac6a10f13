"""What an object is apart from its value (Part 1, Format 'Metadata'), and PATCH of attributes (Part 2, 'PATCH')."""

from aas_server.model import Document, Json
from aas_server.model.errors import Malformed
from aas_server.model.modifiers import ApiVersion
from aas_server.model.paths import CHILDREN, IdShortPath, by_name, children, find, text

#: The attributes that the metadata leave out, by modelType.
DROPPED: dict[str, frozenset[str]] = {
    "AssetAdministrationShell": frozenset({"assetInformation", "submodels"}),
    "Submodel": frozenset({"submodelElements"}),
    "SubmodelElementCollection": frozenset({"value"}),
    "SubmodelElementList": frozenset({"value"}),
    "Entity": frozenset({"statements", "globalAssetId", "specificAssetIds"}),
    "BasicEventElement": frozenset({"observed"}),
    "Capability": frozenset(),
    "Operation": frozenset(),
    "Property": frozenset({"value", "valueId"}),
    "MultiLanguageProperty": frozenset({"value", "valueId"}),
    "Range": frozenset({"min", "max"}),
    "ReferenceElement": frozenset({"value"}),
    "RelationshipElement": frozenset({"first", "second"}),
    "AnnotatedRelationshipElement": frozenset({"first", "second", "annotations"}),
    "Blob": frozenset({"value", "contentType"}),
    "File": frozenset({"value", "contentType"}),
}
#: What 3.0 required of an element stays in its metadata, or no client of 3.0 could read them.
#: That includes the asset of a self-managed Entity (AASd-014 as 3.0 had it).
REQUIRED_IN_V30 = frozenset({"contentType", "first", "second", "observed", "globalAssetId", "specificAssetIds"})
_DROPPED_IN_V30 = {model_type: dropped - REQUIRED_IN_V30 for model_type, dropped in DROPPED.items()}
#: What makes an object the one it is; no PATCH changes it.
IDENTITY = ("modelType", "id", "idShort")


def metadata(element: Document, version: ApiVersion = ApiVersion.V31) -> Document:
    """
    >>> metadata({"modelType": "Property", "idShort": "Speed", "valueType": "xs:int", "value": "5"})
    {'modelType': 'Property', 'idShort': 'Speed', 'valueType': 'xs:int'}
    """
    dropped = (_DROPPED_IN_V30 if version is ApiVersion.V30 else DROPPED)[element["modelType"]]
    return {name: value for name, value in element.items() if name not in dropped}


def merge_metadata(element: Document, body: Json) -> Document:
    """The element with the attributes of a metadata object; null removes one, what is not named stays.

    Values remain unchanged (Part 2, content=metadata): Malformed for a body that would change one, or the identity.
    """
    patch = _object(body, ())
    if not DROPPED[element["modelType"]]:  # Part 2, 'Applicability of SerializationModifiers': Capability, Operation
        raise Malformed(f"$metadata is not defined for {element['modelType']}")
    _keep_identity(element, patch, ())
    for name in sorted(DROPPED[element["modelType"]] & patch.keys()):
        if patch[name] != element.get(name):
            raise Malformed(f"{name} is no metadata of a {element['modelType']}: change it without $metadata")
    return _with(element, patch)


def merge(element: Document, body: Json, path: IdShortPath = ()) -> Document:
    """The element with the attributes of the body; null removes one, and children are merged one by one.

    Children named in the body must exist with the same modelType, list items by their index; the others stay (Part 2,
    annex 'SerializationModifier Examples'). Raises Malformed where the body has another structure.
    """
    patch = _object(body, path)
    _keep_identity(element, patch, path)
    attribute = CHILDREN.get(element["modelType"])
    if attribute is None or patch.get(attribute) is None:
        return _with(element, patch)
    return _with(element, {**patch, attribute: _merged_children(element, patch[attribute], path)})


def _merged_children(container: Document, patches: Json, path: IdShortPath) -> list[Document]:
    if not isinstance(patches, list):
        raise Malformed(f"{_where(path)}the elements must be an array")
    merged = list(children(container))
    in_list = container["modelType"] == "SubmodelElementList"
    names = {} if in_list else by_name(container)
    for index, patch in enumerate(patches):
        step = index if in_list else _object(patch, (*path, index)).get("idShort")
        position = find(container, index) if in_list else names.get(step) if isinstance(step, str) else None
        if step is None or position is None:
            raise Malformed(f"{_where(path)}no element {step!r} is there to be changed: add it with POST or PUT")
        merged[position] = merge(merged[position], patch, (*path, step))
    return merged


def _object(body: Json, path: IdShortPath) -> Document:
    if not isinstance(body, dict):
        raise Malformed(f"{_where(path)}the body must be an object")
    return body


def _keep_identity(element: Document, patch: Document, path: IdShortPath) -> None:
    renamed = "idShort" if "id" in element else ""  # an Identifiable is addressed by its id, its idShort may change
    for name in IDENTITY:
        if name in patch and name != renamed and patch[name] != element.get(name):
            raise Malformed(f"{_where(path)}{name} is {element.get(name)!r} and cannot become {patch[name]!r}")


def _with(element: Document, attributes: Document) -> Document:
    return {name: value for name, value in {**element, **attributes}.items() if value is not None}


def _where(path: IdShortPath) -> str:
    return f"{text(path)}: " if path else ""
