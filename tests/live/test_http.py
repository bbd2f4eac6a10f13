"""Resources of HTTP servers become live: polled, with conditional requests; elements of another AAS server, too."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from tests.examples import b64, collection, prop, submodel
from tests.live.interfaces import AID, DATA, action, configuration, interface, mapping, of, reference, text
from tests.live.plants import free_port
from tests.live.test_following import live, permitting, post, shows, until, value

__all__ = ["permitting"]

ELEMENTS = f"/submodels/{b64(DATA)}/submodel-elements"


@dataclass
class Device:
    """A device that answers with what it holds, and counts what it was asked."""

    port: int
    shown: dict[str, Any] = field(default_factory=dict)
    asked: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    received: list[tuple[str, str, Any, str]] = field(default_factory=list)
    #: Takes what is put and does not show it.
    forgets: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = await self._answer(request)
        self.asked[request.method, request.path, response.status] += 1
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/api/")
        if request.method != "GET":
            return await self._take(request, name)
        match name:
            case "reset":
                assert request.transport is not None
                request.transport.abort()
            case "away":
                raise web.HTTPFound("/api/state")
            case "huge":
                return web.Response(body=b"1" * (2 << 20))
        if name not in self.shown:
            return web.Response(status=200 if name == "reset" else 404)
        tag = f'"{json.dumps(self.shown[name])}"'.replace('"', "").replace(" ", "")
        if request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304, headers={"ETag": f'"{tag}"'})
        return web.json_response(self.shown[name], headers={"ETag": f'"{tag}"'})

    async def _take(self, request: web.Request, name: str) -> web.StreamResponse:
        if request.method == "DELETE":
            del self.shown[name]
            return web.Response(status=204)
        given = await request.json()
        self.received.append((request.method, name, given, request.headers.get("Authorization", "")))
        if request.method == "POST":
            return web.json_response({"sum": given["a"] + given["b"]})
        if not self.forgets:
            self.shown[name] = given
        return web.Response(status=204)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        return runner


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    found = Device(free_port(), {"state": {"speed": 4.5, "axes": [{"load": 7}]}, "level": 3})
    runner = await found.start()
    yield found
    await runner.cleanup()


@pytest.fixture
def letting(permitting: Settings) -> Settings:
    return replace(permitting, live_allowed=("http://127.0.0.1",))


@pytest.fixture
async def client(letting: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


def resource(name: str, href: str, *below: dict[str, Any], writable: bool = False) -> dict[str, Any]:
    forms = [text("href", href), *([text("op", "readproperty writeproperty")] if writable else [])]
    return collection(name, collection("forms", *forms), *below)


def polled(name: str, *deeper: str, sink: str | None = None) -> dict[str, Any]:
    at = reference(AID, "Interface", "InteractionMetadata", "properties", name, *deeper)
    return mapping(at, reference(DATA, sink or name), DefaultPollingInterval="0.05")


def data() -> dict[str, Any]:
    operation = {
        "modelType": "Operation", "idShort": "Add",
        "inputVariables": [{"value": prop("a", None)}, {"value": prop("b", None)}],
        "outputVariables": [{"value": prop("sum", None)}],
    }  # fmt: skip
    return submodel(DATA, prop("Speed", "0.0"), prop("Level", "0", "xs:int"), prop("Load", "0", "xs:int"), operation)


STATE = resource(
    "State",
    "/state",
    collection(
        "properties",
        collection("Speed", text("key", "speed")),
        collection("Axes", text("key", "axes"), collection("properties", collection("Load", text("key", "0")))),
    ),
)


async def test_members_of_one_resource_are_polled_together(client: aiohttp.ClientSession, device: Device) -> None:
    speed = polled("State", "properties", "Speed", sink="Speed")
    level = polled("Level")
    interfaces = interface(device.url, [STATE, resource("Level", "level")])
    await post(client, data(), interfaces, configuration(speed, level))
    await shows(client, Speed=4.5, Level=3)

    async def asked_conditionally() -> bool:
        return device.asked["GET", "/api/state", 304] >= 3

    await until(asked_conditionally)
    assert device.asked["GET", "/api/state", 200] == 1
    device.shown["state"] = {"speed": 9.25}
    await shows(client, Speed=9.25)
    answer = await client.get(f"{ELEMENTS}/Speed/$value")
    assert answer.headers["X-Value-Quality"] == "Good"


async def test_what_is_wrong_with_one_resource_is_told_of_that_one(
    client: aiohttp.ClientSession, device: Device
) -> None:
    hrefs = {"Gone": "/gone", "Away": "/away", "Huge": "/huge", "Level": "/level"}
    sinks = submodel(DATA, *[prop(name, "0", "xs:int") for name in hrefs])
    described = interface(device.url, [resource(name, href) for name, href in hrefs.items()])
    await post(client, sinks, described, configuration(*[polled(name) for name in hrefs]))
    await shows(client, Level=3)

    async def told() -> bool:
        answer = await client.get("/live/mappings?troubled=true")
        found = {each["sources"][0]["href"]: each.get("error", "") for each in (await answer.json())["result"]}
        return found == {
            "/gone": "BadNotFound: /gone answers 404",
            "/away": "BadUnexpectedError: /away answers 302, and redirects are not followed",
            "/huge": "BadEncodingLimitsExceeded: /huge answers with more than 1048576 bytes",
        }

    await until(told)
    assert [each["state"] for each in (await live(client))["connections"]] == ["connected"]
    assert not any(method == "GET" and path == "/api/state" for method, path, _ in device.asked)


async def test_a_resource_that_resets_spoils_no_other(
    client: aiohttp.ClientSession, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    described = interface(device.url, [resource("Level", "/level"), resource("Speed", "/reset")])
    await post(client, data(), described, configuration(polled("Level"), polled("Speed")))
    await shows(client, Level=3)
    caplog.clear()
    qualities: Counter[str] = Counter()

    async def often() -> bool:
        qualities[(await client.get(f"{ELEMENTS}/Level/$value")).headers["X-Value-Quality"]] += 1
        return device.asked["GET", "/api/reset", 200] >= 20

    await until(often)
    assert qualities.keys() == {"Good"}
    (connection,) = (await live(client))["connections"]
    assert (connection["state"], connection["connects"], connection["troubled"]) == ("connected", 1, 1)
    found = (await (await client.get("/live/mappings?troubled=true")).json())["result"]
    assert [each["error"].partition(":")[0] for each in found] == ["BadCommunicationError"]
    assert len(caplog.records) < 5


async def test_writing_and_calling(client: aiohttp.ClientSession, device: Device) -> None:
    described = interface(device.url, [resource("Level", "/level", writable=True)], [action("Add", "/add")])
    await post(client, data(), described, configuration(polled("Level"), of("Add", kind="actions")))
    await shows(client, Level=3)
    assert (await client.patch(f"{ELEMENTS}/Level/$value", json=8)).status == 204
    assert await value(client, "Level") == 8  # what is written is read at once
    assert device.received == [("PUT", "level", 8, "")]
    answer = await client.post(f"{ELEMENTS}/Add/invoke/$value", json={"inputArguments": {"a": 2, "b": 3.5}})
    assert (await answer.json())["outputArguments"] == {"sum": 5.5}


async def test_reading_changes_nothing(client: aiohttp.ClientSession, device: Device) -> None:
    """What is to be read with another method than GET is a defect, and so is an action that no form lets call."""
    level = resource("Level", "/level")
    level["value"][0]["value"].append(text("htv_methodName", "DELETE"))
    described = interface(device.url, [level, STATE], [action("Add", "/add", op="readproperty")])
    mappings = [polled("Level"), of("Add", kind="actions"), polled("State", "properties", "Speed", sink="Speed")]
    await post(client, data(), described, configuration(*mappings))
    await shows(client, Speed=4.5)
    texts = [each["text"] for each in (await live(client))["defects"]]
    assert len(texts) == 2
    assert "htv_methodName is 'DELETE'" in texts[0]
    assert "invokeaction" in texts[1]
    answer = await client.post(f"{ELEMENTS}/Add/invoke/$value", json={"inputArguments": {"a": 2, "b": 3.5}})
    assert (await answer.json())["executionState"] == "Failed"
    assert {method for method, *_ in device.asked} == {"GET"}


async def test_a_member_is_written_among_the_others(client: aiohttp.ClientSession, device: Device) -> None:
    """What is put is the resource as it is now with the member in its place; two at once keep each other."""
    state = {**STATE, "value": [*STATE["value"]]}
    state["value"][0] = collection("forms", text("href", "/state"), text("op", "readproperty writeproperty"))
    speed = polled("State", "properties", "Speed", sink="Speed")
    load = polled("State", "properties", "Axes", "properties", "Load", sink="Load")
    await post(client, data(), interface(device.url, [state]), configuration(speed, load))
    await shows(client, Speed=4.5)
    device.shown["state"] = {"speed": 4.5, "axes": [7, 8], "mode": "auto"}
    answers = await asyncio.gather(
        client.patch(f"{ELEMENTS}/Speed/$value", json=5.5), client.patch(f"{ELEMENTS}/Load/$value", json=9)
    )
    assert [answer.status for answer in answers] == [204, 204]
    assert device.shown["state"] == {"speed": 5.5, "axes": [9, 8], "mode": "auto"}
    device.shown["state"] = {"mode": "auto"}
    refused = await client.patch(f"{ELEMENTS}/Speed/$value", json=6.5)
    assert refused.status == 503
    assert "has no member 'speed'" in await refused.text()
    assert device.shown["state"] == {"mode": "auto"}


@pytest.mark.parametrize("name", ["missing", "reset"])
async def test_what_is_written_and_cannot_be_read_is_written(
    client: aiohttp.ClientSession, device: Device, name: str
) -> None:
    """The device takes the value, and shows nothing of it."""
    described = interface(device.url, [resource("Level", f"/{name}", writable=True)])
    await post(client, data(), described, configuration(polled("Level")))

    async def asked() -> bool:
        return any(path == f"/api/{name}" for _, path, _ in device.asked)

    await until(asked)
    device.forgets = True
    assert (await client.patch(f"{ELEMENTS}/Level/$value", json=8)).status == 204
    assert device.received == [("PUT", name, 8, "")]


async def test_a_device_that_was_gone_is_found_again(client: aiohttp.ClientSession, letting: Settings) -> None:
    device = Device(free_port(), {"level": 1})
    runner = await device.start()
    await post(client, data(), interface(device.url, [resource("Level", "level")]), configuration(polled("Level")))
    await shows(client, Level=1)
    await runner.cleanup()

    async def lost() -> bool:
        return [each["state"] for each in (await live(client))["connections"]] == ["lost"]

    await until(lost)
    answer = await client.get(f"{ELEMENTS}/Level/$value")
    assert (await answer.json(), answer.headers["X-Value-Quality"]) == (1, "UncertainLastUsableValue")
    runner = await device.start()

    async def good() -> bool:
        return (await client.get(f"{ELEMENTS}/Level/$value")).headers["X-Value-Quality"] == "Good"

    await until(good)
    await runner.cleanup()


async def test_credentials_go_to_their_server_only(letting: Settings, device: Device, tmp_path: Any) -> None:
    known = tmp_path / "credentials.toml"
    await asyncio.to_thread(known.write_text, f'["{device.url}"]\nuser = "aas"\npassword = "secret"\n')
    settings = replace(letting, live_credentials=str(known))
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        described = interface(device.url, [resource("Level", "/level", writable=True)])
        await post(client, data(), described, configuration(polled("Level")))
        await shows(client, Level=3)
        await client.patch(f"{ELEMENTS}/Level/$value", json=4)
        assert device.received == [("PUT", "level", 4, "Basic YWFzOnNlY3JldA==")]
        assert "secret" not in json.dumps(await live(client))


def elsewhere(source: dict[str, Any], server: str, sink: str) -> dict[str, Any]:
    """A mapping from an element of another server."""
    found = mapping(source, reference(DATA, sink), DefaultPollingInterval="0.05")
    sources = next(each for each in found["value"] if each.get("idShort") == "Sources")
    sources["value"][0]["qualifiers"] = [
        {"type": "urn:aas-server:live:server", "valueType": "xs:string", "value": server}
    ]
    return found


async def test_elements_of_another_server(client: aiohttp.ClientSession, letting: Settings) -> None:
    """A server that is elsewhere is named by a qualifier of the source."""
    async with (
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as there,
    ):
        await there.post("/submodels", json=submodel("urn:there", collection("Motor", prop("Speed", "6.5"))))
        speed = elsewhere(reference("urn:there", "Motor", "Speed"), server.url, "Speed")
        await post(client, data(), configuration(speed))
        await shows(client, Speed=6.5)
        where = f"/submodels/{b64('urn:there')}/submodel-elements/Motor.Speed/$value"
        assert (await there.patch(where, json=7.5)).status == 204
        await shows(client, Speed=7.5)
        assert (await client.patch(f"{ELEMENTS}/Speed/$value", json=1)).status == 403


async def test_quality_and_time_come_along_from_another_server(
    client: aiohttp.ClientSession, letting: Settings
) -> None:
    """What it says of a device that is gone holds here, too: how good the value is, and when it was seen last."""
    device = Device(free_port(), {"level": 7})
    runner = await device.start()
    async with (
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as there,
    ):
        await post(there, data(), interface(device.url, [resource("Level", "/level")]), configuration(polled("Level")))
        await post(client, data(), configuration(elsewhere(reference(DATA, "Level"), server.url, "Level")))
        await shows(client, Level=7)
        await runner.cleanup()

        async def told(by: aiohttp.ClientSession) -> tuple[str, str]:
            headers = (await by.get(f"{ELEMENTS}/Level/$value")).headers
            return headers["X-Value-Quality"], headers["X-Source-Timestamp"]

        async def alike() -> bool:
            found = await told(there)
            return found[0] == "UncertainLastUsableValue" and await told(client) == found

        await until(alike)
