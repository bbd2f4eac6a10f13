"""The HTTP API of AAS Part 2 V3.1.2 as a table: every operation the server knows is a row.

Routes and the Allow header are made from it; tests expand it and compare it, and /description, with the official files.
Hot rows stand first: the router tries routes with the same beginning in this order.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from aas_server.api import (
    description,
    descriptors,
    discovery,
    elements,
    files,
    query,
    registry,
    serialization,
    shells,
    submodels,
)
from aas_server.api.identifiables import CONCEPTS, SHELLS, SUBMODELS
from aas_server.api.reading import Call, require_reference
from aas_server.model.modifiers import Content

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Guard = Callable[[Call], Awaitable[None]]

#: Part 4 rights by method; `invoke` needs EXECUTE.
RIGHTS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


@dataclass(frozen=True, slots=True)
class Mount:
    """A prefix under which the same rows are served; `guard` refuses what the prefix does not hold."""

    prefix: str = ""
    guard: Guard | None = None
    served: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path of the API, as the router gets it."""

    operation: "ApiOperation"
    mount: Mount
    method: str
    path: str
    content: Content

    @property
    def served(self) -> bool:
        return self.mount.served and self.operation.served


@dataclass(frozen=True, slots=True)
class ApiOperation:
    name: str
    method: str
    path: str
    handler: Handler
    mounts: tuple[Mount, ...] = (Mount(),)
    contents: tuple[Content, ...] = (Content.NORMAL,)
    guarded: bool = True
    right: str = ""

    @property
    def served(self) -> bool:
        return self.handler is not registry.later

    def expanded(self) -> Iterator[Route]:
        for mount in self.mounts:
            for content in self.contents:
                path = "/".join(part for part in (mount.prefix + self.path, content) if part)
                yield Route(self, mount, self.method, path, content)

    def routes(self) -> Iterator[tuple[str, str]]:
        for route in self.expanded():
            yield route.method, route.path


READ = (Content.NORMAL, Content.VALUE, Content.METADATA, Content.REFERENCE, Content.PATH)
WRITE = (Content.NORMAL, Content.VALUE, Content.METADATA)
BOTH = (Content.NORMAL, Content.REFERENCE)
INVOKE = (Content.NORMAL, Content.VALUE)

#: The services for a single shell or submodel: known, and not offered yet.
SINGLE_SHELL = Mount("/aas", served=False)
SINGLE_SUBMODEL = Mount("/submodel", served=False)
SHELL = (Mount("/shells/{aasIdentifier}"), SINGLE_SHELL)
SUBMODEL = (
    Mount("/submodels/{submodelIdentifier}"),
    Mount("/shells/{aasIdentifier}/submodels/{submodelIdentifier}", require_reference),
    Mount("/aas/submodels/{submodelIdentifier}", served=False),
    SINGLE_SUBMODEL,
)
ELEMENT = "/submodel-elements/{idShortPath}"
ELEMENTS = "/submodel-elements"
DESCRIPTORS = (Mount("/submodel-descriptors"), Mount("/shell-descriptors/{aasIdentifier}/submodel-descriptors"))

#: What clients of a single shell or submodel ask for when their base path is one in a repository; in 3.0 only.
SERVICES = (Mount("/shells/{aasIdentifier}"), Mount("/submodels/{submodelIdentifier}"))
SERVICES_OF_30 = (
    ApiOperation("GetAssetAdministrationShell", "GET", "/", SHELLS.get, SERVICES[:1]),
    ApiOperation("GetSubmodel", "GET", "/", SUBMODELS.get, SERVICES[1:]),
    ApiOperation("GetAllAssetAdministrationShells", "GET", "/shells", SHELLS.get_page, SERVICES),
    ApiOperation("GenerateSerializationByIds", "GET", "/serialization", serialization.get_serialization, SERVICES),
    ApiOperation("GetSelfDescription", "GET", "/description", description.get_description, SERVICES),
)

BULK = ("POST", "PUT", "DELETE")
BULK_PATHS = ("/bulk/shell-descriptors", "/bulk/submodel-descriptors")

