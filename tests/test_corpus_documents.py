"""Official documents through the running server: what is valid comes back as it was sent, what is not is refused."""

import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import ClientSession

from aas_server.aasx.package import LISTS
from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Document, Kind, kind_of
from aas_server.model.metamodel import SUBMODEL_ELEMENTS
from conformance import deviations
from tests.examples import b64
from tests.model.test_validation import IRIS, PATHS, cases
from tests.shared import shared

PATH = {Kind.SHELL: "/shells", Kind.SUBMODEL: "/submodels", Kind.CONCEPT: "/concept-descriptions"}
CHUNKS = 8

#: What aas-core refuses and this server accepts, by the deviation that gives the reason.
TOLERATED = {"file-path": PATHS, "any-uri-is-an-iri": IRIS}


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    """A client of a server with an empty store in memory."""
    settings = Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        async with aiohttp.ClientSession(server.url) as session:
            yield session


def compact(document: Document) -> bytes:
    return orjson.dumps(document)


async def refusal(client: ClientSession, document: Document) -> list[str]:
    """What the server says against storing the document; nothing where it gives back the very bytes it was sent."""
    where = f"{PATH[kind_of(document)]}/{b64(document['id'])}"
    async with client.put(where, data=compact(document), headers={"Content-Type": "application/json"}) as stored:
        if stored.status not in (201, 204):
            assert stored.status == 400, await stored.text()
            return [message["text"] for message in (await stored.json())["messages"]]
    async with client.get(where, params={"extent": "withBlobValue"}) as got:
        assert (got.status, await got.read()) == (200, compact(document))
    return []


# --- the examples of the standard


def examples(chunk: int) -> Iterator[tuple[str, Document]]:
    """Every eighth environment, by name, and its identifiables."""
    with zipfile.ZipFile(shared("corpus/metamodel-3.1.2-examples-json.zip")) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".json"))
        assert len(names) == 2588
        for name in names[chunk::CHUNKS]:
            yield name, orjson.loads(archive.read(name))


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_an_official_example_comes_back_to_the_letter(client: ClientSession, chunk: int) -> None:
    sent = 0
    for name, environment in examples(chunk):
        assert set(environment) <= set(LISTS.values())
        for document in [each for below in environment.values() for each in below]:
            assert (name, await refusal(client, document)) == (name, [])
            sent += 1
    assert sent >= 2588 // CHUNKS


# --- the cases of aas-core, one instance each, in the smallest document that holds it

GLOBAL = {"type": "GlobalReference", "value": "urn:x:meaning"}
ENGLISH = {"language": "en-GB", "text": "something"}
IEC61360 = {"modelType": "DataSpecificationIec61360", "preferredName": [ENGLISH], "definition": [ENGLISH]}


def in_submodel(**attributes: Any) -> Document:
    return {"modelType": "Submodel", "id": "urn:x:submodel", **attributes}


def in_shell(**information: Any) -> Document:
    asset = {"assetKind": "Instance", "globalAssetId": "urn:x:asset"} | information
    return {"modelType": "AssetAdministrationShell", "id": "urn:x:shell", "assetInformation": asset}


def in_concept(specification: Any) -> Document:
    return {"modelType": "ConceptDescription", "id": "urn:x:c", "embeddedDataSpecifications": [specification]}


def in_content(content: Any) -> Document:
    return in_concept({"dataSpecification": {"type": "ExternalReference", "keys": [GLOBAL]}, "dataSpecificationContent": content})


def in_element(element: Any) -> tuple[Document, str]:
    """Directly in a submodel, or in a list where the element has no idShort."""
    if "idShort" in element:
        return in_submodel(submodelElements=[element]), "submodelElements[0]"
    holder = {"modelType": "SubmodelElementList", "idShort": "Items", "typeValueListElement": element["modelType"], "value": [element]}
    if element["modelType"] in ("Property", "Range"):
        holder["valueTypeListElement"] = element.get("valueType", "xs:string")
    return in_submodel(submodelElements=[holder]), "submodelElements[0].value[0]"


