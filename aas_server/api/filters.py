"""List filters: query parameters become criteria of the storage."""

from collections.abc import Iterable, Iterator

from aas_server.api.reading import Call, checked, encoded_json, reference
from aas_server.model import Json
from aas_server.model.assets import is_global
from aas_server.model.errors import Malformed, TooLarge
from aas_server.model.references import text
from aas_server.storage import Criterion, Label, index

#: Criteria that one request may combine.
MOST = 100


def shells(call: Call) -> list[Criterion]:
    """Filters of GET /shells: idShort, and assetIds that must all be there."""
    return [*_id_short(call), *asset_ids(call)]


def submodels(call: Call) -> list[Criterion]:
    """Filters of GET /submodels: idShort and semanticId, supplemental ones included."""
    return [*_id_short(call), *_reference(call, "semanticId", index.SEMANTIC_ID)]


def concepts(call: Call) -> list[Criterion]:
    """Filters of GET /concept-descriptions: idShort, isCaseOf, dataSpecificationRef."""
    return [
        *_id_short(call),
        *_reference(call, "isCaseOf", index.IS_CASE_OF),
        *_reference(call, "dataSpecificationRef", index.DATA_SPECIFICATION),
    ]


def _id_short(call: Call) -> Iterator[Criterion]:
    if (id_short := call.request.query.get("idShort")) is not None:
        yield Label(index.ID_SHORT, id_short)


def _reference(call: Call, name: str, label: str) -> Iterator[Criterion]:
    if (encoded := call.request.query.get(name)) is not None:
        yield Label(label, text(reference(encoded, name)))


def _asset_ids(call: Call) -> Iterator[Label]:
    """`assetIds` may be repeated (OpenAPI) or separated by commas (prose); each is one SpecificAssetId or an array."""
    for value in call.request.query.getall("assetIds", []):
        for encoded in filter(None, value.split(",")):
            found = encoded_json(encoded, "assetIds")
            for item in found if isinstance(found, list) else [found]:
                yield _asset_id(item)


def asset_ids(call: Call) -> list[Label]:
    """The asset ids that must all be there, from the query. Raises Malformed, Invalid, TooLarge."""
    return _bounded(_asset_ids(call))


def asset_links(body: Json) -> list[Label]:
    """The same from a body, a list of AssetLinks. Raises Malformed, Invalid, TooLarge."""
    if not isinstance(body, list):
        raise Malformed("the body must be a list of AssetLinks: objects with name and value")
    return _bounded(Label(*index.asset_link(checked(item, "AssetLink"))) for item in body)


def _bounded(labels: Iterable[Label]) -> list[Label]:
    found: dict[Label, None] = {}
    for label in labels:
        found[label] = None
        if len(found) > MOST:
            raise TooLarge(f"more than {MOST} asset ids are asked for at once")
    return list(found)


def _asset_id(item: Json) -> Label:
    if isinstance(item, dict) and isinstance(item.get("name"), str) and is_global(item):
        if not isinstance(item.get("value"), str):
            raise Malformed("assetIds: a globalAssetId needs a value")
        return Label(index.GLOBAL_ASSET_ID, item["value"])
    return Label(*index.asset_link(checked(item, "SpecificAssetId")))
