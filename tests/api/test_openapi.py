"""`/openapi.json` is a valid OpenAPI document of exactly what is served at its mount."""

import re
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientSession
from openapi_spec_validator import OpenAPIV31SpecValidator

from aas_server.api import openapi
from aas_server.api.keys import SINGLES
from aas_server.api.openapi.contracts import CONTRACTS
from aas_server.api.table import API
from aas_server.api.versions import MOUNTS
from aas_server.app import Server, listening, routes
from aas_server.config import Settings
from aas_server.model.modifiers import ApiVersion
from aas_server.repository import Repository
from tests.conformance.test_table import METHODS
from tests.examples import b64, prop, submodel

Pair = tuple[str, str]


@pytest.fixture
def settings() -> Settings:
    return Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")


@pytest.fixture(params=MOUNTS)
def base(request: pytest.FixtureRequest) -> str:
    mount: str = request.param
    return mount


async def document(client: ClientSession, base: str = "") -> dict[str, Any]:
    answer = await client.get(f"{base}/openapi.json")
    assert answer.status == 200
    assert answer.content_type == "application/json"
    found: dict[str, Any] = await answer.json()
    return found


def described(document: dict[str, Any]) -> set[Pair]:
    return {(method.upper(), path) for path, item in document["paths"].items() for method in METHODS & item.keys()}


def routed(server: Server, base: str) -> set[Pair]:
    """What the router of a running server has at a mount, but for what speaks of a single one that is not named."""
    singles = server.app[SINGLES]
    known = routes(base, MOUNTS[base])
    unserved = {(route.method, base + route.path) for route in known if not route.offered(singles)}
    found = {
        (route.method, re.sub(r":[^/]*\[[^/]*\]\[[^/]*\]\*\}", "}", route.resource.canonical))
        for route in server.app.router.routes()
        if route.resource is not None
    }
    others = [mount for mount in MOUNTS if mount and mount != base]
    here = {(method, path) for method, path in found if not any(path.startswith(f"{mount}/") for mount in others)}
    return {
        (method, path.removeprefix(base))
        for method, path in here - unserved
        if method != "HEAD" and path.startswith(f"{base}/")
    }


async def test_the_document_is_valid(client: ClientSession, base: str) -> None:
    OpenAPIV31SpecValidator(await document(client, base)).validate()


async def test_it_describes_what_is_served_and_nothing_else(client: ClientSession, server: Server, base: str) -> None:
    assert described(await document(client, base)) == routed(server, base)


async def test_it_says_where_the_api_is(client: ClientSession) -> None:
    assert (await document(client, "/api/v3.0"))["servers"] == [{"url": "/api/v3.0"}]
    assert "servers" not in await document(client)  # the default of OpenAPI, `/`


async def test_single_services_are_described_where_they_are_offered(repository: Repository, altered: Any) -> None:
    async with (
        listening(repository, altered(shell="urn:s:1")) as server,
        ClientSession(server.url) as client,
    ):
        described = await document(client)
        assert "404" in described["paths"]["/aas"]["get"]["responses"]
        created = described["paths"]["/aas/submodels/{submodelIdentifier}"]["put"]["responses"]["201"]
        assert created["content"]["application/json"]["schema"]["$ref"].endswith("/Reference")
        assert "/submodel" not in described["paths"]


async def test_a_proxy_may_serve_it_below_a_path(repository: Repository, altered: Any) -> None:
    async with (
        listening(repository, altered(trusted_proxies="127.0.0.1")) as server,
        ClientSession(server.url, headers={"X-Forwarded-Prefix": "/plant"}) as client,
    ):
        assert (await document(client, "/api/v3.0"))["servers"] == [{"url": "/plant/api/v3.0"}]
        assert (await document(client))["servers"] == [{"url": "/plant"}]


def test_every_row_has_a_contract_and_every_contract_a_row() -> None:
    known = {route.operation.name for base, version in MOUNTS.items() for route in routes(base, version)}
    assert known == set(CONTRACTS)


@pytest.mark.parametrize("version", ApiVersion)
def test_the_document_stays_valid_when_every_row_is_served(version: ApiVersion) -> None:
    rows = [route for row in API for route in row.expanded()]
    complete = openapi.document(rows, "", version)
    OpenAPIV31SpecValidator(complete).validate()
    assert described(complete) == {(route.method, route.path) for route in rows}


async def test_the_versions_differ_where_their_answers_do(client: ClientSession) -> None:
    new, old = await document(client), await document(client, "/api/v3.0")
    put = "/submodels/{submodelIdentifier}", "put", "responses"
    assert "201" in new["paths"][put[0]][put[1]][put[2]]
    assert "201" not in old["paths"][put[0]][put[1]][put[2]]
    assert "observed" not in new["components"]["schemas"]["BasicEventElementMetadata"]["properties"]
    assert "observed" in old["components"]["schemas"]["BasicEventElementMetadata"]["properties"]


async def test_a_refused_document_is_one_that_the_document_refuses(client: ClientSession) -> None:
    """The schemas are those the server checks with: closed, by modelType."""
    found = await document(client)
    broken = submodel("urn:x:1", prop("Speed", surprise=1))
    schema = {"$ref": "#/components/schemas/Submodel", "components": found["components"]}
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)
    assert jsonschema.Draft202012Validator(schema).is_valid(submodel("urn:x:1", prop("Speed")))
    answer = await client.put(f"/submodels/{b64('urn:x:1')}", json=broken)
    assert answer.status == 400
