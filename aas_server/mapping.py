"""What the mapping commands do: propose what makes a server's nodes live, and show how mappings stand."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from aas_server.live import Endpoint, Security
from aas_server.live.browsed import Left, Node, NodeKind
from aas_server.live.credentials import NOBODY, Credentials
from aas_server.live.declaring import named_node
from aas_server.live.interfaces import endpoint as address
from aas_server.live.proposing import Wishes, proposal
from aas_server.live.reading import Defective
from aas_server.model import Document
from aas_server.model.errors import Malformed, NotFound, Problem, Unavailable
from aas_server.remote import document, table

Print = Callable[[str], None]

#: Seconds between two words on long work.
PATIENCE = 1.0
#: How often a server is asked whether it connects to what it has been given, and seconds between.
TRIES, PAUSE = 20, 0.25
#: What a server says to who does not say who that is.
_NOBODY = ("BadIdentityToken", "BadUserAccessDenied")

AUTO = Security(auto=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be browsed, and how: an address, a node (empty: Objects), and what becomes of the proposal."""

    base: str
    node: str = ""
    most: int = 50_000
    security: Security = AUTO
    credentials: Credentials = NOBODY
    pki: Path = Path("pki")
    trust_all: bool = False
    prefix: str = ""
    writable: bool = False
    methods: bool = True
    out: Path | None = None
    post: str = ""


async def browse(wanted: Wanted, tell: Print, show: Print) -> None:
    """Propose what makes a server's nodes live: to a file, to a server, else shown. `tell` is told how it goes."""
    endpoint, start = _endpoint(wanted), _start(wanted)
    begun = time.monotonic()
    top, left = await _browsed(wanted, endpoint, start, tell)
    wishes = Wishes(wanted.prefix or _prefix(endpoint, top), wanted.writable, wanted.methods)
    environment = await asyncio.to_thread(proposal, top, endpoint, wishes, left)
    counts = {kind: sum(node.kind is kind for node in top.walk()) for kind in NodeKind}
    told = ", ".join(f"{count} {kind.lower()}{'s' * (count != 1)}" for kind, count in counts.items() if count)
    tell(f"{told} in {time.monotonic() - begun:.1f} s")
    for sentence in left:
        tell(sentence)
    if not environment["submodels"][2].get("submodelElements"):
        raise NotFound(f"nothing below {top.name or top.node_id} can be shown as an element")
    body = await asyncio.to_thread(orjson.dumps, environment, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    await _given(wanted, body, tell, show)
    if counts[NodeKind.METHOD] and wanted.methods:
        tell("clients may call the methods as Operations: take out of actions what they must not, or say --no-methods")
    await _advise(wanted, endpoint, tell)


def _endpoint(wanted: Wanted) -> Endpoint:
    if "://" not in wanted.base:
        raise Malformed(f"{wanted.base} is no address: write opc.tcp://{wanted.base}")
    try:
        found = address(wanted.base, "the server", wanted.security)
    except Defective as defect:
        raise Malformed(str(defect)) from None
    if found.scheme != "opc.tcp":
        raise Malformed(f"{wanted.base}: only OPC UA servers can be browsed, opc.tcp://host:4840")
    return found


def _start(wanted: Wanted) -> str:
    """The node to begin at; empty where none is named."""
    try:
        return named_node(wanted.node) if wanted.node else ""
    except Defective as defect:
        raise Malformed(f"--node: {defect}") from None


async def _browsed(wanted: Wanted, endpoint: Endpoint, start: str, tell: Print) -> tuple[Node, Left]:
    """All below a node. Raises Unavailable, Forbidden, Malformed, NotFound, TooLarge."""
    from aas_server.live.opcua import browsing  # it takes a second to load, which other commands are spared
    from aas_server.live.opcua.security import Pki

    fresh = not await asyncio.to_thread(wanted.pki.exists)
    pki = Pki(wanted.pki, wanted.trust_all)
    try:
        async with browsing.session(endpoint, wanted.credentials, pki) as (client, nodes):
            return await browsing.browse(client, nodes, start, wanted.most, Progress(tell))
    except Unavailable as error:
        if not wanted.credentials.user and any(each in str(error) for each in _NOBODY):
            raise Unavailable(f"{error}: say who you are with --user and --password-file, or --certificate") from None
        raise
    finally:
        if fresh and await asyncio.to_thread(wanted.pki.exists):
            tell(f"{wanted.pki}: made for our certificate and those of servers; --pki names another directory")


class Progress:
    """Says how far long work is, once in a while."""

    def __init__(self, tell: Print) -> None:
        self._tell, self._last = tell, time.monotonic()

    def __call__(self, what: str, done: int) -> None:
        if (now := time.monotonic()) - self._last >= PATIENCE:
            self._last = now
            self._tell(f"{what}: {done}")


def _prefix(endpoint: Endpoint, top: Node) -> str:
    """What ids begin with where nobody has said: the server and the node, so that two proposals do not collide."""
    host = endpoint.base.partition("://")[2].replace("/", ":").replace("[", "").replace("]", "")
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in top.name or "node")
    return f"urn:opcua:{host}:{name}"


