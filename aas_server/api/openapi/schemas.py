"""The components of the OpenAPI document: the metamodel from its table, and what Part 2 and this server add."""

from collections.abc import Sequence
from typing import Final

from aas_server.graph.library import KINDS
from aas_server.model import Json
from aas_server.model.metadata import DROPPED, REQUIRED_IN_V30
from aas_server.model.modifiers import ApiVersion
from aas_server.model.schema import components as metamodel

Schema = dict[str, Json]

PLACE: Final = "#/components/schemas/"
STRING: Final[Schema] = {"type": "string"}
BINARY: Final[Schema] = {"type": "string", "format": "binary"}


def ref(name: str) -> Schema:
    return {"$ref": PLACE + name}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def closed(required: str = "", **properties: Json) -> Schema:
    """An object of these properties and no other."""
    return {**opened(required, **properties), "additionalProperties": False}


def opened(required: str = "", **properties: Json) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    return {**found, "required": required.split()} if required else found


def components(version: ApiVersion) -> dict[str, Schema]:
    """Every schema by its name; a document takes those that something leads to."""
    return {**metamodel(PLACE), **_metadata(version), **_VALUES, **_PART_2, **_OWN}


# Format 'Metadata': the classes without what is their value


def _metadata(version: ApiVersion) -> dict[str, Schema]:
    whole = metamodel(PLACE)
    kept = REQUIRED_IN_V30 if version is ApiVersion.V30 else frozenset()
    shown = [name for name, dropped in DROPPED.items() if dropped and name != "AssetAdministrationShell"]
    found = {f"{name}Metadata": _without(whole[name], DROPPED[name] - kept) for name in shown}
    elements = [name for name in shown if name != "Submodel"]
    # Pages of elements hold those, too, of which all is metadata.
    elements_shown = [*(f"{name}Metadata" for name in elements), *(name for name in DROPPED if not DROPPED[name])]
    found["SubmodelElementMetadata"] = {"oneOf": [ref(name) for name in elements_shown]}
    return found


def _without(schema: Schema, dropped: frozenset[str]) -> Schema:
    properties = {name: value for name, value in schema["properties"].items() if name not in dropped}
    return {**schema, "properties": properties, "required": [each for each in schema["required"] if each in properties]}


# Format 'ValueOnly': it does not say what it is a value of, so every form is open to all

_NAMED: Final[Schema] = {"type": "object", "additionalProperties": ref("SubmodelElementValue")}
_VALUES: Final[dict[str, Schema]] = {
    "SubmodelValue": {"description": "The values of the elements by their idShorts.", **_NAMED},
    "SubmodelElementValue": {
        "description": "A scalar (Property), an array (SubmodelElementList, and MultiLanguageProperty as objects of "
        "one language each), or an object: by idShort (SubmodelElementCollection), or of the attributes that are the "
        "value of any other element.",
        "anyOf": [
            *({"type": scalar} for scalar in ("string", "number", "boolean", "null")),
            array(ref("SubmodelElementValue")),
            ref("Reference"),
            _NAMED,
        ],
    },
}

# Part 2: operations, packages, queries, errors; its registries and discovery stand in the metamodel table

_DURATION: Final[Schema] = {"type": "string", "description": "xs:duration, for example PT60S"}
_VARIABLES: Final[Schema] = array(ref("OperationVariable"))
_STATE: Final[Schema] = {"enum": ["Initiated", "Running", "Completed", "Canceled", "Failed", "Timeout"]}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_MESSAGES: Final[Schema] = array(ref("Message"))
_FORM: Final[Schema] = {"fileName": STRING, "file": BINARY}

_PART_2: Final[dict[str, Schema]] = {
    "Result": closed(messages=_MESSAGES),
    "Message": closed(
        "messageType text timestamp",
        code={"type": "string", "maxLength": 32},
        messageType={"enum": ["Undefined", "Info", "Warning", "Error", "Exception"]},
        text=STRING,
        timestamp=_TIME,
        correlationId={"type": "string", "maxLength": 128},
    ),
    "PagingMetadata": opened(cursor={"type": "string", "minLength": 1}),
    "ServiceDescription": opened("profiles", profiles={**array({"type": "string", "format": "uri"}), "minItems": 1}),
    "PathItem": {"type": "string", "description": "An idShortPath."},
    "PackageDescription": opened("packageId", packageId=STRING, aasIds=array(ref("Identifier"))),
    "PackageForm": opened("file", aasIds=array(STRING), **_FORM),
    "FileForm": closed("file", **_FORM),
    "OperationRequest": opened(
        inputArguments=_VARIABLES, inoutputArguments=_VARIABLES, clientTimeoutDuration=_DURATION
    ),
    "OperationRequestValue": opened(inputArguments=_NAMED, inoutputArguments=_NAMED, clientTimeoutDuration=_DURATION),
    "BaseOperationResult": opened(messages=_MESSAGES, executionState=_STATE, success={"type": "boolean"}),
    "OperationResult": opened(
        messages=_MESSAGES,
        executionState=_STATE,
        success={"type": "boolean"},
        outputArguments=_VARIABLES,
        inoutputArguments=_VARIABLES,
    ),
    "OperationResultValue": opened(
        messages=_MESSAGES,
        executionState=_STATE,
        success={"type": "boolean"},
        outputArguments=_NAMED,
        inoutputArguments=_NAMED,
    ),
    "Query": {
        "description": "A condition of the AAS query language in its JSON form (Part 2, 'Query Language').",
        **closed("$condition", **{"$select": {"const": "id"}, "$condition": {"type": "object"}}),
    },
    "QueryResult": opened(
        "paging_metadata result",
        paging_metadata=opened(cursor=STRING, resultType=STRING),
        result=array({"anyOf": [{"type": "object"}, STRING]}),
    ),
}

