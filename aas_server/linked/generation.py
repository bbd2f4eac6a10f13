"""One process and the view in it: filled once from the repository, then kept in step with the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from aas_server.linked.process import GraphProcess, Reached
from aas_server.model import Kind
from aas_server.model.changes import Logged
from aas_server.model.errors import NotFound
from aas_server.repository import Repository

#: What has a graph.
KINDS = (Kind.SHELL, Kind.SUBMODEL, Kind.CONCEPT)
#: Documents that are read and sent at a time.
PAGE = 500
#: Bytes of documents in one message.
PIECE = 4 << 20
#: Seconds between looks at how large the process is; how many times its first size, and how many bytes more, are much.
WATCH, GROWN, LEAST = 60.0, 1.5, 64 << 20


class Generation:
    """How far one process has come: `position` in the log, `built` as it was once it was filled."""

    def __init__(self, repository: Repository, process: GraphProcess) -> None:
        self._repository, self.process = repository, process
        self.position = 0
        self.built = Reached(0, 0)
        #: Set once it has grown so much that another should take its place.
        self.grown = asyncio.Event()
        self._caught = asyncio.Event()

    async def fill(self) -> None:
        """Send all documents as they are. Raises ConnectionError where the process ends before."""
        self.position = self._repository.documents.newest
        for kind in KINDS:
            await self._fill(kind)
        self.built = await self.process.reached()

    async def _fill(self, kind: Kind) -> None:
        cursor: str | None = None
        while True:
            listing = await self._repository.page(kind, limit=PAGE, cursor=cursor)
            for bodies in _pieces([entry.body for entry in listing.result]):
                await self.process.fill(kind, bodies)
            if (cursor := listing.cursor) is None:
                return

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[asyncio.Task[None]]:
        """The task that keeps it in step as long as the block lasts, which begins once it has caught up.

        Raises what the task raises where that ends before: ConnectionError, Gone.
        """
        self._caught.clear()
        newest = self._repository.documents.newest
        kept = asyncio.create_task(self._keep(newest), name="graph is kept")
        caught = asyncio.create_task(self._caught.wait())
        try:
            await asyncio.wait({kept, caught}, return_when=asyncio.FIRST_COMPLETED)
            if kept.done():
                kept.result()
            yield kept
        finally:
            for task in (kept, caught):
                task.cancel()
            await asyncio.gather(kept, caught, return_exceptions=True)

    async def _keep(self, newest: int) -> None:
        """Follow until the store closes; `newest` is where it has caught up."""
        following = asyncio.create_task(self._follow(newest), name="graph follows")
        watching = asyncio.create_task(self._watch(), name="graph is watched")
        lost = asyncio.create_task(self.process.lost.wait())
        try:
            await asyncio.wait({following, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                raise ConnectionError("its process has ended")
            following.result()
        finally:
            for task in (following, watching, lost):
                task.cancel()
            await asyncio.gather(following, watching, lost, return_exceptions=True)

    async def _follow(self, newest: int) -> None:
        if self.position >= newest:
            self._caught.set()
        async for batch in self._repository.changes(self.position):
            await self._take(batch)
            self.position = batch[-1].sequence
            if self.position >= newest:
                self._caught.set()

    async def _take(self, batch: Sequence[Logged]) -> None:
        for kind, identifier in _edited(batch):
            try:
                entry = await self._repository.get(kind, identifier)
            except NotFound:
                await self.process.delete(kind, identifier)
            else:
                await self.process.put(kind, entry.body)

    async def _watch(self) -> None:
        """The store in memory never frees what is removed from it."""
        while not self.grown.is_set():
            await asyncio.sleep(WATCH)
            now = await self.process.reached()
            if now.memory > max(self.built.memory * GROWN, self.built.memory + LEAST):
                self.grown.set()


def _pieces(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    """As many documents at a time as make a message of a bearable size, at least one."""
    piece: list[bytes] = []
    size = 0
    for body in bodies:
        if piece and size + len(body) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append(body)
        size += len(body)
    if piece:
        yield piece


def _edited(batch: Iterable[Logged]) -> Iterable[tuple[Kind, str]]:
    """What somebody has changed, each once. What the plant says is no statement: it changes too often."""
    return dict.fromkeys(
        (change.kind, change.identifier) for change in batch if change.kind in KINDS and not change.quality
    )
