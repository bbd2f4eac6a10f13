"""What of a document is found by criteria: labels of the document itself, typed values of its elements. Pure."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.paths import CHILDREN
from aas_server.model.references import target, text
from aas_server.model.values import typed

ID_SHORT = "idShort"
SEMANTIC_ID = "semanticId"
GLOBAL_ASSET_ID = "globalAssetId"
ASSET_KIND = "assetKind"
ASSET_TYPE = "assetType"
IS_CASE_OF = "isCaseOf"
DATA_SPECIFICATION = "dataSpecification"
SUBMODEL = "submodel"

#: Texts longer than this are found by their beginning only; a criterion is cut alike.
LONGEST = 2048

#: A value of an element: path, text of its semanticId (empty without one), typed value.
Row = tuple[str, str, str | float]


def specific_asset_id(name: str) -> str:
    """The label of a specific asset id of that name."""
    return f"specificAssetId:{name}"


def labels(document: Document) -> Iterator[tuple[str, str]]:
    """Names and values by which lists are filtered (Part 2, query parameters of the lists)."""
    if id_short := document.get("idShort"):
        yield ID_SHORT, id_short
    for reference in _references(document, "semanticId", "supplementalSemanticIds"):
        yield SEMANTIC_ID, text(reference)
    for reference in _references(document, "isCaseOf"):
        yield IS_CASE_OF, text(reference)
    for embedded in document.get("embeddedDataSpecifications") or ():
        yield DATA_SPECIFICATION, text(embedded["dataSpecification"])
    for reference in _references(document, "submodels"):
        yield SUBMODEL, target(reference) or ""
    yield from _asset_labels(document.get("assetInformation") or {})


def _asset_labels(asset: Document) -> Iterator[tuple[str, str]]:
    for name in (GLOBAL_ASSET_ID, ASSET_KIND, ASSET_TYPE):
        if value := asset.get(name):
            yield name, value
    for specific in asset.get("specificAssetIds") or ():
        yield specific_asset_id(specific["name"]), specific["value"]


def _references(document: Document, *names: str) -> Iterator[Document]:
    for name in names:
        match document.get(name):
            case list() as found:
                yield from found
            case dict() as one:
                yield one


def rows(document: Document) -> set[Row]:
    """The values of all elements below a submodel."""
    found: set[Row] = set()
    _collect(document, "", found)
    return found


def _collect(container: Document, prefix: str, found: set[Row]) -> None:
    attribute = CHILDREN.get(container["modelType"])
    below = container.get(attribute) if attribute else None
    if not below:
        return
    in_list = container["modelType"] == "SubmodelElementList"
    for position, element in enumerate(below):
        if in_list:
            path = f"{prefix}[{position}]"
        else:
            id_short = element.get("idShort", "")
            path = f"{prefix}.{id_short}" if prefix else id_short
        model_type = element["modelType"]
        if model_type in CHILDREN:
            _collect(element, path, found)
        else:
            found.update(values(element, path))


def values(element: Document, path: str) -> Iterator[Row]:
    """The rows of one element that holds no others."""
    match element["modelType"]:
        case "Property":
            yield from _row(path, element, "value", element.get("valueType", ""))
        case "Range":
            for bound in ("min", "max"):
                yield from _row(f"{path}#{bound}", element, bound, element.get("valueType", ""))
        case "MultiLanguageProperty":
            for translation in element.get("value") or ():
                yield f"{path}@{translation['language']}", _semantic(element), translation["text"][:LONGEST]
        case "File":
            yield from _row(path, element, "value", "xs:string")


def _row(path: str, element: Document, attribute: str, value_type: str) -> Iterator[Row]:
    value = element.get(attribute)
    if value is not None and (scalar := typed(value_type, value)) is not None:
        yield path, _semantic(element), scalar[:LONGEST] if isinstance(scalar, str) else scalar


def _semantic(element: Document) -> str:
    reference = element.get("semanticId")
    return text(reference) if reference else ""
