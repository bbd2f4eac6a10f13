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


def in_content(content: Any) -> Document:
    reference = {"type": "ExternalReference", "keys": [GLOBAL]}
    specification = {"dataSpecification": reference, "dataSpecificationContent": content}
    return in_submodel(embeddedDataSpecifications=[specification])


def in_element(class_name: str, element: Any) -> tuple[Document, str]:
    """Directly in a submodel, or in a list where the element has no idShort."""
    if "idShort" in element:
        return in_submodel(submodelElements=[element]), "submodelElements[0]"
    holder = {"modelType": "SubmodelElementList", "idShort": "Items", "typeValueListElement": class_name}
    holder |= {"value": [element]}
    if class_name in ("Property", "Range"):
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
            keys = [{"type": "Submodel", "value": "urn:x:other"}, instance]
            return in_submodel(semanticId={"type": "ModelReference", "keys": keys}), "semanticId.keys[1]"
        case "LangStringNameType":
            return in_submodel(displayName=[instance]), "displayName[0]"
        case "LangStringTextType":
            return in_submodel(description=[instance]), "description[0]"
        case "AssetInformation":
            return in_shell() | {"assetInformation": instance}, "assetInformation"
        case "Resource":
            return in_shell(defaultThumbnail=instance), "assetInformation.defaultThumbnail"
        case "SpecificAssetId":
            return in_shell(specificAssetIds=[instance]), "assetInformation.specificAssetIds[0]"
        case "OperationVariable":
            operation = {"modelType": "Operation", "idShort": "Start", "inputVariables": [instance]}
            return in_submodel(submodelElements=[operation]), "submodelElements[0].inputVariables[0]"
        case "EmbeddedDataSpecification":
            return in_submodel(embeddedDataSpecifications=[instance]), "embeddedDataSpecifications[0]"
        case name if name in SUBMODEL_ELEMENTS:
            return in_element(class_name, instance)
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


#: No document holds an EventPayload: it is what an event carries. An Environment is uploaded, not stored.
NO_DOCUMENT = {"EventPayload"}


async def upload(client: ClientSession, environment: Any) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    async with client.post("/upload?strict=true", data=orjson.dumps(environment), headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("chunk", range(4))
async def test_what_aas_core_accepts_comes_back_to_the_letter(client: ClientSession, chunk: int) -> None:
    sent = 0
    for name, instance, class_name in list(cases(True))[chunk::4]:
        if class_name == "Environment":
            assert (name, (await upload(client, instance))[0]) in [(name, 201), (name, 200)]
        elif found := wrapped(class_name, instance):
            assert (name, await refusal(client, found[0])) == (name, [])
        else:
            assert class_name in NO_DOCUMENT
        sent += 1
    assert sent > 250


async def refused(client: ClientSession, class_name: str, instance: Any) -> tuple[list[str], str]:
    """What the server says against creating the document that holds an instance, and the path to the instance."""
    if class_name == "Environment":
        status, answer = await upload(client, instance)
        return [] if status < 400 else [message["text"] for message in answer["messages"]], ""
    found = wrapped(class_name, instance)
    assert found is not None, class_name
    document, path = found
    kind = Kind(class_name) if class_name in set(Kind) else kind_of(document)
    headers = {"Content-Type": "application/json"}
    async with client.post(PATH[kind], data=orjson.dumps(document), headers=headers) as answer:
        assert answer.status in (201, 400, 409), await answer.text()
        return [message["text"] for message in (await answer.json())["messages"]] if answer.status == 400 else [], path


async def test_what_aas_core_refuses_is_refused(client: ClientSession) -> None:
    accepted, n = {}, 0
    for name, instance, class_name in cases(False):
        if class_name in NO_DOCUMENT: continue
        n += 1
        said, path = await refused(client, class_name, instance)
        if not said: accepted[name] = 1
        elif not any(t.startswith(path) for t in said): print("NOPATH", name, path, said)
        elif path == "": print("ROOT", name, said)
    print(n)
    for k, v in accepted.items(): print("ACC", k)
    assert 0
