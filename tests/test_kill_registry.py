"""The server is killed; descriptors and asset links that it acknowledged are there when it is back."""

import asyncio
import itertools
from pathlib import Path

import aiohttp
from aiohttp import ClientSession

from tests.api.test_descriptors import shell_descriptor, submodel_descriptor
from tests.examples import b64, shell
from tests.test_kill import done, serving

CLIENTS = 8
LINK = {"name": "serial", "value": "4711"}


async def register(session: ClientSession, client: int, acknowledged: list[str]) -> None:
    """Post one thing after the other until the server is gone."""
    try:
        for number in itertools.count():
            identifier = f"urn:k:{client}:{number}"
            below = f"/shell-descriptors/{b64(identifier)}/submodel-descriptors"
            await done(session.post("/shell-descriptors", json=shell_descriptor(identifier)))
            await done(session.post(below, json=submodel_descriptor("urn:n")))
            await done(session.post("/submodel-descriptors", json=submodel_descriptor(identifier)))
            await done(session.post(f"/lookup/shells/{b64(identifier)}", json=[LINK]))
            await done(session.post("/shells", json=shell(hosted := f"{identifier}:hosted")))
            beside = f"/shell-descriptors/{b64(hosted)}/submodel-descriptors"
            await done(session.post(beside, json=submodel_descriptor("urn:n")))
            acknowledged.append(identifier)
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
        return


async def test_what_was_registered_survives_the_kill(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    store = tmp_path / "aas.db"
    async with serving(store) as (process, base), ClientSession(base) as session, asyncio.TaskGroup() as group:
        for client in range(CLIENTS):
            group.create_task(register(session, client, acknowledged))
        while len(acknowledged) < 3 * CLIENTS:  # noqa: ASYNC110 - the writers set no event
            await asyncio.sleep(0.01)
        process.kill()
    async with serving(store) as (_, base), ClientSession(base) as session:
        for identifier in acknowledged:
            for path in (
                f"/shell-descriptors/{b64(identifier)}/submodel-descriptors/{b64('urn:n')}",
                f"/shell-descriptors/{b64(identifier + ':hosted')}/submodel-descriptors/{b64('urn:n')}",
                f"/submodel-descriptors/{b64(identifier)}",
                f"/lookup/shells/{b64(identifier)}",
            ):
                async with session.get(path) as answer:
                    assert (path, answer.status) == (path, 200)
        async with session.post("/lookup/shellsByAssetLink?limit=1000", json=[LINK]) as answer:
            assert set(acknowledged) <= set((await answer.json())["result"])
