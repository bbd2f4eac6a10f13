"""The graph: how soon it is built and follows, what questions cost, beside rdflib, and what a runaway query harms."""

import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import orjson

from aas_server.app import TABLES
from aas_server.graph.library import library
from aas_server.model.identifiers import encode
from benchmarks import fleet, processes
from benchmarks.fleet import Size, motor
from benchmarks.live import quantile
from benchmarks.plants import followed, identifier, plant
from benchmarks.processes import Server, descendants, resident
from benchmarks.rdf import LOOKUP, MAKERS, beside_rdflib, timed
from benchmarks.report import Row, compared, verdict

#: Elements of each submodel of a motor, and shells in one file.
FILLED, LINES = 38, 10
#: How often a query is asked; how many values are written, and how many in a second.
ASKED, WRITTEN, WRITES = 100, 1_000, 40
#: Live elements that are watched, and how many of their changes.
WATCHED, CHANGES = 50, 1_000
LIMIT = 5.0
RUNAWAY = "SELECT ?a ?b ?c { ?a ?p ?x . ?b ?q ?y . ?c ?r ?z } ORDER BY ?x ?y ?z"


def measured(folder: Path, lines: int, seconds: float) -> Iterator[Row]:
    """`lines` of 50 shells each."""
    click.echo("graph: beside rdflib ...", err=True)
    yield from beside_rdflib(seconds)
    size = Size(lines, filled=FILLED)
    click.echo(f"graph: importing {size.shells} shells ...", err=True)
    server = processes.ours(
        "graph", folder, "--graph-timeout", str(LIMIT), load=_files(folder / "fleet", size), pinned=False
    )
    try:
        click.echo("graph: building ...", err=True)
        yield from built(server, size)
        click.echo("graph: asking ...", err=True)
        yield from asked(server, lines)
        yield written(server)
        yield from runaway(server, seconds)
    finally:
        server.stop()
    click.echo("graph: live values ...", err=True)
    yield from live(folder)


def _files(folder: Path, size: Size) -> list[Path]:
    """The fleet in files of a bearable size."""
    folder.mkdir()
    for first in range(1, size.lines + 1, LINES):
        several = fleet.environment(size, range(first, min(first + LINES, size.lines + 1)))
        (folder / f"{first:05}.json").write_bytes(orjson.dumps(several))
    return [folder]


# The server


@dataclass(slots=True)
class Prober:
    """Asks the API for a value all the time, and notes how long that takes."""

    port: int
    times: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def __enter__(self) -> "Prober":
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def _run(self) -> None:
        where = f"/submodels/{encode(_plate(1))}/submodel-elements/SerialNumber/$value"
        while not self.ended.wait(0.005):
            self.times.append(timed(lambda: get(self.port, where))[1])

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self.thread is not None:
            self.thread.join()


def _plate(line: int) -> str:
    return f"{fleet.BASE}submodels/{motor(line, 3)}/Nameplate"


def get(port: int, path: str, accept: str = "*/*") -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=120) as answer:
        body: bytes = answer.read()
        return body


def ask(port: int, query: str, accept: str = "text/csv") -> list[str]:
    """The rows as CSV without their heading; waits where the graph is being built."""
    where = f"/sparql?{urllib.parse.urlencode({'query': query})}"
    while True:
        try:
            return get(port, where, accept).decode().split("\r\n")[1:-1]
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    raise


def built(server: Server, size: Size) -> Iterator[Row]:
    """From the first question to its answer, while the API is asked."""
    _ = [get(server.port, "/health/live") for _ in range(100)]
    with Prober(server.port) as prober:
        _, taken = timed(lambda: ask(server.port, LOOKUP % motor(1, 3)))
    statements = orjson.loads(get(server.port, "/graph"))["statements"]
    most = 120 if size.shells > 1000 else 8
    what = f"building the graph of {size.shells:,} shells"
    row = compared(what, taken, most, "s")
    late = quantile(prober.times, 0.99) * 1000
    yield Row(
        what, f"{row.measured}, {statements:,} statements", f"GET p99 {late:.1f} ms meanwhile", row.target, row.verdict
    )
    (count,) = ask(server.port, "SELECT (COUNT(?x) AS ?n) { ?x g:path ?path }")
    yield compared("statements for an element", statements / int(count), 7, "statements")
    yield compared(f"memory of the graph's process, {int(count):,} elements", memory(server) / 1e6, 2500, "MB")


def memory(server: Server) -> int:
    """What the graph's own process has resident, without its children, which share it."""
    return max(map(resident, descendants(server.process.pid)))


