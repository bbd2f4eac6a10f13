"""The server is killed in the middle of everything; what it acknowledged is there when it is back."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

from conformance.server import free_port
from tests.examples import b64, prop, submodel

ROUNDS = int(os.environ.get("AAS_KILL_ROUNDS", "3"))
CLIENTS = 32
PATIENCE = 30.0


@asynccontextmanager
async def serving(store: Path, *more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The installed command over a file; whatever is left of it is killed at the end."""
    port = free_port()
    command = str(Path(sys.executable).with_name("aas-server"))
    options = ["--host", "127.0.0.1", "--port", str(port), "--store", f"sqlite:///{store}", *more]
    piped: dict[str, Any] = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(command, "serve", *options, "--log-level", "ERROR", **piped)
    try:
        await ready(process, base := f"http://127.0.0.1:{port}")
        yield process, base
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(process: asyncio.subprocess.Process, base: str) -> None:
    async with asyncio.timeout(PATIENCE), ClientSession(base) as session:
        while True:
            if process.returncode is not None and process.stderr is not None:
                pytest.fail(f"the server ended instead of starting: {(await process.stderr.read()).decode()}")
            try:
                async with session.get("/health/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


@dataclass
class Writer:
    """One client with a submodel of its own: what was acknowledged, and what it asked for last."""

    number: int
    #: The last acknowledged state of the submodel: its counter, and the elements added to it.
    counter: int = -1
    added: set[str] = field(default_factory=set)
    #: What the request under way may have done, acknowledged or not.
    asked_counter: int = -1
    asked: str | None = None
    #: Submodels created by POST, each acknowledged.
    created: list[str] = field(default_factory=list)
    acknowledged: int = 0

    @property
    def identifier(self) -> str:
        return f"urn:x:writer:{self.number}"

    @property
    def where(self) -> str:
        return f"/submodels/{b64(self.identifier)}"

    async def write(self, session: ClientSession, chance: random.Random) -> None:
        """Write until the server is gone."""
        try:
            while True:
                await self.step(session, chance.choice(("put", "patch", "element", "post")))
                self.acknowledged += 1
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            return

    async def step(self, session: ClientSession, what: str) -> None:
        following = self.asked_counter + 1
        match what:
            case _ if self.counter < 0:
                await self.put(session, following)
            case "put":
                await self.put(session, following)
            case "patch":
                self.asked_counter = following
                await done(session.patch(f"{self.where}/submodel-elements/Counter/$value", json=following))
                self.counter = following
            case "element":
                self.asked = f"Added{self.acknowledged}_{following}"
                await done(session.post(f"{self.where}/submodel-elements", json=prop(self.asked)))
                self.added.add(self.asked)
                self.asked = None
            case "post":
                identifier = f"{self.identifier}:{self.acknowledged}:{following}"
                await done(session.post("/submodels", json=submodel(identifier, prop("Only"))))
                self.created.append(identifier)

    async def put(self, session: ClientSession, counter: int) -> None:
        """Replace the submodel, keeping what was added."""
        self.asked_counter = counter
        await done(session.put(self.where, json=self.document(counter)))
        self.counter = counter

    def document(self, counter: int) -> dict[str, Any]:
        added = [prop(name) for name in sorted(self.added)]
        return submodel(self.identifier, prop("Counter", str(counter), "xs:int"), *added)

    async def check(self, session: ClientSession) -> None:
        """All that was acknowledged is there, and nothing that was never asked for."""
        for identifier in self.created:
            async with session.get(f"/submodels/{b64(identifier)}") as answer:
                assert (identifier, answer.status) == (identifier, 200)
        async with session.get(self.where) as answer:
            if self.counter < 0 and answer.status == 404:
                return
            assert (self.identifier, answer.status) == (self.identifier, 200)
            elements = {each["idShort"]: each for each in (await answer.json())["submodelElements"]}
        assert int(elements.pop("Counter")["value"]) in (self.counter, self.asked_counter)
        assert self.added <= set(elements) <= self.added | {self.asked}


async def done(request: Any) -> None:
    async with request as answer:
        assert answer.status in (200, 201, 204), await answer.text()
        await answer.read()


async def killed_while(writers: list[Writer], store: Path, chance: random.Random) -> None:
    """All write at once until the server is killed, up to a second after the first have been answered twice."""
    connections = aiohttp.TCPConnector(limit=CLIENTS)
    async with (
        serving(store) as (process, base),
        ClientSession(base, connector=connections) as session,
        asyncio.TaskGroup() as group,
    ):
        for writer in writers:
            group.create_task(writer.write(session, random.Random(chance.random())))
        while sum(writer.acknowledged for writer in writers) <= CLIENTS:  # noqa: ASYNC110 - a slow machine
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        process.kill()


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_every_acknowledged_write_survives_the_kill(tmp_path: Path, number: int) -> None:
    writers = [Writer(each) for each in range(CLIENTS)]
    await killed_while(writers, tmp_path / "aas.db", random.Random(number))
    assert sum(writer.acknowledged for writer in writers) > CLIENTS
    async with serving(tmp_path / "aas.db") as (_, base), ClientSession(base) as session:
        for writer in writers:
            await writer.check(session)


async def test_a_lost_write_is_noticed(tmp_path: Path) -> None:
    async with serving(tmp_path / "aas.db") as (_, base), ClientSession(base) as session:
        writer = Writer(0)
        for what in ("put", "element", "patch", "post"):
            await writer.step(session, what)
        await writer.check(session)
        for lost in (f"{writer.where}/submodel-elements/{min(writer.added)}", f"/submodels/{b64(writer.created[0])}"):
            await done(session.delete(lost))
            with pytest.raises(AssertionError):
                await writer.check(session)
