"""What each operation of the API takes and answers, beside method and path: the table behind `/openapi.json`.

The answers are written as `status Schema`, separated by commas: `201 Submodel, 204` is a Submodel when something was
made, else no body. `[Key]` is an array, `Page[Key]` a page, `*` a file. Where a row has several contents, `$value` and
the others make another schema of the one named here. Refusals that follow from the rest (an id in the path may be
unknown, a body too large) are not written down: `refusals` derives them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Contract:
    """What one row takes and answers."""

    summary: str
    answers: str
    query: str = ""
    body: str = ""
    #: The answer carries an ETag, and `If-None-Match` may make it 304.
    tagged: bool = False
    #: The write heeds `If-Match`.
    conditional: bool = False
    #: The object is shown as XML, too, when asked for, and read as XML.
    xml: bool = False
    #: Statuses of refusals that do not follow from the rest.
    refusals: str = ""


def read(summary: str, answers: str, query: str = "", xml: bool = False) -> Contract:
    """One resource with an ETag."""
    return Contract(summary, answers, query, tagged=True, xml=xml)


def listed(summary: str, item: str, query: str = "", refusals: str = "") -> Contract:
    return Contract(summary, f"200 Page[{item}]", f"limit cursor {query}", refusals=refusals)


def write(
    summary: str, answers: str, body: str = "", query: str = "", xml: bool = False, refusals: str = ""
) -> Contract:
    """A change of a stored document."""
    return Contract(summary, answers, query, body, conditional=True, xml=xml, refusals=refusals)


def added(summary: str, name: str, xml: bool = False) -> Contract:
    return write(summary, f"201 {name}", name, xml=xml, refusals="409")


def put(summary: str, name: str, xml: bool = False) -> Contract:
    return write(summary, f"201 {name}, 204", name, xml=xml)


def deleted(summary: str, refusals: str = "") -> Contract:
    return write(summary, "204", refusals=refusals)


MODIFIERS: Final = "level extent"

CONTRACTS: Final = {
    # Submodels and their elements
    "GetSubmodel": read("A submodel", "200 Submodel", MODIFIERS, xml=True),
    "PutSubmodel": write("Replace a submodel, or create it", "201 SubmodelOrReference, 204", "Submodel", xml=True),
    "PatchSubmodel": write("Change what the body names of a submodel", "204", "PatchSubmodel", "level"),
    "DeleteSubmodel": deleted("Remove a submodel; below a shell, with the shell's reference to it"),
    "GetAllSubmodelElements": listed("The elements directly below a submodel", "SubmodelElement", MODIFIERS),
    "PostSubmodelElement": added("Add an element to a submodel", "SubmodelElement", xml=True),
    "GetSubmodelElementByPath": read("An element", "200 SubmodelElement", MODIFIERS, xml=True),
    "PostSubmodelElementByPath": added("Add an element inside another", "SubmodelElement", xml=True),
    "PutSubmodelElementByPath": put("Replace an element, or create it", "SubmodelElement", xml=True),
    "PatchSubmodelElementByPath": write(
        "Change what the body names of an element", "204", "PatchSubmodelElement", "level"
    ),
    "DeleteSubmodelElementByPath": deleted("Remove an element"),
    "GetFileByPath": Contract("The file attached to a File element", "200 *", tagged=True, refusals="405"),
    "PutFileByPath": write("Attach a file to a File element", "204", "FileForm", refusals="405"),
    "DeleteFileByPath": write("Remove the attached file", "200", refusals="405"),
    # Operations
    "InvokeOperation": Contract(
        "Call an operation and wait for its result", "200 OperationResult", body="OperationRequest", refusals="405"
    ),
    "InvokeOperationAsync": Contract("Start an operation", "202", body="OperationRequest", refusals="405"),
    "GetOperationAsyncStatus": Contract("How far a started operation is", "200 BaseOperationResult, 302"),
    "GetOperationAsyncResult": Contract("The result of a started operation", "200 OperationResult"),
    # Shells
    "GetAssetAdministrationShell": read("A shell", "200 AssetAdministrationShell", xml=True),
    "PutAssetAdministrationShell": put("Replace a shell, or create it", "AssetAdministrationShell", xml=True),
    "DeleteAssetAdministrationShell": deleted("Remove a shell; its submodels stay"),
    "GetAssetInformation": read("What a shell says of its asset", "200 AssetInformation"),
    "PutAssetInformation": write("Replace it", "204", "AssetInformation", xml=True),
    "GetThumbnail": Contract("The picture of the asset", "200 *", tagged=True),
    "PutThumbnail": write("Store the picture of the asset", "204", "FileForm"),
    "DeleteThumbnail": deleted("Remove the picture of the asset"),
    "GetAllSubmodelReferences": listed("A shell's references to submodels", "Reference"),
    "PostSubmodelReference": added("Let a shell refer to a submodel", "Reference", xml=True),
    "DeleteSubmodelReference": deleted("Remove a shell's reference; the submodel stays"),
    # Repositories
    "GetAllAssetAdministrationShells": listed("Shells", "AssetAdministrationShell", "assetIds idShort"),
    "PostAssetAdministrationShell": added("Create a shell", "AssetAdministrationShell", xml=True),
    "GetAllSubmodels": listed("Submodels", "Submodel", f"semanticId idShort {MODIFIERS}"),
    "PostSubmodel": added("Create a submodel", "Submodel", xml=True),
    "GetAllConceptDescriptions": listed(
        "Concept descriptions", "ConceptDescription", "idShort isCaseOf dataSpecificationRef"
    ),
    "PostConceptDescription": added("Create a concept description", "ConceptDescription", xml=True),
    "GetConceptDescription": read("A concept description", "200 ConceptDescription", xml=True),
    "PutConceptDescription": put("Replace a concept description, or create it", "ConceptDescription", xml=True),
    "DeleteConceptDescription": deleted("Remove a concept description"),
    # Serialization and self-description
    "GenerateSerializationByIds": Contract(
        "Shells and submodels as a package or an environment; without ids everything",
        "200 Serialization",
        "aasIds submodelIds includeConceptDescriptions json",
        refusals="404 406",
    ),
    "GetSelfDescription": Contract("The profiles of the standard that are offered whole", "200 ServiceDescription"),
    # Registries
    "GetAllShellDescriptors": listed(
        "Descriptors of shells", "AssetAdministrationShellDescriptor", "assetKind assetType"
    ),
    "PostShellDescriptor": added("Register a shell", "AssetAdministrationShellDescriptor"),
    "GetShellDescriptor": read("The descriptor of a shell", "200 AssetAdministrationShellDescriptor"),
    "PutShellDescriptor": put(
        "Replace the descriptor of a shell, or register it", "AssetAdministrationShellDescriptor"
    ),
    "DeleteShellDescriptor": deleted("Remove the posted descriptor of a shell", "403"),
    "GetAllSubmodelDescriptors": listed("Descriptors of submodels", "SubmodelDescriptor"),
    "PostSubmodelDescriptor": added("Register a submodel", "SubmodelDescriptor"),
    "GetSubmodelDescriptor": read("The descriptor of a submodel", "200 SubmodelDescriptor"),
    "PutSubmodelDescriptor": put("Replace the descriptor of a submodel, or register it", "SubmodelDescriptor"),
    "DeleteSubmodelDescriptor": deleted("Remove the posted descriptor of a submodel", "403"),
    "BulkDescriptors": Contract("Many descriptors in one step: all of them or none", "202", body="BulkDescriptors"),
    "GetBulkAsyncStatus": Contract("How far a bulk operation is", "200 BaseOperationResult, 302"),
    "GetBulkAsyncResult": Contract(
        "Whether a bulk operation did all; else what went wrong", "204", refusals="403 409 412"
    ),
    # Discovery
    "GetAllShellIdsByAssetLink": listed("Ids of the shells of an asset (deprecated)", "Identifier", "assetIds"),
    "SearchAllShellIdsByAssetLink": Contract(
        "Ids of the shells that have all these asset links", "200 Page[Identifier]", "limit cursor", "[AssetLink]"
    ),
    "GetAllAssetLinksById": read("The asset links of a shell", "200 [SpecificAssetId]"),
    "PostAllAssetLinksById": write("Set the asset links of a shell", "201 [SpecificAssetId]", "[SpecificAssetId]"),
    "DeleteAllAssetLinksById": deleted("Remove the posted asset links of a shell", "403"),
    # Packages
    "GetAllPackageIds": listed("Packages", "PackageDescription", "aasId"),
    "PostPackage": write("Store a package", "201 PackageDescription", "PackageForm"),
    "GetPackage": Contract(
        "A package as it was uploaded, or that of a hosted shell", "200 *", tagged=True, refusals="406"
    ),
    "PutPackage": write("Replace a package, or store it", "201 PackageDescription, 204", "PackageForm", refusals="403"),
    "DeletePackage": deleted("Remove a package", "403"),
    # Queries
    "Query": Contract(
        "What fits a condition of the AAS query language", "200 QueryAnswer", "limit cursor explain", "Query"
    ),
    # Beyond the standard
    "Upload": Contract(
        "Import a package or environment, all or nothing",
        "200 UploadReport, 201 UploadReport",
        "ignore-duplicates dry-run strict",
        "Upload",
    ),
    "GetOpenApi": Contract("This document", "200 OpenApi", refusals="400"),
    "GetIndex": Contract("What is here", "200 Index"),
    "GetDocs": Contract("A page to read and try the API", "200 Html"),
    "GetConsole": Contract("A page to ask the graph in SPARQL", "200 Html"),
    "GetDocsFile": Contract("A part of these pages", "200 *"),
    "GetHealthLive": Contract("Whether the process lives", "200 Health"),
    "GetHealthReady": Contract("Whether all that is to be loaded is loaded", "200 Health"),
    "GetHealthRegistration": Contract(
        "How the registration at another registry stands", "200 Registration", refusals="404"
    ),
    "GetEvents": Contract(
        "What happens, as it happens: CloudEvents as a stream",
        "200 EventStream",
        "after aasIds submodelIds semanticIds idShortPath types query interval",
        refusals="400 410 413",
    ),
    "GetSparql": Contract(
        "Ask the graph in SPARQL; without a query: what this service is",
        "200 Sparql",
        "sparql default-graph-uri named-graph-uri",
        refusals="400 403 406 413 501 503",
    ),
    "PostSparql": Contract(
        "Ask the graph in SPARQL",
        "200 Sparql",
        "default-graph-uri named-graph-uri",
        "SparqlQuery",
        refusals="400 403 406 413 415 501 503",
    ),
    "GetSparqlQueries": Contract("The library of named queries", "200 NamedQueries"),
    "GetSparqlQuery": Contract(
        "Ask a named query; its parameters stand in the address",
        "200 NamedSparql",
        "parameters",
        refusals="400 404 406 413 501 503",
    ),
    "GetRdfGraph": Contract(
        "One graph, or all together: SPARQL 1.1 Graph Store HTTP Protocol",
        "200 Rdf",
        "graph default",
        refusals="400 404 406 413 501 503",
    ),
    "GetGraph": Contract("How the graph stands", "200 Graph"),
    "GetGraphDifferences": Contract(
        "The graphs that are not as they would be if they were made anew", "200 GraphDifferences", refusals="501 503"
    ),
    "GetGraphVocabulary": Contract("What the terms of the graph mean", "200 Turtle", refusals="406"),
    "GetContext": Contract("The JSON-LD context of all that is JSON here", "200 Context", tagged=True),
    "GetVoid": Contract("What the graph holds, in VoID", "200 Turtle", refusals="406"),
    "GetLive": Contract("How the plant stands: connections, and what cannot be carried out", "200 Live"),
    "GetLiveMappings": listed("Mappings with their newest values", "LiveMapping", "troubled", refusals="400"),
    "GetHealthMetrics": Contract("Counters of this process", "200 Metrics"),
}
