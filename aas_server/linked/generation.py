"""One process and the view in it: filled once from the repository, then kept in step with the log."""

import asyncio
from collections.abc import Iterable, Sequence

from aas_server.linked.process import GraphProcess, Reached
from aas_server.model import Kind
from aas_server.model.changes import Logged
from aas_server.model.errors import NotFound
from aas_server.repository import Repository

#: What has a graph.
KINDS = (Kind.SHELL, Kind.SUBMODEL, Kind.CONCEPT)
#: Documents that are read and sent at a time.
PAGE = 500
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
            if listing.result:
                await self.process.fill(kind, [entry.body for entry in listing.result])
            if (cursor := listing.cursor) is None:
                return

    async def keep(self) -> None:
        """Follow until the store closes. Raises ConnectionError where the process ends before, Gone."""
        following = asyncio.create_task(self._follow(), name="graph follows")
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

    async def _follow(self) -> None:
        async for batch in self._repository.changes(self.position):
            await self._take(batch)
            self.position = batch[-1].sequence

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


def _edited(batch: Iterable[Logged]) -> Iterable[tuple[Kind, str]]:
    """What somebody has changed, each once. What the plant says is no statement: it changes too often."""
    return dict.fromkeys(
        (change.kind, change.identifier) for change in batch if change.kind in KINDS and not change.quality
    )
