"""AID 1.1 and AIMC 2.0 submodels for tests, as a person would write them."""

from typing import Any

from tests.examples import collection, listed, prop

AID, AIMC, DATA = "urn:x:aid", "urn:x:aimc", "urn:x:data"
_AID = "https://admin-shell.io/idta/AssetInterfacesDescription/"
_AIMC = "https://admin-shell.io/idta/AssetInterfacesMappingConfiguration/"


def reference(submodel: str, *path: str) -> dict[str, Any]:
    keys = [{"type": "Submodel", "value": submodel}]
    keys += [{"type": "SubmodelElementCollection", "value": each} for each in path[:-1]]
    keys += [{"type": "Property", "value": path[-1]}]
    return {"type": "ModelReference", "keys": keys}


def meant(document: dict[str, Any], value: str) -> dict[str, Any]:
    keys = [{"type": "GlobalReference", "value": value}]
    return {**document, "semanticId": {"type": "ExternalReference", "keys": keys}}


def text(id_short: str, value: str) -> dict[str, Any]:
    return prop(id_short, value, "xs:string")


def node(name: str, href: str, *, writable: bool = False, observable: bool = True, extra: Any = ()) -> dict[str, Any]:
    forms = [text("href", href), *([text("op", "observeproperty writeproperty")] if writable else [])]
    seen = prop("observable", "true" if observable else "false", "xs:boolean")
    return collection(name, seen, collection("forms", *forms), *extra)


def action(name: str, href: str, op: str = "invokeaction") -> dict[str, Any]:
    return collection(name, collection("forms", text("href", href), text("op", op)))


def interface(
    base: str, properties: list[dict[str, Any]], actions: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """An AID of one interface, `Interface`."""
    metadata = collection("EndpointMetadata", text("base", base), text("contentType", "application/octet-stream"))
    interaction = collection(
        "InteractionMetadata",
        collection("properties", *properties),
        *([collection("actions", *actions)] if actions else []),
    )
    whole = collection("Interface", text("title", "Plant"), metadata, interaction)
    document = {
        "modelType": "Submodel",
        "id": AID,
        "idShort": "AssetInterfacesDescription",
        "submodelElements": [whole],
    }
    return meant(document, f"{_AID}1/1/Submodel")


def configuration(*mappings: dict[str, Any]) -> dict[str, Any]:
    whole = listed("MappingConfigurations", "SubmodelElementCollection", *mappings)
    document = {"modelType": "Submodel", "id": AIMC, "idShort": "AIMC", "submodelElements": [whole]}
    return meant(document, f"{_AIMC}2/0/Submodel")


def mapping(source: dict[str, Any], sink: dict[str, Any], name: str = "value", **more: str) -> dict[str, Any]:
    first = [{"modelType": "ReferenceElement", "idShort": "Source", "value": source}, text("SourceId", name)]
    second = [{"modelType": "ReferenceElement", "idShort": "Sink", "value": sink}, text("SinkId", name)]
    return collection(
        None,
        *(prop(id_short, value) for id_short, value in more.items()),
        listed("Sources", "SubmodelElementCollection", collection(None, *first)),
        listed("Sinks", "SubmodelElementCollection", collection(None, *second)),
    )


def of(name: str, sink: str | None = None, kind: str = "properties") -> dict[str, Any]:
    """A property of the interface into an element of the data."""
    return mapping(reference(AID, "Interface", "InteractionMetadata", kind, name), reference(DATA, sink or name))
