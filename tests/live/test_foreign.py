"""Against a server of another family, from AID and AIMC submodels alone: follow, write, call, secure, all types."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from aas_server.app import listening, open_repository
from aas_server.config import Settings
from aas_server.live import FileTime, Item
from tests.examples import b64, collection, listed, prop, submodel
from tests.live.foreign import foreign_plant
from tests.live.interfaces import AID, DATA, action, configuration, interface, node, of, reference, text
from tests.live.test_following import live, permitting, post, shows, until, value
from tests.live.test_opcua import connected

__all__ = ["permitting"]

SIMULATOR = "nsu=urn://node-opcua-simulator"
ELEMENTS = f"/submodels/{b64(DATA)}/submodel-elements"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with foreign_plant(tmp_path_factory.mktemp("foreign")) as url:
        yield url


@pytest.fixture
def letting(permitting: Settings, foreign: str, tmp_path: Path) -> Settings:
    known = tmp_path / "credentials.toml"
    known.write_text(f'["{foreign}"]\nuser = "user1"\npassword = "password1"\nplain = true\n', encoding="utf-8")
    return replace(permitting, live_allowed=("opc.tcp://localhost",), live_credentials=str(known), live_trust_all=True)


@pytest.fixture
async def client(letting: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        open_repository(letting) as repository,
        listening(repository, letting) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        yield client


def at(name: str) -> str:
    return f"/?id={SIMULATOR};s={name}"


async def test_what_changes_is_followed(client: aiohttp.ClientSession, foreign: str) -> None:
    """A node that changes every few milliseconds, one with a unit, an array of arrays, and one that is not there."""
    row = {**listed("", "Property", valueTypeListElement="xs:double")}
    del row["idShort"]
    matrix = listed("Matrix", "SubmodelElementList", row)
    sinks = submodel(DATA, prop("Fan", "0"), prop("Temperature", "0"), prop("Nowhere", "0"), matrix)
    properties = [
        node("Fan", "/?id=ns=1;s=FanSpeed"),
        node("Temperature", "/?id=ns=1;s=TemperatureAnalogItem"),
        node("Nowhere", "/?id=ns=1;s=Nowhere"),
        node("Matrix", "/?id=ns=1;s=Matrix"),
    ]
    names = ("Fan", "Temperature", "Nowhere", "Matrix")
    await post(client, sinks, interface(foreign, properties), configuration(*[of(name) for name in names]))
    seen: set[float] = set()

    async def changes() -> bool:
        seen.add(await value(client, "Fan"))
        return len(seen) > 5 and await value(client, "Temperature") != 0.0

    await until(changes)
    answer = await client.get(f"{ELEMENTS}/Fan/$value")
    assert (answer.headers["X-Value-Quality"], answer.headers["X-Source-Timestamp"][-1]) == ("Good", "Z")
    troubled = await (await client.get("/live/mappings?troubled=true")).json()
    assert [each["error"] for each in troubled["result"]] == ["BadNodeIdUnknown: ns=1;s=Nowhere"]
    rows = await value(client, "Matrix")
    assert [len(row) for row in rows] == [3, 3, 3]


async def test_writing(client: aiohttp.ClientSession, foreign: str) -> None:
    sinks = submodel(
        DATA, prop("Double", "0"), prop("Byte", "0", "xs:int"), prop("Text", "", "xs:string"), prop("Fixed", "0"),
        listed("List", "Property", prop(None, "0", "xs:int"), valueTypeListElement="xs:int"),
    )  # fmt: skip
    properties = [
        node("Double", at("Static_Scalar_Double"), writable=True),
        node("Byte", at("Static_Scalar_Byte"), writable=True),
        node("Text", at("Static_Scalar_String"), writable=True),
        node("List", at("Static_Array_Int32"), writable=True),
        node("Fixed", at("AccessLevel_CurrentRead_NotCurrentWrite"), writable=True),
    ]
    names = ("Double", "Byte", "Text", "List", "Fixed")
    await post(client, sinks, interface(foreign, properties), configuration(*[of(name) for name in names]))
    await shows(client, Text="OPCUA")
    for path, given, status in [
        ("Double", 12.5, 204), ("Byte", 200, 204), ("Byte", 300, 400), ("Text", "grün", 204), ("Double", "x", 400),
        ("List", [3, 2, 1], 204), ("Fixed", 7.0, 403),
    ]:  # fmt: skip
        answer = await client.patch(f"{ELEMENTS}/{path}/$value", json=given)
        assert answer.status == status, (path, given, await answer.text())
    await shows(
        client, Double=12.5, Byte=200, Text="grün", List=[3, 2, 1, 0, 0, 0, 0, 0, 0, 0]
    )  # what is not named stays
    async with Client(foreign) as there:
        namespace = await there.get_namespace_index("urn://node-opcua-simulator")
        assert await there.get_node(f"ns={namespace};s=Static_Scalar_Double").read_value() == 12.5
        assert await there.get_node(f"ns={namespace};s=Static_Array_Int32").read_value() == [3, 2, 1, *[0] * 7]


def method(name: str, inputs: tuple[str, ...] = (), outputs: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "modelType": "Operation", "idShort": name,
        **({"inputVariables": [{"value": prop(each, None, "xs:unsignedInt")} for each in inputs]} if inputs else {}),
        **({"outputVariables": [{"value": prop(each, None, kind)} for each, kind in outputs]} if outputs else {}),
    }  # fmt: skip


async def arguments(foreign: str) -> dict[str, tuple[list[str], list[str]]]:
    """The names of inputs and outputs of the server's methods, asked of it with another client."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    async with Client(foreign) as there:
        namespace = await there.get_namespace_index("urn://node-opcua-simulator")
        for name in ("MethodNoArgs", "MethodIO", "MethodI", "MethodO"):
            names: dict[str, list[str]] = {"InputArguments": [], "OutputArguments": []}
            for child in await there.get_node(f"ns={namespace};s={name}").get_children(refs=ObjectIds.HasProperty):
                names[(await child.read_browse_name()).Name or ""] = [each.Name for each in await child.read_value()]
            found[name] = names["InputArguments"], names["OutputArguments"]
    return found


