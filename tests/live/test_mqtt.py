"""Topics of a real broker become live: payloads and their members, what is kept, what is refused, and back."""

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.mqtt import Broker, Message, opened
from tests.brokers import client as talking
from tests.brokers import mosquitto
from tests.examples import b64, collection, prop, submodel
from tests.live.interfaces import AID, DATA, action, configuration, interface, mapping, of, reference, text
from tests.live.plants import free_port
from tests.live.test_following import live, permitting, post, shows, until, value

__all__ = ["permitting"]

ELEMENTS = f"/submodels/{b64(DATA)}/submodel-elements"


def topic(name: str, href: str, *, writable: bool = False, **options: str) -> dict[str, Any]:
    forms = [text("href", href), *(text(f"mqv_{option}", given) for option, given in options.items())]
    forms += [text("op", "writeproperty")] if writable else []
    return collection(name, collection("forms", *forms))


def nested(name: str, href: str, *members: str) -> dict[str, Any]:
    """A property whose payload is an object; each member is a property below it, `name` its key."""
    below = [collection(member, text("key", member)) for member in members]
    return collection(name, collection("forms", text("href", href)), collection("properties", *below))


def member(name: str, key: str, sink: str) -> dict[str, Any]:
    at = reference(AID, "Interface", "InteractionMetadata", "properties", name, "properties", key)
    return mapping(at, reference(DATA, sink))


def data() -> dict[str, Any]:
    return submodel(
        DATA, prop("Speed", "0.0"), prop("Mode", "", "xs:string"), prop("Pressure", "0.0"), prop("Level", "0", "xs:int")
    )


PROPERTIES = [
    topic("Speed", "/press/speed", writable=True, qos="1"),
    topic("Mode", "press/mode"),
    nested("State", ".//press/state", "Pressure", "Level"),
]
MAPPINGS = [of("Speed"), of("Mode"), member("State", "Pressure", "Pressure"), member("State", "Level", "Level")]


async def described(client: aiohttp.ClientSession, url: str, *mappings: dict[str, Any]) -> None:
    await post(client, data(), interface(url, PROPERTIES), configuration(*(mappings or MAPPINGS)))
    await connected(client)


async def connected(client: aiohttp.ClientSession) -> None:
    async def claim() -> bool:
        return [each["state"] for each in (await live(client))["connections"]] == ["connected"]

    await until(claim)


@pytest.fixture
def letting(permitting: Settings) -> Settings:
    return replace(permitting, live_allowed=("mqtt://127.0.0.1", "mqtts://localhost"))


async def quality(client: aiohttp.ClientSession, path: str) -> str:
    return (await client.get(f"{ELEMENTS}/{path}/$value")).headers["X-Value-Quality"]


async def test_messages_become_values(letting: Settings, tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url) as (plant, _),
    ):
        plant.publish("press/mode", b"auto", retained=True)
        await plant.acknowledged()
        await described(client, broker.url)
        await shows(client, Mode="auto")
        assert await quality(client, "Mode") == "UncertainInitialValue"  # nobody knows how old it is
        plant.publish("press/speed", b"4.5")
        plant.publish("press/mode", b"manual")
        plant.publish("/press/state", json.dumps({"Pressure": 2.25, "Level": 7, "Other": []}).encode())
        await shows(client, Speed=4.5, Mode="manual", Pressure=2.25, Level=7)
        answer = await client.get(f"{ELEMENTS}/Mode/$value")
        assert answer.headers["X-Value-Quality"] == "Good"
        assert answer.headers["X-Source-Timestamp"].endswith("Z")


async def test_payloads_that_are_something_else_are_told(letting: Settings, tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url) as (plant, _),
    ):
        await described(client, broker.url)
        plant.publish("/press/state", b'{"Pressure": 1.5, "Level": 3}')
        await shows(client, Pressure=1.5, Level=3)
        plant.publish("/press/state", b'{"Level": 4}')
        await shows(client, Pressure=1.5, Level=4)

        async def told() -> list[str]:
            answer = await client.get("/live/mappings?troubled=true")
            return [each["error"] for each in (await answer.json())["result"]]

        assert await told() == ["BadDataEncodingInvalid: the value has no member 'Pressure'"]
        assert await quality(client, "Pressure") == "BadDataEncodingInvalid"
        plant.publish("/press/state", b'{"Pressure": 1.75, "Level": 4}')
        await shows(client, Pressure=1.75)
        assert await told() == []


