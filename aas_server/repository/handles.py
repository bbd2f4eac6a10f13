"""Handles: what becomes of work that outlives its request. Kept in the store, so that a restart tells the truth."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aas_server.model import Document, Json, Kind
from aas_server.model.changes import Delete, Put
from aas_server.model.errors import NotFound, Problem
from aas_server.repository import Repository
from aas_server.repository.entries import Entry

log = logging.getLogger(__name__)

#: What is said of work that a server was at when it ended.
INTERRUPTED = "the server stopped while it ran"
#: How often, in seconds, finished handles are looked through for those that are kept no longer.
SWEPT = 60.0
#: Handles looked through at a time.
BATCH = 100


class State(StrEnum):
    """How far the work is (Part 2, ExecutionState)."""

    INITIATED = "Initiated"
    RUNNING = "Running"
    COMPLETED = "Completed"
    CANCELED = "Canceled"
    FAILED = "Failed"
    TIMEOUT = "Timeout"


UNFINISHED = (State.INITIATED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Finished:
    """How work ended, and what it leaves for whoever asks: JSON, its meaning up to who began it."""

    state: State
    result: Json = None


#: The work itself. What it raises makes it Failed, in the words of the domain.
Work = Callable[[], Awaitable[Finished]]


class Handles:
    """Begins work, remembers what became of it for `kept` seconds, and tells."""

    def __init__(self, repository: Repository, kept: float) -> None:
        self._repository = repository
        self._kept = timedelta(seconds=kept)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, about: str, work: Work) -> str:
        """Start the work; returns the id of its handle, which is stored before anything else happens.

        `about` says what the work belongs to: it is asked for by that and the id together.
        """
        identifier = secrets.token_urlsafe(18)
        handle = {"id": identifier, "about": about, "state": State.RUNNING, "created": _now()}
        await self._store(handle)
        task = asyncio.create_task(self._run(handle, work), name=f"handle {identifier}")
        self._tasks[identifier] = task
        task.add_done_callback(lambda _: self._tasks.pop(identifier, None))
        return identifier

    async def get(self, about: str, identifier: str) -> Document:
        """The handle: its `state`, and once it is finished its `result` or the `reason` why there is none.

        Raises NotFound where there is no such handle about this.
        """
        with contextlib.suppress(NotFound):
            handle = (await self._repository.get(Kind.HANDLE, identifier)).document
            if handle["about"] == about:
                return handle
        raise NotFound(f"no handle {identifier!r} here; finished ones are kept {self._kept.total_seconds():.0f} s")

    async def _run(self, handle: Document, work: Work) -> None:
        try:
            finished = await work()
        except asyncio.CancelledError:
            await asyncio.shield(self._finish(handle, State.FAILED, reason=INTERRUPTED))
            raise
        except Problem as problem:
            await self._finish(handle, State.FAILED, reason=str(problem))
        except Exception:
            log.exception("the work of handle %s failed", handle["id"])
            await self._finish(handle, State.FAILED, reason="internal error; the log has the details")
        else:
            await self._finish(handle, finished.state, finished.result)

    async def _finish(self, handle: Document, state: State, result: Json = None, reason: str = "") -> None:
        said = {"reason": reason} if reason else {"result": result}
        await self._store({**handle, "state": state, "finished": _now(), **said})

    async def _store(self, handle: Document) -> None:
        await self._repository.apply([Put(handle, stored_as=Kind.HANDLE)])

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While handles are served: what an earlier server left unfinished is Failed, old ones are removed.

        At the end, work that still runs is stopped and is Failed as well.
        """
        await self._recover()
        sweeping = asyncio.create_task(self._sweep(), name="handles sweeping")
        try:
            yield
        finally:
            tasks = [sweeping, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _recover(self) -> None:
        async for entry in self._all():
            if entry.document["state"] in UNFINISHED:
                await self._finish(entry.document, State.FAILED, reason=INTERRUPTED)

    async def _sweep(self) -> None:
        while True:
            await self.sweep(datetime.now(UTC))
            await asyncio.sleep(SWEPT)

    async def sweep(self, now: datetime) -> None:
        """Remove the handles of work that was finished too long ago."""
        async for entry in self._all():
            finished = entry.document.get("finished")
            if finished and datetime.fromisoformat(finished) + self._kept < now:
                await self._repository.apply([Delete(Kind.HANDLE, entry.identifier)])

    async def _all(self) -> AsyncIterator[Entry]:
        cursor: str | None = None
        while True:
            listing = await self._repository.page(Kind.HANDLE, limit=BATCH, cursor=cursor)
            for entry in listing.result:
                yield entry
            if (cursor := listing.cursor) is None:
                return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
