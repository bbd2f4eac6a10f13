"""The plant: what a value costs on its way from OPC UA to HTTP, how soon it is there, and what readers cost."""

import asyncio
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from aas_server.live.lua.transforming import Order, Transforming
from aas_server.model.identifiers import encode
from benchmarks import foreign, plants, processes
from benchmarks.plants import EACH, Plant, followed, identifier, plant, standing
from benchmarks.processes import PROJECT, Server, cpu_of
from benchmarks.report import Row, compared, verdict

#: Requests per second that read values while they are measured, and of how many variables.
ASKED, WATCHED = 500, 5
BROWSED, WALKED = 10_000, 500
READERS = 1_000
RUNS = 5_000
SCRIPT = "function aimc_main(sources) return {Celsius = (sources.Fahrenheit - 32) * 5 / 9} end"


def measured(folder: Path, seconds: float) -> Iterator[Row]:
    """All of it; a single row where node-opcua is missing."""
    try:
        foreign.installed()
    except foreign.Missing as error:
        yield Row("live values", f"not measured: {error}")
        return
    yield from beside_bridge(folder, seconds)
    for offered, count, kind, most in ((50_000, 5_000, "Double", 50), (10_000, 1_000, "LocalizedText", 100)):
        click.echo(f"live: {offered} changes/s of {kind} ...", err=True)
        yield from loaded(folder, seconds, offered, count, kind, most)
    yield events(folder, seconds)
    yield from browsing(folder)
    yield asyncio.run(scripts())


def beside_bridge(folder: Path, seconds: float) -> Iterator[Row]:
    """1,000 changes/s, by us and by a bridge."""
    click.echo("live: 1000 changes/s, beside a bridge ...", err=True)
    with plant(folder, 100, 100) as of:
        bridged = bridge(folder, of, seconds)
        with followed(folder, of) as server:
            cost, _, probe = window(server, of, seconds)
    what = "live: 1,000 changes/s"
    yield Row("bridge: asyncua handler and PATCH", f"{bridged:,.0f} µs CPU a value, server included")
    shown = f"{cost:,.1f} µs CPU a value, while {probe.answered / probe.seconds:,.0f} GET/s are answered"
    yield Row(what, shown, f"1/{bridged / cost:,.0f} of a bridge")
    yield compared(f"{what}, from change to $value, p99", probe.late(0.99) * 1000, 250, "ms")
    yield Row(f"{what}, GET $value", f"p50 {probe.took(0.5) * 1000:.2f} ms, p99 {probe.took(0.99) * 1000:.2f} ms")


def bridge(folder: Path, of: Plant, seconds: float) -> float:
    """CPU microseconds for a value that a bridge writes, its own and the server's."""
    environment = folder / "bridged.json"
    environment.write_bytes(plants.submodels(of))
    server = processes.ours("bridged", folder, load=[environment])
    command = [sys.executable, "-m", "benchmarks.bridge", of.url, f"http://127.0.0.1:{server.port}", identifier(0)]
    process = subprocess.Popen([*command, str(of.count)], stdout=subprocess.PIPE, cwd=PROJECT)
    assert process.stdout is not None
    try:
        begun = [int(process.stdout.readline()) for _ in range(3)][-1]
        spent = server.cpu() + cpu_of(process.pid)
        written = [int(process.stdout.readline()) for _ in range(int(2 * seconds))][-1] - begun
        return (server.cpu() + cpu_of(process.pid) - spent) / written * 1e6
    finally:
        process.kill()
        process.communicate()
        server.stop()


