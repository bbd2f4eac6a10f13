"""Scripts run, all those whose sources have changed at once; one that takes too long is stopped, alone."""

import asyncio
import base64
import contextlib
import hashlib
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from aas_server.live import FileTime, LocalText, Value
from aas_server.live.lua import LARGEST
from aas_server.model import Json
from aas_server.model.moments import moment

log = logging.getLogger(__name__)

#: Scripts that the process keeps, and seconds in which it must have started.
KEPT, START = 1000, 20.0
#: Seconds after which a stopped script is tried again, at first and at most.
FIRST, LONGEST = 5.0, 600.0


@dataclass(frozen=True, slots=True)
class Order:
    """One script and what it is given; `origin` is where it is written, for people."""

    script: str
    sources: Mapping[str, Value]
    origin: str = ""


#: What a script makes of its sources, by SinkId; or what is wrong, in words.
Made = Mapping[str, Value] | str


class Transforming:
    """One process for all scripts, started when there is something to do. `seconds` is what one run may take."""

    def __init__(self, seconds: float = 1.0, memory: int = 64 << 20) -> None:
        self._seconds, self._memory = seconds, memory
        self._process: asyncio.subprocess.Process | None = None
        #: The scripts that the process has.
        self._known: set[str] = set()
        #: Scripts that were stopped: until when they rest, and how long they rest the next time.
        self._resting: dict[str, tuple[float, float]] = {}
        self._turn = asyncio.Lock()

    async def run(self, orders: Sequence[Order]) -> list[Made]:
        """What each makes, in their order."""
        made: list[Made] = []
        async with self._turn:
            if len(self._known) > KEPT:
                await self._kill()
            while len(made) < len(orders):
                made += await self._several(orders[len(made) :])
        return made

    def rests(self, script: str) -> bool:
        """Whether a script was stopped, and is to be tried again later."""
        return _key(script) in self._resting

    async def _several(self, orders: Sequence[Order]) -> list[Made]:
        """What the first of these make: all of them, or up to one that had to be stopped."""
        made: list[Made] = []
        keys = [_key(order.script) for order in orders]
        try:
            process = await self._started()
            sent = self._send(process, orders, keys)
            for key, wrong in zip(keys, sent, strict=True):
                made.append(wrong or await self._heard(process, key))
        except TimeoutError:
            log.warning("%s: %s", orders[len(made)].origin, self._stopped)
            await self._stop(keys[len(made)])
            made.append(self._stopped)
        except (OSError, EOFError, ValueError) as error:
            await self._stop(keys[len(made)])
            made.append(f"the process of the Transformation ended: {error or type(error).__name__}")
        return made

    def _send(self, process: asyncio.subprocess.Process, orders: Sequence[Order], keys: Sequence[str]) -> list[str]:
        """Ask for all of it at once; a script is sent once. Returns what is wrong with those that are not asked for."""
        assert process.stdin is not None  # noqa: S101 - piped
        return [self._ask(process.stdin, order, key) for order, key in zip(orders, keys, strict=True)]

    def _ask(self, stream: asyncio.StreamWriter, order: Order, key: str) -> str:
        """Ask for one; returns why it is not asked for."""
        if self._rested(key):
            return self._stopped
        script = {} if key in self._known else {"script": order.script}
        try:
            sources = {name: _given(value) for name, value in order.sources.items()}
            line = orjson.dumps({"key": key, "sources": sources, **script})
        except (TypeError, ValueError, RecursionError) as error:
            return f"the sources cannot be given to a script: {error}"
        stream.write(line + b"\n")
        self._known.add(key)
        return ""

    async def _heard(self, process: asyncio.subprocess.Process, key: str) -> Made:
        """The next answer. Raises TimeoutError, EOFError."""
        assert process.stdout is not None  # noqa: S101 - piped
        async with asyncio.timeout(self._seconds):
            line = await process.stdout.readline()
        if not line:
            raise EOFError("it needed more than it may have")
        found: dict[str, Json] = orjson.loads(line)
        if found.get("key") != key:
            raise ValueError("it answered for another script")
        self._resting.pop(key, None)
        if "error" in found:
            return str(found["error"])
        return {name: _taken(each) for name, each in found["outputs"].items()}

    def _rested(self, key: str) -> bool:
        return self._resting.get(key, (0.0, 0.0))[0] > _now()

    async def _stop(self, key: str) -> None:
        """End the process, and let the script that ran in it rest."""
        await self._kill()
        _, pause = self._resting.get(key, (0.0, FIRST))
        self._resting[key] = (_now() + pause, min(2 * pause, LONGEST))

    @property
    def _stopped(self) -> str:
        return f"the Transformation ran longer than {self._seconds:g} s and was stopped"

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._known.clear()
            command = [sys.executable, "-I", "-m", "aas_server.live.lua.worker", str(self._memory)]
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=2 * LARGEST,
            )
            async with asyncio.timeout(START):
                await self._greet(self._process)
        return self._process

    async def _greet(self, process: asyncio.subprocess.Process) -> None:
        """Starting does not count as running."""
        assert process.stdin is not None  # noqa: S101 - piped
        assert process.stdout is not None  # noqa: S101 - piped
        process.stdin.write(b'{"key":"","sources":{}}\n')
        await process.stdin.drain()
        if not await process.stdout.readline():
            raise EOFError("it does not start")

    async def _kill(self) -> None:
        process, self._process = self._process, None
        self._known.clear()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        await self._kill()


def _key(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _given(value: Value) -> Json:
    """A value as a script sees it: times and languages as texts, bytes in base64."""
    match value:
        case FileTime():
            at = moment(value)
            return at.isoformat().replace("+00:00", "Z") if at else None
        case LocalText():
            return value.text
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [_given(each) for each in value]
        case dict():
            return {name: _given(each) for name, each in value.items()}
        case float() if value != value or value in (float("inf"), float("-inf")):
            return {"$number": str(value)}
        case int() if not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 63:
            return float(value)
        case _:
            return value


def _taken(value: Json) -> Value:
    match value:
        case {"$number": str(number)}:
            return float(number)
        case list():
            return [_taken(each) for each in value]
        case dict():
            return {name: _taken(each) for name, each in value.items()}
        case _:
            found: Value = value
            return found