async def test_methods(client: aiohttp.ClientSession, foreign: str) -> None:
    known = await arguments(foreign)
    (given,), (answered,) = known["MethodIO"]
    operations = [method("MethodIO", (given,), ((answered, "xs:int"),)), method("MethodNoArgs")]
    actions = [action(name, at(name)) for name in ("MethodIO", "MethodNoArgs")]
    mappings = [of(name, kind="actions") for name in ("MethodIO", "MethodNoArgs")]
    await post(client, submodel(DATA, *operations), interface(foreign, [], actions), configuration(*mappings))

    async def stands() -> bool:
        found = await live(client)
        return found["operations"] == 2 and [each["state"] for each in found["connections"]] == ["connected"]

    await until(stands)

    async def invoked(name: str, **inputs: Any) -> tuple[int, dict[str, Any]]:
        answer = await client.post(f"{ELEMENTS}/{name}/invoke/$value", json={"inputArguments": inputs})
        return answer.status, await answer.json()

    status, result = await invoked("MethodIO", **{given: 7})
    assert (status, result["executionState"], result["outputArguments"]) == (200, "Completed", {answered: 42})
    status, result = await invoked("MethodNoArgs")
    assert (status, result["executionState"]) == (200, "Completed")
    status, result = await invoked("MethodIO", **{given: -1})
    assert status == 400
    assert given in json.dumps(result)


# Security


def secured(foreign: str, policy: str, mode: str, token: str) -> dict[str, Any]:
    """An interface with its security as AID 1.1 writes it."""
    channel = collection(
        "channel_sc",
        text("scheme", "ua_channelsec"),
        text("uav_securityPolicy", policy),
        text("uav_securityMode", mode),
    )
    user = collection("user_sc", text("scheme", "ua_authentication"), text("uav_userIdentityToken", token))
    definitions = collection("securityDefinitions", channel, user)
    used = listed(
        "security", "ReferenceElement",
        *[
            {"modelType": "ReferenceElement", "value": reference(AID, "Interface", "EndpointMetadata", each)}
            for each in ("channel_sc", "user_sc")
        ],
    )  # fmt: skip
    document = interface(foreign, [node("Text", at("Static_Scalar_LocaleId")), node("Fan", "/?id=ns=1;s=FanSpeed")])
    metadata = next(each for each in document["submodelElements"][0]["value"] if each["idShort"] == "EndpointMetadata")
    metadata["value"] += [used, definitions]
    return document


COMBINATIONS = [
    (policy, mode, token)
    for policy in ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
    for mode in ("Sign", "SignAndEncrypt")
    for token in ("Anonymous", "UserName")
]


