"""One writer, one queue: what arrives while a transaction is being committed goes into the next one together."""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aas_server.model.errors import Unavailable

log = logging.getLogger(__name__)

#: Jobs in one transaction.
MOST = 256
#: Size of the write-ahead log, in bytes, from which its pages are carried over into the database file.
CHECKPOINT = 64 << 20

#: A job does its work in slices, between which the event loop has a turn; the last value it yields is its result.
Work = Callable[[], Iterator[Any]]


@dataclass(slots=True)
class Job:
    work: Work
    done: asyncio.Future[Any]


class Writer:
    """Executes jobs on the loop, where each statement takes microseconds, and commits in a thread, which takes a flush.

    `undone` is called after a job's statements were rolled back. A job whose work raises fails alone.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, undone: Callable[[], None]) -> None:
        self._connection, self._path, self._undone = connection, path, undone
        self._jobs: deque[Job] = deque()
        self._running: asyncio.Task[None] | None = None
        self._commits = ThreadPoolExecutor(1, "commit")
        self._checkpoints = ThreadPoolExecutor(1, "checkpoint")
        self._checkpoint: asyncio.Future[None] | None = None
        self._closed = False
        self.grown = asyncio.Event()
        self.committed = 0
        self.transactions = 0

    async def submit(self, work: Work) -> Any:
        """The job's result, once it is on disk."""
        if self._closed:
            raise Unavailable("the store is closed")
        job = Job(work, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="store writer")
        return await job.done

    async def close(self) -> None:
        """Finish what was submitted, carry the log over into the file."""
        self._closed = True
        if self._running is not None:
            await self._running
        if self._checkpoint is not None:
            await self._checkpoint
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._commits, self._connection.execute, "PRAGMA wal_checkpoint(TRUNCATE)")
        for executor in (self._commits, self._checkpoints):
            executor.shutdown(wait=False)  # nothing runs there any more

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._jobs:
            batch: list[tuple[Job, Any]] = []
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                while self._jobs and len(batch) < MOST:
                    await self._execute(self._jobs.popleft(), batch)
                await loop.run_in_executor(self._commits, self._connection.execute, "COMMIT")
            except sqlite3.Error as error:
                self._fail(batch, error)
                continue
            self.transactions += 1
            self.committed += len(batch)
            for job, result in batch:
                if not job.done.done():
                    job.done.set_result(result)
            self._announce()
            await self._maintain()

    async def _execute(self, job: Job, batch: list[tuple[Job, Any]]) -> None:
        """One job; what it raises goes to who submitted it, and its statements are undone."""
        self._connection.execute("SAVEPOINT job")
        result = None
        try:
            for number, part in enumerate(job.work()):
                result = part
                if number:
                    await asyncio.sleep(0)
        except sqlite3.OperationalError as error:
            _refuse(job, Unavailable(f"the store cannot write: {error}"))
            raise
        except Exception as error:
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            self._undone()
            _refuse(job, error)
        else:
            self._connection.execute("RELEASE job")
            batch.append((job, result))

    def _fail(self, batch: list[tuple[Job, Any]], error: sqlite3.Error) -> None:
        """The transaction as a whole failed, as when the disk is full: nobody in it is told that it is stored."""
        log.error("the store cannot write: %s", error)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._undone()
        failed = [job for job, _ in batch] or list(self._jobs)
        if not batch:
            self._jobs.clear()  # not even a transaction can be begun
        for job in failed:
            _refuse(job, Unavailable(f"the store cannot write: {error}"))

    def _announce(self) -> None:
        """Wake everyone who follows the log."""
        self.grown.set()
        self.grown = asyncio.Event()

    async def _maintain(self) -> None:
        """Start a checkpoint beside the writing when the write-ahead log has grown."""
        if self.transactions % 64 or (self._checkpoint is not None and not self._checkpoint.done()):
            return
        self._checkpoint = asyncio.get_running_loop().run_in_executor(self._checkpoints, checkpoint, self._path)


def _refuse(job: Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)


def checkpoint(path: Path) -> None:
    """Carry the write-ahead log over into the database file, as far as nobody is hindered by it."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size > CHECKPOINT:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()
