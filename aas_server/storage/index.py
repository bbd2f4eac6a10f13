"""What of a document is found by criteria: labels of the document itself, typed values of its elements. Pure."""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator

from aas_server.model import Document
from aas_server.model.assets import is_global
from aas_server.model.paths import CHILDREN, children
from aas_server.model.query.casting import moment, number
from aas_server.model.query.evaluation import content
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
#: The value of any key, where a reference has several.
MEANING = "semanticKey"
SUBMODEL_KEY = "submodelKey"

#: Texts longer than this are cut in the index.
LONGEST = 512

#: What is a number for Python exactly as it is for XSD.
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z").match

#: Where an element stands: path, text of its semanticId and the value of its first key, its idShort, the type of its
#: values, the language of its text. What it does not have is empty.
Place = tuple[str, str, str, str, str, str]
#: A place, and a typed value there.
Row = tuple[Place, str | float | bytes]
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


#: What stands in the index for an element without a value.
PRESENT = b""
#: Types whose values do not stand in the index as they are written.
_CHANGED = NUMBERS | {"xs:boolean", "xs:dateTime"}
#: How texts begin that may also be numbers or moments.
_MEASURES = frozenset("0123456789+-.I")

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
        yield from _chain(MEANING, reference)
    for reference in _references(document, "isCaseOf"):
        yield IS_CASE_OF, text(reference)
    for embedded in document.get("embeddedDataSpecifications") or ():
        yield DATA_SPECIFICATION, text(embedded["dataSpecification"])
    for reference in _references(document, "submodels"):
        yield SUBMODEL, target(reference) or ""
        yield from _chain(SUBMODEL_KEY, reference)
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


def _chain(name: str, reference: Document) -> Iterator[tuple[str, str]]:
    """Labels of each key of a reference that has several."""
    if len(keys := reference.get("keys") or ()) > 1:
        yield from ((name, key["value"]) for key in keys)


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
            _own(one, path, before)
            _own(other, path, after)
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
    _own(element, path, add)
    if element["modelType"] in CHILDREN:
        _collect(element, path, add)


def _own(element: Document, path: str, add: Add) -> None:
    """The rows of an element by itself: one for each form of each value, one that says it is there without a value."""
    reference = element.get("semanticId")
    semantic, meaning = (text(reference), target(reference) or "") if reference else ("", "")
    id_short, value_type = element.get("idShort", ""), element.get("valueType", "")
    found = False
    if element["modelType"] == "Property" and (value := element.get("value")) is not None:  # nearly all there are
        place = (path, semantic, meaning, id_short, value_type, "")
        for form in forms(value_type, value):
            add((place, form))
        return
    for suffix, language, value in _values_of(element):
        place = (path + suffix, semantic, meaning, id_short, value_type, language)
        found = True
        for form in forms(value_type or "xs:string", value):
            add((place, form))
    if not found:
        add(((path, semantic, meaning, id_short, value_type, ""), PRESENT))


def _values_of(element: Document) -> Iterator[tuple[str, str, str]]:
    """What is added to the path, the language, and the value."""
    match element["modelType"]:
        case "Range":
            yield from ((f"#{name}", "", element[name]) for name in ("min", "max") if element.get(name) is not None)
        case "MultiLanguageProperty":
            for each in element.get("value") or ():
                yield f"@{each['language']}", each["language"], each["text"]
        case "File" | "ReferenceElement":
            yield from (("", "", value) for value in content(element))


def forms(value_type: str, value: str) -> list[str | float]:
    """A value as it stands in the index; a text that is also a number or a moment stands there as that, too.

    >>> forms("xs:string", "007"), forms("xs:int", "007")
    (['007', 7.0], [7.0])
    """
    found = typed(value_type, value)
    if not isinstance(found, str) or value[:1] not in _MEASURES:
        return [found]
    several: list[str | float] = [found]
    if (measure := number(value)) is not None and not math.isnan(measure):
        several.append(measure)
    if (at := moment(value)) is not None and at != found:
        several.append(at)
    return several


def derived(key: tuple[str, ...]) -> tuple[str | int, ...]:
    """What a slot says besides its place: pattern, tail, chained, verbatim.

    >>> derived(("Motors[2].Name@de", "(GlobalReference)urn:n", "urn:n", "Name", "", "de"))
    ('Motors[].Name', 'Name', 0, 1)
    """
    path, semantic, meaning, _, value_type, language = key
    bare = path.removesuffix(f"@{language}") if language else path.removesuffix("#min").removesuffix("#max")
    pattern = re.sub(r"\[[0-9]+\]", "[]", bare)
    chained = bool(semantic) and semantic[semantic.find(")") + 1 :] != meaning
    return pattern, pattern.rpartition(".")[2], int(chained), int(value_type not in _CHANGED)


def texts(document: Document) -> str:
    """Every text that is the value of an element, a line each: what is searched for parts of texts.

    It must stay what it is: the index is told to forget a document by its old texts.
    """
    found: dict[str, None] = {}
    _gather(document, found)
    return "\n".join(found).replace("\0", " ")


def _gather(container: Document, found: dict[str, None]) -> None:
    for element in children(container):
        for each in _contents(element):
            found[each] = None
        if element["modelType"] in CHILDREN:
            _gather(element, found)


def _contents(element: Document) -> Iterable[str]:
    match element["modelType"]:
        case "Property":
            return (element["value"],) if element.get("value") else ()
        case "MultiLanguageProperty":
            return [each["text"] for each in element.get("value") or ()]
        case "File" | "ReferenceElement":
            return content(element)
        case _:
            return ()


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
