"""How many times the disk is waited for per durable PUT: a server under strace, which stops for nothing but fsync."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cases, processes, rounds
from benchmarks.report import Row, verdict

TARGET = 0.1


def per_put(folder: Path, load: Sequence[Path], seconds: float) -> Row:
    """Fsyncs per PUT while `cases.WRITERS` clients write."""
    what = f"fsync per PUT, {cases.WRITERS} clients"
    strace = shutil.which("strace")
    if strace is None:
        return Row(what, "not counted: on Debian and Ubuntu, apt install strace", target=f"<= {TARGET}")
    seen = folder / "syncs.txt"
    tracer = [strace, "--follow-forks", "--seccomp-bpf", "--trace=fsync,fdatasync", f"--output={seen}"]
    server = processes.ours("traced", folder, load=load, prefix=tracer)
    try:
        case = cases.writes()[0]
        requests = rounds.prepare(case, server, folder)
        before = count(seen)
        answered = rounds.one_round(case, server, requests, seconds).answered
        share = (count(seen) - before) / max(1, answered)
    finally:
        server.terminate(server.tree()[1:])  # strace ends with the server it follows
    return Row(what, f"{share:.3f}", "", f"<= {TARGET}", verdict(share, TARGET))


def count(seen: Path) -> int:
    return sum("sync(" in line for line in seen.read_text(encoding="utf-8").splitlines())
