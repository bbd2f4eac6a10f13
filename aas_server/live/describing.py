"""AID 1.1 and AIMC 2.0 (IDTA 02017-1-1, 02027-2-0) written: interfaces of OPC UA, and what maps them to elements."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from aas_server.live import Endpoint, Security
from aas_server.live.browsed import Node, Shape
from aas_server.live.reading import AID, AIMC, HYPERMEDIA, SECURITY, TD, UAV
from aas_server.model import Document

#: The interface that is described, and what it carries on the wire.
INTERFACE, CONTENT = "InterfaceOPCUA", "application/octet-stream"
OBJECT_ID = "urn:aas-server:live:objectId"
_TYPE, _UNIT = "https://www.w3.org/1999/02/22-rdf-syntax-ns#type", "https://schema.org/unitCode"
_SCHEMA = "https://www.w3.org/2019/wot/json-schema#"
_MAPPING = f"{AIMC}2/0/MappingConfiguration"
#: Types of values in the words of JSON Schema, which those of WoT are.
_NUMBERS = ("Float", "Double", "Number")
_TEXTS = ("String", "DateTime", "Guid", "ByteString", "XmlElement", "NodeId", "ExpandedNodeId", "QualifiedName")
#: What stands in a query as it is (RFC 3986, 3.4), but for & and +, which forms give a meaning.
_SAFE = "!$'()*,;=:@/?"
#: What XML cannot carry (Part 1, xs:string).
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: An element on the way from a submodel: its modelType and idShort.
Steps = Sequence[tuple[str, str]]


def printable(text: str) -> str:
    """A text without what no document can carry."""
    return _UNPRINTABLE.sub("", text).strip()


def external(value: str) -> Document:
    return {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": value}]}


def reference(submodel_id: str, steps: Steps) -> Document:
    """A reference to an element of a submodel."""
    keys = [{"type": kind, "value": value} for kind, value in (("Submodel", submodel_id), *steps)]
    return {"type": "ModelReference", "keys": keys}


def prop(id_short: str, meaning: str, value: str, value_type: str = "xs:string") -> Document:
    return {
        "modelType": "Property", "idShort": id_short, "semanticId": external(meaning), "valueType": value_type,
        "value": value,
    }  # fmt: skip


def collection(id_short: str | None, meaning: str, *elements: Document, more: Sequence[str] = ()) -> Document:
    made: Document = {"modelType": "SubmodelElementCollection"}
    if id_short is not None:
        made["idShort"] = id_short
    made["semanticId"] = external(meaning)
    if more:
        made["supplementalSemanticIds"] = [external(each) for each in more]
    if elements:
        made["value"] = list(elements)
    return made


def listed(id_short: str, meaning: str, kind: str, elements: Iterable[Document], each: str = "") -> Document:
    """A list whose order means nothing."""
    made: Document = {"modelType": "SubmodelElementList", "idShort": id_short, "semanticId": external(meaning)}
    made["orderRelevant"] = False
    if each:
        made["semanticIdListElement"] = external(each)
    made["typeValueListElement"] = kind
    if several := list(elements):
        made["value"] = several
    return made


def submodel(identifier: str, id_short: str, elements: Sequence[Document], meaning: str = "") -> Document:
    made: Document = {"modelType": "Submodel", "id": identifier, "idShort": id_short, "kind": "Instance"}
    if meaning:
        made["semanticId"] = external(meaning)
    if elements:
        made["submodelElements"] = list(elements)
    return made


def href(node_id: str) -> str:
    """The target of a form: the text of a NodeId in a query.

    >>> href("nsu=urn:x;s=A B#1")
    '/?id=nsu=urn:x;s=A%20B%231'
    """
    return f"/?id={quote(node_id, safe=_SAFE)}"


# AID


def interface(
    identifier: str, endpoint: Endpoint, properties: Sequence[Document], actions: Sequence[Document]
) -> Document:
    """The AID of one OPC UA interface, with what it affords."""
    scheme = _schemes(endpoint.security)
    at = [("SubmodelElementCollection", each) for each in (INTERFACE, "EndpointMetadata", "securityDefinitions")]
    chosen = f"{TD}hasSecurityConfiguration"
    leads = [reference(identifier, [*at, ("SubmodelElementCollection", each["idShort"])]) for each in scheme]
    metadata = collection(
        "EndpointMetadata",
        f"{AID}1/0/EndpointMetadata",
        prop("base", f"{TD}baseURI", endpoint.base, "xs:anyURI"),
        prop("contentType", f"{HYPERMEDIA}forContentType", CONTENT),
        listed(
            "security",
            chosen,
            "ReferenceElement",
            [{"modelType": "ReferenceElement", "semanticId": external(chosen), "value": each} for each in leads],
        ),
        collection("securityDefinitions", f"{TD}definesSecurityScheme", *scheme),
    )
    interaction = collection(
        "InteractionMetadata",
        f"{AID}1/0/InteractionMetadata",
        collection("properties", f"{TD}PropertyAffordance", *properties),
        *([collection("actions", f"{TD}ActionAffordance", *actions)] if actions else []),
        more=[f"{TD}InteractionAffordance"],
    )
    whole = collection(
        INTERFACE, f"{AID}1/0/Interface", prop("title", f"{TD}title", f"OPC UA server at {endpoint.base}"),
        metadata, interaction, more=[UAV, "https://www.w3.org/2019/wot/td"],
    )  # fmt: skip
    return submodel(identifier, "AssetInterfacesDescription", [whole], f"{AID}1/1/Submodel")


def _schemes(security: Security) -> list[Document]:
    """The security of the endpoint in the words of AID 1.1; who we are is told by its kind only."""
    found: list[Document] = []
    if security.auto:
        found.append(_scheme("auto_sc", f"{SECURITY}AutoSecurityScheme", "auto"))
    elif security.policy != "None":
        channel = _scheme("opcua_channel_sc", f"{UAV}OPCUASecurityChannelScheme", "ua_channelsec")
        channel["value"] += [
            prop("uav_securityMode", f"{UAV}securityMode", security.mode),
            prop("uav_securityPolicy", f"{UAV}securityPolicy", security.policy),
        ]
        found.append(channel)
    if security.token != "Anonymous":  # noqa: S105 - the kind of a token
        authentication = _scheme(
            "opcua_authentication_sc", f"{UAV}OPCUASecurityAuthenticationScheme", "ua_authentication"
        )
        authentication["value"].append(prop("uav_userIdentityToken", f"{UAV}userIdentityToken", security.token))
        found.append(authentication)
    return found or [_scheme("nosec_sc", f"{SECURITY}NoSecurityScheme", "nosec")]


def _scheme(id_short: str, meaning: str, scheme: str) -> Document:
    return collection(id_short, meaning, prop("scheme", f"{SECURITY}SecurityScheme", scheme))


def affordance(id_short: str, node: Node, shape: Shape, *, writable: bool) -> Document:
    """A property of the interface; only a writable one says what may be done with it."""
    form = [
        prop("href", f"{HYPERMEDIA}hasTarget", href(node.node_id)),
        prop("contentType", f"{HYPERMEDIA}forContentType", CONTENT),
    ]
    if writable:
        form.append(prop("op", f"{HYPERMEDIA}hasOperationType", "observeproperty writeproperty"))
    told = [
        *_typed(shape),
        prop("title", f"{TD}title", _title(node)),
        prop("observable", f"{TD}isObservable", "true", "xs:boolean"),
    ]
    if node.unit:
        told.append(prop("unit", _UNIT, printable(node.unit)))
    if node.bounds is not None and json_type(shape) in ("number", "integer"):
        told.append(_bounds(*node.bounds))
    return collection(
        id_short, f"{AID}1/0/PropertyDefinition", *told, *_parts(shape), collection("forms", f"{TD}hasForm", *form),
        more=[f"{TD}name"],
    )  # fmt: skip


def action(id_short: str, node: Node, owner: Node) -> Document:
    """An action of the interface: a method, and the object that has it."""
    return collection(
        id_short,
        f"{TD}ActionAffordance",
        prop("title", f"{TD}title", _title(node)),
        collection(
            "forms",
            f"{TD}hasForm",
            prop("href", f"{HYPERMEDIA}hasTarget", href(node.node_id)),
            prop("contentType", f"{HYPERMEDIA}forContentType", CONTENT),
            prop("op", f"{HYPERMEDIA}hasOperationType", "invokeaction"),
            prop("uav_objectId", OBJECT_ID, href(owner.node_id)),
        ),
    )


def _title(node: Node) -> str:
    return printable(node.title.text or node.name or node.node_id)


def json_type(shape: Shape) -> str:
    """What a value is in the words of JSON Schema."""
    if shape.rank:
        return "array"
    match shape.builtin:
        case "Boolean":
            return "boolean"
        case "ExtensionObject" | "Range":
            return "object"
        case builtin if builtin in _NUMBERS:
            return "number"
        case builtin if builtin in _TEXTS or builtin in ("LocalizedText", "Variant"):
            return "string"
        case _:
            return "integer"


def _typed(shape: Shape) -> list[Document]:
    return [prop("type", _TYPE, json_type(shape))]


def _bounds(least: float, most: float) -> Document:
    return {
        "modelType": "Range", "idShort": "min_max", "semanticId": external(f"{AID}1/0/minMaxRange"),
        "valueType": "xs:double", "min": _double(least), "max": _double(most),
    }  # fmt: skip


def _double(value: float) -> str:
    return repr(value).replace("inf", "INF").replace("nan", "NaN")


def _parts(shape: Shape) -> list[Document]:
    """What an enumeration may be, what is in an array, what a structure has."""
    if shape.rank:
        return [collection("items", f"{_SCHEMA}items", *_typed(Shape(shape.builtin, shape.rank - 1)))]
    if shape.texts:
        numbers = [{"modelType": "Property", "valueType": "xs:int", "value": str(number)} for number, _ in shape.texts]
        made = listed("enum", f"{_SCHEMA}enum", "Property", numbers)
        return [{**made, "valueTypeListElement": "xs:int"}]
    fields = [(name, each) for name, each in shape.fields if name.replace("_", "a").isalnum() and name[:1].isalpha()]
    if not fields:
        return []
    inner = [collection(name, f"{_SCHEMA}propertyName", *_typed(each)) for name, each in fields if name.isascii()]
    return [collection("properties", f"{_SCHEMA}properties", *inner)]


# AIMC


def configuration(identifier: str, mappings: Iterable[Document]) -> Document:
    """The AIMC with these mappings."""
    several = listed(
        "MappingConfigurations", f"{AIMC}1/0/MappingConfigurations", "SubmodelElementCollection", mappings, _MAPPING
    )
    return submodel(identifier, "AssetInterfacesMappingConfiguration", [several], f"{AIMC}2/0/Submodel")


def mapping(name: str, source: Document, sink: Document) -> Document:
    """One source to one sink, so that what is wrong with the one disturbs no other."""
    return collection(None, _MAPPING, _end("Source", name, source), _end("Sink", name, sink))


def _end(kind: str, name: str, to: Document) -> Document:
    meaning = f"{_MAPPING}/{kind}"
    leads = {"modelType": "ReferenceElement", "idShort": kind, "semanticId": external(f"{meaning}/{kind}"), "value": to}
    one = collection(None, meaning, leads, prop(f"{kind}Id", f"{meaning}/{kind}Id", name))
    return listed(f"{kind}s", f"{_MAPPING}/{kind}s", "SubmodelElementCollection", [one], meaning)