async def test_every_combination_of_security(client: aiohttp.ClientSession, foreign: str) -> None:
    """The interface is edited again and again; each time there is a new session, secured as it says now."""
    await post(client, submodel(DATA, prop("Fan", "0")), secured(foreign, "None", "None", "Anonymous"))
    await post(client, configuration(of("Fan")))
    connects: list[str] = []
    for policy, mode, token in [("None", "None", "UserName"), *COMBINATIONS]:
        answer = await client.put(f"/submodels/{b64(AID)}", json=secured(foreign, policy, mode, token))
        assert answer.status == 204
        before = await value(client, "Fan")

        async def followed(before: float = before, connects: list[str] = connects) -> bool:
            stand = [(each["state"], each["since"] in connects) for each in (await live(client))["connections"]]
            return stand == [("connected", False)] and await value(client, "Fan") != before

        await until(followed)
        connects += [each["since"] for each in (await live(client))["connections"]]
    assert len(set(connects)) == len(COMBINATIONS) + 1


async def test_a_wrong_password_is_told(letting: Settings, foreign: str, tmp_path: Path) -> None:
    known = tmp_path / "wrong.toml"
    await asyncio.to_thread(known.write_text, f'["{foreign}"]\nuser = "user1"\npassword = "guess"\n')
    settings = replace(letting, live_credentials=str(known))
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(client, submodel(DATA, prop("Fan", "0")), secured(foreign, "Basic256Sha256", "Sign", "UserName"))
        await post(client, configuration(of("Fan")))

        async def told() -> bool:
            return [each["error"].partition(":")[0] for each in (await live(client))["connections"]] in (
                ["BadUserAccessDenied"],
                ["BadIdentityTokenRejected"],
            )

        await until(told)


async def test_a_server_that_nobody_trusts_is_refused(letting: Settings, foreign: str, tmp_path: Path) -> None:
    settings = replace(letting, live_trust_all=False)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        await post(client, submodel(DATA, prop("Fan", "0")), secured(foreign, "Basic256Sha256", "Sign", "Anonymous"))
        await post(client, configuration(of("Fan")))

        async def told() -> bool:
            return any("BadCertificateUntrusted: move" in each["error"] for each in (await live(client))["connections"])

        await until(told)
        pki = Path(settings.live_pki)
        (rejected,) = await asyncio.to_thread(lambda: list((pki / "rejected").iterdir()))
        await asyncio.to_thread(rejected.rename, pki / "trusted" / rejected.name)
        document = secured(foreign, "Basic256Sha256", "SignAndEncrypt", "Anonymous")  # an edit is worth an attempt
        assert (await client.put(f"/submodels/{b64(AID)}", json=document)).status == 204

        async def followed() -> bool:
            return bool(await value(client, "Fan") != 0.0)

        await until(followed)


# Types