# Beyond the standard

_KEYS: Final[Schema] = array(closed("modelType id", modelType=STRING, id=STRING))
_LISTS: Final = "created replaced unchanged skipped"
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_OWN: Final[dict[str, Schema]] = {
    "PatchSubmodel": {
        "type": "object",
        "description": "Attributes to change; null removes one. Elements are found by idShort, items by index.",
    },
    "PatchSubmodelElement": ref("PatchSubmodel"),
    "UploadReport": closed(
        f"{_LISTS} parts findings",
        **dict.fromkeys(_LISTS.split(), _KEYS),
        parts=array(STRING),
        findings=array(STRING),
    ),
    "UploadEnvironment": {
        "type": "object",
        "description": "An Environment. Violations of constraints are told, and refused with strict.",
    },
    "UploadForm": opened("file", file=BINARY),
    "NamedQueries": closed(
        "queries",
        queries=array(
            closed(
                "name title description parameters query",
                name=STRING,
                title=STRING,
                description={"type": "string"},
                parameters=array(
                    closed(
                        "name kind default description",
                        name=STRING,
                        kind={"enum": list(KINDS)},
                        default=STRING,
                        description=STRING,
                    )
                ),
                query=STRING,
            )
        ),
    ),
    "Graph": closed(
        "state position newest",
        state={"enum": ["off", "waiting", "building", "ready"]},
        position=_COUNT,
        newest=_COUNT,
        statements=_COUNT,
    ),
    "GraphDifferences": closed("differences", differences=array(STRING)),
    "SparqlForm": opened("query", query=STRING),
    "QueryAnswer": {"anyOf": [ref("QueryResult"), ref("QueryPlan")]},
    "QueryPlan": {
        "type": "object",
        "description": "What explain=true tells: how the query would be answered.",
        "not": {"required": ["paging_metadata"]},
    },
    "Health": closed("status", status={"const": "UP"}),
    "Registration": opened(
        "registerAt reachable", registerAt=STRING, reachable={"type": "boolean"}, refused=array(STRING), error=STRING
    ),
    "Live": opened(
        "connections mappings operations defects",
        connections=array(
            opened(
                "endpoint state since error items",
                endpoint=STRING,
                state={"enum": ["connecting", "connected", "lost", "closed"]},
                since=STRING,
                error=STRING,
                items={"type": "integer"},
            )
        ),
        mappings={"type": "integer"},
        operations={"type": "integer"},
        defects=array(opened("origin text", origin=STRING, text=STRING)),
    ),
    "LiveMapping": opened(
        "origin sources sinks",
        origin=STRING,
        sources=array(opened("name", name=STRING, error=STRING)),
        sinks=array(opened("name submodelId path", name=STRING, submodelId=STRING, path=STRING, error=STRING)),
        error=STRING,
    ),
    "Metrics": {"type": "object", "additionalProperties": {"type": "number"}},
    "Index": opened(
        "name version", name=STRING, version=STRING, links={"type": "object", "additionalProperties": STRING}
    ),
    "OpenApi": opened("openapi info paths", openapi=STRING, info={"type": "object"}, paths={"type": "object"}),
}


def page(item: Schema) -> Schema:
    return closed("paging_metadata result", paging_metadata=ref("PagingMetadata"), result=item)


def reachable(schemas: dict[str, Schema], part: Json) -> Sequence[str]:
    """The names of all schemas that something leads to, directly or by others, in their order."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} if reference.startswith(PLACE):
                name = reference.removeprefix(PLACE)
                if name not in found:
                    found.add(name)
                    waiting.append(schemas[name])
            case dict() as mapping:
                waiting.extend(mapping.values())
            case list() as items:
                waiting.extend(items)
    return [name for name in schemas if name in found]
