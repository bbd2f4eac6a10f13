"""One follower of the log hands each change to all readers; a reader that cannot keep up reads the log itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Sequence

from aas_server.events.announcing import CloudEvent, announced
from aas_server.events.filtering import Filter, Passing
from aas_server.model import Json
from aas_server.model.changes import Logged
from aas_server.model.errors import Gone, Unavailable
from aas_server.repository import Repository

log = logging.getLogger(__name__)

#: Events that wait for a reader before it gets only the newest value of each element.
KEPT = 1000
#: Events that wait for a reader before it has to read the log itself.
MOST = 10_000


class Reader:
    """What one client has not been sent yet. `position` is the last change that it has, or did not want."""

    def __init__(self, group: "Group", position: int) -> None:
        self.position = position
        self._group = group
        self._before = position
        self._waiting: dict[int, CloudEvent] = {}
        self._newest: dict[object, int] = {}
        self._attached, self._resting = False, False
        self._woken, self._left = asyncio.Event(), asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether there will be nothing more."""
        return self._left.is_set() or self._group.hub.closed

    @property
    def passed(self) -> int:
        """The last change before what still waits: whoever goes on behind it misses nothing."""
        return self._before if self._waiting else self.position

    def leave(self) -> None:
        """The client is gone, or has to go."""
        self._left.set()
        self._woken.set()

    async def rest(self, seconds: float) -> None:
        """Let events gather for a while; of values only the newest are kept meanwhile."""
        self._resting = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left.wait()
        self._resting = False

    async def take(self) -> Sequence[CloudEvent]:
        """The events that are there, as soon as there are any. Raises Gone where the log has forgotten some."""
        while not self._waiting:
            if self.over:
                return ()
            if self._attached:
                self._woken.clear()
                await self._woken.wait()
            elif found := await self._catch_up():
                return found
        found = list(self._waiting.values())
        self._waiting, self._newest = {}, {}
        return found

    async def _catch_up(self) -> Sequence[CloudEvent]:
        """Read the log from where the reader is, or follow with the others where it is as far as they are."""
        hub = self._group.hub
        if self.position >= hub.position:
            self._attached = True
            return ()
        batch = await hub.logged(self.position)
        found = await hub.announced(await self._group.passing.changes(batch))
        self.position = batch[-1].sequence if batch else self.position
        return found

    def add(self, events: Iterable[CloudEvent], position: int) -> None:
        """Hand over what has passed up to a position."""
        if not self._attached:
            return
        for event in events:
            if event.sequence > self.position:
                self._add(event)
        if len(self._waiting) > MOST:
            self._detach()
        else:
            self.position = max(self.position, position)
        self._woken.set()

    def _add(self, event: CloudEvent) -> None:
        if not self._waiting:
            self._before = self.position
        if event.element is not None:
            before = self._newest.get(event.element)
            if before is not None and (self._resting or len(self._waiting) >= KEPT):
                del self._waiting[before]
            self._newest[event.element] = event.sequence
        self._waiting[event.sequence] = event

    def _detach(self) -> None:
        """Keep what is oldest, and read on behind it later: memory stays bounded, and nothing is left out."""
        kept = dict(list(self._waiting.items())[:KEPT])
        self._waiting, self._newest = kept, {}
        self._attached, self.position = False, max(kept)

    def let_go(self) -> None:
        """Follow no more; what has happened since is found in the log."""
        self._attached = False
        self._woken.set()


class Group:
    """The readers that want the same: what they want is found out once for all of them."""

    def __init__(self, hub: "Hub", wanted: Filter, condition: Json) -> None:
        self.hub = hub
        self.passing = Passing(hub.repository, wanted, condition)
        self.readers: set[Reader] = set()


class Hub:
    """All readers of one server. `most` of them at a time; `root` is what the sources of events begin with."""

    def __init__(self, repository: Repository, root: str = "", most: int = 10_000) -> None:
        self.repository = repository
        self.position = repository.documents.newest
        self.stopped = asyncio.Event()
        self._root, self._most = root, most
        self._groups: dict[Filter, Group] = {}

    @property
    def closed(self) -> bool:
        return self.stopped.is_set()

    @property
    def store_id(self) -> str:
        return self.repository.documents.store_id

    @property
    def readers(self) -> int:
        return sum(len(group.readers) for group in self._groups.values())

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Readers are served as long as the block lasts."""
        task = asyncio.create_task(self._follow(), name="events")
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        """Hand on what happens, until the store closes."""
        ended = False
        while not ended:
            try:
                async for batch in self.repository.changes(self.position):
                    await self._hand_on(batch)
                ended = True
            except Gone:
                self.position = self.repository.documents.newest
                self._let_go()  # they find out for themselves
            except Exception:
                log.exception("events could not be handed on; readers read the log instead")
                self._let_go()
                await asyncio.sleep(1)

    def _let_go(self) -> None:
        for group in self._groups.values():
            for reader in group.readers:
                reader.let_go()

    async def _hand_on(self, batch: Sequence[Logged]) -> None:
        """Who comes while this goes on finds the batch in the log, or has asked for what comes behind it."""
        made: dict[int, CloudEvent] = {}
        position = self.position = batch[-1].sequence
        for group in list(self._groups.values()):
            passing = await group.passing.changes(batch)
            missing = [each for each in passing if each.sequence not in made]
            made |= {event.sequence: event for event in await self.announced(missing)}
            for reader in list(group.readers):
                reader.add([made[each.sequence] for each in passing], position)

    @contextlib.asynccontextmanager
    async def reading(self, wanted: Filter, condition: Json = None, after: int | None = None) -> AsyncIterator[Reader]:
        """A reader of what happens after a position (None: from now on).

        Raises Unavailable where there are too many, Gone where the log does not reach back so far, or not so far yet.
        """
        if self.closed or self.readers >= self._most:
            raise Unavailable("the server stops" if self.closed else "no more readers of events are taken")
        if after is not None:
            await self._check(after)
        group = self._groups.setdefault(wanted, Group(self, wanted, condition))
        reader = Reader(group, self.position if after is None else after)
        group.readers.add(reader)
        try:
            yield reader
        finally:
            group.readers.discard(reader)
            if not group.readers:
                self._groups.pop(wanted, None)

    async def _check(self, after: int) -> None:
        newest = self.repository.documents.newest
        if after > newest:
            raise Gone(f"the log ends with change {newest}, before {after}: read the documents anew, then follow")
        if after < newest:
            await self.logged(after)

    def close(self) -> None:
        """Let all readers end."""
        self.stopped.set()
        for group in self._groups.values():
            for reader in group.readers:
                reader.leave()

    # What readers ask for

    async def logged(self, position: int) -> Sequence[Logged]:
        """The next changes of the log, of which there are some. Raises Gone."""
        async for batch in self.repository.changes(position):
            return batch
        return ()

    async def announced(self, changes: Sequence[Logged]) -> list[CloudEvent]:
        return await announced(self.repository, changes, self._root)
