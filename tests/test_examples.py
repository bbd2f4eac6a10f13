"""The example shells that `make run` loads: valid, complete, and without a reference that leads nowhere."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aas_core3_1 import jsonization, verification

from aas_server.model import Document
from aas_server.model.errors import NotFound
from aas_server.model.paths import resolve, walk
from aas_server.model.validation import verify

EXAMPLES = Path(__file__).resolve().parents[1] / "submodels" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))
LISTS = ("assetAdministrationShells", "submodels", "conceptDescriptions")


def environment(name: str) -> dict[str, list[Document]]:
    read: dict[str, list[Document]] = orjson.loads((EXAMPLES / f"{name}.json").read_bytes())
    return read


def identifiables(name: str) -> dict[str, Document]:
    return {document["id"]: document for part in LISTS for document in environment(name)[part]}


def objects(json: Any) -> Iterator[dict[str, Any]]:
    if isinstance(json, dict):
        yield json
        json = list(json.values())
    if isinstance(json, list):
        for item in json:
            yield from objects(item)


def file_paths(name: str) -> set[str]:
    found = {o["value"] for o in objects(environment(name)) if o.get("modelType") == "File" and "value" in o}
    found |= {o["defaultThumbnail"]["path"] for o in objects(environment(name)) if "defaultThumbnail" in o}
    return {path for path in found if path.startswith("/")}


def test_there_are_examples() -> None:
    assert {"conveyor", "elements"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_aas_core_finds_nothing_wrong(name: str) -> None:
    read = jsonization.environment_from_jsonable(environment(name))
    assert [f"{error.path}: {error.cause}" for error in verification.verify(read)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_server_finds_nothing_wrong(name: str) -> None:
    assert [str(finding) for document in identifiables(name).values() for finding in verify(document)] == []


@pytest.mark.parametrize("name", NAMES)
def test_files_and_environment_belong_to_each_other(name: str) -> None:
    folder = EXAMPLES / name
    there = {f"/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}
    assert there == file_paths(name)


@pytest.mark.parametrize("name", NAMES)
def test_model_references_lead_to_something(name: str) -> None:
    known = identifiables(name)
    for reference in objects(environment(name)):
        if reference.get("type") == "ModelReference":
            assert leads_somewhere(known, reference["keys"]), reference


def leads_somewhere(known: dict[str, Document], keys: list[dict[str, str]]) -> bool:
    root = known.get(keys[0]["value"])
    if root is None or root["modelType"] != keys[0]["type"]:
        return False
    try:
        return bool(resolve(root, tuple(key["value"] for key in keys[1:]))["modelType"] == keys[-1]["type"])
    except NotFound:
        return False


def test_the_plant_has_a_type_and_two_instances_of_it() -> None:
    shells = {shell["idShort"]: shell for shell in environment("conveyor")["assetAdministrationShells"]}
    derived = [name for name, shell in shells.items() if derived_from(shell) == shells["ConveyorBelt"]["id"]]
    assert shells["ConveyorBelt"]["assetInformation"]["assetKind"] == "Type"
    assert derived == ["ConveyorBelt01", "ConveyorBelt02"]


def derived_from(shell: Document) -> str | None:
    return shell["derivedFrom"]["keys"][0]["value"] if "derivedFrom" in shell else None


def test_every_number_of_the_plant_has_a_unit() -> None:
    known = identifiables("conveyor")
    data = [submodel for submodel in known.values() if submodel.get("idShort") == "OperationalData"]
    numbers = [e for submodel in data for _, e in walk(submodel) if e.get("valueType") == "xs:double"]
    assert len(data) == 3
    assert {len(unit(known, number)) > 0 for number in numbers} == {True}


def unit(known: dict[str, Document], element: Document) -> str:
    concept = known[element["semanticId"]["keys"][0]["value"]]
    content: dict[str, str] = concept["embeddedDataSpecifications"][0]["dataSpecificationContent"]
    return content.get("unit", "")


def test_one_submodel_shows_every_kind_of_element() -> None:
    submodel, _ = environment("elements")["submodels"]
    kinds = {element["modelType"] for element in submodel["submodelElements"]}
    assert len(kinds) == 14
    assert kinds >= {"Property", "Blob", "Capability", "Operation", "BasicEventElement", "SubmodelElementList"}


def test_the_blob_is_binary() -> None:
    submodel, _ = environment("elements")["submodels"]
    blob = resolve(submodel, ("Blob",))
    with pytest.raises(UnicodeDecodeError):
        base64.b64decode(blob["value"], validate=True).decode()
