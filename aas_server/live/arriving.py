"""Readings between a connection and whoever takes them: who is slow gets the newest of each item."""

import asyncio
from collections.abc import AsyncIterator

from aas_server.live import Readings


class Arriving:
    """Batches on their way. When more wait than there are items, those of one item become its newest."""

    def __init__(self) -> None:
        self._batches: list[Readings] = []
        self._waiting = 0
        self._come = asyncio.Event()
        self._closed = False
        #: Items that there are; more readings than twice as many never wait.
        self.items = 0

    def put(self, batch: Readings) -> None:
        """An empty batch says that something else is to be looked at."""
        self._batches.append(batch)
        self._waiting += len(batch)
        if self._waiting > 2 * self.items + 1000 or len(self._batches) > 1000:
            self._coalesce()
        self._come.set()

    def _coalesce(self) -> None:
        newest = {reading[0]: reading for batch in self._batches for reading in batch}
        self._batches, self._waiting = [list(newest.values())], len(newest)

    def close(self) -> None:
        self._closed = True
        self._come.set()

    async def batches(self) -> AsyncIterator[Readings]:
        """What has come, as it comes, until it is closed."""
        while True:
            await self._come.wait()
            self._come.clear()
            batches, self._batches, self._waiting = self._batches, [], 0
            for batch in batches:
                yield batch
            if self._closed and not self._batches:
                return
