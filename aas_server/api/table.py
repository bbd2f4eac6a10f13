"""The HTTP API of AAS Part 2 V3.1.2 as a table: every operation the server knows is a row.

Routes and the Allow header are made from it; tests expand it and compare it, and /description, with the official files.
Hot rows stand first: the router tries routes with the same beginning in this order.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from aas_server.api import (
    bulk,
    contexts,
    description,
    descriptors,
    discovery,
    elements,
    events,
    files,
    graphs,
    health,
    library,
    live,
    operations,
    packages,
    query,
    serialization,
    shells,
    sparql,
    submodels,
    upload,
)
from aas_server.api.identifiables import CONCEPTS, SHELLS, SUBMODELS
from aas_server.api.keys import Singles
from aas_server.api.openapi.serving import get_openapi
from aas_server.api.reading import Call, require_reference, require_shell, require_submodel
from aas_server.model import Kind
from aas_server.model.modifiers import Content

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Guard = Callable[[Call], Awaitable[None]]

#: Part 4 rights by method; `invoke` needs EXECUTE.
RIGHTS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


@dataclass(frozen=True, slots=True)
class Mount:
    """A prefix under which the same rows are served; `guard` refuses what the prefix does not hold.

    `single` is the path parameter whose place a setting takes: there is one shell, or one submodel.
    """

    prefix: str = ""
    guard: Guard | None = None
    single: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path of the API, as the router gets it."""

    operation: "ApiOperation"
    mount: Mount
    method: str
    path: str
    content: Content

    def offered(self, singles: Singles) -> bool:
        """Whether the single shell or submodel that it speaks of is named, if it speaks of one."""
        return self.mount.single is None or singles.of(self.mount.single) is not None


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

#: The services for a single shell or submodel, offered when a setting names it.
SINGLE_SHELL = Mount("/aas", single="aasIdentifier")
SINGLE_SUBMODEL = Mount("/submodel", single="submodelIdentifier")
SHELL = (Mount("/shells/{aasIdentifier}"), SINGLE_SHELL)
SUBMODEL = (
    Mount("/submodels/{submodelIdentifier}"),
    Mount("/shells/{aasIdentifier}/submodels/{submodelIdentifier}", require_reference),
    Mount("/aas/submodels/{submodelIdentifier}", require_reference, "aasIdentifier"),
    SINGLE_SUBMODEL,
)
ELEMENT = "/submodel-elements/{idShortPath}"
ELEMENTS = "/submodel-elements"
ASYNC, MISPRINT = f"{ELEMENT}/invoke-async", f"{ELEMENT}/invoke-asnyc"
STATUS, RESULT = f"{ELEMENT}/operation-status", f"{ELEMENT}/operation-results"
DESCRIPTORS = (Mount("/submodel-descriptors"), Mount("/shell-descriptors/{aasIdentifier}/submodel-descriptors"))

#: What clients of a single shell or submodel ask for when their base path is one in a repository; in 3.0 only.
SERVICES = (
    Mount("/shells/{aasIdentifier}", require_shell),
    Mount("/submodels/{submodelIdentifier}", require_submodel),
)
SERVICES_OF_30 = (
    ApiOperation("GetAssetAdministrationShell", "GET", "/", SHELLS.get, SERVICES[:1]),
    ApiOperation("GetSubmodel", "GET", "/", SUBMODELS.get, SERVICES[1:]),
    ApiOperation("GetAllAssetAdministrationShells", "GET", "/shells", SHELLS.get_page, SERVICES),
    ApiOperation("GenerateSerializationByIds", "GET", "/serialization", serialization.get_serialization, SERVICES),
    ApiOperation("GetSelfDescription", "GET", "/description", description.get_description, SERVICES),
)

