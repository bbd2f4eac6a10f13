"""The OpenAPI document of the API, made from its table: what is served is in it, and nothing else."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aas_server import __version__
from aas_server.api.openapi import parameters
from aas_server.api.openapi.contracts import CONTRACTS, Contract
from aas_server.api.openapi.media import body, payload
from aas_server.api.openapi.schemas import Schema, components, reachable, ref
from aas_server.model.modifiers import ApiVersion

if TYPE_CHECKING:
    from aas_server.api.table import Route

#: What a path begins with, and the heading that goes with it, in the order of the document.
TAGS: Final = {
    "shells": "Asset Administration Shell Repository",
    "submodels": "Submodel Repository",
    "concept-descriptions": "Concept Description Repository",
    "aas": "Asset Administration Shell",
    "submodel": "Submodel",
    "shell-descriptors": "Asset Administration Shell Registry",
    "submodel-descriptors": "Submodel Registry",
    "lookup": "Discovery",
    "packages": "AASX File Server",
    "query": "Queries",
    "bulk": "Bulk operations",
    "": "Server",
}

#: In 3.0 a PUT of these replaces what exists, and no more.
REPLACING: Final = (
    *("PutSubmodel", "PutSubmodelElementByPath", "PutAssetAdministrationShell", "PutConceptDescription"),
    *("PutShellDescriptor", "PutSubmodelDescriptor", "PutPackage"),
)


def document(routes: "Iterable[Route]", base: str, version: ApiVersion) -> Schema:
    """The OpenAPI document of these routes, as they answer at `base`."""
    routes = list(routes)
    names = identifiers(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        described = {"operationId": names[route], **operation(route, version)}
        paths.setdefault(route.path, {})[route.method.lower()] = described
    refused = sorted({status for item in paths.values() for each in item.values() for status in each["responses"]})
    responses = {_name(int(status)): _refusal(int(status)) for status in refused if status >= "400"}
    schemas = components(version)
    needed = reachable(schemas, [paths, responses])
    found = {each["tags"][0] for item in paths.values() for each in item.values()}
    return {
        "openapi": "3.1.0",
        "info": _info(version),
        **({"servers": [{"url": base}]} if base else {}),
        "tags": [{"name": name} for name in TAGS.values() if name in found],
        "paths": paths,
        "components": {"schemas": {name: schemas[name] for name in needed}, "responses": responses},
    }


def _info(version: ApiVersion) -> Schema:
    return {
        "title": "aas-server",
        "version": __version__,
        "description": f"The HTTP API of the Asset Administration Shell (IDTA-01002, Part 2), version {version}, and "
        "what this server adds. Identifiers in paths are base64url without padding.",
        "license": {"name": "MIT", "identifier": "MIT"},
    }


def operation(route: "Route", version: ApiVersion) -> Schema:
    contract = CONTRACTS[route.operation.name]
    described: Schema = {
        "summary": contract.summary + _CONTENTS.get(route.content, ""),
        "tags": [TAGS.get(route.path.split("/")[1], TAGS[""])],
        "parameters": [
            *parameters.in_path(route.path, version),
            *parameters.in_query(contract.query, route.method, route.content),
            *([parameters.IF_NONE_MATCH] if contract.tagged else ()),
            *([parameters.IF_MATCH] if contract.conditional else ()),
        ],
    }
    if contract.body:
        described["requestBody"] = {"required": True, "content": body(contract, route)}
    answers = {
        str(status): _answer(status, what, contract, route, version) for status, what in _answers(route, version)
    }
    refused = {str(each): {"$ref": f"#/components/responses/{_name(each)}"} for each in refusals(route)}
    return {**described, "responses": {**answers, **refused}}


_CONTENTS: Final = {
    "$value": ", only values",
    "$metadata": ", without values",
    "$reference": ", as a reference",
    "$path": ", as idShortPaths",
}


def identifiers(routes: "Sequence[Route]") -> "dict[Route, str]":
    """The operationId of each route: the name of its row, with what tells it from the row's others.

    `GetSubmodel` below a shell, with the content `$value`: `GetSubmodel_shells_submodels_value`.
    """
    names = Counter(route.operation.name for route in routes)
    methods = Counter(name for name, _ in {(route.operation.name, route.method) for route in routes})
    return {route: _identifier(route, names[route.operation.name], methods[route.operation.name]) for route in routes}


def _identifier(route: "Route", routes: int, methods: int) -> str:
    name = route.operation.name
    words = re.findall(r"[\w-]+", re.sub(r"\{\w+\}", "", route.path)) if routes > 1 else []
    slash = ["slash"] if route.path.endswith("/") and routes > 1 else []
    return "_".join([*([route.method.title()] if methods > 1 else ()), name, *words, *slash]).replace("-", "_")


def _answers(route: "Route", version: ApiVersion) -> Iterable[tuple[int, str]]:
    contract = CONTRACTS[route.operation.name]
    for answer in contract.answers.split(", "):
        status, _, what = answer.partition(" ")
        if status == "201" and version is ApiVersion.V30 and route.operation.name in REPLACING:
            continue
        yield int(status), what
    if contract.tagged:
        yield 304, ""


def _answer(status: int, what: str, contract: Contract, route: "Route", version: ApiVersion) -> Schema:
    headers: Schema = {}
    if contract.tagged or contract.conditional:
        headers["ETag"] = parameters.ETAG
    if status in (201, 202, 302) and route.operation.name not in _ELSEWHERE:
        headers["Location"] = parameters.LOCATION
    if what == "*":
        headers |= _OF_FILES.get(route.operation.name, {})
    if what == "BaseOperationResult":
        headers["Retry-After"] = parameters.RETRY_AFTER
    content = {"content": payload(what, contract, route, version)} if what else {}
    return {"description": HTTPStatus(status).phrase, **({"headers": headers} if headers else {}), **content}


_OF_FILES: Final[dict[str, Schema]] = {
    "GetFileByPath": {"Content-Disposition": parameters.DISPOSITION},
    "GetThumbnail": {"Content-Disposition": parameters.DISPOSITION},
    "GetPackage": {"X-FileName": parameters.FILE_NAME},
}
#: Nothing new has an address of its own there.
_ELSEWHERE: Final = ("Upload",)


def refusals(route: "Route") -> list[int]:
    """The statuses with which a route refuses, besides those that are in the contract: they follow from the rest."""
    contract = CONTRACTS[route.operation.name]
    found = {500, 503, *map(int, contract.refusals.split())}
    if contract.body or contract.query or contract.tagged or contract.conditional or "{" in route.path:
        found.add(400)
    if "{" in route.path or route.mount.single:
        found.add(404)
    if contract.conditional:
        found.add(412)
    if contract.body:
        found |= {413, 415}
    return sorted(found)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _refusal(status: int) -> Schema:
    headers = {"headers": {"Retry-After": parameters.RETRY_AFTER}} if status == 503 else {}
    content = {"application/json": {"schema": ref("Result")}}
    return {"description": HTTPStatus(status).phrase, **headers, "content": content}
