"""The graph's own process, as seen from here: it is told what changes, and asked."""

import asyncio
import contextlib
import itertools
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aas_server.graph.frames import LENGTHS, framed, lengths
from aas_server.model import Kind, errors

#: Bytes that wait to be sent before whoever sends more has to wait.
BUFFERED = 1 << 20
#: Seconds that an answer may come after its time before the process counts as lost.
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the forms that are accepted, the base of its relative IRIs, and the graphs that it is about.

    `hidden` are the graphs that whoever asks may not see: they are not there for this query, nor in its counts.
    """

    query: str
    accept: str = ""
    base: str = ""
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """How many statements there are, and the bytes of memory that the process has in use."""

    statements: int
    memory: int


@dataclass(frozen=True, slots=True)
class Answer:
    media_type: str
    body: bytes


class GraphProcess:
    """One process and the socket to it. What it is told takes effect in the order in which it is told."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, process: asyncio.subprocess.Process
    ) -> None:
        self._reader, self._writer, self._process = reader, writer, process
        self._numbers = itertools.count(1)
        self._expected: dict[int, asyncio.Future[tuple[dict[str, Any], bytes]]] = {}
        self.lost = asyncio.Event()

    @classmethod
    @contextlib.asynccontextmanager
    async def started(
        cls, values: int, root: str, tables: Path, at_once: int, memory: int
    ) -> AsyncIterator["GraphProcess"]:
        """A process that ends with the block; `values` is a file of live values. Raises OSError where it cannot be."""
        ours, theirs = socket.socketpair()
        with theirs:
            told = (theirs.fileno(), values, root, tables, at_once, memory)
            command = [sys.executable, "-m", "aas_server.graph.serving", *map(str, told)]
            process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(), values), stdin=asyncio.subprocess.DEVNULL
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=BUFFERED)
        graph = cls(reader, writer, process)
        hearing = asyncio.create_task(graph._hear(), name="graph answers")
        try:
            yield graph
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            graph._end()
            await process.wait()

    def _end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._expected) and not self.lost.is_set()

    # Telling

    async def fill(self, kind: Kind, bodies: Sequence[bytes]) -> None:
        await self._tell({"do": "fill", "kind": kind.value}, b"[%b]" % b",".join(bodies))

    async def put(self, kind: Kind, body: bytes) -> None:
        await self._tell({"do": "put", "kind": kind.value}, body)

    async def delete(self, kind: Kind, identifier: str) -> None:
        await self._tell({"do": "delete", "kind": kind.value}, identifier.encode())

    def places(self, found: dict[str, int]) -> None:
        """Where the live values of elements are."""
        if not self.lost.is_set():
            self._writer.write(framed({"do": "places"}, json.dumps(found).encode()))

    async def _tell(self, header: dict[str, Any], body: bytes) -> None:
        """Raises ConnectionError where the process is gone."""
        if self.lost.is_set():
            raise ConnectionError("its process has ended")
        self._writer.write(framed(header, body))
        await self._writer.drain()

    # Asking

    async def ask(self, question: Question, seconds: float, size: int) -> Answer:
        """Raises what is wrong with the query, and Unavailable where the process is lost meanwhile."""
        asked = {
            "do": "ask", "accept": question.accept, "base": question.base, "default": question.default,
            "named": question.named, "hidden": question.hidden, "seconds": seconds, "size": size,
        }  # fmt: skip
        try:
            header, body = await self._answered(asked, question.query.encode(), seconds + GRACE)
        except ConnectionError as error:
            raise errors.Unavailable("the graph is lost, and built anew; come again soon") from error
        if "problem" in header:
            raise getattr(errors, header["problem"])(body.decode())
        return Answer(header["type"], body)

    async def reached(self) -> Reached:
        """How large it is, once all that was told before has taken effect. Raises ConnectionError."""
        told = (await self._answered({"do": "reached"}, b"", 3600.0))[0]
        return Reached(told["size"], told["memory"])

    async def digests(self) -> dict[str, str]:
        """A sum of each graph: the same where graphs are the same, whatever the plant says. Raises ConnectionError."""
        found: dict[str, str] = json.loads(
            (await self._answered({"do": "digests", "seconds": 600.0}, b"", 600.0 + GRACE))[1]
        )
        return found

    async def _answered(self, header: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Raises ConnectionError where the process is lost, or does not answer in time: then it is ended."""
        number = next(self._numbers)
        expected = self._expected[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._tell({**header, "number": number}, body)
                found: tuple[dict[str, Any], bytes] = await expected
                return found
        except asyncio.CancelledError:
            if not self.lost.is_set():
                self._writer.write(framed({"do": "forget", "number": number}))
            raise
        except TimeoutError:
            self._end()
            raise ConnectionError("its process does not answer") from None
        finally:
            del self._expected[number]
            if expected.done() and not expected.cancelled():
                expected.exception()  # whoever asked may be told something else

    async def _hear(self) -> None:
        """Hand answers to who waits for them, until the process ends."""
        try:
            while True:
                header, body = await self._message()
                if (expected := self._expected.get(header["number"])) is not None and not expected.done():
                    expected.set_result((header, body))
        except (asyncio.IncompleteReadError, OSError):
            self.lost.set()
            for expected in self._expected.values():
                if not expected.done():
                    expected.set_exception(ConnectionError("its process has ended"))

    async def _message(self) -> tuple[dict[str, Any], bytes]:
        header, body = lengths(await self._reader.readexactly(LENGTHS.size))
        told: dict[str, Any] = json.loads(await self._reader.readexactly(header))
        return told, await self._reader.readexactly(body)
