"""A connection to an OPC UA server: one session after the other, until it is closed."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaError

from aas_server.live import Action, Endpoint, Item, Link, Reading, Readings, Standing, Value
from aas_server.live.arriving import Arriving
from aas_server.live.attempting import Attempts, ended
from aas_server.live.credentials import Credentials
from aas_server.live.opcua.greeting import Greeting
from aas_server.live.opcua.nodes import named
from aas_server.live.opcua.security import Pki, Untrusted, secured
from aas_server.live.opcua.session import Session
from aas_server.live.opcua.writing import Methods, Writing
from aas_server.model.errors import Problem, TimedOut, Unavailable

log = logging.getLogger(__name__)

#: Where trying again soon helps nobody: wrong credentials, certificates that are not trusted.
_HOPELESS = ("BadUserAccessDenied", "BadIdentityToken", "BadCertificate", "BadSecurity")
#: Items in trouble are tried again after so many seconds.
AGAIN = 60.0
#: Seconds that a request may take; and how long saying goodbye may.
ANSWER, GOODBYE = 10.0, 1.0


class OpcUaConnection:
    """One session at a time with one server (see live.AssetConnection)."""

    def __init__(
        self, endpoint: Endpoint, credentials: Credentials, pki: Pki, answer: float = ANSWER, again: float = AGAIN
    ) -> None:
        self.standing = Standing(since=time.time())
        self._endpoint, self._credentials, self._pki, self._answer = endpoint, credentials, pki, answer
        self._again = again
        self._arriving = Arriving()
        self._items: dict[int, Item] = {}
        self._session: Session | None = None
        self._writing: Writing | None = None
        self._methods: Methods | None = None
        self._changed, self._attempts = asyncio.Event(), Attempts()
        self._running = asyncio.create_task(self._run(), name=f"connection {endpoint.base}")

    # As live.AssetConnection has it

    async def observe(self, items: Mapping[int, Item]) -> None:
        self._items = dict(items)
        self._arriving.items = len(items)
        self._changed.set()

    def readings(self) -> AsyncIterator[Readings]:
        return self._arriving.batches()

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        session = self._connected()
        async with self._in_time("reading"):
            return [Reading(*each) for each in await session.read(numbers)]

    async def write(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        self._connected()
        assert self._writing is not None  # noqa: S101 - comes and goes with the session
        async with self._in_time("writing"):
            return await self._writing.write(orders)

    async def invoke(self, action: Action, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        self._connected()
        assert self._methods is not None  # noqa: S101 - comes and goes with the session
        async with self._in_time("calling"):
            return await self._methods.call(action, inputs)

    async def close(self) -> None:
        await ended(self._running)
        self._stand(Link.CLOSED)
        self._arriving.close()

    def _connected(self) -> Session:
        if self._session is None:
            self._attempts.poke()  # who waits is worth an attempt
            why = f": {self.standing.error}" if self.standing.error else ""
            raise Unavailable(f"{self._endpoint.base} is not connected{why}")
        return self._session

    @contextlib.asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        """Within the time of an answer. Raises TimedOut, Unavailable when the connection is lost meanwhile."""
        try:
            async with asyncio.timeout(self._answer):
                yield
        except TimeoutError:
            raise TimedOut(f"BadTimeout: {what} took longer than {self._answer:g} s at {self._endpoint.base}") from None
        except (OSError, UaError) as error:
            raise Unavailable(f"{self._endpoint.base} was lost while {what}: {named(error)}") from None

    # Sessions

    async def _run(self) -> None:
        while True:
            self._attempts.begin()
            watching: asyncio.Task[None] | None = None
            try:
                await self._serve()
            except Exception as error:
                self._tell(named(error) if not isinstance(error, Problem) else str(error))
                watching = self._watching(error)
            try:
                await self._attempts.pause(hopeless=self.standing.error.startswith(_HOPELESS))
            finally:
                if watching is not None:
                    watching.cancel()

    def _watching(self, error: Exception) -> asyncio.Task[None] | None:
        """Who is not believed is tried again as soon as somebody has moved the certificate."""
        if not isinstance(error, Untrusted):
            return None
        return asyncio.create_task(self._believed(error.certificate), name=f"certificate of {self._endpoint.base}")

    async def _believed(self, certificate: bytes) -> None:
        with contextlib.suppress(OSError):
            await self._pki.believed(certificate)
            self._attempts.poke()

    def _tell(self, error: str) -> None:
        if error != self.standing.error or self.standing.link is Link.CONNECTED:
            log.warning("%s: %s", self._endpoint.base, error)
        self.standing.error = error
        self._stand(Link.LOST)

    def _stand(self, link: Link) -> None:
        if self.standing.link is not link:
            self.standing.link, self.standing.since = link, time.time()
        self._arriving.put(())

    async def _serve(self) -> None:
        """One session, from its beginning to its end. Raises what ends it."""
        client = Greeting(self._endpoint.base, timeout=self._answer, watchdog_intervall=5.0)
        client.session_timeout = 60_000
        client.name = client.description = "AAS server"
        await secured(client, self._endpoint.security, self._credentials, self._pki)
        async with asyncio.timeout(3 * self._answer):
            await client.connect()
        session = Session(client, self.standing, self._arriving.put)
        client.connection_lost_callback = session.lose
        try:
            async with asyncio.timeout(3 * self._answer):
                await session.open()
            await self._attend(client, session)
        finally:
            self._session = self._writing = self._methods = None
            await _leave(client, session)

    async def _attend(self, client: Client, session: Session) -> None:
        self.standing.error = ""
        self.standing.connects += 1
        self._changed.set()
        self._writing, self._methods = Writing(client, session.nodes), Methods(client, session.nodes)
        self._session = session
        self._stand(Link.CONNECTED)
        log.info("%s is connected", self._endpoint.base)
        while True:
            self._changed.clear()
            await session.observe(self._items)
            self._arriving.put(())
            await self._something(session)
            if session.over.is_set():
                raise ConnectionError(session.why or "BadConnectionClosed")

    async def _something(self, session: Session) -> None:
        """Wait until other items are wanted, the session is over, or items in trouble are to be tried again."""
        waiting = [asyncio.create_task(each.wait()) for each in (self._changed, session.over)]
        try:
            await asyncio.wait(waiting, timeout=self._again, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


async def _leave(client: Client, session: Session) -> None:
    """Say goodbye if the server still listens; it must not keep queues for us."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(GOODBYE):
            await session.close()
            await client.disconnect()
    client.disconnect_socket()
    for name in ("_supervisor_task", "_stale_watchdog_task", "_renew_channel_task"):
        if (task := getattr(client, name, None)) is not None:
            task.cancel()
