"""A fleet as documents: production lines of motors, and depots with vans and spare parts.

Every figure is made from the numbers of line and unit, so that the same fleet always comes out, of any size. Concepts
of the nameplate, of documents, of the carbon footprint and of bills of material are those that the IDTA templates use;
the others live under https://example.com/fleet/concepts/. `python -m benchmarks.fleet FILE` writes the small one that
ships as an example.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from aas_server.model import Document, Kind
from benchmarks.documents import element, reference

BASE = "https://example.com/fleet/"
CONCEPTS = f"{BASE}concepts/"
MAKERS = (
    "Alpenmotor GmbH", "Baltic Drives AB", "Cordoba Motores SA", "Delta Antriebe GmbH", "Elbe Motoren AG",
    "Fjord Power AS", "Great Lakes Motors Inc", "Hokkaido Drives KK", "Isar Technik GmbH", "Northwind Drives Ltd",
    "Taiga Electric Oy", "Zephyr Machines BV",
)  # fmt: skip
COUNTRIES = ("DE", "FI", "CN", "US")
POWERS = (1.5, 2.2, 3.0, 4.0, 5.5)
#: Spare parts of vans, and what a van's brakes need of them.
PARTS = 5
#: Where concepts of our own have a unit: as IEC 61360 writes it.
UNITS = {"RatedPower": "kW", "Power": "kW", "Temperature": "Cel", "MaximalTemperature": "Cel"}
HIERARCHY = "https://admin-shell.io/idta/HierarchicalStructures/"
PCF = "0173-1#02-ABG855#003"


@dataclass(frozen=True, slots=True)
class Size:
    """How many lines, and for each its motors, its spare motors and the vans of its depot."""

    lines: int
    motors: int = 29
    spares: int = 9
    vans: int = 10
    #: Elements that fill each submodel of a motor up to so many.
    filled: int = 0

    @property
    def shells(self) -> int:
        """A line, its depot, and all that belongs to them."""
        return self.lines * (2 + self.motors + self.spares + self.vans)


SMALL = Size(1, motors=6, spares=2, vans=4)


def documents(size: Size, lines: Iterable[int] | None = None) -> Iterator[tuple[Kind, Document]]:
    """Concept descriptions, then shell by shell with its submodels before it; of some lines where they are named."""
    for name, unit in UNITS.items():
        yield Kind.CONCEPT, concept(name, unit)
    for line in lines or range(1, size.lines + 1):
        for shell, several in _of_line(line, size):
            for each in several:
                yield Kind.SUBMODEL, each
            yield Kind.SHELL, shell


def _of_line(line: int, size: Size) -> Iterator[tuple[Document, list[Document]]]:
    yield _whole(f"line-{line}", "line", [bill(line, size.motors)])
    yield _whole(f"depot-{line}", "depot", [stock(line)])
    for unit in range(1, size.motors + size.spares + 1):
        yield _whole(motor(line, unit), "motor", motor_data(line, unit, size.filled))
    for unit in range(1, size.vans + 1):
        yield _whole(f"van-{line}-{unit}", "van", van_data(line, unit))


def _whole(name: str, what: str, several: list[Document]) -> tuple[Document, list[Document]]:
    shell: Document = {
        "modelType": "AssetAdministrationShell",
        "id": f"{BASE}shells/{name}",
        "idShort": name.replace("-", "_"),
        "assetInformation": {
            "assetKind": "Instance",
            "globalAssetId": asset(name),
            "assetType": f"{BASE}classes/{what}",
        },
        "submodels": [
            {"type": "ModelReference", "keys": [{"type": "Submodel", "value": each["id"]}]} for each in several
        ],
    }
    return shell, several


def asset(name: str) -> str:
    return f"{BASE}assets/{name}"


def motor(line: int, unit: int) -> str:
    return f"motor-{line}-{unit:02}"


def mixed(line: int, unit: int) -> int:
    """A number that is different from neighbour to neighbour, and always the same for the same motor."""
    return line * 31 + unit


def power(number: int) -> float:
    """The rated power of a motor: one of a series, a little off."""
    return round(POWERS[number % 5] * (1 + number % 7 / 100), 3)


# Submodels


def submodel(name: str, what: str, meaning: str, *elements: Document) -> Document:
    return {
        "modelType": "Submodel",
        "id": f"{BASE}submodels/{name}/{what}",
        "idShort": what,
        "semanticId": reference(meaning),
        "submodelElements": list(elements),
    }


def prop(id_short: str, meaning: str, value: object, value_type: str = "xs:string", *more: str) -> Document:
    found = element(id_short, "Property", valueType=value_type, value=str(value), semanticId=reference(meaning))
    if more:
        found["supplementalSemanticIds"] = [reference(each) for each in more]
    return found


def own(id_short: str, value: object, value_type: str = "xs:double") -> Document:
    """A property of a concept of our own, which has its name."""
    return prop(id_short, CONCEPTS + id_short, value, value_type)


def nameplate(name: str, number: int) -> Document:
    """A nameplate as IDTA 02006-3-0 has it."""
    maker = MAKERS[number % len(MAKERS)]
    return submodel(
        name,
        "Nameplate",
        "https://admin-shell.io/idta/nameplate/3/0/Nameplate",
        prop("URIOfTheProduct", "0112/2///61987#ABN590#002", asset(name), "xs:anyURI", "0173-1#02-ABH173#003"),
        element(
            "ManufacturerName",
            "MultiLanguageProperty",
            value=[{"language": language, "text": maker} for language in ("en", "de")],
            semanticId=reference("0112/2///61987#ABA565#009"),
            supplementalSemanticIds=[reference("0173-1#02-AAO677#004")],
        ),
        prop(
            "ProductArticleNumberOfManufacturer", "0112/2///61987#ABA581#007", f"FD-{100 + number % 4}", "xs:string",
            "0173-1#02-AAO676#005",
        ),
        prop("SerialNumber", "0112/2///61987#ABA951#009", f"SN-{name}", "xs:string", "0173-1#02-AAM556#004"),
        prop("YearOfConstruction", "0112/2///61987#ABP000#002", 2000 + number % 24, "xs:gYear", "0173-1#02-AAP906#003"),
        prop("FirmwareVersion", "0112/2///61987#ABA302#006", f"{1 + number % 2}.{number % 5}.0", "xs:string",
             "0173-1#02-AAM985#004"),
        prop("CountryOfOrigin", "0112/2///61987#ABP462#001", COUNTRIES[number % 4], "xs:string",
             "0173-1#02-AAO259#007"),
    )  # fmt: skip


def motor_data(line: int, unit: int, filled: int) -> list[Document]:
    name, number = motor(line, unit), mixed(line, unit)
    several = [nameplate(name, number), technical(name, number), operational(name, number)]
    for each in several:
        there = each["submodelElements"]
        there += [own(f"Detail{at:02}", number + at, "xs:int") for at in range(len(there), filled)]
    return several


def technical(name: str, number: int) -> Document:
    """What a motor is made for, its carbon footprint, and its documents (classes of VDI 2770)."""
    serial = f"SN-{name}" if number % 11 else f"SN-{name}-B"
    return submodel(
        name,
        "TechnicalData",
        "0173-1#01-AHX837#002",
        own("RatedPower", power(number)),
        own("MaximalTemperature", 80),
        prop("SerialNumber", "0173-1#02-AAM556#004", serial),
        footprint(number),
        {
            "modelType": "SubmodelElementList",
            "idShort": "Documents",
            "typeValueListElement": "SubmodelElementCollection",
            "semanticId": reference("0173-1#02-ABI500#003"),
            "value": [_document(kind, language) for kind, language in manuals(number)],
        },
    )


def footprint(number: int) -> Document:
    """Kilograms of CO2; one maker in three counts grams, and says so."""
    kilograms = 20 + number % 10
    if number % 3 != 1:
        return prop("PcfCO2eq", PCF, kilograms, "xs:double")
    content = {"modelType": "DataSpecificationIec61360", "unit": "g"}
    content["preferredName"] = [{"language": "en", "text": "PCF in grams"}]  # type: ignore[assignment]
    specification = "https://admin-shell.io/DataSpecificationTemplates/DataSpecificationIec61360/3"
    return {
        **prop("PcfCO2eq", PCF, kilograms * 1000, "xs:double"),
        "embeddedDataSpecifications": [
            {"dataSpecification": reference(specification), "dataSpecificationContent": content}
        ],
    }


def manuals(number: int) -> list[tuple[str, str]]:
    """Class and language of each document: operation, and for most motors commissioning in Dutch."""
    return [("03-02", "en"), *([("03-01", "nl")] if number % 3 else [])]


def _document(kind: str, language: str) -> Document:
    return {
        "modelType": "SubmodelElementCollection",
        "value": [
            prop("ClassId", "0173-1#02-ABH996#003", kind),
            prop("Language", "0173-1#02-AAN468#008", language),
        ],
    }


def operational(name: str, number: int) -> Document:
    """How a motor does: the temperature is near or over the highest allowed for some."""
    inspected = [own("LastInspection", f"2026-0{1 + number % 9}-15", "xs:date")] if number % 4 else []
    return submodel(
        name,
        "OperationalData",
        f"{CONCEPTS}OperationalData",
        own("Temperature", 40 + number * 9 % 50),
        own("Power", round(power(number) * (0.3 + number % 7 / 10), 3)),
        *inspected,
    )


def van_data(line: int, unit: int) -> list[Document]:
    """What maintenance, and what logistics know of a van."""
    name, number = f"van-{line}-{unit}", mixed(line, unit)
    depot = {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": asset(f"depot-{line}")}]}
    home = element("HomeDepot", "ReferenceElement", value=depot, semanticId=reference(f"{CONCEPTS}HomeDepot"))
    return [
        submodel(
            name,
            "Maintenance",
            f"{CONCEPTS}Maintenance",
            own("FailureProbability", number % 10 / 20),
            own("SparePart", f"BP-{number % PARTS}", "xs:string"),
        ),
        submodel(
            name,
            "Logistics",
            f"{CONCEPTS}Logistics",
            own("CostOfDayOffRoad", 180 + number % 12 * 10, "xs:decimal"),
            home,
        ),
    ]


def stock(line: int) -> Document:
    """What a depot has of each spare part."""
    parts = [
        {
            "modelType": "SubmodelElementCollection",
            "idShort": f"Part{part}",
            "value": [own("SparePart", f"BP-{part}", "xs:string"), own("Quantity", (line * 2 + part) % 3, "xs:int")],
        }
        for part in range(PARTS)
    ]
    return submodel(f"depot-{line}", "Stock", f"{CONCEPTS}Stock", *parts)


def bill(line: int, motors: int) -> Document:
    """The bill of material of a line (IDTA 02011): every third motor is a part of the one before it."""
    nodes: list[Document] = []
    for unit in range(1, motors + 1):
        node = _entity(motor(line, unit), "Node/1/0")
        if unit % 3 == 0:
            nodes[-1]["statements"] = [node]
        else:
            nodes.append(node)
    entry = {**_entity(f"line-{line}", "EntryNode/1/0"), "idShort": "EntryNode", "statements": nodes}
    kind = prop("ArcheType", f"{HIERARCHY}ArcheType/1/0", "OneDown")
    return submodel(f"line-{line}", "BillOfMaterial", f"{HIERARCHY}1/1/Submodel", kind, entry)


def _entity(name: str, meaning: str) -> Document:
    return {
        "modelType": "Entity",
        "idShort": name.replace("-", "_"),
        "entityType": "SelfManagedEntity",
        "globalAssetId": asset(name),
        "semanticId": reference(HIERARCHY + meaning),
    }


def concept(name: str, unit: str) -> Document:
    specification = "https://admin-shell.io/DataSpecificationTemplates/DataSpecificationIec61360/3"
    return {
        "modelType": "ConceptDescription",
        "id": CONCEPTS + name,
        "idShort": name,
        "embeddedDataSpecifications": [
            {
                "dataSpecification": reference(specification),
                "dataSpecificationContent": {
                    "modelType": "DataSpecificationIec61360",
                    "preferredName": [{"language": "en", "text": name}],
                    "unit": unit,
                    "dataType": "REAL_MEASURE",
                    "definition": [{"language": "en", "text": f"{name} of a machine of the fleet"}],
                },
            }
        ],
    }


def environment(size: Size, several: Iterable[int] | None = None) -> Document:
    """All of them, or of some lines, as one environment."""
    lists: dict[Kind, list[Document]] = {Kind.SHELL: [], Kind.SUBMODEL: [], Kind.CONCEPT: []}
    for kind, document in documents(size, several):
        lists[kind].append(document)
    names = (
        (Kind.SHELL, "assetAdministrationShells"),
        (Kind.SUBMODEL, "submodels"),
        (Kind.CONCEPT, "conceptDescriptions"),
    )
    return {name: lists[kind] for kind, name in names}


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(orjson.dumps(environment(SMALL), option=orjson.OPT_INDENT_2) + b"\n")
