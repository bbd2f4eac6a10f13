"""Load: requests given as raw bytes, sent over keep-alive connections for some seconds, from one core.

`wrk` where it is installed; otherwise `python -m benchmarks.load`, which does the same with asyncio. Both exchange
`documents.COUNTER` for a growing number.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import COUNTER

SCRIPT = Path(__file__).with_name("requests.lua")
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a round of load saw: requests answered and failed, seconds, and latencies in milliseconds."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float


def write(path: Path, requests: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(b"%d\n%b" % (len(request), request) for request in requests))


def read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while length := file.readline():
            yield file.read(int(length))


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "python -m benchmarks.load"


def run(port: int, requests: Path, *, clients: int, seconds: float, start: int, core: int | None) -> Load:
    """One round. `start` is where the counter begins: higher than in the rounds before."""
    pin = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    if shutil.which("wrk"):
        own = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{max(1, round(seconds))}s",
            "-s",
            str(SCRIPT),
            f"http://127.0.0.1:{port}/",
        ]
        own += ["--", str(requests), str(start)]
    else:
        own = [
            sys.executable,
            "-m",
            "benchmarks.load",
            str(port),
            str(requests),
            str(clients),
            str(seconds),
            str(start),
        ]
    done = subprocess.run(pin + own, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return Load(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"{own[0]} gave no result: {done.stdout}{done.stderr}")


class Client(asyncio.Protocol):
    """A connection that sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, pace: "Pace") -> None:
        self.pace, self.received, self.sent = pace, bytearray(), 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.pace.next())

    def data_received(self, data: bytes) -> None:
        self.received += data
        head = self.received.find(HEAD_END)
        if head < 0 or len(self.received) < head + 4 + body_length(bytes(self.received[:head])):
            return
        self.pace.answered(bytes(self.received[9:12]), time.perf_counter() - self.sent)
        self.received.clear()
        if time.perf_counter() < self.pace.end:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.pace.closed(early=time.perf_counter() < self.pace.end)


def body_length(head: bytes) -> int:
    """Content-Length of an answer; 0 where it has no body (204, 304)."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and head[9:12] != b"304":
            return int(value)
    return 0


class Pace:
    """What all connections share: whose turn it is, how much time is left, and what has come back."""

    def __init__(self, requests: Sequence[bytes], clients: int, seconds: float, start: int) -> None:
        self.parts = [request.split(COUNTER.encode()) for request in requests]
        self.index = self.counter = start
        self.end = time.perf_counter() + seconds
        self.open, self.failed, self.latencies = clients, 0, list[float]()
        self.finished = asyncio.Event()

    def next(self) -> bytes:
        self.index += 1
        parts = self.parts[self.index % len(self.parts)]
        if len(parts) == 1:
            return parts[0]
        self.counter += 1
        return f"{self.counter:010d}".encode().join(parts)

    def answered(self, status: bytes, latency: float) -> None:
        self.latencies.append(latency * 1000)
        self.failed += status >= b"400"

    def closed(self, *, early: bool) -> None:
        self.failed += early
        self.open -= 1
        if not self.open:
            self.finished.set()


async def drive(port: int, requests: Sequence[bytes], clients: int, seconds: float, start: int) -> Load:
    pace = Pace(requests, clients, seconds, start)
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.create_connection(lambda: Client(pace), "127.0.0.1", port) for _ in range(clients)))
    await pace.finished.wait()
    taken = time.perf_counter() - begun
    cuts = statistics.quantiles(pace.latencies, n=100)
    return Load(len(pace.latencies), taken, pace.failed, cuts[49], cuts[98])


def main(port: str, requests: str, clients: str, seconds: str, start: str) -> None:
    load = asyncio.run(drive(int(port), list(read(Path(requests))), int(clients), float(seconds), int(start)))
    print("RESULT " + json.dumps({name: getattr(load, name) for name in Load.__slots__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