#: What this server offers besides the standard: at every mount, and once.
EXTENSIONS = (
    ApiOperation("Upload", "POST", "/upload", upload.post_upload),
    ApiOperation("GetOpenApi", "GET", "/openapi.json", get_openapi),
)
HEALTH = (
    ApiOperation("GetHealthLive", "GET", "/health/live", health.live),
    ApiOperation("GetHealthReady", "GET", "/health/ready", health.ready),
    ApiOperation("GetHealthMetrics", "GET", "/health/metrics", health.metrics),
    ApiOperation("GetEvents", "GET", "/events", events.get_events),
    ApiOperation("GetSparql", "GET", "/sparql", sparql.get_sparql),
    ApiOperation("PostSparql", "POST", "/sparql", sparql.post_sparql),
    ApiOperation("GetSparqlQueries", "GET", "/sparql/queries", library.get_queries),
    ApiOperation("GetSparqlQuery", "GET", "/sparql/queries/{queryName}", library.get_query),
    ApiOperation("GetRdfGraph", "GET", "/rdf-graphs", graphs.get_named_graph),
    ApiOperation("GetGraph", "GET", "/graph", graphs.get_graph),
    ApiOperation("GetGraphDifferences", "GET", "/graph/differences", graphs.get_differences),
    ApiOperation("GetGraphVocabulary", "GET", "/ns/graph", graphs.get_vocabulary),
    ApiOperation("GetContext", "GET", f"/{contexts.NAME}", contexts.get_context),
    ApiOperation("GetVoid", "GET", "/.well-known/void", graphs.get_void),
    ApiOperation("GetLive", "GET", "/live", live.get_live),
    ApiOperation("GetLiveMappings", "GET", "/live/mappings", live.get_mappings),
    ApiOperation("GetHealthRegistration", "GET", "/health/registration", health.registration),
)

BULK = {"POST": bulk.post_descriptors, "PUT": bulk.put_descriptors, "DELETE": bulk.delete_descriptors}
BULK_PATHS = {
    "/bulk/shell-descriptors": Kind.SHELL_DESCRIPTOR,
    "/bulk/submodel-descriptors": Kind.SUBMODEL_DESCRIPTOR,
}

API: tuple[ApiOperation, ...] = (
    # Submodel elements and submodels: the hot rows
    ApiOperation("GetSubmodel", "GET", "", SUBMODELS.get, SUBMODEL, READ),
    ApiOperation("GetSubmodelElementByPath", "GET", ELEMENT, elements.get_element, SUBMODEL, READ),
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
    ApiOperation("InvokeOperation", "POST", f"{ELEMENT}/invoke", operations.invoke, SUBMODEL, INVOKE, right="EXECUTE"),
    ApiOperation("InvokeOperationAsync", "POST", ASYNC, operations.invoke_async, SUBMODEL, INVOKE, right="EXECUTE"),
    # The official files of 3.1.2 misprint this one path.
    ApiOperation("InvokeOperationAsync", "POST", MISPRINT, operations.invoke_async, SUBMODEL[2:3], right="EXECUTE"),
    ApiOperation("GetOperationAsyncStatus", "GET", f"{STATUS}/{{handleId}}", operations.get_status, SUBMODEL),
    ApiOperation("GetOperationAsyncResult", "GET", f"{RESULT}/{{handleId}}", operations.get_result, SUBMODEL, INVOKE),
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
    *(
        ApiOperation("BulkDescriptors", method, path, partial(handler, kind=kind))
        for method, handler in BULK.items()
        for path, kind in BULK_PATHS.items()
    ),
    ApiOperation("GetBulkAsyncStatus", "GET", "/bulk/status/{handleId}", bulk.get_status),
    ApiOperation("GetBulkAsyncResult", "GET", "/bulk/result/{handleId}", bulk.get_result),
    ApiOperation("GetAllShellIdsByAssetLink", "GET", "/lookup/shells", discovery.get_shells),
    ApiOperation("SearchAllShellIdsByAssetLink", "POST", "/lookup/shellsByAssetLink", discovery.search_shells),
    ApiOperation("GetAllAssetLinksById", "GET", "/lookup/shells/{aasIdentifier}", discovery.get_links),
    ApiOperation("PostAllAssetLinksById", "POST", "/lookup/shells/{aasIdentifier}", discovery.post_links),
    ApiOperation("DeleteAllAssetLinksById", "DELETE", "/lookup/shells/{aasIdentifier}", discovery.delete_links),
    # Packages and queries
    ApiOperation("GetAllPackageIds", "GET", "/packages", packages.get_packages),
    ApiOperation("PostPackage", "POST", "/packages", packages.post_package),
    ApiOperation("GetPackage", "GET", "/packages/{packageId}", packages.get_package),
    ApiOperation("PutPackage", "PUT", "/packages/{packageId}", packages.put_package),
    ApiOperation("DeletePackage", "DELETE", "/packages/{packageId}", packages.delete_package),
    *(
        ApiOperation("Query", "POST", f"/query/{what}", query.post_query(kind), right="READ")
        for what, kind in query.QUERIED.items()
    ),
)
