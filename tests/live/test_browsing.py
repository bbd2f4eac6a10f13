"""A server's nodes become a proposal that a person can post as it is; and how it stands is shown by a command."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings
from aas_server.live.compiling import compiled, is_configuration
from aas_server.model.validation import verify
from tests.examples import b64
from tests.live.plants import Plant, free_port, plant
from tests.live.test_following import live, permitting, until

__all__ = ["permitting"]

PROGRAM = str(Path(sys.executable).with_name("aas-server"))


@pytest.fixture
async def press() -> AsyncIterator[Plant]:
    async with plant(50) as running:
        yield running


@pytest.fixture
async def server(permitting: Settings) -> AsyncIterator[Server]:
    async with open_repository(permitting) as repository, listening(repository, permitting) as server:
        yield server


@dataclass
class Result:
    exit_code: int
    output: str


async def run(*arguments: str) -> Result:
    """The command, as a user has it."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "mapping", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return Result(process.returncode or 0, output.decode())


async def browsed(press: Plant, folder: Path, *more: str) -> dict[str, Any]:
    """The proposal for the plant, in a file."""
    out, pki = folder / "proposal.json", folder / "pki"
    result = await run("browse", press.url, "--out", str(out), "--pki", str(pki), "--security", "None", *more)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(await asyncio.to_thread(out.read_bytes))
    return found


async def test_a_proposal_is_sound_and_compiles(press: Plant, tmp_path: Path) -> None:
    proposal = await browsed(press, tmp_path)
    assert list(verify(proposal, "Environment")) == []
    submodels = {each["id"]: each for each in proposal["submodels"]}
    plan = compiled([each for each in submodels.values() if is_configuration(each)], submodels.get)
    assert plan.defects == ()
    assert len(plan.mappings) > 50
    assert plan.calls
    (shell,) = proposal["assetAdministrationShells"]
    assert {each["keys"][0]["value"] for each in shell["submodels"]} == set(submodels)
    assert not any(source.at.item.writable for each in plan.mappings for source in each.sources)  # type: ignore[union-attr]
    writable = await browsed(press, tmp_path, "--writable")
    assert "writeproperty" in json.dumps(writable)


async def test_a_proposal_that_is_posted_is_live(press: Plant, server: Server, tmp_path: Path) -> None:
    await press.set(Speed=17.25)
    result = await run(
        "browse", press.url, "--post", server.url, "--pki", str(tmp_path), "--security", "None", "--no-methods"
    )
    assert result.exit_code == 0, result.output
    assert "live-allowed" not in result.output
    async with aiohttp.ClientSession(server.url) as client:
        listed = (await (await client.get("/submodels")).json())["result"]
        data = next(each for each in listed if "AssetInterfaces" not in each["idShort"])

        async def shown() -> bool:
            return "17.25" in await (await client.get(f"/submodels/{b64(data['id'])}/$value")).text()

        await until(shown)
        assert (await live(client))["defects"] == []
    table = await run("show", "--url", server.url)
    assert table.exit_code == 0
    assert press.url in table.output
    assert "17.25" in table.output
    assert "mappings in trouble: none" in (await run("show", "--troubled", "--url", server.url)).output


async def test_what_cannot_be_browsed_is_told(press: Plant, server: Server, tmp_path: Path) -> None:
    nowhere = f"opc.tcp://127.0.0.1:{free_port()}"
    for arguments, code, words in [
        ((nowhere,), 1, "BadConnectionRejected: nobody listens there"),
        (("http://127.0.0.1:1",), 1, "only OPC UA servers can be browsed"),
        (("127.0.0.1:4840",), 1, "127.0.0.1:4840 is no address: write opc.tcp://127.0.0.1:4840"),
        (("opc.tcp://nowhere.invalid",), 1, "BadTcpEndpointUrlInvalid: nobody knows this host"),
        ((server.url.replace("http", "opc.tcp"),), 1, "who listens there does not answer as an OPC UA server does"),
        ((press.url, "--node", "Press"), 1, "--node: 'Press' names no node: it is like nsu=urn:x;s=Speed"),
        ((press.url, "--node", "nsu=urn:tests:plant;s=Nowhere"), 1, "BadNodeIdUnknown: nsu=urn:tests:plant;s=Nowhere"),
        ((press.url, "--most", "5"), 1, "there are more than 5 nodes: begin further down"),
        ((press.url, "--security", "Strong"), 2, "is none of auto, None, Basic256Sha256"),
    ]:
        security = () if "--security" in arguments else ("--security", "None")
        result = await run("browse", *arguments, "--pki", str(tmp_path), *security)
        assert result.exit_code == code, (arguments, result.output)
        assert words in result.output, (arguments, result.output)
        assert "Traceback" not in result.output
    for url, words in [
        (f"http://127.0.0.1:{free_port()}", "/live: nobody listens there"),
        ("127.0.0.1:8080", "127.0.0.1:8080 is no address of a server; it is like http://127.0.0.1:8080"),
    ]:
        silent = await run("show", "--url", url)
        assert (silent.exit_code, words in silent.output) == (1, True), silent.output
        assert "Traceback" not in silent.output


async def test_a_proposal_that_may_not_become_live_says_what_it_takes(
    press: Plant, permitting: Settings, tmp_path: Path
) -> None:
    settings = replace(permitting, live_allowed=())
    pki = tmp_path / "pki"
    async with open_repository(settings) as repository, listening(repository, settings) as server:
        result = await run("browse", press.url, "--post", server.url, "--pki", str(pki))
    assert (result.exit_code, f"serve --live-allowed {press.url}\n" in result.output) == (0, True), result.output
    assert not await asyncio.to_thread(pki.exists)


async def test_who_is_asked_for_a_name_is_told(tmp_path: Path) -> None:
    async with plant(0, str(tmp_path)) as secured:
        password = tmp_path / "password"
        await asyncio.to_thread(password.write_text, "secret")
        await secured.set(named=True)
        result = await run("browse", secured.url, "--trust-all", "--pki", str(tmp_path / "believing"))
        assert "say who you are with --user and --password-file" in result.output
        named = ("--user", "operator", "--password-file", str(password), "--pki", str(tmp_path / "pki"))
        result = await run("browse", secured.url, "--security", "None", *named)
        assert "mapping browse: --plain" in result.output
        result = await run("browse", secured.url, *named)
        assert f"move {tmp_path / 'pki' / 'rejected'}/" in result.output
        assert f"{tmp_path / 'pki'}: made for our certificate" in result.output
