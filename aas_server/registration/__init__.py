"""The hosted shells and submodels registered at a registry somewhere else, by following what is stored here."""

import asyncio
import contextlib
import hashlib
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import aiohttp
import orjson

from aas_server.model import Document, Kind
from aas_server.model.changes import Event, Logged
from aas_server.model.descriptors import addresses_below
from aas_server.model.errors import Gone
from aas_server.registration.remote import Refused, Remote, Unreachable
from aas_server.repository import Repository
from aas_server.repository.registry import HOSTED, Registry
from aas_server.storage import Label, index

log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: What is to be registered: a shell or submodel by its id.
Item = tuple[Kind, str]

#: Requests under way at a time.
AT_ONCE = 8
#: Seconds before a registry that cannot be reached is asked again: at first, and at most.
FIRST, LONGEST = 0.5, 60.0
#: Seconds after which all is compared, whether anything seems wrong or not.
CHECKED = 3600.0
#: Refusals that are shown.
SHOWN = 20
#: Ids that are looked up at a time.
PIECE = 100


@dataclass(slots=True)
class Standing:
    """How the registration stands, for whoever wants to know."""

    register_at: str
    position: int = 0
    waiting: int = 0
    put: int = 0
    deleted: int = 0
    refused: dict[Item, str] = field(default_factory=dict)
    error: str = ""

    def document(self) -> Document:
        return {
            "registerAt": self.register_at,
            "reachable": not self.error,
            **({"error": self.error} if self.error else {}),
            "position": self.position,
            "waiting": self.waiting,
            "put": self.put,
            "deleted": self.deleted,
            "refused": list(self.refused.values()),
        }

    def refuse(self, item: Item, refusal: Refused) -> None:
        kind, identifier = item
        self.refused.pop(item, None)
        self.refused[item] = f"{kind} {identifier!r}: {refusal}"
        if len(self.refused) > SHOWN:
            del self.refused[next(iter(self.refused))]


