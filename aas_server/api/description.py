"""`GET /description`: the profiles of Part 2 that this server offers whole."""

import orjson
from aiohttp import web

from aas_server.api import answering
from aas_server.api.reading import Call
from aas_server.model.modifiers import ApiVersion

#: Services and their profiles of which every operation is served; a test derives this from the API table.
PROFILES = {
    "AssetAdministrationShellRepository": ("SSP-002", "SSP-003"),
    "SubmodelRepository": ("SSP-002", "SSP-003", "SSP-004", "SSP-005"),
    "ConceptDescriptionRepository": ("SSP-001", "SSP-002"),
    "AssetAdministrationShellRegistry": ("SSP-001", "SSP-002", "SSP-004", "SSP-005"),
    "SubmodelRegistry": ("SSP-001", "SSP-002", "SSP-004"),
    "Discovery": ("SSP-001", "SSP-002"),
}

#: Profiles that API 3.0 does not know.
SINCE_31 = {
    ("AssetAdministrationShellRepository", "SSP-003"),
    ("SubmodelRepository", "SSP-005"),
    ("ConceptDescriptionRepository", "SSP-002"),
    ("AssetAdministrationShellRegistry", "SSP-004"),
    ("AssetAdministrationShellRegistry", "SSP-005"),
    ("SubmodelRegistry", "SSP-004"),
    ("Discovery", "SSP-002"),
}


def profiles(version: ApiVersion) -> list[str]:
    minor = "3/0" if version is ApiVersion.V30 else "3/1"
    root = f"https://admin-shell.io/aas/API/{minor}"
    offered = [(service, name) for service, names in PROFILES.items() for name in names]
    if version is ApiVersion.V30:
        offered = [each for each in offered if each not in SINCE_31]
    return [f"{root}/{service}ServiceSpecification/{name}" for service, name in offered]


async def get_description(call: Call) -> web.Response:
    return answering.sized(call, orjson.dumps({"profiles": profiles(call.version)}))
