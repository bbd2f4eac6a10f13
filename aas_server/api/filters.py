"""List filters: query parameters become criteria of the storage."""

from collections.abc import Iterator

from aas_server.api.reading import Call, checked, encoded_json, reference
from aas_server.model import Json
from aas_server.model.errors import Malformed
from aas_server.model.references import text
from aas_server.storage import Criterion, Label, index

#: The reserved name under which a globalAssetId is asked for (AASd-116: in any case).
GLOBAL = "globalassetid"


def shells(call: Call) -> list[Criterion]:
    """Filters of GET /shells: idShort, and assetIds that must all be there."""
    return [*_id_short(call), *_asset_ids(call)]


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


def _asset_ids(call: Call) -> Iterator[Criterion]:
    """`assetIds` may be repeated (OpenAPI) or separated by commas (prose); each is one SpecificAssetId or an array."""
    for value in call.request.query.getall("assetIds", []):
        for encoded in filter(None, value.split(",")):
            found = encoded_json(encoded, "assetIds")
            for item in found if isinstance(found, list) else [found]:
                yield _asset_id(item)


def _asset_id(item: Json) -> Criterion:
    if isinstance(item, dict) and str(item.get("name")).lower() == GLOBAL:
        if not isinstance(item.get("value"), str):
            raise Malformed("assetIds: a globalAssetId needs a value")
        return Label(index.GLOBAL_ASSET_ID, item["value"])
    specific = checked(item, "SpecificAssetId")
    return Label(index.specific_asset_id(specific["name"]), specific["value"])
