"""The cases over HTTP: which server, which requests, and how much of nginx's cost they may take."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any

import orjson

from aas_server.model import identifiers
from benchmarks import documents
from benchmarks.processes import Server

#: How many submodels of 5 kB the hot and cold reads choose from.
MANY = 200
#: Numbers of the submodels of other sizes, in kB.
SIZED = {100: 1_000_000, 600: 1_000_001}
BASE = "nginx 5 kB"
PLAIN: Mapping[str, str] = {}
WRITERS = 32


@dataclass(frozen=True, slots=True)
class Case:
    """Requests to one server. `target` is the cost allowed, as a multiple of the case `beside` in the same run."""

    name: str
    server: str
    requests: Sequence[bytes]
    target: float | None = None
    beside: str = BASE
    clients: int = 32
    expected: Callable[[int, Message, bytes], bool] = lambda status, _headers, _body: status < 300


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = PLAIN) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in ("GET", "DELETE"):
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def submodel_path(number: int) -> str:
    return f"/submodels/{identifiers.encode(documents.identifier(number))}"


def counter_path(number: int) -> str:
    return f"{submodel_path(number)}/submodel-elements/Counter/$value"


def numbers() -> Iterator[tuple[int, int]]:
    """Every submodel the servers hold for the reads: number and size in bytes."""
    yield from ((number, 5_000) for number in range(MANY))
    yield from ((number, kilobytes * 1000) for kilobytes, number in SIZED.items())


def environment() -> bytes:
    bodies = [orjson.dumps(documents.submodel(number, size)) for number, size in numbers()]
    shells = [orjson.dumps(documents.shell(number)) for number in range(MANY)]
    return b'{"assetAdministrationShells":[%b],"submodels":[%b]}' % (b",".join(shells), b",".join(bodies))


def many() -> list[bytes]:
    return [request("GET", submodel_path(number)) for number in range(MANY)]


def one(number: int, headers: Mapping[str, str] = PLAIN) -> list[bytes]:
    return [request("GET", submodel_path(number), headers=headers)]


def references() -> list[Case]:
    """What everything is compared with."""
    sizes = [Case(f"nginx {size} kB", "nginx", [request("GET", f"/{size}.json")]) for size in (5, *SIZED)]
    return [*sizes, Case("bare aiohttp, 5 kB", "aiohttp", [request("GET", "/")])]


def reads(servers: Mapping[str, Server]) -> list[Case]:
    values = {size: [request("GET", counter_path(number))] for size, number in ((5, 0), (600, SIZED[600]))}
    large = one(SIZED[100])
    return [
        Case("GET 5 kB, in cache", "ours", many(), 1.0, expected=is_submodel),
        Case("GET 100 kB, in cache", "ours", large, 1.0, "nginx 100 kB", expected=is_submodel),
        Case("GET 5 kB, cache off", "cache off", many(), 3.0, expected=is_submodel),
        Case("GET 5 kB, fast path off", "fast path off", many(), 7.0, expected=is_submodel),
        Case("GET $value in 5 kB", "ours", values[5], 1.2, expected=is_counter),
        Case("GET $value in 600 kB", "ours", values[600], 1.2, expected=is_counter),
        Case("GET 304, 5 kB", "ours", unchanged(servers["ours"]), 0.9, expected=lambda status, *_: status == 304),
        Case(
            "GET gzip of 100 kB, in cache", "ours", one(SIZED[100], {"Accept-Encoding": "gzip"}), 0.9, expected=is_gzip
        ),
    ]


def writes() -> list[Case]:
    """Durable writes of 32 clients; each differs from the one before it."""
    puts = [request("PUT", submodel_path(n), orjson.dumps(documents.submodel(n, 5_000))) for n in range(MANY)]
    patches = {n: [request("PATCH", counter_path(n), b'"0123456789"')] for n in (0, SIZED[100])}
    return [
        Case("PUT 5 kB, durable", "ours", puts, 25.0, clients=WRITERS),
        Case("POST 5 kB, durable", "ours", [post()], clients=WRITERS),
        Case("PATCH $value in 5 kB, durable", "ours", patches[0], clients=WRITERS),
        Case(
            "PATCH $value in 100 kB, durable",
            "ours",
            patches[SIZED[100]],
            1.3,
            "PATCH $value in 5 kB, durable",
            WRITERS,
        ),
    ]


def post() -> bytes:
    """A new submodel with every request: the counter stands in its id."""
    document = documents.submodel(0, 5_000) | {"id": f"https://example.com/bench/new/{documents.COUNTER}"}
    return request("POST", "/submodels", orjson.dumps(document))


def lists(server: Server, count: int) -> list[Case]:
    """A page of 100 at both ends of `count` submodels, and filtered pages."""
    last = cursor_before(server, count - 100)
    kind = identifiers.encode(json.dumps(documents.reference(documents.semantic_id(3))))
    rare = identifiers.encode(json.dumps(documents.reference(documents.semantic_id(999))))
    asset = identifiers.encode(json.dumps({"name": "globalAssetId", "value": documents.asset(7)}))
    start = "list of 100, at the start"
    return [
        Case(start, "large", [request("GET", "/submodels?limit=100")], expected=holds(100)),
        Case(
            "list of 100, at the end",
            "large",
            [request("GET", f"/submodels?limit=100&cursor={last}")],
            1.2,
            start,
            expected=holds(100),
        ),
        Case(
            "filter idShort, page of 10",
            "large",
            [request("GET", "/submodels?idShort=Module42&limit=10")],
            expected=holds(10),
        ),
        Case(
            "filter semanticId, page of 10",
            "large",
            [request("GET", f"/submodels?semanticId={kind}&limit=10")],
            expected=holds(10),
        ),
        Case(
            "filter semanticId, one hit",
            "large",
            [request("GET", f"/submodels?semanticId={rare}&limit=10")],
            expected=holds(1),
        ),
        Case(
            "filter assetIds, one hit",
            "large",
            [request("GET", f"/shells?assetIds={asset}&limit=10")],
            expected=holds(1),
        ),
    ]


def cursor_before(server: Server, position: int, step: int = 1000) -> str:
    """The cursor that leads to the item at `position`, found as a client finds it: page by page."""
    cursor, seen = "", 0
    while seen < position:
        limit = min(step, position - seen)
        page = fetch_json(server, f"/submodels?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        seen += len(page["result"])
        cursor = page["paging_metadata"]["cursor"]
    return cursor


def fetch_json(server: Server, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
        read: dict[str, Any] = json.load(answer)
        return read


def unchanged(server: Server) -> list[bytes]:
    """A conditional GET that names the current ETag."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{submodel_path(0)}", timeout=60) as answer:
        etag = answer.headers["ETag"]
    return one(0, {"If-None-Match": etag})


def is_submodel(status: int, _headers: Message, body: bytes) -> bool:
    return status == 200 and body.startswith(b"{") and b'"submodelElements"' in body


def is_counter(status: int, _headers: Message, body: bytes) -> bool:
    return status == 200 and documents.COUNTER.encode() in body


def is_gzip(status: int, headers: Message, body: bytes) -> bool:
    return status == 200 and headers["Content-Encoding"] == "gzip" and body.startswith(b"\x1f\x8b")


def holds(count: int) -> Callable[[int, Message, bytes], bool]:
    return lambda status, _headers, body: status == 200 and len(orjson.loads(body)["result"]) == count