async def _given(wanted: Wanted, body: bytes, tell: Print, show: Print) -> None:
    if wanted.out is not None:
        await asyncio.to_thread(wanted.out.write_bytes, body)
        tell(f"{wanted.out}: {len(body)} bytes")
    if wanted.post:
        report = await _posted(wanted.post.rstrip("/"), body)
        tell(f"{wanted.post}: {', '.join(report) or 'nothing new'}")
    if wanted.out is None and not wanted.post:
        show(body.decode().rstrip("\n"))


async def _advise(wanted: Wanted, endpoint: Endpoint, tell: Print) -> None:
    """What is to be done next."""
    if not wanted.post:
        file = wanted.out or "FILE"
        tell(f"look at it, then: curl -F file=@{file} http://127.0.0.1:8080/upload")
    elif await _connects(wanted.post.rstrip("/"), endpoint.base):
        return
    tell(f"it becomes live where the server may connect: aas-server serve --live-allowed {endpoint.base}")


async def _connects(url: str, base: str) -> bool:
    """Whether a server that has got a proposal connects to where it leads."""
    for _ in range(TRIES):
        try:
            overview = await document("GET", f"{url}/live")
        except Problem:  # it is another kind of server
            return False
        if any(each["endpoint"] == base for each in overview["connections"]):
            return True
        if any(each["text"].startswith(f"{base} is not among") for each in overview["defects"]):
            return False
        await asyncio.sleep(PAUSE)
    return False


async def _posted(url: str, body: bytes) -> list[str]:
    """Upload an environment to a server; counts of what became of it."""
    form = aiohttp.FormData()
    form.add_field("file", body, filename="proposal.json", content_type="application/json")
    answer = await document("POST", f"{url}/upload", data=form)
    return [f"{len(several)} {name}" for name, several in answer.items() if isinstance(several, list) and several]


# How it stands


async def show(url: str, troubled: bool, show: Print) -> None:
    """Connections, defects and mappings of a running server, as tables."""
    url = url.rstrip("/")
    overview = await document("GET", f"{url}/live")
    mappings = [each async for each in _mappings(url, troubled)]
    for line in _tables(overview, mappings, "mappings in trouble" if troubled else "mappings"):
        show(line)


async def _mappings(url: str, troubled: bool) -> AsyncIterator[Document]:
    cursor: str | None = None
    while True:
        given = {"limit": "500", "troubled": str(troubled).lower()} | ({"cursor": cursor} if cursor else {})
        page = await document("GET", f"{url}/live/mappings", params=given)
        for each in page["result"]:
            yield each
        if (cursor := page["paging_metadata"].get("cursor")) is None:
            return


def _tables(overview: Document, mappings: Sequence[Document], heading: str) -> Iterator[str]:
    names = ("endpoint", "state", "items", "troubled", "readings", "rate", "connects", "error")
    yield from table("connections", names, [[each.get(name) for name in names] for each in overview["connections"]])
    defects = [[each["origin"], each["text"]] for each in overview["defects"]]
    yield from table("defects", ("origin", "text"), defects)
    rows = [row for each in mappings for row in _rows(each)]
    yield from table(heading, ("element", "value", "quality", "source time", "source", "error"), rows)


def _rows(mapping: Document) -> Iterator[list[Any]]:
    """A row for each element that a mapping feeds."""
    source = ", ".join(each.get("href") or f"{each['path']} in {each['submodelId']}" for each in mapping["sources"])
    for sink in mapping["sinks"]:
        error = "; ".join(filter(None, (mapping.get("error"), sink.get("error"))))
        shown = [sink.get(name) for name in ("value", "quality", "sourceTimestamp")]
        yield [f"{sink['path']} in {sink['submodelId']}", *shown, source, error]
