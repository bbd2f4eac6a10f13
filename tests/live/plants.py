"""Plants for tests: an OPC UA server in a process of its own, and a way to it that can be cut."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("server.py")
URI = "urn:tests:plant"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Plant:
    """A server that does what it is told."""

    def __init__(self, port: int, variables: int, folder: str) -> None:
        self.port, self.variables, self.folder = port, variables, folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(SERVER), str(self.port), str(self.variables), self.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"

    async def set(self, **values: Any) -> None:
        """Change values of nodes; returns when they are changed."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(values).encode() + b"\n")
        assert await self._process.stdout.readline() == b"done\n"

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def plant(variables: int = 0, folder: str = "") -> AsyncIterator[Plant]:
    """A server; one that has a folder for its certificate is secured, and knows one user."""
    running = Plant(free_port(), variables, folder)
    await running.start()
    try:
        yield running
    finally:
        await running.kill()


class Way:
    """A TCP proxy: it lets through, cuts what there is, swallows what is sent, or refuses."""

    def __init__(self, to: int) -> None:
        self.port, self._to = 0, to
        self.open, self.swallows = True, False
        self._listening: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Take connections; after a refusal, at the same port."""
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Nobody listens any more, and what there is is cut."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Cut what there is, and leave nothing of it to the garbage collector of a later test."""
        self.open = False
        self.refuse()
        while self._serving:
            self.cut()
            await asyncio.wait(self._serving, timeout=0.1)
        await asyncio.sleep(0)

    def cut(self) -> None:
        for pair in list(self._pairs):
            for each in pair:
                each.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.open:
                raise ConnectionError
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, back)
        self._pairs.add(pair)
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        self._pairs.discard(pair)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def way(to: int) -> AsyncIterator[Way]:
    between = Way(to)
    await between.listen()
    try:
        yield between
    finally:
        await between.close()


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """The address of a server that takes what it is sent and never answers."""
    taking: set[asyncio.Task[None]] = set()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1000):
                pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taking.add(asyncio.ensure_future(swallow(reader, writer)))

    silent = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"opc.tcp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    finally:
        silent.close()
        for task in taking:
            task.cancel()
        await asyncio.gather(*taking, return_exceptions=True)
        await asyncio.sleep(0)
