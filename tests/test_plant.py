"""The plant of the examples: its physics by laws, and `aas-server serve --examples --plant` as somebody starts it."""

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.config import shipped
from aas_server.model.identifiers import encode
from aas_server.plant import NAMESPACE, PORT, URL
from aas_server.plant.drive import DRY, MOST_SPEED, WET, Drive

DATA = "https://example.com/submodels/conveyor-belt-01/operational-data"


def run(drive: Drive, seconds: float) -> Drive:
    for _ in range(int(seconds / 0.02)):
        drive.step(0.02)
    return drive


def test_a_dry_belt_follows_the_drum() -> None:
    drive = run(Drive(), 10)
    assert abs(drive.drum - 0.6) < 0.001
    assert 0 < drive.slip < 0.01
    assert drive.measured()["State"] == "Running"


def test_a_wet_belt_slips_and_a_dried_one_does_not() -> None:
    drive = run(Drive(), 10)
    dry = drive.measured()
    drive.friction = WET
    wet = run(drive, 10).measured()
    assert drive.slip > 0.05
    assert wet["State"] == "Slipping"
    assert (wet["Speed"] < dry["Speed"], wet["Vibration"] > dry["Vibration"]) == (True, True)  # type: ignore[operator]
    drive.friction = DRY
    assert run(drive, 10).slip < 0.01


def test_a_wet_belt_that_is_slower_slips_no_more() -> None:
    drive = run(Drive(friction=WET), 10)
    assert drive.slip > 0.05
    drive.setpoint = 0.3
    assert run(drive, 10).slip < 0.05


def test_an_emergency_stop_stops_the_belt() -> None:
    drive = run(Drive(), 10)
    drive.stopped = True
    stopped = run(drive, 10).measured()
    assert [stopped[name] for name in ("Speed", "MotorCurrent", "State")] == [0.0, 0.0, "Stopped"]


@given(
    st.lists(st.tuples(st.floats(0, MOST_SPEED), st.floats(0.01, 1.0), st.booleans()), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=60)
def test_the_belt_is_never_faster_than_the_drum_pulls_it(changes: list[tuple[float, float, bool]]) -> None:
    drive = Drive()
    for setpoint, friction, stopped in changes:
        drive.setpoint, drive.friction, drive.stopped = setpoint, friction, stopped
        travelled = drive.travelled
        fastest = max(drive.drum, drive.belt, drive.setpoint)
        run(drive, 3)
        assert 0 <= drive.belt <= fastest + 1e-9
        assert drive.travelled >= travelled
        assert drive.temperature >= 21.9


def test_the_example_is_connected_to_this_plant() -> None:
    text = (shipped("submodels") / "examples" / "conveyor.json").read_text(encoding="utf-8")
    nodes = {name for name in Drive().measured() if f"/?id=nsu={NAMESPACE};s={name}" in text}
    assert nodes == set(Drive().measured())
    assert URL in text


def test_the_example_lets_set_what_the_plant_takes() -> None:
    text = (shipped("submodels") / "examples" / "conveyor.json").read_text(encoding="utf-8")
    (bounds,) = re.findall(r'"idShort": "min_max".*?"min": "(.*?)",\s*"max": "(.*?)"', text, re.DOTALL)
    assert [float(each) for each in bounds] == [0.0, MOST_SPEED]


# --- as somebody starts it


def port_is_free() -> bool:
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return trying.connect_ex(("127.0.0.1", PORT)) != 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    if not port_is_free():
        pytest.skip(f"port {PORT} is taken on this machine")
    command = [sys.executable, "-m", "aas_server", "serve", "--port", "0", "--store", "sqlite:///:memory:"]
    process = subprocess.Popen(
        [*command, "--examples", "--plant"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ}
    )
    assert process.stdout is not None
    try:
        lines = list(itertools.takewhile(lambda line: not line.startswith("ready"), process.stdout))
        yield next(line.split()[3] for line in lines if "listens on" in line), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def becomes(what: Callable[[], bool]) -> bool:
    """Whether it is so within a minute."""
    until = time.monotonic() + 60
    while not (so := what()) and time.monotonic() < until:
        time.sleep(0.1)
    return so


def test_serve_shows_a_conveyor_that_slips_when_it_is_wet(served: tuple[str, subprocess.Popen[str]]) -> None:
    base, process = served
    data = f"{base}/submodels/{encode(DATA)}"

    def value(name: str) -> Any:
        return ask(f"{data}/submodel-elements/{name}/$value")

    def friction(coefficient: float) -> Any:
        body = {"inputArguments": {"Friction": coefficient}, "clientTimeoutDuration": "PT10S"}
        return ask(f"{data}/submodel-elements/SetFriction/invoke/$value", "POST", body)

    assert becomes(lambda: [each["state"] for each in ask(f"{base}/live")["connections"]] == ["connected"])
    assert becomes(lambda: value("State") == "Running")
    assert ask(f"{base}/live")["defects"] == []
    assert ask(f"{base}/live/mappings?troubled=true")["result"] == []
    assert value("Slip") < 0.05
    assert friction(WET)["executionState"] == "Completed"
    assert becomes(lambda: value("Slip") > 0.05 and value("State") == "Slipping")
    friction(DRY)
    assert becomes(lambda: value("Slip") < 0.05 and value("State") == "Running")
    ask(f"{data}/submodel-elements/SpeedSetpoint/$value", "PATCH", 0.3)
    assert becomes(lambda: abs(value("Speed") - 0.3) < 0.02)
    refused = friction(7.0)
    assert refused["executionState"] == "Failed"
    assert "'Friction': BadOutOfRange (the coefficient between drum and belt, from 0.01 to 1)" in json.dumps(refused)
    with pytest.raises(urllib.error.HTTPError) as too_fast:
        ask(f"{data}/submodel-elements/SpeedSetpoint/$value", "PATCH", 99)
    with too_fast.value as answer:
        assert (answer.status, b"99.0 is not between 0 and 1.5" in answer.read()) == (400, True)
    process.kill()
    assert becomes(port_is_free), "the plant ends with a server that is killed"


async def test_a_second_plant_says_that_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "aas_server", "plant", "--port", str(taken.getsockname()[1])]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
    assert (process.returncode, b"address already in use" in said) == (1, True)