def loaded(folder: Path, seconds: float, offered: int, count: int, kind: str, most: float) -> Iterator[Row]:
    """Many changes: how many arrive, what they cost, and how soon they are seen."""
    with plant(folder, count, count * 1000 // offered, kind) as of, followed(folder, of) as server:
        cost, arrived, probe = window(server, of, 2 * seconds)
    what = f"live: {offered:,} changes/s of {kind}"
    yield compared(f"{what}, arriving", arrived, 0.95 * offered, "values/s", at_least=True)
    share = cost * arrived / 1e4
    shown = f"{cost:.2f} µs CPU a value, {share:.0f} % of a core"
    yield Row(what, shown, "", f"<= {most:g} % of a core", verdict(share, most))
    late = probe.late(0.99) * 1000
    yield Row(
        f"{what}, from change to $value",
        f"p50 {probe.late(0.5) * 1000:.0f} ms, p99 {late:.0f} ms",
        "",
        "p99 <= 150 ms",
        verdict(late, 150),
    )


def window(server: Server, of: Plant, seconds: float) -> tuple[float, float, "Probe"]:
    """CPU microseconds a value, values per second, and what somebody saw who asked all the time."""
    time.sleep(2)
    probe = Probe(server.port, of)
    first, spent, begun = standing(server)["readings"], server.cpu(), time.monotonic()
    probe.run(seconds)
    arrived, spent = standing(server)["readings"] - first, server.cpu() - spent
    return spent / arrived * 1e6, arrived / (time.monotonic() - begun), probe


@dataclass(slots=True)
class Probe:
    """Asks for a few values in turn, at a fixed rate, and notes how old a new one is when it is first seen."""

    port: int
    of: Plant
    seconds: float = 0.0
    answered: int = 0
    delays: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        numbers = [self.of.count * k // WATCHED for k in range(WATCHED)]
        paths = [_path(number) for number in numbers]
        seen: dict[str, str] = {}
        asked = http.client.HTTPConnection("127.0.0.1", self.port)
        begun = time.monotonic()
        while (now := time.monotonic()) - begun < seconds:
            if (early := begun + self.answered / ASKED - now) > 0:
                time.sleep(early)
            self._ask(asked, paths[self.answered % WATCHED], seen)
        self.seconds = time.monotonic() - begun
        asked.close()

    def _ask(self, asked: http.client.HTTPConnection, path: str, seen: dict[str, str]) -> None:
        before = time.perf_counter()
        asked.request("GET", path)
        with asked.getresponse() as answer:
            answer.read()
            stamp = answer.headers["X-Source-Timestamp"]
        self.times.append(time.perf_counter() - before)
        self.answered += 1
        if path in seen and seen[path] != stamp:
            self.delays.append(time.time() - datetime.fromisoformat(stamp).timestamp())
        seen[path] = stamp

    def late(self, share: float) -> float:
        return quantile(self.delays, share)

    def took(self, share: float) -> float:
        return quantile(self.times, share)


def _path(number: int) -> str:
    return f"/submodels/{encode(identifier(number))}/submodel-elements/v{number}/$value"


def quantile(values: Sequence[float], share: float) -> float:
    """
    >>> quantile([3, 1, 2], 0.5)
    2
    """
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def events(folder: Path, seconds: float) -> Row:
    """A hundred changing elements, and many who read of all of them."""
    click.echo(f"live: {READERS} readers of events ...", err=True)
    with plant(folder, EACH, 100) as of, followed(folder, of) as server:
        time.sleep(1)
        alone = _spent(server, seconds)
        command = [sys.executable, "-m", "benchmarks.readers", "127.0.0.1", str(server.port), "/events"]
        with subprocess.Popen([*command, str(READERS), f"{2 * seconds}"], stdout=subprocess.PIPE, cwd=PROJECT) as many:
            assert many.stdout is not None
            many.stdout.readline()
            spent, begun = server.cpu(), time.monotonic()
            read = int(many.stdout.readline())
            spent, taken = server.cpu() - spent, time.monotonic() - begun
    share = 100 * spent / taken
    shown = f"{read / taken:,.0f} events/s read, {share:.0f} % of a core ({100 * alone:.0f} % without readers)"
    what = f"events: {READERS:,} readers, {EACH} elements that change 10 times a second"
    return Row(
        what,
        shown,
        f"{(spent - alone * taken) / read * 1e6:.2f} µs CPU an event read",
        "<= 100 % of a core",
        verdict(share, 100),
    )


def _spent(server: Server, seconds: float) -> float:
    """The share of a core it takes."""
    spent = server.cpu()
    time.sleep(seconds)
    return (server.cpu() - spent) / seconds


def browsing(folder: Path) -> Iterator[Row]:
    """A proposal for many variables, beside asking for one after the other as scripts do."""
    click.echo(f"live: browsing {BROWSED} variables ...", err=True)
    with plant(folder, BROWSED, 0) as of:
        program = str(Path(sys.executable).with_name("aas-server"))
        command = [
            program,
            "mapping",
            "browse",
            of.url,
            "--node",
            "ns=1;s=Load",
            "--out",
            str(folder / "proposal.json"),
        ]
        begun = time.monotonic()
        subprocess.run([*command, "--pki", "browsing", "--trust-all"], check=True, capture_output=True, cwd=folder)
        taken = time.monotonic() - begun
        alone = asyncio.run(walk(of.url))
    row = compared(f"browse {BROWSED:,} variables into a proposal", taken, 10, "s")
    yield Row(row.what, row.measured, f"1/{alone * BROWSED / taken:.1f} of one by one", row.target, row.verdict)


async def walk(url: str) -> float:
    """Seconds for a variable that is asked for by itself."""
    from asyncua.client.client import Client

    async with Client(url) as client:
        nodes = await client.get_node("ns=1;s=Load").get_children()
        begun = time.monotonic()
        for node in nodes[:WALKED]:
            await node.read_display_name()
            await node.read_description()
            await node.read_data_type()
            await node.read_value_rank()
            await node.get_access_level()
            await node.get_children()
        return (time.monotonic() - begun) / WALKED


async def scripts() -> Row:
    """A transformation in its process, beside the same in this one."""
    transforming = Transforming()
    orders = [Order(SCRIPT, {"Fahrenheit": float(number)}) for number in range(100)]
    try:
        await transforming.run(orders)
        taken = []
        for _ in range(RUNS // 100):
            begun = time.perf_counter()
            await transforming.run(orders)
            taken.append((time.perf_counter() - begun) / 100)
    finally:
        await transforming.close()
    cost, bare = statistics.median(taken) * 1e6, _in_process() * 1e6
    return Row(
        "transformation in Lua",
        f"{cost:.1f} µs a run, 100 at a time",
        f"{cost / bare:.1f} x Lua in the process ({bare:.1f} µs)",
    )


def _in_process() -> float:
    from lupa import lua54

    runtime = lua54.LuaRuntime()
    call = runtime.execute(f"{SCRIPT}\nreturn aimc_main")
    taken = []
    for turn in range(50):
        begun = time.perf_counter()
        for number in range(100):
            dict(call(runtime.table_from({"Fahrenheit": turn + float(number)})))
        taken.append((time.perf_counter() - begun) / 100)
    return statistics.median(taken)
