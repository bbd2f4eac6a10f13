"""One writer, one queue: what arrives while a transaction is being committed goes into the next one together."""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aas_server.model.errors import Unavailable

log = logging.getLogger(__name__)

#: Jobs in one transaction.
MOST = 256
#: Size of the write-ahead log, in bytes, from which its pages are carried over into the database file.
CHECKPOINT = 64 << 20
#: How often the beginning of a transaction is tried, twenty times a second, while another program holds the file.
PATIENCE = 100

#: A job does its work in slices, between which the event loop has a turn; the last value it yields is its result.
Work = Callable[[], Iterator[Any]]


@dataclass(slots=True)
class Job:
    work: Work
    done: asyncio.Future[Any]


class Writer:
    """Executes jobs on the loop, where each statement takes microseconds, and commits in a thread, which takes a flush.

    `undone` is called after a job's statements were rolled back, `moved_on` whenever readers must not keep to what they
    see: after a commit, and before the log is cut. A job whose work raises fails alone.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        undone: Callable[[], None],
        moved_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection, self._path, self._undone, self._moved_on = connection, path, undone, moved_on
        self._log = path.with_name(path.name + "-wal")
        self._jobs: deque[Job] = deque()
        self._running: asyncio.Task[None] | None = None
        self._commits = ThreadPoolExecutor(1, "commit")
        self._checkpoints = ThreadPoolExecutor(1, "checkpoint")
        self._checkpoint: asyncio.Future[None] | None = None
        self._due = CHECKPOINT
        self._refused: list[tuple[Job, Exception]] = []
        self.closed = False
        #: Something is being committed or carried over: readers should not keep to what they see meanwhile.
        self.moving = False
        self.grown = asyncio.Event()
        self.committed = 0
        self.transactions = 0
        #: Transactions when the log was last looked at, and when it was last carried over at rest.
        self._seen = self._carried = 0

    async def submit(self, work: Work) -> Any:
        """The job's result, once it is on disk."""
        if self.closed:
            raise Unavailable("the store is closed")
        job = Job(work, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="store writer")
        return await job.done

    async def carry_over(self) -> None:
        """Carry the write-ahead log over into the file when nobody has written since this was asked the last time."""
        idle, self._seen = self.transactions == self._seen, self.transactions
        if idle and self._carried != self.transactions and (self._checkpoint is None or self._checkpoint.done()):
            self._carried = self.transactions
            self._checkpoint = asyncio.get_running_loop().run_in_executor(self._checkpoints, checkpoint, self._path)
            await self._checkpoint

    async def close(self) -> None:
        """Finish what was submitted, carry the log over into the file, let followers end."""
        self.closed = True
        if self._running is not None:
            await self._running
        if self._checkpoint is not None:
            await self._checkpoint
        await self._in_thread("PRAGMA wal_checkpoint(TRUNCATE)")
        for executor in (self._commits, self._checkpoints):
            executor.shutdown(wait=False)  # nothing runs there any more
        self._announce()

    async def _run(self) -> None:
        while self._jobs:
            batch: list[tuple[Job, Any]] = []
            self._refused = []
            try:
                await self._begin()
                while self._jobs and len(batch) < MOST:
                    await self._execute(self._jobs.popleft(), batch)
                grown = await self._in_thread("COMMIT")
            except sqlite3.Error as error:
                self._fail(batch, error)
                continue
            self.transactions += 1
            self.committed += len(batch)
            for job, result in batch:
                if not job.done.done():
                    job.done.set_result(result)
            for refused, reason in self._refused:
                _refuse(refused, reason)
            self._announce()
            try:
                await self._maintain(grown)
            except sqlite3.Error as error:  # a longer log is a nuisance, a writer that has ended a disaster
                log.warning("the write-ahead log could not be carried over: %s", error)

    async def _in_thread(self, statement: str) -> int:
        """Execute to the end; returns the size of the write-ahead log then."""
        self._moved_on()
        self.moving = True
        try:
            work = partial(_finish, self._connection, statement, self._log)
            return await asyncio.get_running_loop().run_in_executor(self._commits, work)
        finally:
            self.moving = False
            self._moved_on()

    async def _begin(self) -> None:
        """Begin a transaction; a tool that holds the file for a moment, as for a backup, is waited for."""
        for _ in range(PATIENCE):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                await asyncio.sleep(0.05)
            else:
                return
        raise sqlite3.OperationalError("another program holds the file")

    async def _execute(self, job: Job, batch: list[tuple[Job, Any]]) -> None:
        """One job; what it raises goes to who submitted it, and its statements are undone."""
        result = None
        try:
            self._connection.execute("SAVEPOINT job")
            for number, part in enumerate(job.work()):
                result = part
                if number:
                    await asyncio.sleep(0)
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) or not self._connection.in_transaction:
                # The disk is full or broken: SQLite may have ended the transaction by itself.
                _refuse(job, Unavailable(f"the store cannot write: {error}"))
                raise sqlite3.OperationalError(str(error)) from error
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            self._undone()
            # Told after the commit: the reason may be a job before it, which nobody can read until then.
            self._refused.append((job, error))
        else:
            self._connection.execute("RELEASE job")
            batch.append((job, result))

    def _fail(self, batch: list[tuple[Job, Any]], error: sqlite3.Error) -> None:
        """The transaction as a whole failed, as when the disk is full: nobody in it is told that it is stored."""
        log.error("the store cannot write: %s", error)
        begun = self._connection.in_transaction
        if begun:
            self._connection.execute("ROLLBACK")
        self._undone()
        failed = [job for job, _ in (*batch, *self._refused)]
        if not begun and not batch:
            failed = list(self._jobs)  # not even a transaction could be begun
            self._jobs.clear()
        for job in failed:
            _refuse(job, Unavailable(f"the store cannot write: {error}"))

    def _announce(self) -> None:
        """Wake everyone who follows the log."""
        self.grown.set()
        self.grown = asyncio.Event()

    async def _maintain(self, size: int) -> None:
        """Keep the write-ahead log short.

        Most pages are carried over beside the writing. That seldom gets all of them, so that SQLite does not begin the
        log anew; the rest, few by then, is carried over between two transactions, and the log is cut.
        """
        if size > 2 * CHECKPOINT:
            if self._checkpoint is not None:
                await self._checkpoint
            await self._in_thread("PRAGMA wal_checkpoint(TRUNCATE)")
            self._due = CHECKPOINT
        elif size > self._due and (self._checkpoint is None or self._checkpoint.done()):
            self._due = size + CHECKPOINT // 4
            loop = asyncio.get_running_loop()
            self._checkpoint = loop.run_in_executor(self._checkpoints, checkpoint, self._path)


def _finish(connection: sqlite3.Connection, statement: str, log: Path) -> int:
    """Execute to the end: a PRAGMA whose row nobody takes would stand in the way of the next savepoint."""
    connection.execute(statement).fetchall()
    return log.stat().st_size if log.exists() else 0


def _refuse(job: Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)


def checkpoint(path: Path) -> None:
    """Carry the write-ahead log over into the database file, as far as nobody is hindered by it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.close()
