"""A thousand changing items through all that happens to a connection, while others ask for them all the time."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from aas_server.repository import Repository
from tests.events.streams import stream
from tests.examples import b64, prop, submodel
from tests.live.interfaces import DATA, configuration, interface, node, of
from tests.live.plants import URI, Plant, Way, plant, way
from tests.live.test_following import post

log = logging.getLogger(__name__)
pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = [f"V{number}" for number in range(1000)]
VALUE = f"/submodels/{b64(DATA)}/submodel-elements/V7/$value"
#: Seconds of a cut; the longest that an answer may take, and the way back to all values, on however busy a machine.
CUT, ANSWERED, BACK = 60.0, 8.0, 60.0


@dataclass
class Scene:
    """A plant, the way to it, the server between, and a client of it."""

    press: Plant
    between: Way
    client: aiohttp.ClientSession
    repository: Repository
    #: The value that all items have, growing with every change.
    value: int = 0
    longest: float = 0.0
    answers: int = 0
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def change(self) -> None:
        """Change all items of the plant."""
        async with self.changing:
            self.value += 1
            await self.press.set(all=self.value)

    async def shown(self) -> set[float]:
        return set((await self.get(f"/submodels/{b64(DATA)}/$value")).values())

    async def get(self, path: str) -> Any:
        begun = time.monotonic()
        async with self.client.get(path) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        self.longest, self.answers = max(self.longest, time.monotonic() - begun), self.answers + 1
        return found

    async def link(self) -> str:
        (connection,) = (await self.get("/live"))["connections"]
        return str(connection["state"])

    async def connects(self) -> int:
        (connection,) = (await self.get("/live"))["connections"]
        return int(connection["connects"])

    async def until_link(self, *states: str) -> None:
        async with asyncio.timeout(BACK):
            while await self.link() not in states:  # noqa: ASYNC110 - the server is asked as a user asks
                await asyncio.sleep(0.05)

    async def back(self) -> None:
        """Change all once more, and wait until all of it is shown."""
        await self.change()
        async with asyncio.timeout(BACK):
            while await self.shown() != {float(self.value)}:  # noqa: ASYNC110 - the server is asked as a user asks
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    settings = Settings(
        host="127.0.0.1", port=0, store="sqlite:///:memory:", live_allowed=("opc.tcp://127.0.0.1",),
        live_pki=str(tmp_path_factory.mktemp("pki")), live_interval=0.05,
    )  # fmt: skip
    async with (
        plant(len(NAMES)) as press,
        way(press.port) as between,
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(
            client,
            submodel(DATA, *(prop(name, "0.0") for name in NAMES)),
            interface(between.url, [node(name, f"/?id=nsu={URI};s={name}") for name in NAMES]),
            configuration(*map(of, NAMES)),
        )
        found = Scene(press, between, client, repository)
        await found.back()
        yield found


@contextlib.asynccontextmanager
async def running(*works: Any) -> AsyncIterator[None]:
    """These again and again, until the end; what goes wrong with one fails."""

    async def again(work: Any) -> None:
        while not over.is_set():
            await work()
            await asyncio.sleep(0.1)

    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(again(work))
        yield
        over.set()


# What happens


async def abort(scene: Scene) -> None:
    for _ in range(3):
        before = await scene.connects()
        scene.between.cut()
        async with asyncio.timeout(BACK):
            while await scene.connects() == before:  # noqa: ASYNC110 - the server is asked as a user asks
                await asyncio.sleep(0.05)


async def cut(scene: Scene) -> None:
    scene.between.refuse()
    await asyncio.sleep(CUT)
    async with scene.client.get(VALUE) as answer:
        assert answer.headers["X-Value-Quality"] == "BadNoCommunication"
    await scene.between.listen()


async def black_hole(scene: Scene) -> None:
    scene.between.swallows = True
    await scene.until_link("lost", "connecting")
    await asyncio.sleep(4)  # attempts to connect are swallowed, too
    scene.between.swallows = False


async def restart(scene: Scene) -> None:
    async with scene.changing:
        await scene.press.kill()
        await scene.until_link("lost", "connecting")
        await scene.press.start()


@pytest.mark.parametrize("fault", [abort, black_hole, restart, cut], ids=lambda fault: fault.__name__)
async def test_a_thousand_changing_items(scene: Scene, fault: Any) -> None:
    scene.longest, scene.answers = 0.0, 0
    async with stream(scene.client) as before:
        position = before.last

    async def ask() -> None:
        await scene.get(VALUE)
        await scene.link()

    async with running(ask):
        async with running(scene.change):
            await fault(scene)
            over = time.monotonic()
        await scene.back()
        took = time.monotonic() - over
    assert scene.longest < ANSWERED
    log.info("%s: all are back after %.2f s; %d answers, at most %.3f s", fault.__name__, took, scene.answers,
             scene.longest)  # fmt: skip
    assert await scene.link() == "connected"
    async with scene.client.get(VALUE) as answer:
        assert answer.headers["X-Value-Quality"] == "Good"
    await once_each(scene, position)


async def once_each(scene: Scene, position: str) -> None:
    """All that has happened since: no event twice, and none that tells what the one before has told."""
    await asyncio.sleep(0.5)  # what came last is stored
    await scene.repository.put({"id": f"end-{position}"}, kind=Kind.CONNECTION)
    ids: set[str] = set()
    told: dict[str, list[tuple[str, str]]] = {}
    async with asyncio.timeout(BACK), stream(scene.client, last=position) as reading:
        while (event := (await reading.events(1))[0]).get("subject") != f"end-{position}":
            assert event["id"] not in ids
            ids.add(event["id"])
            if event["source"].startswith(f"/submodels/{b64(DATA)}/"):
                told.setdefault(event["source"], []).append((event["data"]["value"], event["sourcetime"]))
    assert len(told) == len(NAMES)
    for several in told.values():
        assert float(several[-1][0]) == scene.value
        assert all(first != second for first, second in itertools.pairwise(several))
