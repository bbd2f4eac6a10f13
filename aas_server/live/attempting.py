"""When to try again: soon at first, then every few seconds, at once when somebody needs it."""

import asyncio
import contextlib
import random
import time

#: Seconds from one attempt to connect to the next; the last one from then on. Who is back is found within five.
DELAYS = (0.0, 0.5, 1.0, 2.0, 3.0)
#: Seconds after which a task that was told to end is told again.
INSIST = 0.5
#: Where trying again soon helps nobody: wrong credentials, certificates that are not trusted.
SLOW = 60.0


class Attempts:
    """The attempts of one connection."""

    def __init__(self) -> None:
        self._failed = 0
        self._begun = time.monotonic()
        self._poked = asyncio.Event()

    def begin(self) -> None:
        self._begun = time.monotonic()

    def poke(self) -> None:
        """Somebody waits: it is worth an attempt now."""
        self._poked.set()

    async def pause(self, *, hopeless: bool = False) -> None:
        """Wait until the attempts so far suggest another. One that held for a while makes those before it forgotten."""
        lasted = time.monotonic() - self._begun
        self._failed = 0 if lasted > 4 * DELAYS[-1] else self._failed + 1
        wanted = SLOW if hopeless else DELAYS[min(self._failed, len(DELAYS)) - 1 if self._failed else 0]
        delay = wanted * random.uniform(0.8, 1.2) - lasted  # noqa: S311 - so that not all come at once
        self._poked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay)):
                await self._poked.wait()


async def ended(task: "asyncio.Task[None]") -> None:
    """End a task, however often it must be told: asyncua swallows one cancellation while it waits for its own tasks."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=INSIST)
