"""The stored world as a graph that can be asked: a process that follows the log, and takes queries."""

import asyncio
import contextlib
import importlib.util
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from aas_server.graph.sharing import memory
from aas_server.linked.generation import Generation
from aas_server.linked.mirroring import Mirror
from aas_server.linked.process import Answer, GraphProcess, Question
from aas_server.model.errors import Gone, NotInstalled, Unavailable
from aas_server.repository import Repository

log = logging.getLogger(__name__)

#: Seconds that a query waits for the graph to be built, before it is told to come again; and before it is built anew.
BUILDING, AGAIN = 5.0, 2.0
#: Seconds that it has to last to be built anew at once; the longest pause.
LASTING = 60.0
#: How often view and repository are compared before they count as different: somebody may write meanwhile.
LOOKS = 5


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

    def __init__(self, repository: Repository, tables: Path, bounds: Bounds, when: str = "demand") -> None:
        self.repository, self.bounds = repository, bounds
        #: The folder with what is known of units and of other vocabularies.
        self.tables, self._when = tables, when
        #: What the IRIs of elements begin with: the root of the API, once it is known.
        self.root = ""
        self._wanted, self._ready = asyncio.Event(), asyncio.Event()
        if when == "start":
            self._wanted.set()
        self._current: Generation | None = None
        self._mirror: Mirror | None = None
        self._asked = 0
        self._checking = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Queries under way."""
        return self._asked

    @property
    def position(self) -> int:
        """How far it has come in the log; 0 where it is not built."""
        return self._current.position if self._current is not None else 0

    @property
    def state(self) -> str:
        """off, waiting (nobody has asked yet), building, ready."""
        if not self._wanted.is_set():
            return "off" if self._when == "off" else "waiting"
        return "ready" if self.ready else "building"

    def alignment(self) -> str:
        """How our terms stand to those of others, as Turtle."""
        return (self.tables / "alignment.ttl").read_text(encoding="utf-8")

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    async def ask(self, question: Question) -> Answer:
        """Raises what is wrong with the query, Unavailable where it is too early or too busy, NotInstalled."""
        process = (await self.available()).process
        if self._asked >= self.bounds.at_once + self.bounds.waiting:
            raise Unavailable("too many queries are waiting; come again soon")
        self._asked += 1
        try:
            return await process.ask(question, self.bounds.seconds, self.bounds.answer)
        finally:
            self._asked -= 1

    async def size(self) -> int:
        """How many statements there are. Raises NotInstalled, Unavailable."""
        process = (await self.available()).process
        with lost_is_unavailable():
            async with asyncio.timeout(BUILDING):
                return (await process.reached()).statements

    async def differences(self) -> list[str]:
        """The graphs that are not as they would be if all was built anew now; this takes as long as building it.

        Raises Unavailable where somebody else looks already.
        """
        current = await self.available()
        if self._checking.locked():
            raise Unavailable("view and repository are being compared already; come again later")
        descriptor = memory()
        try:
            async with self._checking, self._started(descriptor) as process:
                with lost_is_unavailable():
                    return await self._compared(current, Generation(self.repository, process))
        finally:
            os.close(descriptor)

    async def _compared(self, current: Generation, fresh: Generation) -> list[str]:
        if self._mirror is not None:
            fresh.process.places(self._mirror.known())
        await fresh.fill()
        async with fresh.keeping():
            found: set[str] = set()
            for look in range(LOOKS):
                ours, theirs = await current.process.digests(), await fresh.process.digests()
                found = {graph for graph in ours.keys() | theirs.keys() if ours.get(graph) != theirs.get(graph)}
                if not found or look == LOOKS - 1:
                    break
                await asyncio.sleep(look)
            return sorted(found)

    async def available(self) -> Generation:
        """The one that is asked now. Raises NotInstalled, Unavailable where it is too early."""
        if self._when == "off":
            raise NotInstalled("the graph is switched off: setting graph")
        if importlib.util.find_spec("pyoxigraph") is None:
            raise NotInstalled("the graph needs pyoxigraph: pip install 'aas-server[graph]'")
        if not hasattr(os, "fork"):
            raise NotInstalled("the graph needs a system whose processes fork, such as Linux or macOS")
        self._wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BUILDING):
                await self._ready.wait()
        if self._current is None or not self.ready:
            raise Unavailable("the graph is being built; come again soon")
        return self._current

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
        """Build it and follow until the store closes; build it anew whenever that ends before, whatever the reason."""
        await self._wanted.wait()
        pause = AGAIN
        while True:
            begun = time.monotonic()
            try:
                with contextlib.closing(Mirror(self.repository.live, self.root)) as self._mirror:
                    await self._serve(self._mirror)
            except (Gone, OSError) as error:
                log.warning("the graph is built anew: %s", error)
            except Exception:
                log.exception("the graph is built anew")
            else:
                return
            finally:
                self._current = self._mirror = None
                self._ready.clear()
            pause = AGAIN if time.monotonic() - begun > LASTING else min(2 * pause, LASTING)
            await asyncio.sleep(pause)

    async def _serve(self, mirror: Mirror) -> None:
        """One process after the other: another takes the place of one that has grown."""
        following = await self._next(mirror)
        try:
            while await self._lasts(following):
                log.info("the graph has grown; another takes its place")
                older, old = following, self._current
                following = await self._next(mirror)
                await _answered(old)
                await _ended(older)
        finally:
            await _ended(following)

    async def _next(self, mirror: Mirror) -> asyncio.Task[None]:
        """A process that is filled and follows, from now on the one that is asked. Raises ConnectionError."""
        filled = asyncio.Event()
        following = asyncio.create_task(self._live(mirror, filled), name="graph process")
        waiting = asyncio.create_task(filled.wait())
        try:
            await asyncio.wait({following, waiting}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _ended(following)
            raise
        finally:
            waiting.cancel()
        if not filled.is_set():
            following.result()
        return following

    async def _live(self, mirror: Mirror, filled: asyncio.Event) -> None:
        """One process, as long as it lasts. Raises ConnectionError where that ends before the store closes."""
        async with self._started(mirror.descriptor) as process, mirror.telling(process.places):
            generation = Generation(self.repository, process)
            await generation.fill()
            log.info("the graph has %d statements", generation.built.statements)
            async with generation.keeping() as kept:
                self._current = generation
                self._ready.set()
                filled.set()
                await kept

    def _started(self, values: int) -> contextlib.AbstractAsyncContextManager[GraphProcess]:
        bounds = self.bounds
        return GraphProcess.started(values, self.root, self.tables, bounds.at_once, bounds.memory)

    async def _lasts(self, following: asyncio.Task[None]) -> bool:
        """Wait until the process has grown; not where the store closes. Raises ConnectionError where it ends."""
        assert self._current is not None  # noqa: S101 - it was filled
        grown = asyncio.create_task(self._current.grown.wait())
        try:
            await asyncio.wait({following, grown}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            grown.cancel()
        if following.done():
            following.result()
            return False
        return True


@contextlib.contextmanager
def lost_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (ConnectionError, TimeoutError) as error:
        raise Unavailable(f"the graph does not answer now: {error or 'it is busy'}; come again soon") from error


async def _answered(generation: Generation | None) -> None:
    """Wait until nobody is asked any more."""
    while generation is not None and generation.process.busy:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.05)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
