"""Items that are asked for again and again: together as long as the server answers them together.

A node that does not answer in time is found in tens: each group goes its own way from then on, so that nobody waits
for another's node.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aas_server.live import Item

#: Into how many groups one is split that does not answer; seconds after which a node that never does is asked again.
PARTS, RESTED = 10, 30.0

Ask = Callable[[Sequence[int]], Awaitable[None]]


class Polling:
    """The polled items among `items`. `ask` asks for some; `slow` is told of one that does not answer in time."""

    def __init__(self, items: Mapping[int, Item], ask: Ask, slow: Callable[[int], None]) -> None:
        self._items, self._ask, self._slow = items, ask, slow
        #: The interval at which each item is asked for by some group.
        self._known: dict[int, float] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}

    def renew(self) -> None:
        """Ask for those that have come, too; who has gone is asked for no more."""
        new: dict[float, list[int]] = {}
        for number, item in self._items.items():
            if item.polling and not item.observed and self._known.get(number) != item.polling:
                new.setdefault(item.polling, []).append(number)
        for interval, numbers in new.items():
            self._known |= dict.fromkeys(numbers, interval)
            self._begin(interval, numbers)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, interval: float, numbers: Sequence[int]) -> None:
        task = asyncio.create_task(self._poll(interval, numbers), name=f"opc ua poll {interval}")
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _poll(self, interval: float, numbers: Sequence[int]) -> None:
        """One group, until none of it is left or it is split."""
        while due := self._due(interval, numbers):
            try:
                await self._ask(due)
                rest = interval
            except TimeoutError:
                if len(due) > 1:
                    self._split(interval, due)
                    return
                self._slow(due[0])
                rest = max(interval, RESTED)
            await asyncio.sleep(rest)

    def _due(self, interval: float, numbers: Sequence[int]) -> list[int]:
        due: list[int] = []
        for number in numbers:
            item = self._items.get(number)
            if item is not None and item.polling == interval and not item.observed:
                due.append(number)
            elif self._known.get(number) == interval:
                del self._known[number]
        return due

    def _split(self, interval: float, numbers: Sequence[int]) -> None:
        size = -(-len(numbers) // PARTS)
        for at in range(0, len(numbers), size):
            self._begin(interval, numbers[at : at + size])
