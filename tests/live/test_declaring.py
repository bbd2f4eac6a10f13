"""Mappings from files of the operator: what they say, what is wrong with them in words, and that they become live."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.live import Action, Endpoint, Item, Security
from aas_server.live.compiling import compiled
from aas_server.live.declaring import declared
from aas_server.live.plan import Guard, ItemAt, Plan
from aas_server.model.errors import Unsupported
from tests.live.interfaces import DATA, configuration, interface, node, of
from tests.live.test_following import (  # noqa: F401 - fixtures
    ELEMENTS,
    at,
    client,
    data,
    live,
    permitting,
    post,
    press,
    shows,
    until,
)

PLC = "opc.tcp://plc:4840"
SPEED = f'endpoint = "{PLC}"\nnode = "nsu=urn:x;s=Speed"\nsubmodel = "{DATA}"\npath = "Speed"\n'


def file(folder: Path, text: str, name: str = "plant.toml") -> Path:
    written = folder / name
    written.write_text(text, encoding="utf-8")
    return written


def plan(folder: Path, *mappings: str, endpoints: str = "", documents: Any = None) -> Plan:
    text = endpoints + "".join(f"[[mapping]]\n{each}\n" for each in mappings)
    found = declared([file(folder, text)])
    known = {each["id"]: each for each in documents or [data()]}
    made = compiled([], known.get, declarations=found.declarations)
    return Plan(made.mappings, made.calls, (*found.defects, *made.defects), made.read)


def item(found: Plan) -> ItemAt:
    source = found.mappings[0].sources[0].at
    assert isinstance(source, ItemAt)
    return source


def test_a_mapping_is_a_node_and_an_element(tmp_path: Path) -> None:
    found = plan(tmp_path, SPEED)
    assert item(found) == ItemAt(Endpoint(PLC), Item("nsu=urn:x;s=Speed"))
    (sink,) = found.mappings[0].sinks
    assert (sink.submodel_id, sink.path, found.mappings[0].declared) == (DATA, ("Speed",), True)
    assert found.mappings[0].origin == f"{tmp_path / 'plant.toml'}: mapping 1"
    assert found.defects == ()


def test_everything_that_can_be_said_of_one(tmp_path: Path) -> None:
    more = (
        "writable = true\nsampling = 0.1\npublishing = 0.5\nqueue = 5\ndeadband = 0.2\npart = 'Axis.0'\n"
        "min = 0\nmax = 100.5\nmax_staleness = 3\nmax_write_rate = 2\n"
    )
    found = plan(tmp_path, SPEED + more)
    assert item(found).item == Item(
        "nsu=urn:x;s=Speed", ("Axis", "0"), sampling=0.1, publishing=0.5, queue=5, deadband=0.2, writable=True
    )
    assert found.mappings[0].sinks[0].guard == Guard(0, 100.5, 3, 2)


def test_who_names_an_interval_asks(tmp_path: Path) -> None:
    at_plc = item(plan(tmp_path, SPEED + "polling = 2")).item
    assert (at_plc.observed, at_plc.polling) == (False, 2.0)


def test_an_enumeration_shows_its_texts_in_a_text(tmp_path: Path) -> None:
    assert item(plan(tmp_path, SPEED.replace('path = "Speed"', 'path = "Mode"'))).item.texts


def test_an_endpoint_may_have_a_name(tmp_path: Path) -> None:
    endpoints = f'[endpoint.press]\nbase = "{PLC}/"\nsecurity = "Basic256Sha256/Sign"\ntoken = "UserName"\n'
    found = plan(tmp_path, SPEED.replace(PLC, "press"), endpoints=endpoints)
    assert item(found).endpoint == Endpoint(PLC, Security("Basic256Sha256", "Sign", "UserName"))


def test_a_method_is_an_operation(tmp_path: Path) -> None:
    text = f'endpoint = "{PLC}"\nnode = "ns=1;s=Add"\nobject = "ns=1;s=Plant"\nsubmodel = "{DATA}"\noperation = "Add"'
    (call,) = plan(tmp_path, text).calls
    assert (call.action, call.path, call.declared) == (Action("ns=1;s=Add", "ns=1;s=Plant"), ("Add",), True)


def test_other_protocols_have_words_of_their_own(tmp_path: Path) -> None:
    ends = f'submodel = "{DATA}"\npath = "Speed"\n'
    topic = item(plan(tmp_path, f'endpoint = "mqtt://broker"\ntopic = "press/1"\npart = ["v", 0]\nqos = 1\n{ends}'))
    assert topic.item == Item("press/1", ("v", 0), options=(("qos", "1"),))
    resource = item(plan(tmp_path, f'endpoint = "http://plc/api"\nresource = "speed"\n{ends}'))
    assert resource.item == Item("/speed", observed=False, polling=1.0)


WRONG = {
    SPEED + 'colour = "red"': "colour is no key here; known are ",
    SPEED + 'writable = "yes"': "writable is 'yes'; it must be true or false",
    SPEED + "max_write_rate = 0": "max_write_rate is 0; it must be more than 0",
    SPEED + "max_write_rate = nan": "max_write_rate is nan; it must be more than 0",
    SPEED + "min = nan": "min is nan: nothing is within",
    SPEED + "min = 2\nmax = 1": "min is 2 and max is 1: nothing is within",
    SPEED.replace(PLC, "mqtt://plc").replace("node =", "topic = 'press/+' #"): "'press/+' is no topic but a pattern",
    SPEED + "polling = 0": "polling is 0; it must be at least 0.01 seconds",
    SPEED + "queue = 0": "queue is 0; it must be from 1 to 10000",
    SPEED + "part = [true]": "part is [True]; it is like Position.X",
    SPEED.replace("nsu=", ""): "'urn:x;s=Speed' names no node",
    SPEED.replace('path = "Speed"', ""): "path is missing",
    SPEED.replace('"Speed"', '"A..B"'): "'A..B' is no idShortPath",
    SPEED.replace('path = "Speed"', 'path = "Nowhere"'): "Nowhere",
    SPEED.replace(DATA, "urn:other"): "the submodel urn:other is not here",
    SPEED.replace("opc.tcp", "ftp"): "speaks ftp",
    SPEED.replace("opc.tcp://plc", "opc.tcp://me:secret@plc"): "holds credentials",
    SPEED.replace(PLC, "press"): "there is no [endpoint.press]",
    SPEED.replace("path", "operation"): "an action needs an Operation",
    SPEED.replace('path = "Speed"', 'path = "Add"'): "is a Operation, which takes no values",
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items())
def test_a_mistake_in_one_mapping_is_a_defect_with_its_number(tmp_path: Path, text: str, expected: str) -> None:
    found = plan(tmp_path, SPEED.replace("Speed", "Count"), text)
    (defect,) = found.defects
    assert defect.origin == f"{tmp_path / 'plant.toml'}: mapping 2"
    assert expected in defect.text
    assert "secret" not in defect.text
    assert len(found.mappings) == 1


def test_one_element_is_fed_once_and_the_file_goes_first(tmp_path: Path) -> None:
    files = declared([file(tmp_path, f"[[mapping]]\n{SPEED}")])
    known = {each["id"]: each for each in (data(), interface(PLC, [node("Speed", "ns=1;s=Other")]))}
    found = compiled([configuration(of("Speed"))], known.get, declarations=files.declarations)
    assert [each.declared for each in found.mappings] == [True]
    (defect,) = found.defects
    assert defect.text.endswith("plant.toml: mapping 1 already")


UNREADABLE = {
    "[[mapping]\n": "is no TOML: Expected",
    "[mapping]\nendpoint = 'x'": "mappings are written as [[mapping]]",
    "[[mappings]]\n": "mappings is none of [endpoint.NAME] and [[mapping]]",
    "endpoint = 'x'": "endpoints are written as [endpoint.NAME]",
    "[endpoint.a]\nbase = 'x'": "endpoint 'a': it speaks no protocol",
    "[endpoint.a]\nbase = 'opc.tcp://h'\nsecurity = 'Basic'": "endpoint 'a': 'Basic' is none of auto, None",
    "[endpoint.a]\nbase = 'opc.tcp://h'\ntoken = 'Me'": "token is 'Me'; it is one of Anonymous",
}


@pytest.mark.parametrize(("text", "expected"), UNREADABLE.items())
async def test_a_file_that_cannot_be_read_stops_the_start(
    tmp_path: Path,
    permitting: Settings,  # noqa: F811
    text: str,
    expected: str,
) -> None:
    from dataclasses import replace

    settings = replace(permitting, live_mappings=(str(file(tmp_path, text)),))
    async with open_repository(settings) as repository:
        with pytest.raises(Unsupported) as raised:
            async with listening(repository, settings):
                pass
    assert expected in str(raised.value)
    assert "plant.toml" in str(raised.value)


async def test_what_is_yet_to_be_loaded_is_no_reason_to_warn(
    permitting: Settings,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = SPEED.replace(DATA, "urn:x:gone")
    named = file(tmp_path, f"[[mapping]]\n{SPEED}[[mapping]]\n{gone}")
    settings = replace(permitting, live_mappings=(str(named),), load=("later.json",))
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as asking,
    ):
        assert len((await live(asking))["defects"]) == 2
        await post(asking, data())
        assert "is not here" not in caplog.text
        await server.live.loaded()
        warned = [each.getMessage() for each in caplog.records if "is not here" in each.getMessage()]
        assert warned == [f"{named}: mapping 2: the submodel urn:x:gone is not here"]