async def test_what_is_written_is_published(letting: Settings, tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url, "press/#") as (_, heard),
    ):
        await described(client, broker.url)
        answer = await client.patch(f"{ELEMENTS}/Speed/$value", json=12.5)
        assert answer.status == 204
        async with asyncio.timeout(10):
            assert await heard.get() == ("press/speed", b"12.5")
        await shows(client, Speed=12.5)
        assert (await client.patch(f"{ELEMENTS}/Mode/$value", json="off")).status == 403
        await broker.kill()
        assert (await client.patch(f"{ELEMENTS}/Speed/$value", json=1.0)).status in (503, 504)
        assert heard.empty()


async def test_a_member_is_published_among_the_others(letting: Settings, tmp_path: Path) -> None:
    state = nested("State", ".//press/state", "Pressure", "Level")
    state["value"][0]["value"].append(text("op", "writeproperty"))
    mappings = [member("State", "Pressure", "Pressure"), member("State", "Level", "Level")]
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url, "#") as (plant, heard),
    ):
        await post(client, data(), interface(broker.url, [state]), configuration(*mappings))
        await connected(client)
        nothing = await client.patch(f"{ELEMENTS}/Pressure/$value", json=1.5)
        assert nothing.status == 503
        assert "nothing has been heard of /press/state" in await nothing.text()
        plant.publish("/press/state", b'{"Pressure": 0.5, "Level": 3, "Other": []}')
        await shows(client, Level=3)
        answers = await asyncio.gather(
            client.patch(f"{ELEMENTS}/Pressure/$value", json=1.5), client.patch(f"{ELEMENTS}/Level/$value", json=4)
        )
        assert [answer.status for answer in answers] == [204, 204]
        async with asyncio.timeout(10):
            found = [json.loads((await heard.get())[1]) for _ in range(3)]
        assert found[2] == {"Pressure": 1.5, "Level": 4, "Other": []}


