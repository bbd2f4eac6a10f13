"""Bulk requests of the registries: all or nothing, told by a handle that survives the server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aas_server.api.bulk import ABOUT
from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from aas_server.model.changes import Put
from tests.api.test_descriptors import shell_descriptor, submodel_descriptor
from tests.api.test_errors import refused
from tests.examples import b64, shell
from tests.test_kill import serving

PATHS = ["shell-descriptors", "submodel-descriptors"]


def descriptors(path: str, *identifiers: str, **more: Any) -> list[dict[str, Any]]:
    make = {"shell-descriptors": shell_descriptor, "submodel-descriptors": submodel_descriptor}[path]
    return [{**make(identifier), **more} for identifier in identifiers]


async def bulk(client: ClientSession, method: str, path: str, items: Any) -> Any:
    """The answer to the result, found as a client finds it: by following Location and asking again."""
    begun = await client.request(method, f"/bulk/{path}", json=items)
    assert begun.status == 202, await begun.text()
    where = begun.headers["Location"]
    async with asyncio.timeout(10):
        while (status := await client.get(where, allow_redirects=False)).status == 200:
            assert (await status.json())["executionState"] in ("Initiated", "Running")
            await asyncio.sleep(float(status.headers["Retry-After"]) / 100)
    assert status.status == 302
    return await client.get(status.headers["Location"])


async def present(client: ClientSession, path: str, *identifiers: str) -> list[bool]:
    return [(await client.get(f"/{path}/{b64(each)}")).status == 200 for each in identifiers]


@pytest.mark.parametrize("path", PATHS)
async def test_many_are_created_replaced_and_removed(client: ClientSession, path: str) -> None:
    ids = [f"urn:x:{number}" for number in range(20)]
    assert (await bulk(client, "POST", path, descriptors(path, *ids))).status == 204
    assert all(await present(client, path, *ids))
    assert (await bulk(client, "PUT", path, descriptors(path, *ids, "urn:x:new", idShort="Other"))).status == 204
    assert (await (await client.get(f"/{path}/{b64('urn:x:new')}")).json())["idShort"] == "Other"
    assert (await bulk(client, "DELETE", path, ids)).status == 204
    assert await present(client, path, ids[0], ids[-1], "urn:x:new") == [False, False, True]


@pytest.mark.parametrize("path", PATHS)
async def test_one_that_exists_refuses_all(client: ClientSession, path: str) -> None:
    await client.post(f"/{path}", json=descriptors(path, "urn:there")[0])
    answer = await bulk(client, "POST", path, descriptors(path, "urn:a", "urn:there", "urn:b"))
    text = await refused(answer, 409)
    assert "[1]" in text
    assert "'urn:there'" in text
    assert await present(client, path, "urn:a", "urn:b") == [False, False]


@pytest.mark.parametrize("path", PATHS)
async def test_one_that_is_not_there_refuses_all(client: ClientSession, path: str) -> None:
    await client.post(f"/{path}", json=descriptors(path, "urn:there")[0])
    answer = await bulk(client, "DELETE", path, ["urn:there", "urn:missing"])
    assert "[1] 'urn:missing'" in await refused(answer, 404)
    assert await present(client, path, "urn:there") == [True]


async def test_what_is_hosted_is_neither_created_nor_removed(client: ClientSession) -> None:
    await client.post("/shells", json=shell("urn:hosted"))
    created = await bulk(client, "POST", "shell-descriptors", descriptors("shell-descriptors", "urn:hosted"))
    assert "hosted here" in await refused(created, 409)
    removed = await bulk(client, "DELETE", "shell-descriptors", ["urn:hosted"])
    assert "hosted here" in await refused(removed, 403)


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_wrong_is_told_at_once_and_where(client: ClientSession, path: str) -> None:
    wrong = {
        "at least one": [],
        "[1].id": [*descriptors(path, "urn:a"), {"idShort": "X", "endpoints": []}],
        "[1] and [0] have one id": descriptors(path, "urn:a", "urn:a"),
        "[0]": ["urn:a"],
        "array": {"id": "urn:a"},
    }
    for word, body in wrong.items():
        for method in ("POST", "PUT"):
            text = await refused(await client.request(method, f"/bulk/{path}", json=body), 400)
            assert word in text, text
    for unfit in (5, "", "\x0f", "x" * 2049):
        assert "[1]" in await refused(await client.delete(f"/bulk/{path}", json=["urn:a", unfit]), 400)
    assert await present(client, path, "urn:a") == [False]


async def test_an_unknown_handle(client: ClientSession) -> None:
    for what in ("status", "result"):
        await refused(await client.get(f"/bulk/{what}/{b64('nonsense')}"), 404)


async def test_the_outcome_survives_the_kill(tmp_path: Path) -> None:
    store, path = tmp_path / "aas.db", "submodel-descriptors"
    async with serving(store) as (process, base), ClientSession(base) as client:
        answer = await bulk(client, "POST", path, descriptors(path, "urn:a"))
        done = answer.url.path
        failed = (await bulk(client, "POST", path, descriptors(path, "urn:a"))).url.path
        process.kill()
    async with serving(store) as (_, base), ClientSession(base) as client:
        assert (await client.get(done)).status == 204
        assert "[0]: SubmodelDescriptor 'urn:a' exists" in await refused(await client.get(failed), 409)
        assert await present(client, path, "urn:a") == [True]


async def test_what_the_server_was_at_when_it_ended_is_told(tmp_path: Path) -> None:
    settings = Settings(port=0, store=f"sqlite:///{tmp_path / 'aas.db'}")
    left = {"id": "left", "about": ABOUT, "state": "Running", "created": "2026-01-01T00:00:00.000+00:00"}
    async with open_repository(settings) as repository:
        await repository.apply([Put(left, stored_as=Kind.HANDLE)])
        async with listening(repository, settings) as server, ClientSession(server.url) as client:
            status = await client.get(f"/bulk/status/{b64('left')}")
            assert "the server stopped while it ran" in await refused(status, 500)
