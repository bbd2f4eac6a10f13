"""A client of the event stream, as one would write it: reads frames, knows the last id."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass
class Stream:
    """An open stream. `last` is the newest id that was seen, of events and of those that only tell the position."""

    response: aiohttp.ClientResponse
    last: str = ""

    async def frames(self) -> AsyncIterator[dict[str, str]]:
        frame: dict[str, str] = {}
        async for line in self.response.content:
            name, _, content = line.decode().rstrip("\n").partition(": ")
            if name:
                frame[name] = content
            else:
                self.last = frame.get("id", self.last)
                yield frame
                frame = {}

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The next so many events."""
        found: list[dict[str, Any]] = []
        async for frame in self.frames():
            if "data" in frame:
                assert "event" not in frame, frame
                found.append(json.loads(frame["data"]))
                assert found[-1]["id"] == frame["id"]
            if len(found) == count:
                return found
        raise EOFError(f"the stream ended after {len(found)} events")


@contextlib.asynccontextmanager
async def stream(client: aiohttp.ClientSession, last: str = "", **query: str) -> AsyncIterator[Stream]:
    """A stream that is followed: what happens from now on is in it."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.get("/events", params=query, headers=headers) as response:
        assert response.status == 200, await response.text()
        opened = Stream(response)
        async for frame in opened.frames():
            assert "data" not in frame
            break
        yield opened


def kind(event: dict[str, Any]) -> str:
    return str(event["type"]).rpartition(".")[2]
