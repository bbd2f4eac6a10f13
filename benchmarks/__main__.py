"""`make bench`: starts everything it needs, measures, prints one table and writes docs/benchmarks*.md."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from benchmarks import (
    cases,
    documents,
    graph,
    inside,
    large,
    live,
    load,
    machine,
    processes,
    queries,
    report,
    rounds,
    syncs,
)
from benchmarks.processes import PROJECT, Server
from benchmarks.report import Row

GET_NGINX = "nginx is not installed, so there is nothing to compare with: on Debian and Ubuntu, apt install nginx-light"
GET_WRK = "wrk is not installed; a slower load generator stands in: on Debian and Ubuntu, apt install wrk"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: rounds, their seconds, and how many submodels are many."""

    times: int
    seconds: float
    many: int


FULL = Plan(5, 2, 100_000)
QUICK = Plan(2, 1, 20_000)
#: The pages in docs, and what is measured for each.
PAGES = {
    "benchmarks.md": ("reads", "writes", "large", "inside", "queries"),
    "benchmarks-live.md": ("live",),
    "benchmarks-graph.md": ("graph",),
}
PARTS = tuple(part for parts in PAGES.values() for part in parts)


@click.command()
@click.option("--quick", is_flag=True, help="About two minutes, rough.")
@click.option("--only", default=",".join(PARTS), help=f"Some of: {', '.join(PARTS)}.")
@click.option("--output", type=click.Path(path_type=Path), default=PROJECT / "docs", help="Folder of the pages.")
def main(quick: bool, only: str, output: Path) -> None:
    """Measure the server beside nginx and compare with the targets."""
    plan, wanted = QUICK if quick else FULL, only.split(",")
    with tempfile.TemporaryDirectory(prefix="aas-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        described = machine.describe(folder)
        table: dict[str, list[Row]] = {part: [] for part in PARTS}
        try:
            for part, row in measured(folder, plan, wanted):
                table[part].append(row)
        finally:  # what was measured before a server failed is worth seeing
            click.echo("\n" + report.text(row for rows in table.values() for row in rows))
    for page, parts in PAGES.items():
        if set(parts) <= set(wanted):
            rows = [row for part in parts for row in table[part]]
            (output / page).write_text(report.markdown(rows, described, quick=quick), encoding="utf-8")
    every = [row for rows in table.values() for row in rows]
    sys.exit(any(row.verdict.startswith(("MISSED", "FAILED")) for row in every))


def measured(folder: Path, plan: Plan, wanted: list[str]) -> Iterator[tuple[str, Row]]:
    """Each row with the part it belongs to."""
    if load.generator() != "wrk":
        click.echo(GET_WRK, err=True)
    with ExitStack() as stack:
        servers = {}
        for server in references(folder) if {"reads", "writes"} & set(wanted) else ():
            stack.callback(server.stop)
            servers[server.name] = server
        if servers:
            yield from hot(folder, plan, wanted, servers, stack)
    several: dict[str, Callable[[], Iterator[Row]]] = {
        "large": lambda: large.measured(folder, plan.many, plan.times, plan.seconds),
        "inside": lambda: inside.measured(folder, plan.many),
        "queries": lambda: queries.measured(folder, plan.many // 10),
        "graph": lambda: graph.measured(folder, plan.many // 500, 2 * plan.seconds),
        "live": lambda: live.measured(folder, 2 * plan.seconds),
    }
    for part, measure in several.items():
        if part in wanted:
            yield from ((part, row) for row in measure())


def references(folder: Path) -> Iterator[Server]:
    """nginx and bare aiohttp, with the documents as files."""
    static = folder / "static"
    static.mkdir()
    for kilobytes, number in {5: 0, **cases.SIZED}.items():
        (static / f"{kilobytes}.json").write_bytes(orjson.dumps(documents.submodel(number, kilobytes * 1000)))
    if found := processes.nginx(folder):
        yield found
    else:
        click.echo(GET_NGINX, err=True)
    yield processes.bare_aiohttp(folder, static / "5.json")


def hot(
    folder: Path, plan: Plan, wanted: list[str], servers: dict[str, Server], stack: ExitStack
) -> Iterator[tuple[str, Row]]:
    """The small store: reads in all three ways to run, then durable writes."""
    held = folder / "hot.json"
    held.write_bytes(cases.environment())
    ways = {"ours": (), "cache off": ("--cache-size", "0"), "fast path off": ("--no-fast-path",)}
    for name, options in ways.items():
        servers[name] = processes.ours(name, folder, *options, load=[held])
        stack.callback(servers[name].stop)
    if "reads" in wanted:
        click.echo("reads ...", err=True)
        chosen = cases.references() + cases.reads(servers)
        found = report.rows(rounds.measure(chosen, servers, folder, plan.times, plan.seconds))
        yield from (("reads", row) for row in found)
        yield "reads", Row("memory, idle after the reads", f"{servers['ours'].rss() / 1e6:.0f} MB resident")
    if "writes" in wanted:
        click.echo("writes ...", err=True)
        results = rounds.measure(cases.references()[:1] + cases.writes(), servers, folder, plan.times, plan.seconds)
        yield from (("writes", row) for row in report.rows(results) if row.what != cases.BASE)
        yield "writes", syncs.per_put(folder, [held], plan.seconds)


main()
