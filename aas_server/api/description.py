"""`GET /description`: the profiles of Part 2 that this server offers whole."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from aiohttp import web

from aas_server.api import answering
from aas_server.api.keys import ROUTES, SINGLES, Singles
from aas_server.api.reading import Call
from aas_server.model.modifiers import ApiVersion

if TYPE_CHECKING:
    from aas_server.api.table import Route

ROOT: Final = "https://admin-shell.io/aas/API"


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of a service: the rows of the table that belong to it, as a pattern of method and path."""

    service: str
    name: str
    rows: str
    since: ApiVersion = ApiVersion.V30

    def belongs(self, route: "Route") -> bool:
        return re.fullmatch(self.rows, f"{route.method} {route.path}") is not None


#: Reading, without the outcomes of operations.
_READ: Final = r"GET {}((?!/operation-).)*"
_ALL: Final = r"\w+ {}.*"
_QUERY: Final = "POST /query/{}"
_BULK: Final = r"\w+ /bulk/{}|GET /bulk/(status|result)/.*"
_PACKED: Final = "|GET /serialization"
#: Elements and values of single elements, but no values of all, no paths, no references, no operations.
_TEMPLATE: Final = (
    r"{} /submodels(/\{{submodelIdentifier\}})?(/\$metadata|/submodel-elements(/\$metadata|/\{{idShortPath\}}"
    r"(/\$metadata|/\$value|/attachment)?)?)?|GET /submodels/\$value"
)
_ONLY_VALUES: Final = r"GET /submodel(/\$value)?|POST /submodel/.*/invoke(/\$value)?"
_LINKS: Final = r"POST /lookup/shellsByAssetLink|GET /lookup/shells/\{aasIdentifier\}"

#: Part 2, 'Service Specifications and Profiles'; every profile contains the description besides.
PROFILES: Final = (
    Profile("AssetAdministrationShell", "SSP-001", _ALL.format("/aas") + _PACKED),
    Profile("AssetAdministrationShell", "SSP-002", _READ.format("/aas") + _PACKED),
    Profile("Submodel", "SSP-001", r"\w+ /submodel(/.*)?" + _PACKED),
    Profile("Submodel", "SSP-002", _READ.format("/submodel(?!s|-d)") + _PACKED),
    Profile("Submodel", "SSP-003", _ONLY_VALUES),
    Profile("AasxFileServer", "SSP-001", _ALL.format("/packages")),
    Profile("AssetAdministrationShellRegistry", "SSP-001", _ALL.format("/shell-descriptors")),
    Profile("AssetAdministrationShellRegistry", "SSP-002", _READ.format("/shell-descriptors")),
    Profile("AssetAdministrationShellRegistry", "SSP-003", _BULK.format("shell-descriptors"), ApiVersion.V31),
    Profile("AssetAdministrationShellRegistry", "SSP-004", _QUERY.format("shell-descriptors"), ApiVersion.V31),
    Profile("AssetAdministrationShellRegistry", "SSP-005", r"GET /shell-descriptors(/[^/]*)?", ApiVersion.V31),
    Profile("SubmodelRegistry", "SSP-001", _ALL.format("/submodel-descriptors")),
    Profile("SubmodelRegistry", "SSP-002", _READ.format("/submodel-descriptors")),
    Profile("SubmodelRegistry", "SSP-003", _BULK.format("submodel-descriptors"), ApiVersion.V31),
    Profile("SubmodelRegistry", "SSP-004", _QUERY.format("submodel-descriptors"), ApiVersion.V31),
    Profile("Discovery", "SSP-001", _ALL.format("/lookup")),
    Profile("Discovery", "SSP-002", _LINKS, ApiVersion.V31),
    Profile("AssetAdministrationShellRepository", "SSP-001", _ALL.format("/shells") + _PACKED),
    Profile("AssetAdministrationShellRepository", "SSP-002", _READ.format("/shells") + _PACKED),
    Profile("AssetAdministrationShellRepository", "SSP-003", _QUERY.format("shells"), ApiVersion.V31),
    Profile("SubmodelRepository", "SSP-001", _ALL.format("/submodels") + _PACKED),
    Profile("SubmodelRepository", "SSP-002", _READ.format("/submodels") + _PACKED),
    Profile("SubmodelRepository", "SSP-003", _TEMPLATE.format(r"\w+") + _PACKED),
    Profile("SubmodelRepository", "SSP-004", _TEMPLATE.format("GET") + _PACKED),
    Profile("SubmodelRepository", "SSP-005", _QUERY.format("submodels"), ApiVersion.V31),
    Profile("ConceptDescriptionRepository", "SSP-001", _ALL.format("/concept-descriptions") + _PACKED),
    Profile("ConceptDescriptionRepository", "SSP-002", _QUERY.format("concept-descriptions"), ApiVersion.V31),
)


def whole(routes: "Iterable[Route]", version: ApiVersion, singles: Singles) -> Iterator[str]:
    """The ids of the profiles of which every row is served, and for which there is a single one where it takes one."""
    known = list(routes)
    for profile in PROFILES:
        needed = [route for route in known if profile.belongs(route)]
        if profile.since <= version and needed and all(route.offered(singles) for route in needed):
            yield f"{ROOT}/{version.replace('.', '/')}/{profile.service}ServiceSpecification/{profile.name}"


async def get_description(call: Call) -> web.Response:
    app = call.request.app
    profiles = list(whole(app[ROUTES][call.base], call.version, app[SINGLES]))
    return answering.sized(call, orjson.dumps({"profiles": profiles}))
