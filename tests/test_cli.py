"""The command line as users have it: processes, signals, exit codes, and a sentence for whatever is wrong."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aas_server.cli import group
from aas_server.config import shipped
from tests.aasx.packages import FILE, environment, members, zipped
from tests.examples import b64, motors, prop, shell, submodel

PROGRAM = str(Path(sys.executable).with_name("aas-server"))
PROJECT = Path(__file__).resolve().parents[1]
EXAMPLES = shipped("submodels") / "examples"
PATIENCE = 30.0


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.lines: list[str] = []
        self.popen = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        self.lines.extend(iter(self.popen.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def printed(self, pattern: str) -> str:
        """What the pattern's group matches in the output, once it does."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := re.search(pattern, self.output):
                return found[1]
            if self.popen.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} is not in\n{self.output}")

    @property
    def url(self) -> str:
        return self.printed(r"listens on (http://\S+)")

    def ready(self) -> "Process":
        self.printed(r"(ready); try")
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        code = self.popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start("--examples")`: a server in an empty folder; what still runs is ended with the test."""
    started: list[Process] = []

    def run(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield run
    for process in started:
        process.popen.kill()
        process.ended()
        assert process.popen.stdout is not None
        process.popen.stdout.close()


def program(folder: Path, *arguments: object) -> tuple[int, str]:
    """Exit code and output of one run; nothing the program says may be a traceback."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def ask(url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def wait_for(url: str, status: int) -> None:
    end = time.monotonic() + PATIENCE
    while ask(url)[0] != status:
        assert time.monotonic() < end, f"{url} does not answer {status}"
        time.sleep(0.02)


# Serving


def test_serve_says_where_it_listens_and_what_to_try(start: Start) -> None:
    server = start("--store", "sqlite:///:memory:", "--examples").ready()
    tried = re.findall(r"  curl '(http://[^']+)'", server.printed(r"(?s)(ready; try:.*upload\n)"))
    assert len(tried) == 2
    assert all(url.startswith(server.url) and ask(url)[0] == 200 for url in tried)
    assert ask(f"{server.url}/shells?limit=1")[1]["result"]
    assert server.stop() == 0
    assert "Traceback" not in server.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(start: Start, number: int) -> None:
    server = start("--store", "sqlite:///here.db").ready()
    assert server.stop(number) == 0
    assert server.output.endswith("aas-server stops\n")
    assert "not closed" not in start("--store", "sqlite:///here.db").ready().output


def test_health_before_and_after_loading(start: Start, tmp_path: Path) -> None:
    (tmp_path / "many.json").write_bytes(many())
    server = start("--store", "sqlite:///:memory:", "--load", "many.json")
    status, body = ask(f"{server.url}/health/ready")
    assert (status, body["messages"][0]["code"]) == (503, "503")
    assert ask(f"{server.url}/health/live")[0] == 200
    wait_for(f"{server.url}/health/ready", 200)
    assert ask(f"{server.url}/submodels/{b64('urn:x:2999')}")[0] == 200


def many() -> bytes:
    """An environment that takes its time."""
    submodels = [submodel(f"urn:x:{n}", *(prop(f"P{m}") for m in range(20))) for n in range(3000)]
    return json.dumps({"submodels": submodels}).encode()


def test_a_request_under_way_is_finished(start: Start) -> None:
    server = start("--store", "sqlite:///kept.db").ready()
    host, port = server.url.removeprefix("http://").split(":")
    body = gzip.compress(many())
    head = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.3)
        server.popen.terminate()
        assert connection.recv(65536).startswith(b"HTTP/1.1 201")
        while connection.recv(65536):
            pass
    assert server.ended() == 0
    again = start("--store", "sqlite:///kept.db").ready()
    assert ask(f"{again.url}/submodels/{b64('urn:x:2999')}")[0] == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_acknowledged_writes_are_there_after_a_restart(start: Start, end: int) -> None:
    server = start("--store", "sqlite:///kept.db").ready()
    for number in range(20):
        assert ask(f"{server.url}/submodels", "POST", motors(f"urn:x:{number}"))[0] == 201
    value = f"/submodels/{b64('urn:x:7')}/submodel-elements/Motors%5B0%5D.Speed/$value"
    assert ask(f"{server.url}{value}", "PATCH", 7.5)[0] == 204
    assert ask(f"{server.url}/submodels/{b64('urn:x:8')}", "DELETE")[0] == 204
    server.stop(end)
    again = start("--store", "sqlite:///kept.db").ready()
    assert ask(f"{again.url}{value}") == (200, 7.5)
    held = {each["id"] for each in ask(f"{again.url}/submodels")[1]["result"]}
    assert held == {f"urn:x:{number}" for number in range(20)} - {"urn:x:8"}


def test_loading_again_undoes_no_edit(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps({"submodels": [motors("urn:x:1")]}), encoding="utf-8")
    (tmp_path / "in" / "b.aasx").write_bytes(zipped(members(environment(FILE.format("")))).getvalue())
    arguments = ("--store", "sqlite:///kept.db", "--load", "in")
    server = start(*arguments).ready()
    value = f"/submodels/{b64('urn:x:1')}/submodel-elements/Name/$value"
    assert ask(f"{server.url}{value}", "PATCH", "mine")[0] == 204
    assert server.stop() == 0
    again = start(*arguments).ready()
    assert ask(f"{again.url}{value}") == (200, "mine")
    assert ask(f"{again.url}/submodels/{b64('urn:submodel')}")[0] == 200


def test_a_bad_file_among_good_ones_is_told_and_the_rest_served(start: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"submodels": [', encoding="utf-8")
    server = start("--store", "sqlite:///:memory:", "--load", "bad.json", "--load", "no", "--load", str(EXAMPLES))
    assert server.printed(r"\nnot ready: (\d) of the files") == "2"
    assert "bad.json: refused: " in server.output
    assert "ERROR   aas_server.running: not loaded: no: refused: no does not exist" in server.output
    assert "\nready; try" not in server.output
    assert ask(f"{server.url}/shells")[1]["result"]
    status, body = ask(f"{server.url}/health/ready")
    text = body["messages"][0]["text"]
    assert (status, text.startswith("not ready: not loaded: bad.json: "), "no does not exist" in text) == (
        503,
        True,
        True,
    )
    assert ask(f"{server.url}/health/live")[0] == 200
    assert server.stop() == 0
    assert "Traceback" not in server.output


def test_settings_from_file_and_environment_reach_the_server(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.toml").write_text("default_page = 1\nstore = 'sqlite:///file.db'\nexamples = true", encoding="utf-8")
    monkeypatch.setenv("AAS_SERVER_STORE", "sqlite:///environment.db")
    server = start("--config", "s.toml").ready()
    assert len(ask(f"{server.url}/submodels")[1]["result"]) == 1
    assert (tmp_path / "environment.db").exists()
    assert not (tmp_path / "file.db").exists()


# What is wrong is a sentence


def refused(process: Process) -> str:
    assert process.ended() == 1
    assert "Traceback" not in process.output
    (line,) = [line for line in process.output.splitlines() if line.startswith("aas-server: ")]
    return line


def test_a_second_server_on_one_store(start: Start) -> None:
    start("--store", "sqlite:///one.db").ready()
    line = refused(start("--store", "sqlite:///one.db"))
    assert "one.db is open in another process" in line
    assert "GET /serialization exports" in line


def test_a_port_in_use(start: Start, tmp_path: Path) -> None:
    port = start("--store", "sqlite:///:memory:").ready().url.rpartition(":")[2]
    line = refused(start("--store", "sqlite:///never.db", "--port", port))
    assert not (tmp_path / "never.db").exists()
    assert f"cannot listen on 127.0.0.1 port {port}" in line
    assert "in use" in line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--store", "postgres://x"], "must be sqlite:///FILE"),
        (["--store", "sqlite:////no/such/folder/x.db"], "/no/such/folder is no folder"),
        (["--store", "sqlite:///noise.db"], "noise.db"),
        (["--store", "sqlite:///:memory:", "--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
    ],
)
def test_what_cannot_be_served(start: Start, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "noise.db").write_bytes(b"no database at all" * 1000)
    assert sentence in refused(start(*arguments))


# Files without a server


def test_import_and_export(tmp_path: Path) -> None:
    store = ("--store", "sqlite:///here.db")
    code, output = program(tmp_path, "import", EXAMPLES / "conveyor.json", *store)
    assert (code, "conveyor.json: 38 created, 7 parts" in output) == (0, True)
    code, output = program(tmp_path, "import", EXAMPLES / "conveyor.json", *store)
    assert (code, "38 unchanged, 7 parts" in output) == (0, True)
    for name in ("all.aasx", "all.json", "all.xml"):
        code, output = program(tmp_path, "export", name, *store)
        assert (code, f"{name}: 38 documents, 7 files" in output) == (0, True), output
    before, after = (json.loads(file.read_bytes()) for file in (EXAMPLES / "conveyor.json", tmp_path / "all.json"))
    for name in ("assetAdministrationShells", "submodels", "conceptDescriptions"):
        assert sorted(map(json.dumps, after[name])) == sorted(map(json.dumps, before[name]))
    code, output = program(tmp_path, "import", "all.aasx", "all.xml", "--store", "sqlite:///other.db")
    assert (code, "all.aasx: 38 created, 7 parts" in output, "all.xml: 38 unchanged" in output) == (0, True, True)


def test_export_of_what_is_named(tmp_path: Path) -> None:
    documents = {
        "assetAdministrationShells": [shell("urn:s:1", "urn:x:1")],
        "submodels": [motors("urn:x:1"), motors("urn:x:2")],
    }
    (tmp_path / "in.json").write_text(json.dumps(documents), encoding="utf-8")
    store = ("--store", "sqlite:///here.db")
    assert program(tmp_path, "import", "in.json", *store)[0] == 0
    assert program(tmp_path, "export", "out.json", "--shell", "urn:s:1", *store)[0] == 0
    written = json.loads((tmp_path / "out.json").read_bytes())
    assert [each["id"] for each in written["submodels"]] == ["urn:x:1"]
    code, output = program(tmp_path, "export", "out.json", "--submodel", "urn:no", *store)
    assert (code, "'urn:no'" in output) == (1, True)
    assert json.loads((tmp_path / "out.json").read_bytes()) == written
    assert sorted(file.name for file in tmp_path.glob("out*")) == ["out.json"]


@pytest.mark.parametrize("url", ["sqlite:///none.db", "sqlite:///:memory:"])
def test_who_only_reads_makes_no_store(tmp_path: Path, url: str) -> None:
    for named in ([], ["--shell", "urn:no"]):
        code, output = program(tmp_path, "export", "out.json", "--store", url, *named)
        assert (code, f"store '{url}' does not exist" in output) == (1, True), output
    assert list(tmp_path.iterdir()) == []
    code, output = program(tmp_path, "import", EXAMPLES / "elements.json", "--dry-run", "--store", url)
    assert (code, "created" in output) == (0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "store"),
    [
        ({}, "sqlite:///aas.db"),
        ({"AAS_SERVER_STORE": "sqlite:///e.db"}, "sqlite:///e.db"),
        ({"STORE": "sqlite:///s.db"}, "sqlite:///s.db"),
        ({"STORE": "sqlite:///s.db", "AAS_SERVER_STORE": "sqlite:///e.db"}, "sqlite:///s.db"),
    ],
    ids=str,
)
def test_make_run_takes_the_store_from_the_environment(variables: dict[str, str], store: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("STORE", "AAS_SERVER_STORE")}
    command = ["make", "--dry-run", "--no-print-directory", "run"]
    done = subprocess.run(command, cwd=PROJECT, env=environ | variables, capture_output=True, text=True, check=True)
    assert f"serve --store '{store}' --examples --plant" in done.stdout


def test_import_that_keeps_and_one_that_only_tells(tmp_path: Path) -> None:
    store = ("--store", "sqlite:///here.db")
    (tmp_path / "in.json").write_text(json.dumps(motors("urn:x:1")), encoding="utf-8")
    code, output = program(tmp_path, "import", "in.json", "--dry-run", *store)
    assert (code, "in.json: 1 created" in output) == (0, True)
    code, output = program(tmp_path, "import", "in.json", *store)
    assert (code, "in.json: 1 created" in output) == (0, True)
    code, output = program(tmp_path, "import", "in.json", "--ignore-duplicates", *store)
    assert (code, "in.json: 1 skipped" in output) == (0, True)


def test_check_tells_what_is_odd_and_stores_nothing(tmp_path: Path) -> None:
    odd = submodel("urn:x:1", prop("Same"), prop("Same"))
    (tmp_path / "odd.json").write_text(json.dumps(odd), encoding="utf-8")
    (tmp_path / "bad.json").write_text(json.dumps(submodel("urn:x:1", surprise=1)), encoding="utf-8")
    code, output = program(tmp_path, "check", "odd.json")
    assert (code, "1 created" in output, "AASd-022" in output) == (0, True, True)
    for arguments in (("odd.json", "--strict"), ("--strict", "odd.json"), ("--no-strict", "--strict", "odd.json")):
        code, output = program(tmp_path, "check", *arguments)
        assert (code, "odd.json: refused" in output, "AASd-022" in output) == (1, True, True), output
    code, output = program(tmp_path, "check", "--no-strict", "odd.json")
    assert (code, "1 created" in output) == (0, True)
    code, output = program(tmp_path, "check", "bad.json", "odd.json")
    assert (code, "bad.json: refused" in output, "odd.json: 1 created" in output) == (1, True, True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.json", "odd.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["import"], 2, "Missing argument"),
        (["import", "no.aasx"], 1, "no.aasx does not exist"),
        (["check", "."], 1, "holds no .aasx"),
        (["export", "x.txt"], 1, "must end with .aasx, .json or .xml"),
        (["nothing"], 2, "No such command"),
    ],
)
def test_commands_that_cannot_be_done(tmp_path: Path, arguments: list[str], code: int, sentence: str) -> None:
    ended, output = program(tmp_path, *arguments)
    assert (ended, sentence in output) == (code, True), output


def test_an_export_into_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert program(tmp_path, "import", EXAMPLES / "elements.json")[0] == 0
    code, output = program(tmp_path, "export", "no/x.json")
    assert (code, "No such file or directory" in output) == (1, True), output


def test_import_into_a_store_that_is_served(start: Start, tmp_path: Path) -> None:
    start("--store", "sqlite:///one.db").ready()
    code, output = program(tmp_path, "import", EXAMPLES / "elements.json", "--store", "sqlite:///one.db")
    assert (code, "POST /upload" in output) == (1, True)


def test_version_and_help() -> None:
    runner = CliRunner()
    assert re.search(
        r"aas-server, version \d+\.\d+\.\d+", runner.invoke(group, ["--version"], prog_name="aas-server").output
    )
    for command in ("serve", "import", "export", "check", "settings"):
        assert runner.invoke(group, [command, "--help"]).exit_code == 0