class Registration:
    """Follows the log and keeps one registry in step; how far it has come is stored, so that a restart goes on."""

    def __init__(self, repository: Repository, remote: Remote, external_url: str) -> None:
        addresses = addresses_below(external_url)
        self.standing = Standing(remote.name)
        self._repository = repository
        self._remote = remote
        self._registries = {hosted: Registry(repository, kind, addresses) for kind, hosted in HOSTED.items()}
        self._ours = tuple(f"{address.url}/" for address in addresses)
        #: Another registry, or another address of ours, begins anew.
        self._identifier = hashlib.sha256(f"{remote.name} {external_url}".encode()).hexdigest()
        #: The digest of what the registry has, as far as we know.
        self._sent: dict[Item, bytes] = {}
        self._outage = False
        self._compared = 0.0

    async def follow(self) -> None:
        """Keep the registry in step, until the store closes."""
        while True:
            try:
                return await self._follow()
            except Gone as error:
                log.warning("registration at %s begins anew: %s", self._remote.name, error)
                await self._keep(None)
            except Exception:
                log.exception("registration at %s failed; it is tried again", self._remote.name)
                await asyncio.sleep(LONGEST)

    async def _follow(self) -> None:
        self._compared = _now()
        position = await self._position()
        self.standing.position = await self._register_all() if position is None else position
        while True:
            try:
                async with asyncio.timeout(CHECKED):
                    batch = await anext(self._repository.changes(self.standing.position))
            except StopAsyncIteration:
                return
            except TimeoutError:
                batch = ()
            await self._take(batch)

    async def _take(self, batch: Sequence[Logged]) -> None:
        """Do what a batch of changes asks for; from time to time, all is compared."""
        items = await self._touched(batch)
        await self._register(items)
        if self._outage or _now() >= self._compared + CHECKED:
            await self._register_all()  # who knows what the registry has forgotten meanwhile
        if batch:
            self.standing.position = batch[-1].sequence
        if items:  # storing the position is a change, too, and must not lead to another
            await self._keep(self.standing.position)

    # How far it has come

    async def _position(self) -> int | None:
        for entry in await self._repository.several(Kind.REGISTRATION, [self._identifier]):
            found: int | None = entry.document["position"]
            return found
        return None

    async def _keep(self, position: int | None) -> int:
        """Store the position; returns a number of the log from which on all that is stored later is seen."""
        document = {"id": self._identifier, "registerAt": self._remote.name, "position": position}
        return (await self._repository.put(document, kind=Kind.REGISTRATION))[0].revision

    # What is to be done

    async def _register_all(self) -> int:
        """Bring all of the registry in step, in what it lacks and in what it has too much; returns where to go on."""
        self._outage = False
        self._compared = _now()
        position = await self._keep(None)
        for kind in self._registries:
            there = await self._there(kind)
            self._sent |= {(kind, identifier): digest for identifier, digest in there.items()}
            cursor: str | None = None
            while True:
                found, cursor = await self._repository.documents.identifiers((kind,), (), PIECE, cursor)
                await self._register([(kind, identifier) for identifier in found])
                for identifier in found:
                    there.pop(identifier, None)
                if cursor is None:
                    break
            await self._register([(kind, identifier) for identifier in there])
        await self._keep(position)
        return position

    async def _there(self, kind: Kind) -> dict[str, bytes]:
        """The ids and digests of those descriptors in the registry that point here."""
        for item in [item for item in self._sent if item[0] is kind]:
            del self._sent[item]
        try:
            return await self._tried(partial(self._listed, kind))
        except Refused as refusal:
            log.warning("%s lists no descriptors; outdated ones may be left there: %s", self._remote.name, refusal)
            return {}

    async def _listed(self, kind: Kind) -> dict[str, bytes]:
        listed = self._remote.listed(kind)
        return {each["id"]: _digest(each) async for each in listed if self._points_here(each)}

    def _points_here(self, descriptor: Document) -> bool:
        """Whether all endpoints are on this server. What others have written may have any form."""
        try:
            hrefs = [str(each["protocolInformation"]["href"]) for each in descriptor["endpoints"]]
        except (KeyError, TypeError):
            return False
        return bool(hrefs) and all(href.startswith(self._ours) for href in hrefs)

    async def _touched(self, batch: Sequence[Logged]) -> list[Item]:
        """What a batch of changes may have changed the descriptors of; values are no part of any."""
        found: dict[Item, None] = {}
        for change in batch:
            if change.kind in self._registries and change.event is not Event.VALUE:
                found[change.kind, change.identifier] = None
        for kind, identifier in list(found):
            if kind is Kind.SUBMODEL:
                found |= dict.fromkeys([(Kind.SHELL, shell) for shell in await self._referring(identifier)])
        return list(found)

    async def _referring(self, submodel_id: str) -> list[str]:
        """The shells that refer to a submodel, and so have its descriptor in theirs."""
        shells: list[str] = []
        cursor: str | None = None
        label = Label(index.SUBMODEL, submodel_id)
        while True:
            found, cursor = await self._repository.documents.identifiers((Kind.SHELL,), (label,), PIECE, cursor)
            shells += found
            if cursor is None:
                return shells

    # Doing it

    async def _register(self, items: Iterable[Item]) -> None:
        """Bring the registry in step with these, some at a time, until it has answered for each."""
        waiting = deque(items)
        self.standing.waiting = len(waiting)

        async def work() -> None:
            while waiting:
                await self._registered(waiting.popleft())
                self.standing.waiting -= 1

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(waiting))):
                group.create_task(work())

    async def _registered(self, item: Item) -> None:
        try:
            await self._tried(partial(self._once, item))
        except Refused as refusal:
            log.warning("%s refuses the descriptor of %s %r: %s", self._remote.name, *item, refusal)
            self.standing.refuse(item, refusal)
        else:
            self.standing.refused.pop(item, None)

    async def _once(self, item: Item) -> None:
        kind, identifier = item
        for made in await self._registries[kind].made([identifier]):
            digest = _digest(made.document)
            if self._sent.get(item) != digest:
                await self._remote.put(kind, made.document)
                self._sent[item] = digest
                self.standing.put += 1
            return
        await self._remote.delete(kind, identifier)
        self._sent.pop(item, None)
        self.standing.deleted += 1

    async def _tried(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        """What the registry answers, asked again and again, ever more seldom, while it cannot be reached."""
        delay = FIRST
        while True:
            try:
                result = await ask()
            except Unreachable as error:
                if not self.standing.error:
                    log.warning("%s cannot be reached: %s", self._remote.name, error)
                self.standing.error = str(error)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
                delay = min(2 * delay, LONGEST)
            else:
                if self.standing.error:
                    log.info("%s is reached again", self._remote.name)
                    self._outage = True
                self.standing.error = ""
                return result


def _now() -> float:
    return asyncio.get_running_loop().time()


def _digest(descriptor: Document) -> bytes:
    """Equal for equal descriptors, whatever the order of their names."""
    return hashlib.sha256(orjson.dumps(descriptor, option=orjson.OPT_SORT_KEYS)).digest()


@contextlib.asynccontextmanager
async def registering(repository: Repository, register_at: str, external_url: str) -> AsyncIterator[Standing]:
    """Registers there what is hosted here, as long as the block lasts."""
    async with aiohttp.ClientSession() as session:
        registration = Registration(repository, Remote(session, register_at), external_url)
        task = asyncio.create_task(registration.follow(), name="registration")
        try:
            yield registration.standing
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
