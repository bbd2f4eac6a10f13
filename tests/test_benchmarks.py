"""The benchmark harness measures what it says: documents of the wanted size, requests counted, costs attributed."""

import sys
import time
from pathlib import Path

import orjson
import pytest
from aas_core3_1 import jsonization, verification
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks import cases, documents, load, report
from benchmarks.processes import Server, free_port
from benchmarks.rounds import Result, Round


@pytest.mark.parametrize("size", [3_000, 5_000, 100_000])
def test_a_document_has_the_wanted_size_and_is_valid(size: int) -> None:
    document = documents.submodel(7, size)
    assert size <= len(orjson.dumps(document)) <= size + 500
    assert list(verification.verify(jsonization.submodel_from_jsonable(document))) == []
    assert document == documents.submodel(7, size) != documents.submodel(8, size)


def test_the_nameplate_has_the_wanted_size_and_is_valid() -> None:
    plate = documents.nameplate(22_000)
    assert 21_500 < len(orjson.dumps(plate)) < 22_500
    assert list(verification.verify(jsonization.submodel_from_jsonable(plate))) == []


def test_a_request_says_how_long_its_body_is() -> None:
    raw = cases.request("PUT", "/submodels/x", b"{}", {"If-Match": '"1"'})
    assert raw.endswith(b'\r\nIf-Match: "1"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')


def test_requests_survive_their_file(tmp_path: Path) -> None:
    requests = [b"GET / HTTP/1.1\r\n\r\n", b"PUT / HTTP/1.1\r\n\r\n\n\x00"]
    load.write(tmp_path / "requests", requests)
    assert list(load.read(tmp_path / "requests")) == requests


async def test_our_own_load_counts_answers_and_failures() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=200 if request.path.startswith("/good") else 404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    requests = [cases.request("GET", "/good/0123456789"), cases.request("GET", "/bad")]
    async with TestServer(app) as server:
        assert server.port is not None
        counted = await load.drive(server.port, requests, clients=4, seconds=0.3, start=1_000_000)
    good = [path for path in seen if path.startswith("/good/")]
    assert counted.requests == len(seen) > 10
    assert counted.failed == len(seen) - len(good) > 0
    assert len(set(good)) == len(good)
    assert "/good/0001000001" in good


def test_cpu_time_is_that_of_the_process_and_its_children(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    serve = "import http.server, sys\nhttp.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), "
    program = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {burn + 'time.sleep(60)'!r}])\n{serve}"
    port = free_port()
    command = [sys.executable, "-c", program + "http.server.SimpleHTTPRequestHandler).serve_forever()", str(port)]
    server = Server("burner", command, port, tmp_path, "/")
    try:
        end = time.monotonic() + 20
        while server.cpu() < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        assert server.cpu() >= 0.3
        assert len(server.tree()) == 2
        assert server.peak_rss() > 1_000_000
    finally:
        server.terminate(server.tree())


def result(name: str, cost: float, target: float | None = None, failed: int = 0) -> Result:
    return Result(cases.Case(name, "any", [], target), [Round(cost, 1000, 1, 2, 10, failed)])


def test_a_cost_is_compared_with_nginx_in_the_same_run() -> None:
    results = [result(cases.BASE, 10), result("good", 9, 1.0), result("noisy", 12, 1.0), result("slow", 20, 1.0)]
    assert [row.verdict for row in report.rows(results)] == ["", "met", "near", "MISSED"]


def test_failed_requests_are_never_a_success() -> None:
    assert report.rows([result(cases.BASE, 10), result("broken", 1, 1.0, failed=3)])[1].verdict.startswith("FAILED")


def test_without_nginx_no_ratio_is_claimed() -> None:
    (row,) = report.rows([result("alone", 9, 1.0)])
    assert (row.ratio, row.verdict) == ("", "")


def test_the_page_shows_every_row() -> None:
    page = report.markdown(report.rows([result(cases.BASE, 10), result("good", 9, 1.0)]), ["a machine"], quick=True)
    assert "| good | 9.0 µs CPU" in page
    assert "- a machine" in page
    assert "quick run" in page
