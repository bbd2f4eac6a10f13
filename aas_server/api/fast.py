"""The fast path: hot reads answered from memory before the router, in the same bytes the router would send.

aiohttp's stack is the complete server. This `RequestHandler` looks at what arrives on an idle connection: a complete
GET of one document, element or value whose answer is at hand is written at once; everything else goes on to aiohttp
untouched. It relies on private names of one aiohttp version, checks them at start and steps aside where they differ.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from aas_server.api import contexts, encoding, errors, views
from aas_server.api.answering import Answer
from aas_server.api.cors import SERVER
from aas_server.api.versions import MOUNTS
from aas_server.api.views import View
from aas_server.model import Kind
from aas_server.model.errors import Problem
from aas_server.model.identifiers import decode
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.model.negotiating import JSON, preferred
from aas_server.model.paths import IdShortPath, parse
from aas_server.repository import Repository
from aas_server.repository.entries import Key

log = logging.getLogger(__name__)

#: What this module takes from aiohttp without being promised it.
PRIVATE = ("_current_request", "_messages", "_waiter", "_request_count", "_close", "_force_close", "_upgraded")
VERSION = "3.14."

#: What ends a header block, and what ends that of every answer.
END = b"\r\n\r\n"
AFTER = f"\r\nServer: {SERVER}\r\n\r\n".encode()
#: Bytes of a request that is looked at.
LONGEST = 4096
#: Header blocks, and targets, remembered; clients repeat theirs with every request.
REMEMBERED = 2000

#: Says yes or no to a request line and its header block, before anything is answered.
Allowed = Callable[[bytes, bytes], bool]

Found = TypeVar("Found")

_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*)\Z")
#: Headers that ask for something only the whole stack knows how to do.
_FOREIGN = frozenset(
    b"authorization content-length cookie expect if-match if-modified-since if-unmodified-since if-range origin range "
    b"te trailer transfer-encoding upgrade".split()
)
_TARGET = re.compile(
    rb"(?P<mount>.*?)/(?P<collection>shells|submodels|concept-descriptions)/(?P<id>[A-Za-z0-9_-]+)"
    rb"(?:/submodel-elements/(?P<path>[^/?#]+))?(?:/(?P<content>\$value|\$metadata))?\Z"
)
_KINDS = {b"shells": Kind.SHELL, b"submodels": Kind.SUBMODEL, b"concept-descriptions": Kind.CONCEPT}
_MOUNTS: dict[bytes, ApiVersion] = {mount.encode(): version for mount, version in MOUNTS.items()}


class Head(NamedTuple):
    """What a header block asks for, as far as a hot read is concerned."""

    accept_encoding: str = ""
    if_none_match: str = ""


class Wire(NamedTuple):
    """A finished answer around the date, and the document it shows."""

    before: bytes
    after: bytes
    key: Key


class Target(NamedTuple):
    """What a request target addresses."""

    kind: Kind
    identifier: str
    path: IdShortPath
    view: View


class FastPath:
    """Finds or makes the bytes that answer a request; knows nothing of connections.

    Answers are held by the whole request: what clients send for the same document differs in nothing.
    """

    def __init__(self, repository: Repository, allowed: Allowed | None = None) -> None:
        self.repository = repository
        self.allowed = allowed
        self.hits = 0
        self._heads: dict[bytes, Head | None] = {}
        self._targets: dict[bytes, Target | None] = {}
        self._answers = repository.cache.answers
        self._used = repository.cache.used
        self._second = 0
        self._date = b""

    def answer(self, data: bytes) -> bytes | None:
        """The answer to a complete request, or None where the router has to give it."""
        if self.allowed is not None and not self._permitted(data):
            return None
        wire = self._answers.get(data)
        if wire is None and (wire := self._find(data)) is None:
            return None
        self.hits += 1
        self._used(wire.key)
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return b"".join((wire.before, self._date, wire.after))

    def _permitted(self, data: bytes) -> bool:
        line, _, block = data.partition(b"\r\n")
        return self.allowed is None or self.allowed(line, block)

    def _find(self, data: bytes) -> Wire | None:
        line, _, block = data.partition(b"\r\n")
        if len(data) > LONGEST or not line.startswith(b"GET ") or not line.endswith(b" HTTP/1.1"):
            return None
        if (head := _remembered(self._heads, block, read_head)) is None:
            return None
        if (target := _remembered(self._targets, line[4:-9], read_target)) is None:
            return None
        entry = self.repository.peek(target.kind, target.identifier, target.path)
        if entry is None:
            return None
        try:
            answer = views.answer(entry, target.path, target.view, head.accept_encoding, head.if_none_match)
        except Problem:
            return None  # the router says what is wrong
        made = wire(contexts.linked(answer, target.view.content, line[4:-9].decode("ascii")), entry.key)
        size = len(data) + len(made.before) + len(made.after)
        self.repository.cache.keep_answer(entry, data, made, size)
        return made


def _remembered(known: dict[bytes, Found | None], text: bytes, read: Callable[[bytes], Found | None]) -> Found | None:
    """What `read` makes of a text that clients repeat."""
    if text in known:
        return known[text]
    if len(known) >= REMEMBERED:
        known.clear()
    found = known[text] = read(text)
    return found


def read_target(target: bytes) -> Target | None:
    """What a request target addresses; None where that is more than a document, an element or its value."""
    found = _TARGET.match(target)
    version = _MOUNTS.get(found["mount"]) if found else None
    if found is None or version is None:
        return None
    kind = _KINDS[found["collection"]]
    if (found["path"] or found["content"]) and kind is not Kind.SUBMODEL:
        return None
    try:
        identifier = decode(found["id"].decode())
        path = parse(unquote(found["path"].decode("ascii"), errors="strict")) if found["path"] else ()
    except (Problem, ValueError):
        return None  # the router says what is wrong
    return Target(kind, identifier, path, View(Content((found["content"] or b"").decode()), version=version))


def read_head(block: bytes) -> Head | None:
    """What a header block asks for; None where it asks for more than a hot read, or is not whole and well formed."""
    if block.find(END) != len(block) - len(END):
        return None
    lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields: dict[bytes, str] = {}
    for line in lines:
        found = _HEADER.match(line)
        if found is None or (name := found[1].lower()) in _FOREIGN or name in fields:
            return None
        fields[name] = found[2].decode("ascii").strip()
    if not fields.get(b"host") or fields.get(b"connection", "keep-alive").lower() != "keep-alive":
        return None
    if preferred(fields.get(b"accept", "")) != JSON:
        return None
    return Head(encoding.chosen(fields.get(b"accept-encoding", "")), fields.get(b"if-none-match", ""))


def wire(answer: Answer, key: Key) -> Wire:
    """The answer as bytes, headers in the order in which aiohttp sends them."""
    headers = "".join([f"{name}: {text}\r\n" for name, text in answer.headers.items()])
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Wire(f"HTTP/1.1 304 Not Modified\r\n{headers}Date: ".encode("ascii"), AFTER, key)
    before = f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(answer.body)}\r\nDate: ".encode("ascii")
    return Wire(before, AFTER + answer.body, key)


class Connection(RequestHandler):
    """aiohttp's handler of one connection, with the fast path in front where there is one."""

    __slots__ = ("_clean", "_fast", "left")

    def __init__(self, fast: FastPath | None, manager: web.Server, **options: object) -> None:
        super().__init__(manager, **options)  # type: ignore[arg-type]
        self._fast = fast
        self._clean = False
        #: Called when the client is gone, by an answer that would go on without end.
        self.left: Callable[[], None] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.left is not None:
            self.left()

    def data_received(self, data: bytes) -> None:
        fast = self._fast
        if fast is None:
            super().data_received(data)
            return
        waiter = self._waiter
        if (
            self._clean
            and waiter is not None
            and self._current_request is None
            and not self._messages
            and not self._paused
            and not (self._close or self._force_close or self._upgraded or waiter.done())
            and (answer := fast.answer(data)) is not None
            and (transport := self.transport) is not None
        ):
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            transport.write(answer)
        else:
            self._hand_on(data)

    def _hand_on(self, data: bytes) -> None:
        """aiohttp reads on. The parser stands between two requests exactly if one complete request was all it got."""
        before = self._request_count
        super().data_received(data)
        self._clean = (
            complete(data)
            and self._request_count == before + 1
            and bool(self._messages)
            and getattr(self._messages[-1][0], "path", "").encode() == data[4:].partition(b" ")[0]
            and b"content-length" not in data.lower()
            and b"transfer-encoding" not in data.lower()
        )

    def log_exception(self, *arguments: object, **options: object) -> None:
        """A body that is not what it says is answered already when aiohttp meets it again, reading it to its end."""
        if not isinstance(options.get("exc_info"), RequestPayloadError):
            super().log_exception(*arguments, **options)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot even be read as HTTP gets a Result, too, and the connection is closed."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is already under way")
        answer = errors.result(HTTPStatus(status), [errors.unread(message or HTTPStatus(status).phrase)])
        answer.headers["Server"] = SERVER
        answer.force_close()
        return answer


def complete(data: bytes) -> bool:
    """Whether the bytes are one whole GET without a body, and nothing else."""
    return data.startswith(b"GET ") and data.find(END) == len(data) - len(END)


def busy(connection: RequestHandler) -> bool:
    """Whether a request on this connection is being read or answered."""
    return connection._current_request is not None


def usable() -> bool:
    """Whether this aiohttp is the one whose inside the fast path knows; says so in the log where it is not."""
    slots = {name for parent in RequestHandler.__mro__ for name in getattr(parent, "__slots__", ())}
    missing = [name for name in (*PRIVATE, "_paused", "_next_keepalive_close_time") if name not in slots]
    if missing or not aiohttp.__version__.startswith(VERSION):
        log.warning("fast path off: it knows aiohttp %sx, this is %s %s", VERSION, aiohttp.__version__, missing)
        return False
    return True


def connections(server: web.Server, fast: FastPath | None, **options: object) -> Callable[[], asyncio.Protocol]:
    """The protocol factory for the event loop's create_server."""
    loop = asyncio.get_running_loop()
    return lambda: Connection(fast, server, loop=loop, **options)
