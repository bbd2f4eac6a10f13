"""The server is killed; packages it acknowledged come back to the byte, and an operation it was at has failed."""

import asyncio
from pathlib import Path

from aiohttp import ClientSession

from tests.api.test_packages import PACKAGE, form
from tests.examples import b64, submodel
from tests.operations.handlers import SUBMODEL
from tests.operations.test_delegation import PATH, VALUES, Target, delegated, target
from tests.test_kill import serving

__all__ = ["target"]  # a fixture


async def test_packages_and_handles_survive_the_kill(tmp_path: Path, target: Target) -> None:
    store, allowed = tmp_path / "aas.db", f"127.0.0.1:{target.port}"
    operation = submodel(SUBMODEL, delegated(f"http://{allowed}/never"))
    async with (
        serving(store, "--delegation-allowed", allowed) as (process, base),
        ClientSession(base) as client,
    ):
        stored = await client.put(f"/packages/{b64('mine')}", data=form())
        assert stored.status == 201
        assert (await client.put(f"/submodels/{b64(SUBMODEL)}", json=operation)).status == 201
        begun = await client.post(f"{PATH}/invoke-async/$value", json=VALUES)
        assert begun.status == 202
        async with asyncio.timeout(10):
            while not target.asked:  # noqa: ASYNC110 - the other server sets no event
                await asyncio.sleep(0.01)
        process.kill()
    async with serving(store) as (_, base), ClientSession(base) as client:
        assert await (await client.get(f"/packages/{b64('mine')}")).read() == PACKAGE
        result = await (await client.get(begun.headers["Location"])).json()
        assert (result["executionState"], result["messages"][0]["text"]) == (
            "Failed",
            "the server stopped while it ran",
        )
