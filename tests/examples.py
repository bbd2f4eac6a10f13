"""Small documents for requests; each call makes a new one."""

import base64
import json
from typing import Any

from aas_server.model.identifiers import encode as b64

__all__ = ["b64", "concept", "encoded", "external", "prop", "shell", "submodel"]


def encoded(value: Any) -> str:
    """JSON as base64url without padding, as query parameters carry it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def external(value: str) -> dict[str, Any]:
    return {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": value}]}


def model(identifier: str, kind: str = "Submodel") -> dict[str, Any]:
    return {"type": "ModelReference", "keys": [{"type": kind, "value": identifier}]}


def prop(id_short: str | None, value: str | None = "4.2", value_type: str = "xs:double", **more: Any) -> dict[str, Any]:
    element: dict[str, Any] = {"modelType": "Property", "valueType": value_type, **more}
    if id_short is not None:
        element["idShort"] = id_short
    if value is not None:
        element["value"] = value
    return element


def collection(id_short: str | None, *children: dict[str, Any]) -> dict[str, Any]:
    element: dict[str, Any] = {"modelType": "SubmodelElementCollection"}
    if id_short is not None:
        element["idShort"] = id_short
    if children:
        element["value"] = list(children)
    return element


def listed(id_short: str, kind: str, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    element: dict[str, Any] = {
        "modelType": "SubmodelElementList",
        "idShort": id_short,
        "typeValueListElement": kind,
        **more,
    }
    if children:
        element["value"] = list(children)
    return element


def submodel(identifier: str = "urn:x:1", *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"modelType": "Submodel", "id": identifier, **more}
    if elements:
        document["submodelElements"] = list(elements)
    return document


def motors(identifier: str = "urn:x:1") -> dict[str, Any]:
    """A submodel with a list of collections: `Motors[0].Speed` is 4.2."""
    speeds = [collection(None, prop("Speed", speed)) for speed in ("4.2", "1.0E3")]
    return submodel(
        identifier, listed("Motors", "SubmodelElementCollection", *speeds), prop("Name", "press", "xs:string")
    )


def shell(identifier: str = "urn:s:1", *submodel_ids: str, **asset: Any) -> dict[str, Any]:
    information = {"assetKind": "Instance", "globalAssetId": f"{identifier}:asset", **asset}
    document: dict[str, Any] = {
        "modelType": "AssetAdministrationShell",
        "id": identifier,
        "assetInformation": information,
    }
    if submodel_ids:
        document["submodels"] = [model(each) for each in submodel_ids]
    return document


def concept(identifier: str = "urn:c:1", **more: Any) -> dict[str, Any]:
    return {"modelType": "ConceptDescription", "id": identifier, **more}
