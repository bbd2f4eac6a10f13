"""Operations that another server carries out: only where a setting allows it, whatever names and redirects say."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web
from aiohttp.resolver import ThreadedResolver

from aas_server.app import listening
from aas_server.operations.delegation import Allowed, Resolver
from aas_server.repository import Repository
from tests.examples import b64, submodel
from tests.operations.handlers import SUBMODEL
from tests.operations.test_invoking import integer, operation, variables

PATH = f"/submodels/{b64(SUBMODEL)}/submodel-elements/Add"
VALUES = {"inputArguments": {"A": 2, "B": 40}, "inoutputArguments": {"Count": 7}}


class Target:
    """A real server that adds, redirects, answers too much, or nonsense; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.port = 0

    async def add(self, request: web.Request) -> web.Response:
        given = orjson.loads(await request.read())
        self.asked.append(given)
        numbers = {each["value"]["idShort"]: int(each["value"]["value"]) for each in given}
        answered = [integer("Sum", str(numbers["A"] + numbers["B"])), integer("Count", str(numbers["Count"] + 1))]
        return web.json_response(variables(*answered))

    async def redirect(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{self.port}/add")

    async def flood(self, request: web.Request) -> web.Response:
        return web.Response(body=b" " * (5 << 20))

    async def nonsense(self, request: web.Request) -> web.Response:
        return web.json_response(variables(integer("Other", "1")))

    async def never(self, request: web.Request) -> web.Response:
        self.asked.append(None)
        await asyncio.Event().wait()
        return web.Response()

    async def broken(self, request: web.Request) -> web.Response:
        return web.Response(status=500)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    target, app = Target(), web.Application()
    for name in ("add", "redirect", "flood", "nonsense", "broken", "never"):
        app.router.add_post(f"/{name}", getattr(target, name))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    target.port = runner.addresses[0][1]
    yield target
    await runner.cleanup()


def delegated(url: str) -> dict[str, Any]:
    qualifier = {"type": "invocationDelegation", "valueType": "xs:string", "value": url}
    return operation("Add", [integer("A"), integer("B")], [integer("Sum")], [integer("Count")], qualifiers=[qualifier])


@contextlib.asynccontextmanager
async def serving(repository: Repository, settings: Any, url: str) -> AsyncIterator[ClientSession]:
    async with listening(repository, settings) as server, ClientSession(server.url) as client:
        answer = await client.put(f"/submodels/{b64(SUBMODEL)}", json=submodel(SUBMODEL, delegated(url)))
        assert answer.status in (201, 204)
        yield client


async def outcome(repository: Repository, settings: Any, url: str) -> Any:
    """The result, or why there is none."""
    async with serving(repository, settings, url) as client:
        answer = await client.post(f"{PATH}/invoke/$value", json=VALUES)
        assert answer.status == 200
        result = await answer.json()
        return result["messages"][0]["text"] if result["executionState"] == "Failed" else result


async def test_the_other_server_carries_it_out(repository: Repository, altered: Any, target: Target) -> None:
    settings = altered(delegation_allowed=(f"127.0.0.1:{target.port}",))
    result = await outcome(repository, settings, f"http://127.0.0.1:{target.port}/add")
    assert result["outputArguments"] == {"Sum": 42}
    assert result["inoutputArguments"] == {"Count": 8}
    assert target.asked == [variables(integer("A", "2"), integer("B", "40"), integer("Count", "7"))]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/add",
        "http://localhost:{port}/add",
        "http://[::1]:{port}/add",
        "http://[::ffff:127.0.0.1]:{port}/add",
        "http://2130706433:{port}/add",
        "http://0x7f.1:{port}/add",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/add",
        "http://user:secret@localhost:{port}/add",
        "file:///etc/passwd",
        "gopher://localhost:{port}/add",
        "nonsense",
        "http://[/add",
    ],
)
@pytest.mark.parametrize("allowed", [(), ("*",)])
async def test_nothing_private_is_reached_unless_allowed(
    repository: Repository, altered: Any, target: Target, url: str, allowed: tuple[str, ...]
) -> None:
    """`*` allows every name, and no address that is not public."""
    text = await outcome(repository, altered(delegation_allowed=allowed), url.format(port=target.port))
    assert isinstance(text, str)
    assert any(word in text for word in ("not allowed", "not among", "no http", "cannot be reached"))
    assert target.asked == []


async def test_a_name_is_allowed_together_with_its_address(
    repository: Repository, altered: Any, target: Target
) -> None:
    url = f"http://localhost:{target.port}/add"
    settings = altered(delegation_allowed=("localhost", "127.0.0.0/8", "::1"))
    assert (await outcome(repository, settings, url))["outputArguments"] == {"Sum": 42}


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("redirect", "status 307, a redirect"),
        ("flood", "more than"),
        ("nonsense", "'Other', which is no variable"),
        ("broken", "status 500"),
        ("missing", "status 404"),
    ],
)
async def test_what_the_other_server_may_not_answer(
    repository: Repository, altered: Any, target: Target, path: str, word: str
) -> None:
    settings = altered(delegation_allowed=("127.0.0.1",))
    assert word in await outcome(repository, settings, f"http://127.0.0.1:{target.port}/{path}")
    assert target.asked == []


async def test_the_connection_goes_where_was_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to a public and to a private address keeps only the public one; there is no second look-up."""

    async def both(self: object, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict[str, Any]]:
        flags = {"family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{"hostname": host, "host": each, "port": port, **flags} for each in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(ThreadedResolver, "resolve", both)
    found = await Resolver(Allowed.of(["*"])).resolve("both.example", 80)
    assert [each["host"] for each in found] == ["93.184.216.34"]


@pytest.mark.parametrize(
    ("entries", "host", "port", "expected"),
    [
        (["*.example.com"], "a.example.com", 443, True),
        (["*.example.com"], "example.com.evil.org", 443, False),
        (["a.example.com:8080"], "a.example.com", 80, False),
        (["a.example.com:8080"], "a.example.com", 8080, True),
        (["A.Example.com"], "a.example.com", 80, True),
    ],
)
def test_names_that_are_allowed(entries: list[str], host: str, port: int, expected: bool) -> None:
    assert Allowed.of(entries).host(host, port) is expected


@pytest.mark.parametrize(
    ("entries", "address", "port", "expected"),
    [
        (["10.0.0.0/8"], "10.1.2.3", 80, True),
        (["10.0.0.0/8"], "11.1.2.3", 80, False),
        (["127.0.0.1:9000"], "127.0.0.1", 9000, True),
        (["127.0.0.1:9000"], "127.0.0.1", 9001, False),
        (["[::1]:9000"], "::1", 9000, True),
        (["::1"], "::1", 80, True),
        (["127.0.0.1"], "::ffff:127.0.0.1", 80, True),
        (["*"], "127.0.0.1", 80, False),
    ],
)
def test_addresses_that_are_allowed(entries: list[str], address: str, port: int, expected: bool) -> None:
    assert Allowed.of(entries).address(address, port) is expected