async def test_what_the_broker_refuses_is_not_written(letting: Settings, tmp_path: Path) -> None:
    """With either quality of service: 403, and the value is what it was."""
    rules = tmp_path / "rules"
    await asyncio.to_thread(rules.write_text, "topic read #\ntopic write press/open\n")
    properties = [
        topic("Speed", "press/speed", writable=True, qos="1"),
        topic("Pressure", "press/pressure", writable=True, qos="2"),
        topic("Level", "press/open", writable=True),
    ]
    method = {
        "modelType": "Operation", "idShort": "Stop", "inputVariables": [{"value": prop("hard", None, "xs:boolean")}]
    }  # fmt: skip
    sinks = data()
    sinks["submodelElements"].append(method)
    async with (
        mosquitto(tmp_path, "allow_anonymous true", f"acl_file {rules}", "user root") as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        plant = interface(broker.url, properties, [action("Stop", "press/stop")])
        mappings = [of("Speed"), of("Pressure"), of("Level"), of("Stop", kind="actions")]
        await post(client, sinks, plant, configuration(*mappings))
        await connected(client)
        assert (await client.patch(f"{ELEMENTS}/Level/$value", json=3)).status == 204
        for name in ("Speed", "Pressure"):
            answer = await client.patch(f"{ELEMENTS}/{name}/$value", json=12.5)
            assert answer.status == 403
            assert "BadUserAccessDenied" in await answer.text()
            assert await value(client, name) == 0.0
        invoked = await client.post(f"{ELEMENTS}/Stop/invoke/$value", json={"inputArguments": {"hard": True}})
        result = await invoked.json()
        assert result["executionState"] == "Failed"
        assert "not authorized" in json.dumps(result)


async def test_a_broker_that_was_gone_is_found_again(letting: Settings, tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await described(client, broker.url)
        async with talking(broker.url) as (plant, _):
            plant.publish("press/speed", b"1")
            await shows(client, Speed=1.0)
        await broker.kill()

        async def lost() -> bool:
            return [each["state"] for each in (await live(client))["connections"]] == ["lost"]

        await until(lost)
        assert (await value(client, "Speed"), await quality(client, "Speed")) == (1.0, "UncertainLastUsableValue")
        await broker.start()
        async with talking(broker.url) as (plant, _):

            async def heard() -> bool:
                plant.publish("press/speed", b"2")
                return bool(await value(client, "Speed") == 2.0)

            await until(heard)
        assert await quality(client, "Speed") == "Good"


async def test_a_mapping_that_comes_later_gets_what_the_broker_keeps(letting: Settings, tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url) as (plant, _),
    ):
        plant.publish("/press/state", b'{"Pressure": 3.5, "Level": 9}', retained=True)
        await plant.acknowledged()
        await described(client, broker.url, MAPPINGS[0], MAPPINGS[2])
        await shows(client, Pressure=3.5)
        plant.publish("/press/state", b'{"Pressure": 4.5, "Level": 10}')
        await shows(client, Pressure=4.5)
        document = configuration(*MAPPINGS)
        assert (await client.put(f"/submodels/{b64(document['id'])}", json=document)).status == 204
        await shows(client, Level=10)
        assert (await value(client, "Pressure"), await quality(client, "Pressure")) == (4.5, "Good")


async def test_users_and_encryption(letting: Settings, tmp_path: Path) -> None:
    """A user, a password and a certificate of one's own; a broker that somebody else vouches for is not believed."""
    for name in ("openssl", "mosquitto_passwd"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    await asyncio.to_thread(_certified, tmp_path)
    lines = [f"password_file {tmp_path}/users", f"certfile {tmp_path}/cert.pem", f"keyfile {tmp_path}/key.pem"]
    async with mosquitto(tmp_path, *lines, "allow_anonymous false", "user root") as broker:
        url = broker.url.replace("mqtt://127.0.0.1", "mqtts://localhost")
        given = {"right": ("secret", "cert.pem"), "wrong": ("guess", "cert.pem"), "stranger": ("secret", "")}
        for who, (password, ca) in given.items():
            credentials = tmp_path / f"{who}.toml"
            believed = f'ca = "{tmp_path}/{ca}"\n' if ca else ""
            await asyncio.to_thread(
                credentials.write_text, f'["{url}"]\nuser = "aas"\npassword = "{password}"\n{believed}'
            )
            settings = replace(letting, live_credentials=str(credentials))
            async with (
                open_repository(settings) as repository,
                listening(repository, settings) as server,
                aiohttp.ClientSession(server.url) as client,
            ):
                await post(client, data(), interface(url, PROPERTIES), configuration(of("Speed")))
                state, words = {
                    "right": ("connected", ""), "wrong": ("lost", "refuses"), "stranger": ("lost", "CERTIFICATE"),
                }[who]  # fmt: skip

                async def stands(state: str = state, words: str = words) -> bool:
                    found = (await live(client))["connections"]
                    return bool(found) and found[0]["state"] == state and words in found[0]["error"]

                await until(stands)


def _certified(folder: Path) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True
    )
    users = ["mosquitto_passwd", "-c", "-b", f"{folder}/users", "aas", "secret"]
    subprocess.run(users, check=True, capture_output=True)


async def test_many_messages_at_once_end_with_the_newest(letting: Settings, tmp_path: Path) -> None:
    properties = [topic(f"P{number}", f"many/{number}") for number in range(200)]
    sinks = submodel(DATA, *[prop(f"P{number}", "0", "xs:int") for number in range(200)])
    async with (
        mosquitto(tmp_path) as broker,
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
        talking(broker.url) as (plant, _),
    ):
        await post(client, sinks, interface(broker.url, properties), configuration(*[of(f"P{n}") for n in range(200)]))
        plant.publish("many/0", b"-1", retained=True)
        await shows(client, P0=-1)
        for turn in range(50):
            for number in range(200):
                plant.publish(f"many/{number}", b"%d" % turn, 0)
            await asyncio.sleep(0)
        await plant.send([Message(f"many/{number}", b"50") for number in range(200)])
        await shows(client, P0=50, P199=50)
        shown = await (await client.get(f"/submodels/{b64(DATA)}/$value")).json()
        assert set(shown.values()) == {50}


async def test_a_broker_that_is_not_there_is_told_in_words() -> None:
    for url, words in [
        (f"mqtt://127.0.0.1:{free_port()}", "nobody listens there"),
        ("mqtt://nowhere.invalid", "nobody knows the host nowhere.invalid"),
    ]:
        with pytest.raises(OSError, match=words):
            await opened(Broker(url))
