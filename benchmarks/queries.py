"""Queries over many documents: through the index, and beside it the evaluator looking at every document."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from aas_server.model import Document, Json, Kind
from aas_server.model.changes import Put
from aas_server.model.query import Condition, matches, parse_condition
from aas_server.model.references import to_submodel
from aas_server.storage import Matching
from aas_server.storage.sqlite import SqliteStorage
from benchmarks import documents
from benchmarks.report import Row, verdict

TIMES = 20
#: Documents the evaluator is timed on; the whole is in proportion.
SAMPLE = 500
#: Elements of one submodel.
ELEMENTS = 30

Comparison = tuple[str, str, Json]


def condition(*comparisons: Comparison) -> Json:
    written = [{sign: [{"$field": field}, constant]} for sign, field, constant in comparisons]
    return written[0] if len(written) == 1 else {"$match": written}


def text(value: str) -> Json:
    return {"$strVal": value}


WIDTH, MATERIAL = "urn:bench:width", "urn:bench:material"

#: What is asked, of which documents, and how many milliseconds a page of 100 may take.
CASES: tuple[tuple[str, Kind, Json, float], ...] = (
    ("idShort of a submodel, one hit", Kind.SUBMODEL, condition(("$eq", "$sm#idShort", text("Drive4711"))), 20),
    ("idShort of an element, a page", Kind.SUBMODEL, condition(("$eq", "$sme#idShort", text("Serial"))), 20),
    (
        "semanticId and value",
        Kind.SUBMODEL,
        condition(("$eq", "$sme#semanticId", text(MATERIAL)), ("$eq", "$sme#value", text("alloy-42"))),
        20,
    ),
    (
        "range of numbers, 1 in 100",
        Kind.SUBMODEL,
        condition(("$eq", "$sme#semanticId", text(WIDTH)), ("$lt", "$sme#value", {"$numVal": 10})),
        50,
    ),
    ("range of numbers, any element", Kind.SUBMODEL, condition(("$gt", "$sme#value", {"$numVal": 998.5})), 50),
    ("$contains, one hit", Kind.SUBMODEL, condition(("$contains", "$sme#value", text("N-00004711"))), 50),
    ("$contains, a page", Kind.SUBMODEL, condition(("$contains", "$sme#value", text("lloy-4"))), 50),
    ("$contains at a path", Kind.SUBMODEL, condition(("$contains", "$sme.Serial#value", text("00471"))), 50),
    ("$regex", Kind.SUBMODEL, condition(("$regex", "$sme#value", text("^SN-0000471[0-9]$"))), 50),
    (
        "shells by their submodels",
        Kind.SHELL,
        condition(("$eq", "$sm#idShort", text("Drive4711")), ("$lt", "$sme.Width#value", {"$numVal": 1000})),
        50,
    ),
)


def submodel(number: int) -> Document:
    """A submodel of 30 elements: some that say something of their own, the others measures."""
    known = [
        documents.element("Serial", "Property", valueType="xs:string", value=f"SN-{number:08d}"),
        documents.element(
            "Width", "Property", valueType="xs:double", value=str(number % 1000), semanticId=documents.reference(WIDTH)
        ),
        documents.element(
            "Material",
            "Property",
            valueType="xs:string",
            value=f"alloy-{number % 500}",
            semanticId=documents.reference(MATERIAL),
        ),
    ]
    measures = [
        documents.element(f"Measure{at}", "Property", valueType="xs:double", value=str(number * at % 9973 / 10))
        for at in range(ELEMENTS - len(known))
    ]
    return {
        "modelType": "Submodel",
        "id": documents.identifier(number),
        "idShort": f"Drive{number}",
        "submodelElements": known + measures,
    }


def shell(number: int) -> Document:
    return {**documents.shell(number), "submodels": [to_submodel(documents.identifier(number))]}


class World:
    """What is around the documents, in memory."""

    def __init__(self, submodels: dict[str, Document]) -> None:
        self._submodels = submodels

    def submodels(self, shell: Document) -> list[Document]:
        return [self._submodels[each["keys"][0]["value"]] for each in shell["submodels"]]

    def shells(self, submodel: Document) -> list[Document]:
        return []


def measured(folder: Path, many: int) -> Iterator[Row]:
    click.echo(f"queries over {many} shells and submodels ...", err=True)
    yield from asyncio.run(rows(folder, many))


async def rows(folder: Path, many: int) -> list[Row]:
    submodels = {documents.identifier(number): submodel(number) for number in range(many)}
    shells = [shell(number) for number in range(many)]
    storage = await SqliteStorage.open(f"sqlite:///{folder / 'queries.db'}", query_seconds=60)
    try:
        everything = [*submodels.values(), *shells]
        for start in range(0, len(everything), 1000):
            await storage.apply([Put(each) for each in everything[start : start + 1000]])
        begun = time.perf_counter()
        await storage.read_texts()
        found = [Row(f"queries: reading the texts of {many:,} submodels", f"{time.perf_counter() - begun:.1f} s")]
        bodies = {
            Kind.SUBMODEL: [orjson.dumps(each) for each in list(submodels.values())[:SAMPLE]],
            Kind.SHELL: [orjson.dumps(each) for each in shells[:SAMPLE]],
        }
        for what, kind, asked, most in CASES:
            wanted = parse_condition(asked, kind)
            naive = looked_at(wanted, kind, bodies[kind], World(submodels)) * many / SAMPLE
            found.append(await case(storage, what, kind, wanted, most, naive))
    finally:
        await storage.close()
    return found


async def case(storage: SqliteStorage, what: str, kind: Kind, wanted: Condition, most: float, naive: float) -> Row:
    taken: list[float] = []
    page: Any = None
    for _ in range(TIMES):
        begun = time.perf_counter()
        page = await storage.page(kind, [Matching(wanted)], 100)
        taken.append((time.perf_counter() - begun) * 1000)
    assert page.result, f"nothing was found: {what}"
    middle = statistics.median(taken)
    shown = f"{middle:.1f} ms for {len(page.result)}"
    ratio = f"1/{naive / middle:.0f} of looking at all ({naive:,.0f} ms)"
    return Row(f"query: {what}", shown, ratio, f"<= {most:g} ms", verdict(middle, most))


def looked_at(wanted: Condition, kind: Kind, bodies: list[bytes], world: World) -> float:
    """Milliseconds for the evaluator to look at these documents, parsing included."""
    begun = time.perf_counter()
    for body in bodies:
        matches(wanted, orjson.loads(body), kind, world)
    return (time.perf_counter() - begun) * 1000
