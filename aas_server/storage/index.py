"""What of a document is found by criteria: labels of the document itself, typed values of its elements. Pure."""

import hashlib
import re
from collections.abc import Callable, Iterator

from aas_server.model import Document
from aas_server.model.assets import is_global
from aas_server.model.paths import CHILDREN, children
from aas_server.model.references import target, text
from aas_server.model.values import NUMBERS
from aas_server.model.values import typed as scalar

ID_SHORT = "idShort"
SEMANTIC_ID = "semanticId"
GLOBAL_ASSET_ID = "globalAssetId"
ASSET_KIND = "assetKind"
ASSET_TYPE = "assetType"
IS_CASE_OF = "isCaseOf"
DATA_SPECIFICATION = "dataSpecification"
SUBMODEL = "submodel"
AAS_ID = "aasId"

#: Texts longer than this are cut in the index.
LONGEST = 512

#: What is a number for Python exactly as it is for XSD.
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z").match

#: A value of an element: path, text of its semanticId (empty without one), typed value.
Row = tuple[str, str, str | float]
Add = Callable[[Row], None]


def specific_asset_id(name: str) -> str:
    """The label of a specific asset id of that name."""
    return f"specificAssetId:{name}"


def asset_link(link: Document) -> tuple[str, str]:
    """The label of an asset link: a specific asset id, or under the reserved name the globalAssetId.

    >>> asset_link({"name": "GlobalAssetId", "value": "urn:a"}), asset_link({"name": "serial", "value": "1"})
    (('globalAssetId', 'urn:a'), ('specificAssetId:serial', '1'))
    """
    return (GLOBAL_ASSET_ID if is_global(link) else specific_asset_id(link["name"])), link["value"]


#: The attributes that labels are made of.
LABELLED = (
    *("idShort", "semanticId", "supplementalSemanticIds", "isCaseOf"),
    *("embeddedDataSpecifications", "submodels", "assetInformation", "aasIds"),
    *("globalAssetId", "assetKind", "assetType", "specificAssetIds", "links"),
)


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
    # A descriptor has the attributes of assetInformation itself.
    yield from _asset_labels(document.get("assetInformation") or document)
    yield from map(asset_link, document.get("links") or ())
    for identifier in document.get("aasIds") or ():
        yield AAS_ID, identifier


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


#: A Blob in a stored body, which is compact JSON; a text can hold this only with its quotes escaped.
_BLOB = b'"modelType":"Blob"'


def has_blobs(body: bytes) -> bool:
    """Whether there is a Blob in a stored body."""
    return _BLOB in body


def rows(document: Document) -> set[Row]:
    """The values of all elements below a submodel."""
    found: set[Row] = set()
    _collect(document, "", found.add)
    return found


def difference(old: Document, new: Document) -> tuple[set[Row], set[Row]]:
    """The rows that only the old, and only the new submodel has. What is equal in both is not looked into."""
    before: set[Row] = set()
    after: set[Row] = set()
    _compare(old, new, "", before.add, after.add)
    return before - after, after - before


def _compare(old: Document, new: Document, prefix: str, before: Add, after: Add) -> None:
    model_type = new["modelType"]
    olds, news = children(old), children(new)
    if old["modelType"] != model_type or len(olds) != len(news) or _twins(olds) or _twins(news):
        _collect(old, prefix, before)
        _collect(new, prefix, after)
        return
    in_list = model_type == "SubmodelElementList"
    for position, (one, other) in enumerate(zip(olds, news, strict=True)):
        if one == other:
            continue
        path, place = _path(prefix, one, position, in_list), _path(prefix, other, position, in_list)
        if path == place and one["modelType"] in CHILDREN and other["modelType"] in CHILDREN:
            _compare(one, other, path, before, after)
        else:
            _values(one, path, before)
            _values(other, place, after)


def _twins(elements: list[Document]) -> bool:
    """Whether elements share an idShort (AASd-022, which imports only tell): then their rows may be the same, too."""
    names = [element["idShort"] for element in elements if "idShort" in element]
    return len(set(names)) != len(names)


def _path(prefix: str, element: Document, position: int, in_list: bool) -> str:
    if in_list:
        return f"{prefix}[{position}]"
    id_short: str = element.get("idShort", "")
    return f"{prefix}.{id_short}" if prefix else id_short


def _collect(container: Document, prefix: str, add: Add) -> None:
    in_list = container["modelType"] == "SubmodelElementList"
    for position, element in enumerate(children(container)):
        _values(element, _path(prefix, element, position, in_list), add)


def values(element: Document, path: str) -> set[Row]:
    """The rows of one element, and of all below it."""
    found: set[Row] = set()
    _values(element, path, found.add)
    return found


def _values(element: Document, path: str, add: Add) -> None:
    match element["modelType"]:
        case "Property":
            _typed(element, "value", path, add)
        case "Range":
            _typed(element, "min", f"{path}#min", add)
            _typed(element, "max", f"{path}#max", add)
        case "MultiLanguageProperty":
            for translation in element.get("value") or ():
                add((f"{path}@{translation['language']}", _semantic(element), cut(translation["text"])))
        case "File" if value := element.get("value"):
            add((path, _semantic(element), cut(value)))
        case model_type if model_type in CHILDREN:
            _collect(element, path, add)


def _typed(element: Document, attribute: str, path: str, add: Add) -> None:
    if (value := element.get(attribute)) is not None:
        add((path, _semantic(element), typed(element["valueType"], value)))


def typed(value_type: str, value: str) -> str | float:
    """Numbers as numbers, so that ranges of them are ranges of the index; everything else as `scalar` has it."""
    if value_type in NUMBERS and _PLAIN(value):
        return float(value)
    found = value if value_type == "xs:string" else scalar(value_type, value)
    return cut(found) if isinstance(found, str) else found


def cut(text: str) -> str:
    """A text as it stands in the index: of a long one the beginning and the hash, so that equality stays exact."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}#{hashlib.sha256(text.encode()).hexdigest()}"


def _semantic(element: Document) -> str:
    reference = element.get("semanticId")
    return text(reference) if reference else ""
