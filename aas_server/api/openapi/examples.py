"""Small valid bodies by the name of their schema: what a page to try the API offers, and what fits together."""

from typing import Final

from aas_server.model import Document, Json
from aas_server.model.identifiers import encode
from aas_server.model.references import to_submodel

SHELL: Final = "urn:example:shell"
SUBMODEL: Final = "urn:example:submodel"
CONCEPT: Final = "urn:example:concept"
ASSET: Final = "urn:example:asset"

_PROPERTY: Final[Document] = {"modelType": "Property", "idShort": "Speed", "valueType": "xs:double", "value": "4.2"}
_ASSET: Final[Document] = {"assetKind": "Instance", "globalAssetId": ASSET}
_LINK: Final[Document] = {"name": "serialNumber", "value": "0815"}
_SUBMODEL: Final[Document] = {
    "modelType": "Submodel",
    "id": SUBMODEL,
    "idShort": "Drive",
    "submodelElements": [_PROPERTY],
}
_SHELL: Final[Document] = {
    "modelType": "AssetAdministrationShell",
    "id": SHELL,
    "idShort": "Conveyor",
    "assetInformation": _ASSET,
    "submodels": [to_submodel(SUBMODEL)],
}
_ENDPOINT: Final[Document] = {
    "interface": "SUBMODEL-3.1",
    "protocolInformation": {"href": "https://example.com/submodels/dXJuOmV4YW1wbGU6c3VibW9kZWw"},
}

BODIES: Final[dict[str, Json]] = {
    "AssetAdministrationShell": _SHELL,
    "Submodel": _SUBMODEL,
    "SubmodelElement": _PROPERTY,
    "ConceptDescription": {"modelType": "ConceptDescription", "id": CONCEPT, "idShort": "Speed"},
    "AssetInformation": _ASSET,
    "Reference": to_submodel(f"{SUBMODEL}:2"),
    "UploadEnvironment": {"submodels": [_SUBMODEL]},
    "PatchSubmodel": {"idShort": "Drive"},
    "PatchSubmodelElement": {"category": "VARIABLE"},
    "SubmodelValue": {"Speed": 4.2},
    "SubmodelElementValue": 4.2,
    "SpecificAssetId": _LINK,
    "AssetLink": _LINK,
    "AssetAdministrationShellDescriptor": {"id": SHELL, "globalAssetId": ASSET},
    "SubmodelDescriptor": {"id": SUBMODEL, "endpoints": [_ENDPOINT]},
    "Identifier": SHELL,
    "Query": {"$condition": {"$eq": [{"$field": "$sm#idShort"}, {"$strVal": "Drive"}]}},
    "OperationRequest": {"clientTimeoutDuration": "PT60S"},
    "OperationRequestValue": {"clientTimeoutDuration": "PT60S"},
}

#: What stands in a path, so that it leads to what the bodies make.
PATHS: Final = {
    "aasIdentifier": encode(SHELL),
    "submodelIdentifier": encode(SUBMODEL),
    "cdIdentifier": encode(CONCEPT),
    "idShortPath": "Speed",
    "packageId": encode("package"),
    "handleId": encode("handle"),
    "name": "docs.js",
    "queryName": "concept-use",
}
