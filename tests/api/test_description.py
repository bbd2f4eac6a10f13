"""`/description` names exactly the profiles of which every operation is served."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.api.table import API
from aas_server.app import listening
from aas_server.repository import Repository
from tests.conformance.test_table import nameless
from tests.shared import shared

ROOT = "https://admin-shell.io/aas/API"
#: The files of API 3.0 name this service without "Repository" in some places; its id in 3.1 is taken for both.
RENAMED = {"ConceptDescription": "ConceptDescriptionRepository"}


def complete(endpoints: str, minor: str, singles: bool) -> set[str]:
    """The ids of the profiles of which every operation is a row, those of single services if wanted."""
    served = {
        nameless(route.method, route.path)
        for row in API
        for route in row.expanded()
        if singles or route.mount.single is None
    }
    services = json.loads(shared(f"specs/{endpoints}").read_bytes())
    found = set()
    for service, operations in services.items():
        for profile in {name for profiles in operations.values() for name in profiles}:
            needed = {nameless(*each.split(" ")) for each, profiles in operations.items() if profile in profiles}
            if needed <= served:
                found.add(f"{ROOT}/{minor}/{RENAMED.get(service, service)}ServiceSpecification/{profile}")
    return found


@pytest.mark.parametrize(
    ("base", "endpoints", "minor"),
    [
        ("", "endpoints-3.1.2.json", "3/1"),
        ("/api/v3", "endpoints-3.1.2.json", "3/1"),
        ("/api/v3.1", "endpoints-3.1.2.json", "3/1"),
        ("/api/v3.0", "endpoints-3.0.4.json", "3/0"),
    ],
)
async def test_the_profiles_are_those_served_whole(
    client: ClientSession, base: str, endpoints: str, minor: str
) -> None:
    answer = await client.get(f"{base}/description")
    assert answer.status == 200
    description = await answer.json()
    assert set(description) == {"profiles"}
    assert len(description["profiles"]) == len(set(description["profiles"]))
    assert set(description["profiles"]) == complete(endpoints, minor, singles=False)


async def test_single_services_are_offered_where_settings_name_them(repository: Repository, altered: Any) -> None:
    settings = altered(shell="urn:x:shell", submodel="urn:x:submodel")
    async with listening(repository, settings) as server, ClientSession(server.url) as client:
        description = await (await client.get("/description")).json()
    assert set(description["profiles"]) == complete("endpoints-3.1.2.json", "3/1", singles=True)
