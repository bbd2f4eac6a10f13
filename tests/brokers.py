"""A real MQTT broker for tests: mosquitto in a process of its own, that can be killed and started again."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aas_server.mqtt import Broker, Session, opened
from tests.live.plants import free_port

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Mosquitto:
    """A broker in a folder. `lines` are those of its configuration, beside the port."""

    def __init__(self, folder: Path, lines: list[str]) -> None:
        self.port, self._folder, self._lines = free_port(), folder, lines
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        written = self._folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", *self._lines, "log_type none"]
        await asyncio.to_thread(written.write_text, "\n".join(lines) + "\n")
        assert PROGRAM is not None
        self._process = await asyncio.create_subprocess_exec(PROGRAM, "-c", str(written), stderr=subprocess.DEVNULL)
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def mosquitto(folder: Path, *lines: str) -> AsyncIterator[Mosquitto]:
    """A broker that lets everybody in, where no lines say otherwise."""
    if PROGRAM is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    broker = Mosquitto(folder, [*lines] or ["allow_anonymous true"])
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()


@contextlib.asynccontextmanager
async def client(url: str, *topics: str) -> AsyncIterator[tuple[Session, "asyncio.Queue[tuple[str, bytes]]"]]:
    """A client of the broker, and what it hears of topics."""
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    session = await opened(Broker(url), lambda topic, payload, retained: heard.put_nowait((topic, payload)))
    session.subscribe([(topic, 1) for topic in topics], lambda refused: None)
    try:
        yield session, heard
    finally:
        await session.close()
