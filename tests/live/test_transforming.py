"""Transformations: what the specification shows, what scripts must not be able to do, and what others notice of it."""

import asyncio
import base64
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.live import FileTime, LocalText
from aas_server.live.lua.transforming import Order, Transforming
from tests.examples import b64, collection, listed, prop, submodel
from tests.live.interfaces import AID, AIMC, DATA, configuration, interface, node, of, reference, text
from tests.live.plants import Plant, plant, way
from tests.live.test_following import at, permitting, post, shows, until, value

__all__ = ["permitting"]

SOURCES = "urn:x:sources"
ELEMENTS = f"/submodels/{b64(DATA)}/submodel-elements"


# The process


@pytest.fixture
async def transforming() -> AsyncIterator[Transforming]:
    running = Transforming(2.0, 8 << 20)
    yield running
    await running.close()


def main(body: str) -> str:
    return f"function aimc_main(sources) {body} end"


async def made(transforming: Transforming, script: str, **sources: Any) -> Any:
    (found,) = await transforming.run([Order(script, sources)])
    return found


async def test_values_arrive_and_return_as_they_are(transforming: Transforming) -> None:
    script = main("return {a = sources.a, b = {sources.b[2], #sources.b}, c = sources.c.x, d = sources.d}")
    found = await made(transforming, script, a=True, b=[7, 8, 9], c={"x": "ü"}, d=None)
    assert found == {"a": True, "b": [8, 3], "c": "ü"}
    found = await made(transforming, main("return sources"), t=FileTime(0), l=LocalText("de", "auf"), b=b"\x01")
    assert found == {"l": "auf", "b": "AQ=="}
    found = await made(transforming, main("return {a = 0/0, b = 1/0, c = sources.c ~= sources.c}"), c=math.nan)
    assert math.isnan(found.pop("a"))
    assert found == {"b": math.inf, "c": True}


#: Lua writes no zero byte differently and knows no list with holes; numbers beyond 64 bits are told as floats.
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(st.text(min_size=1).filter(lambda name: name[0] not in "$0123456789"), inner, min_size=1)
    ),
    max_leaves=8,
)


async def test_every_value_comes_back(transforming: Transforming) -> None:
    given_values: list[Any] = []

    @settings(max_examples=200, deadline=None)
    @given(VALUES)
    def collect(value: Any) -> None:
        given_values.append(value)

    collect()
    found = await transforming.run([Order(main("return {v = sources.v}"), {"v": value}) for value in given_values])
    assert [each["v"] for each in found if not isinstance(each, str)] == given_values


