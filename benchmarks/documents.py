"""Submodels of a wanted size, the same for the same number: real structure, invented content."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from aas_server.model import Document

EXAMPLES = Path(__file__).resolve().parents[1] / "submodels" / "examples"
NOUNS = ("Belt", "Drive", "Gripper", "Heater", "Inverter", "Press", "Pump", "Roller", "Sensor", "Spindle", "Valve")
TRAITS = ("Current", "Duration", "Force", "Level", "Load", "Position", "Power", "Pressure", "Speed", "Temperature")
WORDS = ("axis", "bearing", "cell", "duty", "flow", "guide", "idle", "limit", "module", "nominal", "outer", "upper")
#: Ten digits that the load generator exchanges for a number that grows with every request.
COUNTER = "0123456789"


def identifier(number: int) -> str:
    return f"https://example.com/bench/submodels/{number:08d}"


def asset(number: int) -> str:
    return f"https://example.com/bench/assets/{number:08d}"


def semantic_id(number: int) -> str:
    """One of ten common ones, or, for one submodel in a thousand, a rare one."""
    return (
        f"https://example.com/bench/rare/{number}"
        if number % 1000 == 999
        else f"https://example.com/bench/kind/{number % 10}"
    )


def reference(value: str) -> Document:
    return {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": value}]}


def submodel(number: int, size: int) -> Document:
    """A submodel whose compact JSON is about `size` bytes: groups of eight elements until it is full."""
    chance = random.Random(number)
    document: Document = {
        "modelType": "Submodel",
        "id": identifier(number),
        "idShort": f"Module{number % 500}",
        "administration": {"version": "1", "revision": "0"},
        "kind": "Instance",
        "semanticId": reference(semantic_id(number)),
        "submodelElements": [
            element("Counter", "Property", valueType="xs:string", value=COUNTER),
            element("SerialNumber", "Property", valueType="xs:string", value=f"SN-{number:08d}"),
        ],
    }
    left = size - len(orjson.dumps(document))
    while left > 0:
        group = some_group(chance, len(document["submodelElements"]), left)
        left -= len(orjson.dumps(group)) + 1
        document["submodelElements"].append(group)
    return document


def some_group(chance: random.Random, position: int, left: int) -> Document:
    group = element(f"{NOUNS[position % len(NOUNS)]}{position}", "SubmodelElementCollection", value=[])
    group["semanticId"] = reference(f"0173-1#01-BEN{position % 1000:03d}#001")
    left -= len(orjson.dumps(group))
    while (left > 0 and len(group["value"]) < 8) or not group["value"]:
        group["value"].append(some_element(chance, len(group["value"])))
        left -= len(orjson.dumps(group["value"][-1])) + 1
    return group


def some_element(chance: random.Random, position: int) -> Document:
    """An element whose kind and semantic id follow from its name, as they do where submodels follow a template."""
    trait = chance.randrange(len(TRAITS))
    one = any_element(chance, f"{TRAITS[trait]}{position}", (trait + position) % 4)
    one["semanticId"] = reference(f"0173-1#02-BEN{10 * position + trait:03d}#001")
    return one


def any_element(chance: random.Random, name: str, kind: int) -> Document:
    match kind:
        case 0:
            return element(name, "Property", valueType="xs:double", value=f"{chance.uniform(0, 1000):.4f}")
        case 1:
            return element(name, "Property", valueType="xs:string", value=phrase(chance, 4))
        case 2:
            texts = [{"language": language, "text": phrase(chance, 3)} for language in ("en", "de")]
            return element(name, "MultiLanguageProperty", value=texts)
        case _:
            low = chance.randrange(50)
            return element(name, "Range", valueType="xs:int", min=str(low), max=str(low + chance.randrange(1, 50)))


def element(name: str, kind: str, **attributes: Any) -> Document:
    return {"modelType": kind, "idShort": name, **attributes}


def phrase(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words))


def shell(number: int) -> Document:
    return {
        "modelType": "AssetAdministrationShell",
        "id": f"https://example.com/bench/shells/{number:08d}",
        "idShort": f"Machine{number}",
        "assetInformation": {
            "assetKind": "Instance",
            "globalAssetId": asset(number),
            "specificAssetIds": [{"name": "serialNumber", "value": f"SN-{number:08d}"}],
        },
        "submodels": [{"type": "ModelReference", "keys": [{"type": "Submodel", "value": identifier(number)}]}],
    }


def nameplate(size: int) -> Document:
    """The nameplate of our example conveyor, with markings added until it is `size` bytes of compact JSON."""
    environment = json.loads((EXAMPLES / "conveyor.json").read_bytes())
    plate: Document = next(one for one in environment["submodels"] if one["id"].endswith("conveyor-belt-01/nameplate"))
    markings = next(one for one in plate["submodelElements"] if one["idShort"] == "Markings")["value"]
    missing = size - len(orjson.dumps(plate))
    markings += markings[:1] * max(0, round(missing / (len(orjson.dumps(markings[0])) + 1)))
    return plate


def write_environments(folder: Path, numbers: range, size: int, per_file: int = 1000) -> int:
    """Environments with `per_file` submodels each, a file after the other; the bytes of the submodels alone."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = 0
    for start in range(numbers.start, numbers.stop, per_file):
        bodies = list(compact(range(start, min(start + per_file, numbers.stop)), size))
        raw += sum(map(len, bodies))
        (folder / f"{start:08d}.json").write_bytes(b'{"submodels":[' + b",".join(bodies) + b"]}")
    return raw


def compact(numbers: range, size: int) -> Iterator[bytes]:
    return (orjson.dumps(submodel(number, size)) for number in numbers)
