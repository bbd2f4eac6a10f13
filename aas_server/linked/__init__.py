"""The stored world as a graph that can be asked: a process that follows the log, and takes queries."""

import asyncio
import contextlib
import importlib.util
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aas_server.linked.mirroring import Mirror
from aas_server.linked.process import Answer, GraphProcess, Question
from aas_server.model import Kind
from aas_server.model.changes import Logged
from aas_server.model.errors import Gone, NotFound, NotInstalled, Unavailable
from aas_server.repository import Repository

log = logging.getLogger(__name__)

#: What has a graph.
KINDS = (Kind.SHELL, Kind.SUBMODEL, Kind.CONCEPT)
#: Documents that are read and sent at a time.
PAGE = 500
#: Seconds that a query waits for the graph to be built, before it is told to come again; and before it is built anew.
BUILDING, AGAIN = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What queries may take: seconds, bytes of memory and of the answer, how many run and how many wait."""

    seconds: float = 10.0
    memory: int = 1 << 30
    answer: int = 64 << 20
    at_once: int = 2
    waiting: int = 20


class Graph:
    """The graph of one repository. It is built when it is first asked, or at once where that is wanted."""

    def __init__(self, repository: Repository, units: Path, bounds: Bounds, when: str = "demand") -> None:
        self.repository, self.bounds = repository, bounds
        self._units, self._when = units, when
        #: What the IRIs of elements begin with: the root of the API, once it is known.
        self.root = ""
        self._wanted, self._ready = asyncio.Event(), asyncio.Event()
        if when == "start":
            self._wanted.set()
        self._process: GraphProcess | None = None
        self._asked = 0
        #: How far the graph has come in the log.
        self.position = 0

    @property
    def waiting(self) -> int:
        """Queries under way."""
        return self._asked

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    async def ask(self, question: Question) -> Answer:
        """Raises what is wrong with the query, Unavailable where it is too early or too busy, NotInstalled."""
        process = await self._available()
        if self._asked >= self.bounds.at_once + self.bounds.waiting:
            raise Unavailable("too many queries are waiting; come again soon")
        self._asked += 1
        try:
            return await process.ask(question, self.bounds.seconds, self.bounds.answer)
        finally:
            self._asked -= 1

    async def lines(self) -> bytes:
        """The whole graph as sorted N-Quads."""
        return await (await self._available()).lines()

    async def _available(self) -> GraphProcess:
        if self._when == "off":
            raise NotInstalled("the graph is switched off: setting graph")
        if importlib.util.find_spec("pyoxigraph") is None:
            raise NotInstalled("the graph needs pyoxigraph: pip install 'aas-server[graph]'")
        self._wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BUILDING):
                await self._ready.wait()
        if self._process is None or not self.ready:
            raise Unavailable("the graph is being built; come again soon")
        return self._process

    # Following

    @contextlib.asynccontextmanager
    async def following(self, root: str) -> AsyncIterator[None]:
        """The graph is kept in step as long as the block lasts."""
        self.root = root
        task = asyncio.create_task(self._run(), name="graph")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        """Build it and follow until the store closes; build it anew whenever that ends before."""
        await self._wanted.wait()
        while True:
            try:
                await self._serve()
            except (Gone, OSError) as error:
                log.warning("the graph is built anew: %s", error)
            else:
                return
            finally:
                self._process = None
                self._ready.clear()
            await asyncio.sleep(AGAIN)

    async def _serve(self) -> None:
        """One process, as long as it lasts. Raises ConnectionError where that ends before the store closes."""
        with contextlib.closing(Mirror(self.repository.live, self.root)) as mirror:
            started = GraphProcess.started(
                mirror.descriptor, self.root, self._units, self.bounds.at_once, self.bounds.memory
            )
            async with started as process:
                mirror.open(process.places)
                await self._keep_in_step(process)

    async def _keep_in_step(self, process: GraphProcess) -> None:
        """Raises ConnectionError where the process ends before the store closes."""
        following = asyncio.create_task(self._follow(process), name="graph follows")
        lost = asyncio.create_task(process.lost.wait())
        try:
            await asyncio.wait({following, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                raise ConnectionError("its process has ended")
            following.result()
        finally:
            for task in (following, lost):
                task.cancel()
            await asyncio.gather(following, lost, return_exceptions=True)

    async def _follow(self, process: GraphProcess) -> None:
        self.position = self.repository.documents.newest
        for kind in KINDS:
            await self._fill(process, kind)
        size = await process.reached()
        log.info("the graph has %d statements", size)
        self._process = process
        self._ready.set()
        async for batch in self.repository.changes(self.position):
            await self._take(process, batch)
            self.position = batch[-1].sequence

    async def _fill(self, process: GraphProcess, kind: Kind) -> None:
        cursor: str | None = None
        while True:
            listing = await self.repository.page(kind, limit=PAGE, cursor=cursor)
            if listing.result:
                await process.fill(kind, [entry.body for entry in listing.result])
            if (cursor := listing.cursor) is None:
                return

    async def _take(self, process: GraphProcess, batch: Sequence[Logged]) -> None:
        for kind, identifier in _edited(batch):
            try:
                entry = await self.repository.get(kind, identifier)
            except NotFound:
                await process.delete(kind, identifier)
            else:
                await process.put(kind, entry.body)


def _edited(batch: Iterable[Logged]) -> Iterable[tuple[Kind, str]]:
    """What somebody has changed, each once. What the plant says is no statement: it changes too often."""
    return dict.fromkeys(
        (change.kind, change.identifier) for change in batch if change.kind in KINDS and not change.quality
    )
