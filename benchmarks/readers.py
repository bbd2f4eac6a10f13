"""Many who read events at once: `python -m benchmarks.readers HOST PORT PATH COUNT SECONDS`.

Prints `open` once all of them are answered, and afterwards how many events they have read in these seconds.
"""

import asyncio
import sys

PIECE = 1 << 18


class Reader(asyncio.Protocol):
    """One who reads; counts the ids that come by, as cheaply as can be."""

    events = 0
    answered = 0

    def __init__(self, request: bytes) -> None:
        self._request, self._first = request, True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._first:
            self._first = False
            if not data.startswith(b"HTTP/1.1 200"):
                raise ValueError(data[:200])
            Reader.answered += 1
        Reader.events += data.count(b"\ndata:")


async def main(host: str, port: int, path: str, count: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode()
    for _ in range(count):
        await loop.create_connection(lambda: Reader(request), host, port)
    while Reader.answered < count:  # noqa: ASYNC110 - a benchmark waits
        await asyncio.sleep(0.05)
    await asyncio.sleep(2)
    print("open", flush=True)
    begun = Reader.events
    await asyncio.sleep(seconds)
    print(Reader.events - begun, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
