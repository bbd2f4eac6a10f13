"""Alternating rounds: every case in turn, forwards and backwards, so that what else the machine does falls on all."""

import http.client
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks import load
from benchmarks.cases import Case
from benchmarks.documents import COUNTER
from benchmarks.processes import Server, cores

#: The counter starts at another place in every round, far enough from the last that no number comes twice.
SPAN = 1_000_000
_rounds = count(1)


@dataclass(frozen=True, slots=True)
class Round:
    cost: float  # CPU microseconds per request
    rate: float  # requests per second
    p50: float
    p99: float
    answered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of a case."""

    case: Case
    rounds: Sequence[Round]

    @property
    def cost(self) -> float:
        return statistics.median(one.cost for one in self.rounds)

    @property
    def rate(self) -> float:
        return statistics.median(one.rate for one in self.rounds)

    @property
    def p99(self) -> float:
        return statistics.median(one.p99 for one in self.rounds)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.rounds)


class Unexpected(Exception):
    """A case was answered in another way than it should; measuring it would mean nothing."""


def measure(
    cases: Sequence[Case], servers: Mapping[str, Server], folder: Path, times: int, seconds: float
) -> list[Result]:
    """`times` rounds of `seconds` of every case whose server runs. Raises Unexpected before the first round."""
    wanted = [case for case in cases if case.server in servers]
    files = {case.name: prepare(case, servers[case.server], folder) for case in wanted}
    for case in wanted:
        one_round(case, servers[case.server], files[case.name], 1)
    seen: dict[str, list[Round]] = {case.name: [] for case in wanted}
    for turn in range(times):
        for case in wanted if turn % 2 == 0 else reversed(wanted):
            seen[case.name].append(one_round(case, servers[case.server], files[case.name], seconds))
    return [Result(case, seen[case.name]) for case in wanted]


def prepare(case: Case, server: Server, folder: Path) -> Path:
    """The requests as a file for the load generator, once the first of them is answered as expected."""
    first = case.requests[0].replace(COUNTER.encode(), b"%010d" % (next(_rounds) * SPAN))
    status, headers, body = exchange(server.port, first)
    if not case.expected(status, headers, body):
        raise Unexpected(f"{case.name}: {first.split(b' HTTP')[0].decode()} gave {status} {body[:300]!r}")
    path = folder / f"{case.name.replace(' ', '-').replace('$', '').replace(',', '')}.requests"
    load.write(path, case.requests)
    return path


def exchange(port: int, raw: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send one raw request and read its answer."""
    head, _, body = raw.partition(load.HEAD_END)
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            method, path, body or None, dict(line.split(": ", 1) for line in lines if "Host" not in line)
        )
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def one_round(case: Case, server: Server, requests: Path, seconds: float) -> Round:
    _, core = cores()
    before = server.cpu()
    seen = load.run(server.port, requests, clients=case.clients, seconds=seconds, start=next(_rounds) * SPAN, core=core)
    cost = (server.cpu() - before) / max(1, seen.requests) * 1e6
    return Round(
        cost, seen.requests / seen.seconds, seen.p50, seen.p99, seen.requests, seen.failed + (not seen.requests)
    )
