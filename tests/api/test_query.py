"""POST /query/…: pages, ids, limits, explain, and queries that mean harm."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from aas_server.model.changes import Delete, Put
from aas_server.repository import Repository
from tests.examples import prop, shell, submodel
from tests.queries import compare

SPEEDS = compare("$ge", "$sme.Speed#value", 0)


async def fill(repository: Repository, count: int) -> None:
    await repository.apply([Put(submodel(f"urn:x:{n:03}", prop("Speed", str(n)))) for n in range(count)])


async def ask(client: ClientSession, condition: Any, query: str = "", **more: Any) -> tuple[int, Any]:
    answer = await client.post(f"/query/submodels{query}", json={"$condition": condition, **more})
    return answer.status, await answer.json()


async def test_documents_as_they_are_stored(client: ClientSession, repository: Repository) -> None:
    document = submodel("urn:x:1", prop("Speed", "1.0E3"))
    await repository.apply([Put(document)])
    status, page = await ask(client, compare("$eq", "$sme.Speed#value", 1000))
    assert (status, page) == (200, {"paging_metadata": {"resultType": "Submodel"}, "result": [document]})


async def test_ids_in_pages(client: ClientSession, repository: Repository) -> None:
    await fill(repository, 5)
    found: list[str] = []
    query = "?limit=2"
    for count in (2, 2, 1):
        _, page = await ask(client, SPEEDS, query, **{"$select": "id"})
        assert len(page["result"]) == count
        found += page["result"]
        query = f"?limit=2&cursor={page['paging_metadata'].get('cursor')}"
    assert found == [f"urn:x:{n:03}" for n in range(5)]
    assert page["paging_metadata"] == {"resultType": "Identifier"}


async def test_pages_while_others_write(client: ClientSession, repository: Repository) -> None:
    """What stayed is found once; what was deleted or came meanwhile may be found, once at most."""
    await fill(repository, 40)
    found: list[str] = []
    query, step = "?limit=3", 0
    while query:
        _, page = await ask(client, SPEEDS, query, **{"$select": "id"})
        found += page["result"]
        if step < 10:  # one goes at each end, one comes
            gone = [Delete(Kind.SUBMODEL, f"urn:x:{number:03}") for number in (step, 39 - step)]
            await repository.apply([*gone, Put(submodel(f"urn:n:{step}", prop("Speed")))])
        step += 1
        cursor = page["paging_metadata"].get("cursor")
        query = f"?limit=3&cursor={cursor}" if cursor else ""
    assert len(found) == len(set(found))
    assert {f"urn:x:{number:03}" for number in range(10, 30)} <= set(found)


async def test_a_value_set_a_moment_ago_is_found(client: ClientSession, repository: Repository) -> None:
    await repository.apply([Put(submodel("urn:x:1", prop("Name", "press", "xs:string")))])
    answer = await client.patch("/submodels/dXJuOng6MQ/submodel-elements/Name/$value", json="spindle")
    assert answer.status == 204
    for text, ids in (("pindl", ["urn:x:1"]), ("press", [])):
        _, page = await ask(client, compare("$contains", "$sme#value", text), **{"$select": "id"})
        assert page["result"] == ids


async def test_explain_tells_sql_plan_and_what_is_not_in_the_index(
    client: ClientSession, repository: Repository
) -> None:
    await fill(repository, 1)
    condition = {"$and": [SPEEDS, compare("$ne", "$sm#idShort", "x")]}
    status, told = await ask(client, condition, "?explain=true")
    assert status == 200
    assert "element" in told["sql"]
    assert any("SEARCH" in step["detail"] for step in told["plan"])
    assert told["notInTheIndex"] == ["$sm#idShort"]


@pytest.mark.parametrize(
    ("of", "condition"),
    [
        ("submodels", compare("$eq", "$sm#idShort", "A")),
        ("submodels", compare("$eq", "$sm#semanticId", "A")),
        ("submodels", compare("$starts-with", "$sm#id", "A")),
        ("submodels", compare("$eq", "$sme.A[].B#value", "A")),
        ("submodels", compare("$lt", "$sme.B#value", 5)),
        ("submodels", compare("$contains", "$sme#value", "abc")),
        ("submodels", {"$match": [compare("$eq", "$sme#semanticId", "A"), compare("$gt", "$sme#value", 5)]}),
        ("shells", compare("$eq", "$aas#assetInformation.specificAssetIds[].name", "A")),
        ("shells", compare("$eq", "$sm#idShort", "A")),
    ],
)
async def test_no_document_and_no_row_is_scanned(client: ClientSession, of: str, condition: Any) -> None:
    """Slots, which are few, are walked where no path is named; documents, bodies, labels and elements never are."""
    answer = await client.post(f"/query/{of}?explain=true", json={"$condition": condition})
    steps = [step["detail"] for step in (await answer.json())["plan"]]
    walked = [step for step in steps if step.startswith("SCAN") and not step.startswith(ALLOWED)]
    assert walked == [], steps


#: Rows of sets found before, constants, the virtual table by its index, and the lists of what is still to be read.
ALLOWED = (
    *("SCAN c", "SCAN (", "SCAN CONSTANT", "SCAN texts VIRTUAL", "SCAN text_due", "SCAN text_wide"),
    "SCAN l USING",
)


def deep(levels: int) -> Any:
    condition: Any = {"$boolean": True}
    for _ in range(levels):
        condition = {"$not": condition}
    return condition


@pytest.mark.parametrize(
    "condition",
    [
        deep(100),
        {"$or": [{"$boolean": False}] * 1001},
        compare("$eq", "$sme." + ".".join(["A"] * 3000) + "#value", "x"),
        compare("$eq", "$sme.A[99999999999]#value", "x"),
        compare("$regex", "$sm#id", "(" * 600),
        compare("$regex", "$sm#id", "(((a{100}){100}){100})"),
        compare("$regex", "$sm#id", "a" * 2000),
        {"$eq": [{"$numVal": 1}, {"$hexVal": "16#" + "F" * 5000}]},
    ],
    ids=["deep", "many", "long", "index", "brackets", "repeats", "pattern", "hex"],
)
async def test_hostile_queries_are_refused(client: ClientSession, condition: Any) -> None:
    status, body = await ask(client, condition)
    assert (status, len(body["messages"])) == (400, 1)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("$sme.Speed", "it ends with an attribute, as $sme.Speed#value"),
        ("$sm", "it ends with an attribute, as $sm#id"),
        ("Speed#value", "it begins with one of $aas, $sm, $sme"),
        ("$sme.2nd#value", "$root, .idShortPath for $sme, #attribute"),
    ],
)
async def test_a_field_that_is_none_says_what_is_missing(client: ClientSession, field: str, words: str) -> None:
    status, body = await ask(client, compare("$eq", field, "x"))
    assert (status, words in body["messages"][0]["text"]) == (400, True), body


async def test_a_large_body_is_refused(client: ClientSession) -> None:
    status, _ = await ask(client, compare("$eq", "$sm#id", "x" * 300_000))
    assert status == 413


async def test_many_conditions_are_answered(client: ClientSession, repository: Repository) -> None:
    await fill(repository, 3)
    condition = {"$or": [compare("$eq", "$sme.Speed#value", number) for number in range(300)]}
    status, page = await ask(client, condition, **{"$select": "id"})
    assert (status, len(page["result"])) == (200, 3)


async def test_a_pattern_that_would_hang_others_is_answered(client: ClientSession, repository: Repository) -> None:
    await repository.apply([Put(submodel("urn:x:1", prop("Name", "a" * 5000 + "b", "xs:string")))])
    status, page = await ask(client, compare("$regex", "$sme.Name#value", "^(a+)+$"))
    assert (status, page["result"]) == (200, [])


async def test_a_query_whose_time_is_over_says_so_and_others_are_served(settings: Settings, altered: Any) -> None:
    hurried = altered(query_timeout=0.3)
    async with open_repository(hurried) as repository, listening(repository, hurried) as server:
        elements = [prop(f"P{n}", str(n), "xs:string") for n in range(3000)]
        await repository.apply([Put(submodel("urn:x:1", *elements)), Put(shell("urn:s:1"))])
        worst = {"$eq": [{"$strCast": {"$field": "$sme#value"}}, {"$field": "$sme#idShort"}]}  # 9 million pairs
        async with ClientSession(server.url) as client:
            slow = asyncio.create_task(ask(client, worst))
            answer = await client.get("/shells")
            assert answer.status == 200
            status, body = await slow
    assert status == 400
    assert "cancelled after 0.3 s" in body["messages"][0]["text"]


async def test_a_page_that_is_partly_filled_is_a_page(settings: Settings, altered: Any) -> None:
    hurried = altered(query_timeout=0.3)
    async with open_repository(hurried) as repository, listening(repository, hurried) as server:
        elements = [prop(f"P{n}", str(n), "xs:string") for n in range(3000)]
        await repository.apply(
            [Put(submodel("urn:x:1", prop("A", "A", "xs:string"))), Put(submodel("urn:x:2", *elements))]
        )
        worst = {"$eq": [{"$strCast": {"$field": "$sme#value"}}, {"$field": "$sme#idShort"}]}
        async with ClientSession(server.url) as client:
            status, page = await ask(client, worst, **{"$select": "id"})
            assert (status, page["result"]) == (200, ["urn:x:1"])
            status, body = await ask(client, worst, f"?cursor={page['paging_metadata']['cursor']}")
    assert status == 400
    assert "cancelled" in body["messages"][0]["text"]
