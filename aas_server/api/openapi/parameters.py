"""The parameters and headers of the API, each described once."""

import re
from typing import Final

from aas_server.api.openapi.examples import PATHS
from aas_server.api.openapi.schemas import STRING, Schema, array
from aas_server.model import Json
from aas_server.model.changes import Event
from aas_server.model.metamodel import ENUMERATIONS
from aas_server.model.modifiers import ApiVersion, Content, Extent, Level

BASE64URL: Final[Schema] = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"}
#: 3.0 clients pad.
PADDED: Final[Schema] = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+={0,2}$"}

_ID_SHORT: Final = "[A-Za-z][A-Za-z0-9_-]*"
_STEPS: Final = rf"(\.{_ID_SHORT}|\[(0|[1-9][0-9]*)\])*"

_FLAG: Final[Schema] = {"type": "boolean", "default": False}
_ENCODED: Final = "base64url of "

_PATH: Final = {
    "aasIdentifier": "The id of a shell",
    "submodelIdentifier": "The id of a submodel",
    "cdIdentifier": "The id of a concept description",
    "packageId": "The id of a package",
    "handleId": "The handle that came with the start",
}
_PLAIN: Final[dict[str, tuple[str, Schema]]] = {
    "idShortPath": (
        "Where the element is: idShorts with dots, list items as [0]",
        {"type": "string", "pattern": f"^{_ID_SHORT}{_STEPS}$"},
    ),
    "name": ("The name of a file", STRING),
    "queryName": ("The name of a query", STRING),
}

_QUERY: Final[dict[str, tuple[str, Schema]]] = {
    "limit": ("The most items on the page", {"type": "integer", "minimum": 1}),
    "cursor": ("Where the page starts: the cursor of the page before", {"type": "string", "minLength": 1}),
    "level": ("How deep: deep, or core for the object and what is directly below it", {"enum": list(Level)}),
    "extent": ("Whether the values of Blobs are shown", {"enum": list(Extent), "default": Extent.WITHOUT_BLOB}),
    "idShort": ("Only those of this idShort", STRING),
    "assetIds": (f"Only those of all these assets: {_ENCODED}a SpecificAssetId each", array(PADDED)),
    "semanticId": (f"Only those of this semanticId: {_ENCODED}a Reference", {**PADDED, "maxLength": 3072}),
    "isCaseOf": (f"Only those that are a case of it: {_ENCODED}a Reference", PADDED),
    "dataSpecificationRef": (f"Only those with this data specification: {_ENCODED}a Reference", PADDED),
    "assetKind": ("Only those of assets of this kind", {"enum": list(ENUMERATIONS["AssetKind"])}),
    "assetType": (f"Only those of this asset type: {_ENCODED}it", PADDED),
    "aasId": (f"Only packages that hold this shell: {_ENCODED}its id", PADDED),
    "aasIds": (f"The shells: {_ENCODED}an id each", array(PADDED)),
    "submodelIds": (f"The submodels: {_ENCODED}an id each", array(PADDED)),
    "includeConceptDescriptions": ("Whether the concept descriptions come along", {**_FLAG, "default": True}),
    "json": ("Whether a package holds its environment as JSON instead of XML", _FLAG),
    "explain": ("Whether the plan of the query is answered, too", _FLAG),
    "ignore-duplicates": ("Keep documents that exist", _FLAG),
    "dry-run": ("Only tell what would be done", _FLAG),
    "troubled": ("Whether only what is in trouble is listed", _FLAG),
    "after": ("Where to go on: the id of the event that was read last", STRING),
    "semanticIds": (f"Only what has one of these meanings: {_ENCODED}a value or a Reference each", array(PADDED)),
    "idShortPath": ("Only elements on the way there, and below", array(STRING)),
    "types": ("Only what happened in one of these ways", array({"enum": list(Event)})),
    "query": ("Only what meets this condition of the query language, in JSON", STRING),
    "sparql": ("A query in SPARQL 1.1", STRING),
    "default-graph-uri": ("Graphs that the query is about; all where none is named", array({"type": "string"})),
    "named-graph-uri": ("Graphs that GRAPH may name", array({"type": "string"})),
    "graph": ("The IRI of a graph", STRING),
    "default": ("All graphs together", {"type": "string", "maxLength": 0}),
    "interval": ("Milliseconds to gather; of values only the newest are sent", {"type": "integer", "minimum": 0}),
    "strict": ("Refuse what violates a constraint, instead of telling it", _FLAG),
}

#: Whatever parameters a named query has, each by its name.
_SET: Final[Schema] = {
    "name": "parameters",
    "in": "query",
    "description": "The parameters of the query, each by its name",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": STRING},
}
IF_MATCH: Final[Schema] = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what is to be changed; 412 when it has been changed since.",
    "schema": STRING,
}
IF_NONE_MATCH: Final[Schema] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what is known already; 304 when it is still the same.",
    "schema": STRING,
}


def header(description: str, schema: Schema = STRING, required: bool = False) -> Schema:
    return {"description": description, "schema": schema, "required": required}


ETAG: Final = header("The revision of the document")
LOCATION: Final = header("Where it is", required=True)
RETRY_AFTER: Final = header("Seconds after which asking again is worth it", {"type": "integer"})
FILE_NAME: Final = header("The name of the file")
DISPOSITION: Final = header("The name of the file, as RFC 6266 writes it")


def in_path(path: str, version: ApiVersion) -> list[Schema]:
    """The parameters of a path, in their order."""
    return [_path_parameter(name, version) for name in re.findall(r"\{(\w+)\}", path)]


def _path_parameter(name: str, version: ApiVersion) -> Schema:
    if name in _PLAIN:
        description, schema = _PLAIN[name]
    else:
        description = f"{_PATH[name]}: {_ENCODED}it, without padding"
        schema = PADDED if version is ApiVersion.V30 else BASE64URL
    return {**_parameter(name, "path", description, schema), "required": True, "example": PATHS[name]}


def in_query(names: str, method: str, content: Content) -> list[Schema]:
    """The query parameters that go with a content (Part 2, 'Modifier Constraints')."""
    return [_query_parameter(name, method, content) for name in names.split() if _applies(name, content)]


def _applies(name: str, content: Content) -> bool:
    match name:
        case "level":
            return content is not Content.METADATA
        case "extent":
            return content in (Content.NORMAL, Content.VALUE)
    return True


def _query_parameter(name: str, method: str, content: Content) -> Schema:
    if name == "parameters":
        return _SET
    description, schema = _QUERY[name]
    if name == "level" and (method == "PATCH" or content is Content.REFERENCE):
        schema = {"enum": [Level.CORE]}
    return _parameter("query" if name == "sparql" else name, "query", description, schema)


def _parameter(name: str, place: str, description: str, schema: Json) -> Schema:
    return {"name": name, "in": place, "description": description, "schema": schema}
