"""What is hosted here is registered at another registry, a real one: another server of our own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth, web
from aiohttp.test_utils import TestServer

from aas_server import registration
from aas_server.app import listening, open_repository
from aas_server.config import Settings
from conformance.server import free_port
from tests.api.test_descriptors import endpoint, shell_descriptor
from tests.examples import b64, motors, prop, shell, submodel

EXTERNAL = "https://aas.example.org"
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "FIRST", 0.01)
    monkeypatch.setattr(registration, "LONGEST", 0.05)


@contextlib.asynccontextmanager
async def serving(**changed: Any) -> AsyncIterator[ClientSession]:
    """A client of a server with these settings."""
    settings = Settings(**{"port": 0, "store": "sqlite:///:memory:", **changed})
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        ClientSession(server.url) as session,
    ):
        yield session


@pytest.fixture
async def registry() -> AsyncIterator[ClientSession]:
    async with serving() as session:
        yield session


def registered_at(registry: ClientSession, mount: str = "") -> dict[str, str]:
    return {"register_at": f"{str(registry._base_url).rstrip('/')}{mount}", "external_url": EXTERNAL}


async def listed(registry: ClientSession, path: str = "/shell-descriptors") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await (await registry.get(path)).json())["result"]
    return found


async def ids(registry: ClientSession, path: str = "/shell-descriptors") -> list[str]:
    return [each["id"] for each in await listed(registry, path)]


async def standing(client: ClientSession) -> dict[str, Any]:
    answer = await client.get("/health/registration")
    assert answer.status == 200
    found: dict[str, Any] = await answer.json()
    return found


async def becomes(expected: Any, ask: Callable[[], Awaitable[Any]]) -> None:
    """It is so at some time, soon."""
    found = await ask()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while found != expected:
                await asyncio.sleep(0.01)
                found = await ask()
    assert found == expected


@pytest.mark.parametrize("mount", ["", "/api/v3.1/", "/api/v3.0"])
async def test_what_is_hosted_is_registered_and_follows_each_change(registry: ClientSession, mount: str) -> None:
    """Version 3.0 knows no creation by PUT; there it is posted."""
    async with serving(**registered_at(registry, mount)) as client:
        await client.post("/submodels", json=motors("urn:x:1"))
        await client.post("/shells", json=shell("urn:s:1", "urn:x:1"))
        await becomes(["urn:s:1"], lambda: ids(registry))
        await becomes(["urn:x:1"], lambda: ids(registry, "/submodel-descriptors"))
        (descriptor,) = await listed(registry)
        assert (
            descriptor["endpoints"][0]["protocolInformation"]["href"] == f"{EXTERNAL}/api/v3.1/shells/{b64('urn:s:1')}"
        )
        await client.put(f"/submodels/{b64('urn:x:1')}", json=motors("urn:x:1") | {"idShort": "Drive"})
        await becomes(["Drive"], lambda: nested_names(registry))
        await client.delete(f"/shells/{b64('urn:s:1')}")
        await becomes([], lambda: ids(registry))
        assert await ids(registry, "/submodel-descriptors") == ["urn:x:1"]


async def nested_names(registry: ClientSession) -> list[str]:
    return [each.get("idShort", "") for shell in await listed(registry) for each in shell["submodelDescriptors"]]


async def test_what_changes_no_descriptor_is_not_sent(registry: ClientSession) -> None:
    async with serving(**registered_at(registry)) as client:
        await client.post("/submodels", json=motors("urn:x:1"))
        await client.patch(f"/submodels/{b64('urn:x:1')}/$value", json={"Name": "lathe"})
        await client.post(f"/submodels/{b64('urn:x:1')}/submodel-elements", json=prop("More"))
        await client.post("/submodels", json=submodel("urn:x:2"))
        await becomes(["urn:x:1", "urn:x:2"], lambda: ids(registry, "/submodel-descriptors"))
        await becomes(2, lambda: put(client))


async def put(client: ClientSession) -> int:
    """How many descriptors have been put."""
    found: int = (await standing(client))["put"]
    return found


async def test_a_registry_that_comes_late(tmp_path: Path) -> None:
    port = free_port()
    async with serving(register_at=f"http://u:secret@127.0.0.1:{port}", external_url=EXTERNAL) as client:
        await client.post("/shells", json=shell("urn:s:1"))
        await becomes(False, lambda: reachable(client))
        shown = await standing(client)
        assert (shown["registerAt"], shown["put"]) == (f"http://127.0.0.1:{port}", 0)
        assert "Cannot connect" in shown["error"]
        assert "secret" not in str(shown)
        metrics = await (await client.get("/health/metrics")).json()
        assert metrics["registration_reachable"] == 0
        async with serving(port=port) as registry:
            await becomes(["urn:s:1"], lambda: ids(registry))
            await becomes(True, lambda: reachable(client))


async def test_a_registry_that_has_lost_its_memory() -> None:
    """Once an outage is over, everything is there again, whether it changed meanwhile or not."""
    port = free_port()
    async with serving(register_at=f"http://127.0.0.1:{port}", external_url=EXTERNAL) as client:
        async with serving(port=port) as registry:
            for number in (1, 2):
                await client.post("/shells", json=shell(f"urn:s:{number}"))
            await becomes(["urn:s:1", "urn:s:2"], lambda: ids(registry))
        await client.post("/shells", json=shell("urn:s:3"))
        await client.delete(f"/shells/{b64('urn:s:2')}")
        await becomes(False, lambda: reachable(client))
        async with serving(port=port) as registry:
            await becomes(["urn:s:1", "urn:s:3"], lambda: ids(registry))


async def test_what_a_registry_loses_without_an_outage_is_put_back(
    registry: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "CHECKED", 0.1)
    async with serving(**registered_at(registry)) as client:
        for number in (1, 2):
            await client.post("/shells", json=shell(f"urn:s:{number}"))
        await becomes(["urn:s:1", "urn:s:2"], lambda: ids(registry))
        await registry.delete(f"/shell-descriptors/{b64('urn:s:1')}")
        await becomes(["urn:s:1", "urn:s:2"], lambda: ids(registry))
        await becomes(3, lambda: put(client))


async def reachable(client: ClientSession) -> bool:
    found: bool = (await standing(client))["reachable"]
    return found


async def test_a_restart_catches_up(registry: ClientSession, tmp_path: Path) -> None:
    """Only with what has changed: nothing else is looked at, not even what does not belong there."""
    here = {"store": f"sqlite:///{tmp_path / 'aas.db'}"}
    href = f"{EXTERNAL}/api/v3.1/shells/x"
    async with serving(**here, **registered_at(registry)) as client:
        await becomes(True, lambda: follows(client))
        for number in (1, 2):
            await client.post("/shells", json=shell(f"urn:s:{number}"))
        await becomes(["urn:s:1", "urn:s:2"], lambda: ids(registry))
        stranger = shell_descriptor("urn:stranger", endpoints=[endpoint(href, "AAS-3.1")])
        await registry.post("/shell-descriptors", json=stranger)
    async with serving(**here) as client:
        await client.post("/shells", json=shell("urn:s:3"))
        await client.delete(f"/shells/{b64('urn:s:1')}")
        assert (await client.get("/health/registration")).status == 404
    async with serving(**here, **registered_at(registry)) as client:
        await becomes(["urn:s:2", "urn:s:3", "urn:stranger"], lambda: ids(registry))
    async with serving(**here, **(registered_at(registry) | {"external_url": f"{EXTERNAL}/"})) as client:
        await becomes(["urn:s:2", "urn:s:3"], lambda: ids(registry))


async def follows(client: ClientSession) -> bool:
    """Whether all has been registered once, and the log is followed."""
    return bool((await standing(client))["position"])


async def test_where_the_log_has_forgotten_everything_is_registered_anew(
    registry: ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What points here and is no longer hosted goes; what others have registered stays."""
    monkeypatch.setattr("aas_server.storage.applying.TRIMMED", 1)
    here = {"store": f"sqlite:///{tmp_path / 'aas.db'}", "log_changes": 1}
    await registry.post("/shell-descriptors", json=shell_descriptor("urn:others"))
    await registry.post("/shell-descriptors", json={"id": "urn:nowhere"})
    async with serving(**here, **registered_at(registry)) as client:
        await client.post("/shells", json=shell("urn:s:1"))
        await becomes(["urn:nowhere", "urn:others", "urn:s:1"], lambda: ids(registry))
    async with serving(**here) as client:
        for number in range(2, 9):
            await client.post("/shells", json=shell(f"urn:s:{number}"))
        await client.delete(f"/shells/{b64('urn:s:1')}")
    async with serving(**here, **registered_at(registry)):
        expected = ["urn:nowhere", "urn:others", *(f"urn:s:{number}" for number in range(2, 9))]
        await becomes(expected, lambda: ids(registry))
    assert "begins anew" in caplog.text


