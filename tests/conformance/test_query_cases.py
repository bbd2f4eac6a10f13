"""The query language by cases: conformance/cases/query.json, and the examples of the specification."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.shared import shared

CASES = json.loads((Path(__file__).parents[2] / "conformance" / "cases" / "query.json").read_bytes())


@pytest.fixture
async def holding(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A client of a server that holds the documents of the cases."""
    settings = Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        ClientSession(server.url) as session,
    ):
        await fill(session)
        yield session


async def fill(session: ClientSession) -> None:
    for collection, documents in CASES["documents"].items():
        for document in documents:
            answer = await session.post(f"/{collection}", json=document)
            assert answer.status == 201, await answer.text()


async def found(session: ClientSession, of: str, condition: Any) -> list[str]:
    answer = await session.post(f"/query/{of}", json={"$select": "id", "$condition": condition})
    body = await answer.json()
    assert answer.status == 200, body
    assert body["paging_metadata"] == {"resultType": "Identifier"}
    result: list[str] = body["result"]
    return result


async def test_every_case_finds_what_it_says(holding: ClientSession) -> None:
    """One server for all; what differs is told together."""
    wrong = {}
    for case in CASES["cases"]:
        ids = await found(holding, case["of"], case["condition"])
        if sorted(ids) != sorted(case["found"]):
            wrong[case["name"]] = (ids, case["found"])
    assert wrong == {}


async def test_what_is_no_query_is_refused_with_its_place(holding: ClientSession) -> None:
    for case in CASES["refused"]:
        answer = await holding.post("/query/submodels", json={"$condition": case["condition"]})
        (message,) = (await answer.json())["messages"]
        assert answer.status == 400, case["name"]
        assert "$condition" in message["text"] or "nothing leads there" in message["text"], case["name"]


async def test_the_example_of_technical_data(holding: ClientSession) -> None:
    """The motor starter of a width below 100; the notes beside the project hold the specification's query."""
    notes = shared("specs/NOTES.md").read_text(encoding="utf-8")
    start = notes.index('{"$condition":{"$and":[{"$match"')
    query, _ = json.JSONDecoder().raw_decode(notes[start:])
    assert await found(holding, "submodels", query["$condition"]) == ["urn:t:1"]
