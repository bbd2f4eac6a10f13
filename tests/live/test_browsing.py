"""A server's nodes become a proposal that a person can post as it is; and how it stands is shown by a command."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
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


async def test_what_cannot_be_browsed_is_told(press: Plant, tmp_path: Path) -> None:
    nowhere = f"opc.tcp://127.0.0.1:{free_port()}"
    for arguments, code, words in [
        ((nowhere,), 1, "BadConnectionRejected: nobody listens there"),
        (("http://127.0.0.1:1",), 1, "only OPC UA servers can be browsed"),
        ((press.url, "--node", "nsu=urn:tests:plant;s=Nowhere"), 1, "BadNodeIdUnknown: nsu=urn:tests:plant;s=Nowhere"),
        ((press.url, "--most", "5"), 1, "there are more than 5 nodes: begin further down"),
        ((press.url, "--security", "Strong"), 2, "is none of auto, None, Basic256Sha256"),
    ]:
        security = () if "--security" in arguments else ("--security", "None")
        result = await run("browse", *arguments, "--pki", str(tmp_path), *security)
        assert result.exit_code == code, (arguments, result.output)
        assert words in result.output, (arguments, result.output)
        assert "Traceback" not in result.output
    silent = await run("show", "--url", f"http://127.0.0.1:{free_port()}")
    assert silent.exit_code == 1
    assert "Traceback" not in silent.output