def asked(server: Server, lines: int) -> Iterator[Row]:
    """Through HTTP, one after the other."""
    numbers = [1 + number % lines for number in range(ASKED)]
    cases = {
        "a serial number": (10, [LOOKUP % motor(line, 5) for line in numbers]),
        "fleet join over three submodels": (150, [_named("overheated")] * (ASKED // 5)),
        "vans at risk, out of stock, and their cost": (150, [_named("fleet-risk")] * (ASKED // 5)),
        "assets by maker, all of the fleet": (500, [MAKERS] * (ASKED // 10)),
    }
    for name, (most, queries) in cases.items():
        taken = [timed(lambda query=query: ask(server.port, query))[1] for query in queries]  # type: ignore[misc]
        row = compared(f"{name}, p95", quantile(taken, 0.95) * 1000, most, "ms")
        yield Row(row.what, row.measured, f"p50 {quantile(taken, 0.5) * 1000:.1f} ms", row.target, row.verdict)


def _named(name: str) -> str:
    return library(TABLES / "queries")[name].filled({})


def written(server: Server) -> Row:
    """Values that are written one after the other, each until a query sees it or a later one."""
    where = f"/submodels/{encode(_plate(1))}/submodel-elements/SerialNumber/$value"
    submodel = f"<{_plate(1)}>"
    done: list[float] = []

    def write() -> None:
        for number in range(WRITTEN):
            body = orjson.dumps(f"{number}")
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}{where}", data=body, method="PATCH")
            request.add_header("Content-Type", "application/json")
            with urllib.request.urlopen(request):
                done.append(time.monotonic())
            time.sleep(1 / WRITES)

    writing = threading.Thread(target=write)
    delays: list[float] = []
    writing.start()
    while len(delays) < WRITTEN:
        (seen,) = ask(server.port, f"SELECT ?n {{ {submodel} e:0173-1-02-AAM556-004 ?n }}")
        now = time.monotonic()
        if seen.isdigit():
            delays += [now - at for at in done[len(delays) : int(seen) + 1]]
        time.sleep(0.01)
    writing.join()
    row = compared(f"{WRITTEN:,} writes, each until a query sees it, p99", quantile(delays, 0.99), 1, "s")
    return Row(row.what, row.measured, f"p50 {quantile(delays, 0.5):.2f} s", row.target, row.verdict)


def runaway(server: Server, seconds: float) -> Iterator[Row]:
    """A query without an end: how long after its limit it ends, and who else waits."""
    with Prober(server.port) as before:
        time.sleep(seconds)
    with Prober(server.port) as during:
        begun = time.monotonic()
        try:
            ask(server.port, RUNAWAY)
        except urllib.error.HTTPError as error:
            error.close()
        taken = time.monotonic() - begun
    yield compared(f"a runaway query, stopped after its limit of {LIMIT:g} s", max(0.0, taken - LIMIT), 0.5, "s")
    worse = (quantile(during.times, 0.99) - quantile(before.times, 0.99)) * 1000
    row = compared("GET p99 while it runs, more than before", max(0.0, worse), 5, "ms")
    yield Row(row.what, row.measured, f"before {quantile(before.times, 0.99) * 1000:.1f} ms", row.target, row.verdict)


def live(folder: Path) -> Iterator[Row]:
    """5,000 changes a second of 1,000 elements: from when `$value` shows one until a query does."""
    with plant(folder, 1000, 200) as of, followed(folder, of, 0.01) as server:
        ask(server.port, "ASK {}", "application/sparql-results+json")
        paths = [f"/submodels/{encode(identifier(0))}/submodel-elements/v{number}" for number in range(WATCHED)]
        first, delays = memory(server), list[float]()
        for number in range(CHANGES):
            delays.append(_until_seen(server, paths[number % WATCHED]))
        grown = max(0, memory(server) - first) / 1e6
    what = f"live values at 5,000 changes/s, {CHANGES:,} of them from $value until a query sees them, p99"
    yield compared(what, quantile(delays, 0.99) * 1000, 50, "ms")
    yield Row("memory that it grows by meanwhile", f"{grown:.2f} MB", "", "<= 1 MB", verdict(max(grown, 0.01), 1.0))


def _until_seen(server: Server, path: str) -> float:
    """Seconds; values grow with every change."""
    shown = float(get(server.port, f"{path}/$value"))
    begun = time.monotonic()
    query = f"SELECT ?now {{ BIND(g:live(<http://127.0.0.1:{server.port}{path}>) AS ?now) }}"
    while float(ask(server.port, query)[0]) < shown:
        time.sleep(0.001)
    return time.monotonic() - begun