HOSTILE = {
    "no Lua": ("x =", "is no Lua: error loading code: line 1"),
    "no function": ("x = 1", "no function aimc_main"),
    "no table": (main("return 5"), "must return a table"),
    "an error": (main("error('valve 7')"), "line 1: valve 7"),
    "files": (main("return {a = io.open('/etc/passwd')}"), "attempt to index a nil value (global 'io')"),
    "the system": (main("return {a = os.execute('true')}"), "(global 'os')"),
    "code": (main("return {a = load('return 1')()}"), "(global 'load')"),
    "modules": (main("return {a = require('os')}"), "(global 'require')"),
    "Python": (main("return {a = python.eval('1')}"), "(global 'python')"),
    "the debugger": (main("return {a = debug.getregistry()}"), "(global 'debug')"),
    "attributes of Python": (main("return {a = sources.__class__.__mro__}"), "attempt to index a nil value"),
    "a function": (main("return {a = aimc_main}"), "returns a function"),
    "much memory": (main("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end"), "more memory"),
    "one large text": (main("return {a = ('x'):rep(1 << 40)}"), "resulting string too large"),
    "deep recursion": (main("local function f() return 1 + f() end return {a = f()}"), "memory"),
    "many values": (main("local t = {} for i = 1, 20000 do t[i] = i end return {a = t}"), "too large"),
    "a circle": (main("local t = {} t.a = t return t"), "too large"),
    "a large result": (main("return {a = ('x'):rep(1500000)}"), "larger than"),
    "no text": (main(r"return {a = '\255'}"), "utf-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_scripts_cannot_do_is_told(transforming: Transforming, name: str) -> None:
    script, words = HOSTILE[name]
    good = Order(main("return {v = 1}"), {})
    before, found, after = await transforming.run([good, Order(script, {"a": 1}), good])
    assert isinstance(found, str)
    assert words in found
    assert before == after == {"v": 1}


@pytest.mark.parametrize(
    "body", ["while true do end", "while true do pcall(error) end", "('a'):rep(40):find(('a*'):rep(40)..'b')"]
)
async def test_an_endless_script_is_stopped_and_rests(transforming: Transforming, body: str) -> None:
    endless, good = Order(main(body), {}), Order(main("return {v = 1}"), {})
    for _ in range(2):
        found = await transforming.run([good, endless, good, endless, good])
        assert found[0] == found[2] == found[4] == {"v": 1}
        assert found[1] == found[3] == "the Transformation ran longer than 2 s and was stopped"
    assert transforming.rests(endless.script)
    assert not transforming.rests(good.script)


async def test_what_no_script_can_be_given_concerns_that_one_only(transforming: Transforming) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    echo = main("return {v = sources.a}")
    first, second = main("return {v = 'A'}"), main("return {v = 'B'}")
    found = await transforming.run([Order(first, {}), Order(echo, {"a": deep}), Order(second, {})])
    assert (found[0], found[2]) == ({"v": "A"}, {"v": "B"})
    assert "cannot be given to a script" in str(found[1])
    assert await made(transforming, second) == {"v": "B"}


async def test_a_process_that_dies_is_started_again(transforming: Transforming) -> None:
    assert await made(transforming, main("return {v = 1}")) == {"v": 1}
    assert transforming._process is not None
    transforming._process.kill()
    await transforming._process.wait()
    assert await made(transforming, main("return {v = 2}")) == {"v": 2}


# From submodels, as users have them


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant() as running:
        yield running


@pytest.fixture
async def client(permitting: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    settings = replace(permitting, live_transformation_memory=4 << 20)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


def ends(kind: str, **given: dict[str, Any]) -> dict[str, Any]:
    """Sources or Sinks by their ids."""
    several = [
        collection(None, {"modelType": "ReferenceElement", "idShort": kind, "value": to}, text(f"{kind}Id", name))
        for name, to in given.items()
    ]
    return listed(f"{kind}s", "SubmodelElementCollection", *several)


def transformed(script: str, sources: dict[str, Any], sinks: list[str]) -> dict[str, Any]:
    blob = {
        "modelType": "Blob", "idShort": "Transformation", "contentType": "text/plain",
        "value": base64.b64encode(script.encode()).decode(),
    }  # fmt: skip
    taken = ends("Sink", **{name: reference(DATA, name) for name in sinks})
    return collection(None, blob, ends("Source", **sources), taken)


def at_plant(name: str) -> dict[str, Any]:
    return reference(AID, "Interface", "InteractionMetadata", "properties", name)


def described(url: str) -> dict[str, Any]:
    return interface(url, [node(name, at(name)) for name in ("Speed", "Count", "Fixed")])


def elements(**values: str) -> dict[str, Any]:
    return submodel(SOURCES, *[prop(name, value) for name, value in values.items()])


async def set_source(client: aiohttp.ClientSession, **values: float) -> None:
    for name, given_value in values.items():
        where = f"/submodels/{b64(SOURCES)}/submodel-elements/{name}/$value"
        assert (await client.patch(where, json=given_value)).status == 204


async def test_a_unit_is_converted(client: aiohttp.ClientSession, press: Plant) -> None:
    """Degrees Fahrenheit of the plant become degrees Celsius here; quality and time are those of the source."""
    script = main("return {Celsius = (sources.Fahrenheit - 32) * 5 / 9}")
    mapping = transformed(script, {"Fahrenheit": at_plant("Speed")}, ["Celsius"])
    await press.set(Speed=212.0)
    await post(client, submodel(DATA, prop("Celsius", "0")), described(press.url), configuration(mapping))
    await shows(client, Celsius=100.0)
    await press.set(Speed=32.0)
    await shows(client, Celsius=0.0)
    answer = await client.get(f"{ELEMENTS}/Celsius/$value")
    assert (answer.headers["X-Value-Quality"], answer.headers["X-Source-Timestamp"][-1]) == ("Good", "Z")
    assert (await client.patch(f"{ELEMENTS}/Celsius/$value", json=1)).status == 403


async def test_what_is_made_is_good_again_with_its_source(client: aiohttp.ClientSession, press: Plant) -> None:
    """The same value comes back after an outage; an element that is fed by an element is as doubtful as that is."""
    async with way(press.port) as between:
        script = main("return {Celsius = (sources.Fahrenheit - 32) * 5 / 9}")
        made_of = transformed(script, {"Fahrenheit": at_plant("Speed")}, ["Celsius"])
        copied = transformed(main("return {Copy = sources.Of}"), {"Of": reference(DATA, "Celsius")}, ["Copy"])
        await press.set(Speed=212.0)
        sinks = submodel(DATA, prop("Celsius", "0"), prop("Copy", "0"))
        await post(client, sinks, described(between.url), configuration(made_of, copied))
        await shows(client, Celsius=100.0, Copy=100.0)
        await qualities(client, "Good")
        between.open = False
        between.cut()
        await qualities(client, "Uncertain", "Bad")
        between.open = True
        await qualities(client, "Good")


async def qualities(client: aiohttp.ClientSession, *beginnings: str) -> None:
    """Wait until both are of such a quality."""

    async def claim() -> bool:
        found = [await client.get(f"{ELEMENTS}/{name}/$value") for name in ("Celsius", "Copy")]
        return all(each.headers["X-Value-Quality"].startswith(beginnings) for each in found)

    await until(claim)


OEE = """
local function ratio(part, whole)
  if whole == 0 then return 0 end
  return part / whole
end

function aimc_main(sources)
  local availability = ratio(sources.RunTime, sources.PlannedTime)
  local performance = ratio(sources.IdealCycle * sources.Total, sources.RunTime)
  local quality = ratio(sources.Good, sources.Total)
  return {
    Availability = availability, Performance = performance, Quality = quality,
    OEE = availability * performance * quality,
  }
end
"""


async def test_effectiveness_is_made_of_several_sources(client: aiohttp.ClientSession) -> None:
    """Overall equipment effectiveness: five elements of this server in, four out, again when any of them changes."""
    given_values = {"RunTime": "360", "PlannedTime": "480", "IdealCycle": "1.2", "Total": "240", "Good": "228"}
    sinks = ["Availability", "Performance", "Quality", "OEE"]
    mapping = transformed(OEE, {name: reference(SOURCES, name) for name in given_values}, sinks)
    await post(
        client, elements(**given_values), submodel(DATA, *[prop(name, "0") for name in sinks]), configuration(mapping)
    )
    await shows(client, Availability=0.75, Quality=0.95)
    assert await value(client, "Performance") == pytest.approx(0.8)
    assert await value(client, "OEE") == pytest.approx(0.57)
    await set_source(client, Good=240)
    await shows(client, Quality=1.0)
    assert await value(client, "OEE") == pytest.approx(0.6)
    await set_source(client, PlannedTime=0)
    await shows(client, OEE=0.0)


LINE = """
function aimc_main(sources)
  if sources.Fault > 0 then return {State = "fault " .. math.tointeger(sources.Fault), Running = false} end
  if sources.Speed < 0.01 then return {State = "stopped", Running = false} end
  return {State = sources.Speed < 50 and "slow" or "running", Running = true}
end
"""


async def test_the_state_of_a_line(client: aiohttp.ClientSession, press: Plant) -> None:
    """A text and a boolean made of a number of the plant and an element of this server."""
    mapping = transformed(
        LINE, {"Speed": at_plant("Speed"), "Fault": reference(SOURCES, "Fault")}, ["State", "Running"]
    )
    sinks = submodel(DATA, prop("State", "", "xs:string"), prop("Running", "false", "xs:boolean"))
    await press.set(Speed=0.0)
    await post(client, elements(Fault="0"), sinks, described(press.url), configuration(mapping))
    await shows(client, State="stopped", Running=False)
    await press.set(Speed=20.0)
    await shows(client, State="slow", Running=True)
    await press.set(Speed=90.0)
    await shows(client, State="running", Running=True)
    await set_source(client, Fault=17)
    await shows(client, State="fault 17", Running=False)


PAIR = """
function aimc_main(sources)
  local first, second = sources["Source 1"], sources["Source-2"]
  return {["Sink 1"] = first + second, ["Sink-2"] = math.sqrt(first * first + second * second)}
end
"""


async def test_ids_need_not_be_names_of_lua(client: aiohttp.ClientSession) -> None:
    """AIMC 2.0, 1.4: a sum and a root of squares, by ids that stand in brackets."""
    sources = {"Source 1": reference(SOURCES, "First"), "Source-2": reference(SOURCES, "Second")}
    taken = {"Sink 1": reference(DATA, "Sum"), "Sink-2": reference(DATA, "Root")}
    blob = {"modelType": "Blob", "idShort": "Transformation", "contentType": "text/plain"}
    blob["value"] = base64.b64encode(PAIR.encode()).decode()
    mapping = collection(None, blob, ends("Source", **sources), ends("Sink", **taken))
    data = submodel(DATA, prop("Sum", "0"), prop("Root", "0"))
    await post(client, elements(First="7", Second="35"), data, configuration(mapping))
    await shows(client, Sum=42.0)
    assert await value(client, "Root") == pytest.approx(35.693136, abs=1e-6)


async def test_a_runaway_script_is_marked_and_nothing_else_suffers(client: aiohttp.ClientSession, press: Plant) -> None:
    endless = transformed(main("while true do end"), {"S": at_plant("Speed")}, ["Endless"])
    greedy = transformed(
        main("local t = {} while true do t[#t + 1] = ('x'):rep(1000000 + #t) end"), {"S": at_plant("Speed")}, ["Greedy"]
    )
    odd = transformed(main("return {Elsewhere = 1}"), {"S": at_plant("Speed")}, ["Odd"])
    double = transformed(main("return {Double = 2 * sources.S}"), {"S": at_plant("Speed")}, ["Double"])
    names = ("Endless", "Greedy", "Odd", "Double", "Speed")
    await press.set(Speed=1.0)
    await post(client, submodel(DATA, *[prop(name, "0") for name in names]), described(press.url))
    await post(client, configuration(endless, greedy, odd, double, of("Speed")))
    await shows(client, Speed=1.0, Double=2.0)

    async def told() -> bool:
        answer = await client.get("/live/mappings?troubled=true")
        found = {each["sinks"][0]["path"]: each["error"] for each in (await answer.json())["result"]}
        return found == {
            "Endless": "the Transformation ran longer than 1 s and was stopped",
            "Greedy": "the Transformation needs more memory than it may have",
            "Odd": "the Transformation makes 'Elsewhere', which is no SinkId",
        }

    await until(told)
    for speed in (5.0, 6.0, 7.0):
        await press.set(Speed=speed)
        await shows(client, Speed=speed, Double=2 * speed)
    assert (await client.get("/live")).status == 200


async def test_an_edit_mends_a_script_at_once(
    client: aiohttp.ClientSession, press: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    await press.set(Speed=3.0)
    await post(client, submodel(DATA, prop("Speed", "0")), described(press.url))
    await post(client, configuration(transformed(main("while true do end"), {"S": at_plant("Speed")}, ["Speed"])))

    async def stopped() -> bool:
        answer = await client.get("/live/mappings?troubled=true")
        return "was stopped" in (await answer.text())

    await until(stopped)
    assert f"MappingConfigurations[0] in {AIMC}: the Transformation ran longer than 1 s and was stopped" in caplog.text
    mended = configuration(transformed(main("return {Speed = sources.S + 1}"), {"S": at_plant("Speed")}, ["Speed"]))
    assert (await client.put(f"/submodels/{b64(AIMC)}", json=mended)).status == 204
    await shows(client, Speed=4.0)
    assert not await stopped()


async def test_scripts_may_be_switched_off(permitting: Settings) -> None:
    settings = replace(permitting, live_transformations=False)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        mapping = transformed(main("return {Speed = 1}"), {"S": reference(SOURCES, "S")}, ["Speed"])
        await post(client, elements(S="1"), submodel(DATA, prop("Speed", "0")), configuration(mapping))

        async def told() -> bool:
            defects = (await (await client.get("/live")).json())["defects"]
            return [each["text"] for each in defects] == [
                "transformations are switched off by the setting live_transformations"
            ]

        await until(told)
        await asyncio.sleep(0)
        assert await value(client, "Speed") == 0.0