def wrapped(class_name: str, instance: Any) -> tuple[Document, str] | None:
    """The smallest document that holds an instance, and the path that leads to it; None where no document does."""
    match class_name:
        case "AssetAdministrationShell" | "Submodel" | "ConceptDescription":
            return instance, ""
        case "AdministrativeInformation":
            return in_submodel(administration=instance), "administration"
        case "Extension":
            return in_submodel(extensions=[instance]), "extensions[0]"
        case "Qualifier":
            kind = {"kind": "Template"} if instance.get("kind") == "TemplateQualifier" else {}
            return in_submodel(**kind, qualifiers=[instance]), "qualifiers[0]"
        case "Reference":
            return in_submodel(semanticId=instance), "semanticId"
        case "Key":
            return in_submodel(semanticId={"type": "ExternalReference", "keys": [instance]}), "semanticId.keys[0]"
        case "LangStringNameType":
            return in_submodel(displayName=[instance]), "displayName[0]"
        case "LangStringTextType":
            return in_submodel(description=[instance]), "description[0]"
        case "AssetInformation":
            return {"modelType": "AssetAdministrationShell", "id": "urn:x:shell", "assetInformation": instance}, "assetInformation"
        case "Resource":
            return in_shell(defaultThumbnail=instance), "assetInformation.defaultThumbnail"
        case "SpecificAssetId":
            return in_shell(specificAssetIds=[instance]), "assetInformation.specificAssetIds[0]"
        case "OperationVariable":
            operation = {"modelType": "Operation", "idShort": "Start", "inputVariables": [instance]}
            return in_submodel(submodelElements=[operation]), "submodelElements[0].inputVariables[0]"
        case "EmbeddedDataSpecification":
            return in_concept(instance), "embeddedDataSpecifications[0]"
        case name if name in SUBMODEL_ELEMENTS:
            return in_element(instance)
        case _:
            return wrapped_content(class_name, instance)


def wrapped_content(class_name: str, instance: Any) -> tuple[Document, str] | None:
    """The same for what stands inside a data specification."""
    where = "embeddedDataSpecifications[0].dataSpecificationContent"
    match class_name:
        case "DataSpecificationIec61360":
            return in_content(instance), where
        case "LangStringPreferredNameTypeIec61360":
            return in_content(IEC61360 | {"preferredName": [ENGLISH, instance]}), f"{where}.preferredName[1]"
        case "LangStringShortNameTypeIec61360":
            return in_content(IEC61360 | {"shortName": [instance]}), f"{where}.shortName[0]"
        case "LangStringDefinitionTypeIec61360":
            return in_content(IEC61360 | {"definition": [ENGLISH, instance]}), f"{where}.definition[1]"
        case "LevelType":
            return in_content(IEC61360 | {"levelType": instance}), f"{where}.levelType"
        case "ValueList":
            return in_content(IEC61360 | {"valueList": instance}), f"{where}.valueList"
        case "ValueReferencePair":
            pairs = {"valueReferencePairs": [instance]}
            return in_content(IEC61360 | {"valueList": pairs}), f"{where}.valueList.valueReferencePairs[0]"
        case _:
            return None


async def test_what_aas_core_accepts_is_accepted(client: ClientSession) -> None:
    refused, left, n = {}, {}, 0
    for name, instance, class_name in cases(True):
        if (found := wrapped(class_name, instance)) is None:
            left[name] = class_name
            continue
        n += 1
        document, _ = found
        if said := await refusal(client, document):
            refused[name] = said
    import collections
    print(n, collections.Counter(left.values()), len(refused))
    for k, v in refused.items(): print(k, v)
    assert 0


async def test_what_aas_core_refuses_is_refused(client: ClientSession) -> None:
    accepted, left, n = {}, {}, 0
    for name, instance, class_name in cases(False):
        if (found := wrapped(class_name, instance)) is None:
            left[name] = class_name
            continue
        n += 1
        document, path = found
        try:
            said = await refusal(client, document)
        except Exception as e:
            print("EXC", name, repr(e)); continue
        if not said: accepted[name] = 1
        elif not any(t.startswith(path) for t in said): print("NOPATH", name, path, said)
        elif path == "": print("ROOT", name, said)
    import collections
    print(n, collections.Counter(left.values()))
    for k, v in accepted.items(): print("ACC", k)
    assert 0