_SOME = uuid.UUID("12345678-1234-5678-1234-567812345678")
_THEN = datetime(2026, 11, 27, 12, 30, 0, 250000, tzinfo=UTC)
#: Types of the simulator: what is written there with another client, the value type here, what `$value` shows.
WRITTEN: dict[str, tuple[ua.VariantType, Any, str, Any]] = {
    "Boolean": (ua.VariantType.Boolean, True, "xs:boolean", True),
    "SByte": (ua.VariantType.SByte, -5, "xs:byte", -5),
    "Byte": (ua.VariantType.Byte, 250, "xs:unsignedByte", 250),
    "Int16": (ua.VariantType.Int16, -30000, "xs:short", -30000),
    "UInt16": (ua.VariantType.UInt16, 60000, "xs:unsignedShort", 60000),
    "Int32": (ua.VariantType.Int32, -2_000_000_000, "xs:int", -2_000_000_000),
    "UInt32": (ua.VariantType.UInt32, 4_000_000_000, "xs:unsignedInt", 4_000_000_000),
    "Int64": (ua.VariantType.Int64, -(2**60), "xs:long", -(2**60)),
    "UInt64": (ua.VariantType.UInt64, 2**52, "xs:unsignedLong", 2**52),
    "Float": (ua.VariantType.Float, 0.5, "xs:float", 0.5),
    "Double": (ua.VariantType.Double, 1.0000000001, "xs:double", 1.0000000001),
    "String": (ua.VariantType.String, "Straße", "xs:string", "Straße"),
    "DateTime": (ua.VariantType.DateTime, _THEN, "xs:dateTime", "2026-11-27T12:30:00.250000Z"),
    "Guid": (ua.VariantType.Guid, _SOME, "xs:string", str(_SOME)),
    "ByteString": (ua.VariantType.ByteString, b"\x00\xff", "xs:base64Binary", "AP8="),
    "XmlElement": (ua.VariantType.XmlElement, ua.XmlElement(ua.String("<a>1</a>")), "xs:string", "<a>1</a>"),
    "NodeId": (ua.VariantType.NodeId, ua.NodeId(ua.String("Speed"), ua.Int16(1)), "xs:string", "ns=1;s=Speed"),
    "QualifiedName": (ua.VariantType.QualifiedName, ua.QualifiedName("Speed", 1), "xs:string", "1:Speed"),
    "LocalizedText": (ua.VariantType.LocalizedText, ua.LocalizedText("auf", "de"), "xs:string", "auf"),
    "Duration": (ua.VariantType.Double, 1500.0, "xs:double", 1500.0),
    "UtcTime": (ua.VariantType.DateTime, _THEN, "xs:dateTime", "2026-11-27T12:30:00.250000Z"),
    "LocaleId": (ua.VariantType.String, "de", "xs:string", "de"),
    "Number": (ua.VariantType.UInt16, 7, "xs:int", 7),
    "Integer": (ua.VariantType.Int64, -7, "xs:long", -7),
    "UInteger": (ua.VariantType.UInt64, 7, "xs:unsignedLong", 7),
    "BaseDataType": (ua.VariantType.Double, 2.5, "xs:double", 2.5),
}
IMAGES = ("ImageBMP", "ImageGIF", "ImageJPG", "ImagePNG")


async def _write_all(foreign: str) -> None:
    async with Client(foreign) as there:
        namespace = await there.get_namespace_index("urn://node-opcua-simulator")
        for name, (kind, given, *_) in WRITTEN.items():
            for shape, content in (("Scalar", given), ("Array", [given, given])):
                variant = ua.Variant(content, kind, is_array=shape == "Array")
                await there.get_node(f"ns={namespace};s=Static_{shape}_{name}").write_attribute(
                    AttributeIds.Value, ua.DataValue(variant)
                )


async def test_every_type_is_shown_as_it_is(client: aiohttp.ClientSession, foreign: str) -> None:
    """Scalars as Properties, arrays as lists of them; 52 nodes in all."""
    await _write_all(foreign)
    sinks = [prop(f"S{name}", None, kind) for name, (_, _, kind, _) in WRITTEN.items()]
    sinks += [listed(f"A{name}", "Property", valueTypeListElement=kind) for name, (_, _, kind, _) in WRITTEN.items()]
    properties = [
        node(f"{shape[0]}{name}", at(f"Static_{shape}_{name}")) for shape in ("Scalar", "Array") for name in WRITTEN
    ]
    mappings = [of(each["idShort"]) for each in sinks]
    assert len(mappings) == 52
    await post(client, submodel(DATA, *sinks), interface(foreign, properties), configuration(*mappings))
    expected = {f"S{name}": shown for name, (*_, shown) in WRITTEN.items()}
    expected |= {f"A{name}": [shown, shown] for name, (*_, shown) in WRITTEN.items()}

    async def all_there() -> bool:
        answer = await client.get(f"/submodels/{b64(DATA)}/$value")
        return len(await answer.json()) == 52

    await until(all_there)
    for name, shown in expected.items():
        await shows(client, **{name: shown})


async def test_what_is_sent_is_what_is_read(foreign: str, tmp_path: Path) -> None:
    """The quick decoder of notifications and the general one of Read agree, images with their kilobytes included."""
    await _write_all(foreign)
    nodes = [f"{SIMULATOR};s=Static_{shape}_{name}" for shape in ("Scalar", "Array") for name in (*WRITTEN, *IMAGES)]
    async with connected(foreign, tmp_path) as watch:
        await watch.connection.observe(dict(enumerate(map(Item, nodes))))
        await watch.until(lambda: len(watch.values) == len(nodes))
        read = {each.item: each for each in await watch.connection.read(range(len(nodes)))}
        for number, href in enumerate(nodes):
            if "UtcTime" in href or "DateTime" in href:
                assert isinstance(watch.values[number], FileTime | list)
            assert (href, watch.values[number]) == (href, read[number].value)
            assert watch.statuses[number] == "Good"
    assert not watch.connection.standing.errors
