"""Writes are seen, each of them; and after the server was killed, view and repository agree."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
from aiohttp import ClientSession

from tests.examples import b64, prop, submodel
from tests.linked.test_following import client, rows, server
from tests.test_kill import serving

__all__ = ["client", "server"]
WRITES, AT_ONCE = 1000, 20


async def test_a_thousand_writes_are_seen_each_in_its_turn(client: ClientSession) -> None:
    where = f"/submodels/{b64('urn:x:1')}"
    await client.post("/submodels", json=submodel("urn:x:1", prop("A", "0", "xs:int")))
    seen: list[int] = []

    async def watch() -> None:
        while seen[-1:] != [WRITES]:
            found = await rows(client, "SELECT ?v { ?e g:path 'A' ; g:value ?v }")
            assert len(found) == 1, found  # never none, never the old one beside the new one
            seen.append(int(found[0][0]))

    watching = asyncio.create_task(watch())
    for number in range(1, WRITES + 1):
        assert (await client.patch(f"{where}/submodel-elements/A/$value", json=number)).status == 204
    async with asyncio.timeout(60):
        await watching
    assert seen == sorted(seen)


async def test_a_thousand_documents_are_all_there(client: ClientSession) -> None:
    async def write(first: int) -> None:
        for number in range(first, WRITES, AT_ONCE):
            document = submodel(f"urn:x:{number}", prop("A", str(number), "xs:int"))
            assert (await client.post("/submodels", json=document)).status == 201

    await asyncio.gather(*map(write, range(AT_ONCE)))
    async with asyncio.timeout(60):
        while True:
            found = await rows(client, "SELECT (COUNT(?e) AS ?n) (SUM(?v) AS ?s) { ?e g:path 'A' ; g:value ?v }")
            if found == [[str(WRITES), str(WRITES * (WRITES - 1) // 2)]]:
                break
    assert await (await client.get("/graph/differences")).json() == {"differences": []}


async def checked(base: str) -> tuple[int | None, str]:
    command = [sys.executable, "-m", "aas_server", "graph", "check", "--url", base]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def built(session: ClientSession) -> None:
    await rows(session, "SELECT ?s { ?s a g:Submodel } LIMIT 1")


async def test_after_a_kill_the_graph_is_what_the_documents_say(tmp_path: Path) -> None:
    store, written = tmp_path / "aas.db", 0
    async with serving(store) as (process, base), ClientSession(base) as session:
        await built(session)

        async def write(first: int) -> None:
            nonlocal written
            for number in range(first, 10_000, AT_ONCE):
                document = submodel(f"urn:x:{number % 300}", prop("A", str(number)), prop("B", str(number % 7)))
                try:
                    async with session.put(f"/submodels/{b64(document['id'])}", json=document):
                        written += 1
                except aiohttp.ClientError:
                    return

        writing = [asyncio.create_task(write(first)) for first in range(AT_ONCE)]
        async with asyncio.timeout(60):
            while written < 500:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.gather(*writing)
    async with serving(store) as (_, base), ClientSession(base) as session:
        await built(session)
        code, told = await checked(base)
        assert (code, "is as its documents say" in told) == (0, True), told
        count = (await rows(session, "SELECT (COUNT(?s) AS ?n) { ?s a g:Submodel }"))[0][0]
        listed = await (await session.get("/submodels?limit=1000")).json()
        assert int(count) == len(listed["result"]) > 100
