"""A connection to whatever speaks HTTP, other AAS servers included: resources are polled, with conditional requests."""

import asyncio
import base64
import contextlib
import logging
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime

import aiohttp

from aas_server.live import Action, Endpoint, Item, Link, Reading, Readings, Standing, Value
from aas_server.live.arriving import Arriving
from aas_server.live.credentials import Credentials
from aas_server.live.payloads import LARGEST, now, parsed, picked, replaced, written
from aas_server.model.errors import Malformed, TimedOut, Unavailable
from aas_server.model.moments import file_time
from aas_server.model.quality import GOOD, status_code
from aas_server.repository.invoking import OperationFailed

log = logging.getLogger(__name__)

#: Seconds that an answer may take; requests at a time; seconds between two of one resource where nothing is said.
ANSWER, AT_ONCE, POLLED = 10.0, 8, 1.0

#: What a status means for whoever reads or writes, as a StatusCode.
_STATUS = {
    400: "BadTypeMismatch", 401: "BadUserAccessDenied", 403: "BadUserAccessDenied", 404: "BadNotFound",
    405: "BadNotWritable", 422: "BadOutOfRange", 503: "BadNotConnected", 504: "BadTimeout",
}  # fmt: skip


class Trouble(Exception):
    """Why a resource does not answer; `status` is the StatusCode."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Resource:
    """One thing that is polled, with everything that is read from it."""

    def __init__(self, href: str, items: Sequence[tuple[int, Item]]) -> None:
        self.href, self.items = href, items
        self.period = min(item.polling or POLLED for _, item in items)
        self.validators: dict[str, str] = {}
        self.writing = asyncio.Lock()
        self.value: Value = None
        self.status, self.at = GOOD, 0
        #: Why nothing was answered when it was asked for last; a refusal is an answer.
        self.silent = ""


class HttpConnection:
    """Requests to one server (see live.AssetConnection). Redirects are not followed: they could lead anywhere."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials) -> None:
        self.standing = Standing(since=time.time())
        self._base, self._credentials = endpoint.base, credentials
        self._arriving = Arriving()
        self._resources: dict[str, Resource] = {}
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._numbers: dict[int, str] = {}
        self._client: aiohttp.ClientSession | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)

    # As live.AssetConnection has it

    async def observe(self, items: Mapping[int, Item]) -> None:
        grouped: dict[str, list[tuple[int, Item]]] = defaultdict(list)
        for number, item in items.items():
            grouped[item.href].append((number, item))
        self._numbers = {number: item.href for number, item in items.items()}
        self._arriving.items = len(items)
        self.standing.errors = {number: error for number, error in self.standing.errors.items() if number in items}
        for href in [href for href, each in self._resources.items() if each.items != grouped.get(href)]:
            self._polling.pop(href).cancel()
            del self._resources[href]
        for href, wanted in grouped.items():
            if href not in self._resources:
                resource = self._resources[href] = Resource(href, wanted)
                self._polling[href] = asyncio.create_task(self._poll(resource), name=f"polling {self._base}{href}")

    def readings(self) -> AsyncIterator[Readings]:
        return self._arriving.batches()

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        found: list[Reading] = []
        for href in dict.fromkeys(self._numbers[number] for number in numbers if number in self._numbers):
            resource = self._resources[href]
            try:
                with _problems(self._base):
                    await self._fetch(resource)
            except Trouble as trouble:  # who polls tells of it
                log.debug("%s: %s", self._base, trouble)
                continue
            found += [Reading(*each) for each in self._read(resource) if each[0] in numbers]
        return found

    async def write(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        return [await self._write(item, value) for item, value in orders]

    async def _write(self, item: Item, value: Value) -> int:
        """Put a value; a member into the whole resource as it is now, for what is put replaces all of it."""
        resource = self._resources.get(item.href)
        if resource is None:
            raise Unavailable(f"{self._base}{item.href} is observed no more")
        try:
            with _problems(self._base):
                async with resource.writing:
                    if item.pick:
                        await self._fetch(resource)
                        value = replaced(resource.value, item.pick, value)
                    await self._ask("PUT", item.href, written(value))
        except Trouble as trouble:
            return trouble.status
        return GOOD

    async def invoke(self, action: Action, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """POST the arguments as an object, get the results as one."""
        try:
            with _problems(self._base):
                answered = parsed((await self._ask("POST", action.href, written(dict(inputs))))[1])
        except Trouble as trouble:
            raise OperationFailed(str(trouble)) from None
        if answered in (None, ""):
            return {}
        if not isinstance(answered, dict):
            raise OperationFailed(f"{self._base}{action.href} does not answer with an object of results")
        return answered

    async def close(self) -> None:
        for task in self._polling.values():
            task.cancel()
        await asyncio.gather(*self._polling.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        self._stand(Link.CLOSED)
        self._arriving.close()

    # Polling

    async def _poll(self, resource: Resource) -> None:
        while True:
            begun = time.monotonic()
            try:
                async with self._turns:
                    await self._fetch(resource)
            except Trouble as trouble:
                self._alive(resource)
                self._fail(resource, str(trouble), trouble.status)
            except Exception as error:
                self._miss(resource, words(error))
            else:
                self._arriving.put(self._read(resource))
            await asyncio.sleep(max(0.0, resource.period - (time.monotonic() - begun)))

    async def _fetch(self, resource: Resource) -> None:
        """Ask; what has not changed since is as it was. Raises Trouble, and what aiohttp raises."""
        answer, body = await self._ask("GET", resource.href, None, resource.validators)
        self._alive(resource)
        resource.at = _time(answer)
        if answer.status == 304:
            return
        resource.value, resource.status = parsed(body), _quality(answer)
        names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        resource.validators = {names[name]: answer.headers[name] for name in names if name in answer.headers}

    def _read(self, resource: Resource) -> list[tuple[int, Value, int, int]]:
        """What each item of a resource shows."""
        batch: list[tuple[int, Value, int, int]] = []
        for number, item in resource.items:
            try:
                batch.append((number, picked(resource.value, item.pick), resource.status, resource.at))
                self.standing.errors.pop(number, None)
            except Malformed as error:
                self.standing.errors[number] = f"BadDataEncodingInvalid: {error}"
                batch.append((number, None, status_code("BadDataEncodingInvalid"), resource.at))
        self.standing.readings += len(batch)
        return batch

    def _fail(self, resource: Resource, text: str, status: int) -> None:
        for number, _ in resource.items:
            self.standing.errors[number] = text
        self._arriving.put([(number, None, status, now()) for number, _ in resource.items])

    def _miss(self, resource: Resource, error: str) -> None:
        """Nothing was answered. That is the resource's own affair as long as others are answered."""
        resource.silent = error
        if all(each.silent for each in self._resources.values()):
            self._lose(error)
        else:
            self._fail(resource, f"BadCommunicationError: {error}", status_code("BadCommunicationError"))

    def _alive(self, resource: Resource) -> None:
        resource.silent = ""
        if self.standing.link is not Link.CONNECTED:
            self.standing.connects += 1
            log.info("%s answers", self._base)
        self.standing.error = ""
        self._stand(Link.CONNECTED)

    def _lose(self, error: str) -> None:
        if error != self.standing.error:
            log.warning("%s: %s", self._base, error)
        self.standing.error = error
        self._stand(Link.LOST)

    def _stand(self, link: Link) -> None:
        if self.standing.link is not link:
            self.standing.link, self.standing.since = link, time.time()
            self._arriving.put(())

    # Requests

    async def _ask(
        self, method: str, href: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """The answer and what is in it. Raises Trouble where it is a refusal, or too large."""
        client = await self._session()
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
        async with client.request(
            method, f"{self._base}{href}", data=body, headers=sent, allow_redirects=False
        ) as answer:
            content = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                content += piece
                if len(content) > LARGEST:
                    name = "BadEncodingLimitsExceeded"
                    raise Trouble(status_code(name), f"{name}: {href} answers with more than {LARGEST} bytes")
            if answer.status >= 300 and answer.status != 304:
                name = _STATUS.get(answer.status, "BadUnexpectedError")
                led = ", and redirects are not followed" if answer.status < 400 else ""
                raise Trouble(status_code(name), f"{name}: {href} answers {answer.status}{led}")
            return answer, bytes(content)

    async def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            context = await asyncio.to_thread(_context, self._credentials) if self._base.startswith("https") else None
            self._client = aiohttp.ClientSession(
                headers=_authorization(self._credentials),
                timeout=aiohttp.ClientTimeout(total=ANSWER),
                connector=aiohttp.TCPConnector(ssl=context) if context else None,
            )
        return self._client


def _authorization(given: Credentials) -> dict[str, str]:
    if given.user:
        pair = base64.b64encode(f"{given.user}:{given.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {given.token}"} if given.token else {}


def _context(given: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=given.ca or None)
    if given.certificate:
        context.load_cert_chain(given.certificate, given.key or None)
    return context


@contextlib.contextmanager
def _problems(base: str) -> Iterator[None]:
    """Raises Unavailable and TimedOut for what aiohttp raises."""
    try:
        yield
    except TimeoutError:
        raise TimedOut(f"BadTimeout: {base} did not answer within {ANSWER:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"{base} is not connected: {words(error)}") from None


def words(error: Exception) -> str:
    """What went wrong with a request, for people."""
    match error:
        case aiohttp.ClientSSLError():
            return str(error.os_error)
        case aiohttp.ClientConnectorDNSError():
            return "nobody knows this host"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "nobody listens there"
        case aiohttp.ClientConnectorError():
            return error.os_error.strerror or str(error.os_error)
        case _:
            return str(error) or type(error).__name__


def _quality(answer: aiohttp.ClientResponse) -> int:
    """What another AAS server of this kind says of the value; good where nothing is said."""
    try:
        return status_code(answer.headers.get("X-Value-Quality", "Good"))
    except KeyError:
        return GOOD


def _time(answer: aiohttp.ClientResponse) -> int:
    """When the source saw the value, where it is said; else now."""
    try:
        return file_time(datetime.fromisoformat(answer.headers["X-Source-Timestamp"]))
    except (KeyError, ValueError, TypeError):
        return now()
