"""Bodies of requests and answers by media type: what the short notation of the contracts stands for."""

from typing import TYPE_CHECKING, Final

from aas_server.api.openapi.contracts import Contract
from aas_server.api.openapi.examples import BODIES
from aas_server.api.openapi.schemas import BINARY, PLACE, STRING, Schema, array, page, ref
from aas_server.api.serialization import AASX
from aas_server.model import Json
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.model.negotiating import JSON, JSONLD, RDF, XML

if TYPE_CHECKING:
    from aas_server.api.table import Route

RESULTS: Final = (
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
)
FORM: Final = "multipart/form-data"
_XML: Final[Schema] = {"type": "string", "description": "The XML mapping of Part 1."}

#: JSON has a structure of its own, whatever it is called.
_GRAPHS: Final[dict[str, Schema]] = {**dict.fromkeys(RDF, STRING), JSONLD: {}}
_ANSWERS: Final[dict[str, Schema]] = {
    **dict.fromkeys(RESULTS, STRING),
    "application/sparql-results+json": {"type": "object"},
    **_GRAPHS,
}
#: A document in the other mappings of Part 1.
_FORMS: Final = {XML: _XML, **_GRAPHS}
_PACKAGE: Final = dict.fromkeys(AASX, BINARY)
#: What is no JSON of one schema.
_SPECIAL: Final[dict[str, dict[str, Schema]]] = {
    "*": {"*/*": BINARY},
    "Html": {"text/html": STRING},
    "EventStream": {"text/event-stream": STRING},
    "Turtle": {"text/turtle": STRING},
    "Context": {JSONLD: {"type": "object", "required": ["@context"]}},
    "Rdf": _GRAPHS,
    "NamedSparql": {**_ANSWERS, "application/sparql-query": STRING},
    "Sparql": _ANSWERS,
    "SparqlQuery": {"application/sparql-query": STRING, "application/x-www-form-urlencoded": ref("SparqlForm")},
    "Index": {JSON: ref("Index"), "text/html": STRING},
    "Serialization": {JSON: ref("Environment"), XML: _XML, **_PACKAGE},
    "Upload": {FORM: ref("UploadForm"), JSON: ref("UploadEnvironment"), XML: _XML, **_PACKAGE},
    "FileForm": {FORM: ref("FileForm")},
    "PackageForm": {FORM: ref("PackageForm")},
}


def body(contract: Contract, route: "Route") -> Schema:
    """The media types of a request's body."""
    if contract.body in _SPECIAL:
        return _sent(_SPECIAL[contract.body])
    name = _bulk(route) if contract.body == "BulkDescriptors" else contract.body
    if route.content is Content.VALUE:
        name = name.removeprefix("Patch") + "Value"
    return _sent({JSON: _schema(name), **(_FORMS if contract.xml else {})})


def _bulk(route: "Route") -> str:
    """The schema of many descriptors, or of their ids for DELETE."""
    if route.method == "DELETE":
        return "[Identifier]"
    return "[AssetAdministrationShellDescriptor]" if "shell" in route.path else "[SubmodelDescriptor]"


def payload(what: str, contract: Contract, route: "Route", version: ApiVersion) -> Schema:
    """The media types of an answer."""
    if what in _SPECIAL:
        return _typed(_SPECIAL[what])
    if what.startswith("Page["):
        return _typed({JSON: page(_items(what[5:-1], route.content, version))})
    if what == "SubmodelOrReference":  # the shell repository answers with the reference that its shell has got
        what = "Reference" if "{aasIdentifier}" in route.path or route.mount.single == "aasIdentifier" else "Submodel"
    as_other = contract.xml and route.method == "GET" and route.content is Content.NORMAL
    return _typed({JSON: _schema(_shaped(what, route.content)), **(_FORMS if as_other else {})})


def _typed(schemas: dict[str, Schema]) -> Schema:
    return {media_type: {"schema": schema} for media_type, schema in schemas.items()}


def _sent(schemas: dict[str, Schema]) -> Schema:
    """What may be sent, with an example where there is one."""
    typed = _typed(schemas)
    if (example := _example(schemas.get(JSON, {}))) is not None:
        typed[JSON]["example"] = example
    return typed


def _example(schema: Schema) -> Json:
    if "items" in schema:
        example = _example(schema["items"])
        return None if example is None else [example]
    return BODIES.get(schema.get("$ref", "").removeprefix(PLACE))


def _schema(name: str) -> Schema:
    return array(ref(name[1:-1])) if name.startswith("[") else ref(name)


def _shaped(name: str, content: Content) -> str:
    """The schema of an object under a content."""
    match content:
        case Content.NORMAL:
            return name
        case Content.VALUE:
            return f"{name}Value"
        case Content.METADATA:
            return f"{name}Metadata"
        case Content.REFERENCE:
            return "Reference"
        case Content.PATH:
            return "[PathItem]"


def _items(name: str, content: Content, version: ApiVersion) -> Schema:
    """The `result` of a page: an array, but for `$value`, which is an object since 3.0.4."""
    match content:
        case Content.VALUE if version is ApiVersion.V31:
            return ref("SubmodelValue")
        case Content.PATH:
            return array(ref("PathItem"))
    return array(ref(_shaped(name, content)))