async def test_what_the_registry_refuses_stops_nothing_else() -> None:
    async with serving(max_document=1000) as registry, serving(**registered_at(registry)) as client:
        large = shell("urn:s:1", specificAssetIds=[{"name": "n", "value": "x" * 1000}])
        await client.post("/shells", json=large)
        await client.post("/shells", json=shell("urn:s:2"))
        await becomes(["urn:s:2"], lambda: ids(registry))
        (refused,) = (await standing(client))["refused"]
        assert "urn:s:1" in refused
        assert "413" in refused


async def test_a_registry_that_asks_who_is_there() -> None:
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.headers.get("Authorization", "")))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as there:
        url = f"http://user:secret@{there.host}:{there.port}/registry"
        async with serving(register_at=url, external_url=EXTERNAL) as client:
            await client.post("/shells", json=shell("urn:s:1"))
            await becomes([("PUT", encode_basic_auth("user", "secret"))], lambda: copied(asked))


async def copied(asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [each for each in asked if each[0] != "GET"]


async def test_shells_that_share_a_submodel_are_all_in_step(registry: ClientSession) -> None:
    async with serving(**registered_at(registry)) as client:
        for number in range(30):
            await client.post("/shells", json=shell(f"urn:s:{number}", "urn:x:1"))
        await client.post("/submodels", json=submodel("urn:x:1", idShort="Shared"))
        await becomes(["Shared"] * 30, lambda: nested_names_of_all(registry))


async def nested_names_of_all(registry: ClientSession) -> list[str]:
    return [each["idShort"] for shell in await listed(registry) for each in shell.get("submodelDescriptors", [])]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"register_at": "https://registry.example.org"}, "needs external_url"),
        ({"register_at": "registry.example.org", "external_url": EXTERNAL}, "must be like"),
        ({"register_at": f"{EXTERNAL}/api/v3", "external_url": EXTERNAL}, "this server itself"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Settings(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", [f"{EXTERNAL}/registry", f"{EXTERNAL}:8443", "https://user:password@other.example.org"])
def test_settings_that_can_be(url: str) -> None:
    assert Settings(register_at=url, external_url=EXTERNAL).register_at == url
