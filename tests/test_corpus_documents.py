"""Official documents through the running server: what is valid comes back as it was sent, what is not is refused."""

import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import ClientSession

from aas_server.aasx.package import LISTS
from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import IDENTIFIABLES, Document, Kind, kind_of
from aas_server.model.metamodel import SUBMODEL_ELEMENTS
from conformance import deviations
from tests.examples import b64
from tests.model.test_validation import IRIS, PATHS, cases
from tests.shared import shared

PATH = {Kind.SHELL: "/shells", Kind.SUBMODEL: "/submodels", Kind.CONCEPT: "/concept-descriptions"}
CHUNKS = 8
JSON = {"Content-Type": "application/json"}

#: What aas-core refuses and this server accepts, by the deviation that gives the reason.
TOLERATED = {"file-path": PATHS, "any-uri-is-an-iri": IRIS}


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    """A client of a server with an empty store in memory."""
    settings = Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        yield session


def compact(document: Document) -> bytes:
    return orjson.dumps(document)


async def refusal(client: ClientSession, document: Document) -> list[str]:
    """What the server says against storing the document; nothing where it gives back the very bytes it was sent."""
    where = f"{PATH[kind_of(document)]}/{b64(document['id'])}"
    async with client.put(where, data=compact(document), headers=JSON) as stored:
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
IEC61360 = {"modelType": "DataSpecificationIec61360", "preferredName": [ENGLISH]}
FIRST = {"type": "Submodel", "value": "urn:x:other"}
CONTENT = "embeddedDataSpecifications[0].dataSpecificationContent"


def in_submodel(**attributes: Any) -> Document:
    return {"modelType": "Submodel", "id": "urn:x:submodel", **attributes}


def kind_for(qualifier: Any) -> str:
    """A template qualifier stands in a template only (AASd-129)."""
    return "Template" if qualifier.get("kind") == "TemplateQualifier" else "Instance"


def in_operation(variable: Any) -> Document:
    operation = {"modelType": "Operation", "idShort": "Start", "inputVariables": [variable]}
    return in_submodel(submodelElements=[operation])


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
    holder: Document = {"modelType": "SubmodelElementList", "idShort": "Items", "typeValueListElement": class_name}
    holder |= {"value": [element]}
    if class_name in ("Property", "Range"):
        holder["valueTypeListElement"] = element.get("valueType", "xs:string")
    return in_submodel(submodelElements=[holder]), "submodelElements[0].value[0]"


#: How to hold an instance of a class, and the path that then leads to it.
HOLDERS: dict[str, tuple[Callable[[Any], Document], str]] = {
    "AdministrativeInformation": (lambda it: in_submodel(administration=it), "administration"),
    "Extension": (lambda it: in_submodel(extensions=[it]), "extensions[0]"),
    "Qualifier": (lambda it: in_submodel(kind=kind_for(it), qualifiers=[it]), "qualifiers[0]"),
    "Reference": (lambda it: in_submodel(semanticId=it), "semanticId"),
    "Key": (lambda it: in_submodel(semanticId={"type": "ModelReference", "keys": [FIRST, it]}), "semanticId.keys[1]"),
    "LangStringNameType": (lambda it: in_submodel(displayName=[it]), "displayName[0]"),
    "LangStringTextType": (lambda it: in_submodel(description=[it]), "description[0]"),
    "AssetInformation": (lambda it: in_shell() | {"assetInformation": it}, "assetInformation"),
    "Resource": (lambda it: in_shell(defaultThumbnail=it), "assetInformation.defaultThumbnail"),
    "SpecificAssetId": (lambda it: in_shell(specificAssetIds=[it]), "assetInformation.specificAssetIds[0]"),
    "OperationVariable": (lambda it: in_operation(it), "submodelElements[0].inputVariables[0]"),
    "EmbeddedDataSpecification": (
        lambda it: in_submodel(embeddedDataSpecifications=[it]),
        "embeddedDataSpecifications[0]",
    ),
    "DataSpecificationIec61360": (lambda it: in_content(it), CONTENT),
    "LangStringPreferredNameTypeIec61360": (
        lambda it: in_content(IEC61360 | {"preferredName": [ENGLISH, it]}),
        f"{CONTENT}.preferredName[1]",
    ),
    "LangStringShortNameTypeIec61360": (
        lambda it: in_content(IEC61360 | {"shortName": [it]}),
        f"{CONTENT}.shortName[0]",
    ),
    "LangStringDefinitionTypeIec61360": (
        lambda it: in_content(IEC61360 | {"definition": [it]}),
        f"{CONTENT}.definition[0]",
    ),
    "LevelType": (lambda it: in_content(IEC61360 | {"levelType": it}), f"{CONTENT}.levelType"),
    "ValueList": (lambda it: in_content(IEC61360 | {"valueList": it}), f"{CONTENT}.valueList"),
    "ValueReferencePair": (
        lambda it: in_content(IEC61360 | {"valueList": {"valueReferencePairs": [it]}}),
        f"{CONTENT}.valueList.valueReferencePairs[0]",
    ),
}


def wrapped(class_name: str, instance: Any) -> tuple[Document, str] | None:
    """The smallest document that holds an instance, and the path that leads to it; None where no document does."""
    if class_name in set(IDENTIFIABLES):
        return instance, ""
    if class_name in SUBMODEL_ELEMENTS:
        return in_element(class_name, instance)
    if class_name in HOLDERS:
        hold, path = HOLDERS[class_name]
        return hold(instance), path
    return None


#: No document holds an EventPayload: it is what an event carries. An Environment is uploaded, not stored.
NO_DOCUMENT = {"EventPayload"}


async def upload(client: ClientSession, environment: Any) -> tuple[int, Any]:
    async with client.post("/upload?strict=true", data=orjson.dumps(environment), headers=JSON) as answer:
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


async def created(client: ClientSession, class_name: str, document: Any) -> tuple[int, Any]:
    """The answer to creating a document of a kind, or to uploading an environment."""
    if class_name == "Environment":
        return await upload(client, document)
    path = PATH[Kind(class_name) if class_name in set(IDENTIFIABLES) else kind_of(document)]
    async with client.post(path, data=compact(document), headers=JSON) as answer:
        return answer.status, await answer.json()


async def test_what_aas_core_refuses_is_refused_with_the_path_to_it(client: ClientSession) -> None:
    accepted, judged = [], 0
    for name, instance, class_name in cases(False):
        if class_name in NO_DOCUMENT:
            continue
        document, path = wrapped(class_name, instance) or (instance, "")
        status, answer = await created(client, class_name, document)
        judged += 1
        if status == 201:
            accepted.append(name)
            assert (await client.delete(f"{PATH[kind_of(document)]}/{b64(document['id'])}")).status == 204
            continue
        said = [message["text"] for message in answer["messages"]]
        assert (name, status) == (name, 400)
        assert any(text.startswith(path) and text.removeprefix(path) for text in said), (name, said)
    assert judged > 900
    assert [name for name in accepted if not tolerated(name)] == []
    assert len(accepted) == 13


def tolerated(name: str) -> bool:
    """Whether a deviation says why this case is accepted."""
    return any(part in name for parts in TOLERATED.values() for part in parts)


def test_every_tolerance_has_a_reason() -> None:
    assert set(TOLERATED) <= {one.identifier for one in deviations.read()}


def test_what_no_document_holds_is_all_that_is_left_out() -> None:
    left = {class_name for _, instance, class_name in cases(True) if wrapped(class_name, instance) is None}
    assert left == NO_DOCUMENT | {"Environment"}