API: tuple[ApiOperation, ...] = (
    # Submodel elements and submodels: the hot rows
    ApiOperation("GetSubmodelElementByPath", "GET", ELEMENT, elements.get_element, SUBMODEL, READ),
    ApiOperation("GetSubmodel", "GET", "", SUBMODELS.get, SUBMODEL, READ),
    ApiOperation("PatchSubmodelElementByPath", "PATCH", ELEMENT, elements.patch_element, SUBMODEL, WRITE),
    ApiOperation("PutSubmodelElementByPath", "PUT", ELEMENT, elements.put_element, SUBMODEL),
    ApiOperation("PostSubmodelElementByPath", "POST", ELEMENT, elements.post_element, SUBMODEL),
    ApiOperation("DeleteSubmodelElementByPath", "DELETE", ELEMENT, elements.delete_element, SUBMODEL),
    ApiOperation("GetAllSubmodelElements", "GET", ELEMENTS, elements.get_elements, SUBMODEL, READ),
    ApiOperation("PostSubmodelElement", "POST", ELEMENTS, elements.post_element, SUBMODEL),
    ApiOperation("PatchSubmodel", "PATCH", "", submodels.patch_submodel, SUBMODEL, WRITE),
    ApiOperation("PutSubmodel", "PUT", "", submodels.put_submodel, SUBMODEL, guarded=False),
    ApiOperation("DeleteSubmodel", "DELETE", "", submodels.delete_submodel, SUBMODEL[:3]),
    ApiOperation("GetFileByPath", "GET", ELEMENT + "/attachment", files.get_attachment, SUBMODEL),
    ApiOperation("PutFileByPath", "PUT", ELEMENT + "/attachment", files.put_attachment, SUBMODEL),
    ApiOperation("DeleteFileByPath", "DELETE", ELEMENT + "/attachment", files.delete_attachment, SUBMODEL),
    ApiOperation("InvokeOperation", "POST", ELEMENT + "/invoke", registry.later, SUBMODEL, INVOKE, right="EXECUTE"),
    ApiOperation(
        "InvokeOperationAsync", "POST", ELEMENT + "/invoke-async", registry.later, SUBMODEL, INVOKE, right="EXECUTE"
    ),
    # The official files of 3.1.2 misprint this one path.
    ApiOperation(
        "InvokeOperationAsync", "POST", ELEMENT + "/invoke-asnyc", registry.later, SUBMODEL[2:3], right="EXECUTE"
    ),
    ApiOperation("GetOperationAsyncStatus", "GET", ELEMENT + "/operation-status/{handleId}", registry.later, SUBMODEL),
    ApiOperation(
        "GetOperationAsyncResult", "GET", ELEMENT + "/operation-results/{handleId}", registry.later, SUBMODEL, INVOKE
    ),
    # Asset Administration Shell
    ApiOperation("GetAssetAdministrationShell", "GET", "", SHELLS.get, SHELL, BOTH),
    ApiOperation("PutAssetAdministrationShell", "PUT", "", SHELLS.put, SHELL),
    ApiOperation("DeleteAssetAdministrationShell", "DELETE", "", SHELLS.delete, SHELL[:1]),
    ApiOperation("GetAssetInformation", "GET", "/asset-information", shells.get_asset, SHELL),
    ApiOperation("PutAssetInformation", "PUT", "/asset-information", shells.put_asset, SHELL),
    ApiOperation("GetThumbnail", "GET", "/asset-information/thumbnail", files.get_thumbnail, SHELL),
    ApiOperation("PutThumbnail", "PUT", "/asset-information/thumbnail", files.put_thumbnail, SHELL),
    ApiOperation("DeleteThumbnail", "DELETE", "/asset-information/thumbnail", files.delete_thumbnail, SHELL),
    ApiOperation("GetAllSubmodelReferences", "GET", "/submodel-refs", shells.get_references, SHELL),
    ApiOperation("PostSubmodelReference", "POST", "/submodel-refs", shells.post_reference, SHELL),
    ApiOperation(
        "DeleteSubmodelReference", "DELETE", "/submodel-refs/{submodelIdentifier}", shells.delete_reference, SHELL
    ),
    # Repositories
    ApiOperation("GetAllAssetAdministrationShells", "GET", "/shells", SHELLS.get_page, contents=BOTH),
    ApiOperation("PostAssetAdministrationShell", "POST", "/shells", SHELLS.post),
    ApiOperation("GetAllSubmodels", "GET", "/submodels", SUBMODELS.get_page, contents=READ),
    ApiOperation("PostSubmodel", "POST", "/submodels", SUBMODELS.post),
    ApiOperation("GetAllConceptDescriptions", "GET", "/concept-descriptions", CONCEPTS.get_page),
    ApiOperation("PostConceptDescription", "POST", "/concept-descriptions", CONCEPTS.post),
    ApiOperation("GetConceptDescription", "GET", "/concept-descriptions/{cdIdentifier}", CONCEPTS.get),
    ApiOperation("PutConceptDescription", "PUT", "/concept-descriptions/{cdIdentifier}", CONCEPTS.put),
    ApiOperation("DeleteConceptDescription", "DELETE", "/concept-descriptions/{cdIdentifier}", CONCEPTS.delete),
    # Serialization and self-description
    ApiOperation("GenerateSerializationByIds", "GET", "/serialization", serialization.get_serialization),
    ApiOperation("GetSelfDescription", "GET", "/description", description.get_description),
    # Registries and discovery
    ApiOperation("GetAllShellDescriptors", "GET", "/shell-descriptors", descriptors.get_shells),
    ApiOperation("PostShellDescriptor", "POST", "/shell-descriptors", descriptors.post_shell),
    ApiOperation("GetShellDescriptor", "GET", "/shell-descriptors/{aasIdentifier}", descriptors.get_shell),
    ApiOperation("PutShellDescriptor", "PUT", "/shell-descriptors/{aasIdentifier}", descriptors.put_shell),
    ApiOperation("DeleteShellDescriptor", "DELETE", "/shell-descriptors/{aasIdentifier}", descriptors.delete_shell),
    ApiOperation("GetAllSubmodelDescriptors", "GET", "", descriptors.get_submodels, DESCRIPTORS),
    ApiOperation("PostSubmodelDescriptor", "POST", "", descriptors.post_submodel, DESCRIPTORS),
    ApiOperation("GetSubmodelDescriptor", "GET", "/{submodelIdentifier}", descriptors.get_submodel, DESCRIPTORS),
    ApiOperation("PutSubmodelDescriptor", "PUT", "/{submodelIdentifier}", descriptors.put_submodel, DESCRIPTORS),
    ApiOperation(
        "DeleteSubmodelDescriptor", "DELETE", "/{submodelIdentifier}", descriptors.delete_submodel, DESCRIPTORS
    ),
    *(ApiOperation("BulkDescriptors", method, path, registry.later) for method in BULK for path in BULK_PATHS),
    ApiOperation("GetBulkAsyncStatus", "GET", "/bulk/status/{handleId}", registry.later),
    ApiOperation("GetBulkAsyncResult", "GET", "/bulk/result/{handleId}", registry.later),
    ApiOperation("GetAllShellIdsByAssetLink", "GET", "/lookup/shells", discovery.get_shells),
    ApiOperation("SearchAllShellIdsByAssetLink", "POST", "/lookup/shellsByAssetLink", discovery.search_shells),
    ApiOperation("GetAllAssetLinksById", "GET", "/lookup/shells/{aasIdentifier}", discovery.get_links),
    ApiOperation("PostAllAssetLinksById", "POST", "/lookup/shells/{aasIdentifier}", discovery.post_links),
    ApiOperation("DeleteAllAssetLinksById", "DELETE", "/lookup/shells/{aasIdentifier}", discovery.delete_links),
    # Packages and queries
    ApiOperation("GetAllPackageIds", "GET", "/packages", registry.later),
    ApiOperation("PostPackage", "POST", "/packages", registry.later),
    ApiOperation("GetPackage", "GET", "/packages/{packageId}", registry.later),
    ApiOperation("PutPackage", "PUT", "/packages/{packageId}", registry.later),
    ApiOperation("DeletePackage", "DELETE", "/packages/{packageId}", registry.later),
    *(
        ApiOperation("Query", "POST", f"/query/{what}", query.post_query(kind), right="READ")
        for what, kind in query.QUERIED.items()
    ),
)
