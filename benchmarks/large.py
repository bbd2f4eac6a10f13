"""A large store: how fast it fills, how much room it takes, and lists and filters over it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import click
import orjson

from benchmarks import cases, documents, processes, report, rounds
from benchmarks.report import Row, compared

SIZE = 3_000


def measured(folder: Path, many: int, times: int, seconds: float) -> Iterator[Row]:
    """Import `many` submodels of 3 kB and shells for a tenth of them, then read lists."""
    click.echo(f"import of {many} submodels ...", err=True)
    given = folder / "import"
    raw = documents.write_environments(given, range(many), SIZE)
    (given / "shells.json").write_bytes(shells(many // 10))
    empty = processes.ours("empty", folder)
    idle, spent = empty.rss(), empty.cpu()
    empty.stop()
    yield Row("start, empty store", f"{empty.seconds_to_start:.2f} s, {idle / 1e6:.0f} MB resident")
    server = processes.ours("large", folder, load=[given])
    try:
        taken = server.seconds_to_start - empty.seconds_to_start
        yield compared(f"import {many:,} x 3 kB", many / taken, 4_000, "documents/s", at_least=True)
        yield Row("import, per second of CPU", f"{many / (server.cpu() - spent):,.0f} documents")
        yield compared("memory, most during the import", server.peak_rss() / 1e6, 500, "MB")
        yield from report.rows(rounds.measure(cases.lists(server, many), {"large": server}, folder, times, seconds))
    finally:
        server.stop()
    shutil.rmtree(given)
    yield compared("file size", size_of(folder / "large.db") / raw, 1.6, "x raw JSON")
    begun = time.monotonic()
    again = processes.ours("large", folder)
    yield Row(f"start, store of {many:,}", f"{time.monotonic() - begun:.2f} s, {again.rss() / 1e6:.0f} MB resident")
    again.stop()


def shells(count: int) -> bytes:
    bodies = b",".join(orjson.dumps(documents.shell(number)) for number in range(count))
    return b'{"assetAdministrationShells":[%b]}' % bodies


def size_of(database: Path) -> int:
    """The database with its log; the server has stopped, so nothing is still to be written."""
    return sum(path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
