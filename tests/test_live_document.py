"""What docs/live.md shows is carried out."""

import asyncio
import base64
import io
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from aas_server.live.compiling import compiled
from aas_server.live.credentials import KEYS, from_toml
from aas_server.live.declaring import ENDPOINT, MAPPING, declared
from aas_server.plant import URL
from tests.examples import b64, prop, submodel
from tests.live.plants import free_port
from tests.live.test_following import client, live, permitting, until

__all__ = ["client", "permitting"]

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "live.md").read_text(encoding="utf-8")


def shown(language: str, word: str) -> str:
    """The one example in this language that has this word in it."""
    (found,) = [each for each in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if word in each]
    return str(found)


@pytest.fixture
async def conveyor() -> AsyncIterator[str]:
    """The address of a conveyor."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aas_server", "plant", "--attached", "--port", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert b"answers at" in await process.stdout.readline()
    yield f"opc.tcp://127.0.0.1:{port}"
    process.kill()
    await process.communicate()


async def test_the_submodels_become_live(client: aiohttp.ClientSession, conveyor: str) -> None:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(shown("json", "belt/aimc").replace(URL, conveyor).encode()), filename="belt.json")
    answer = await client.post("/upload", data=form)
    report = await answer.json()
    assert (answer.status, len(report["created"]), report["findings"]) == (201, 3, [])

    async def moves() -> bool:
        where = f"/submodels/{b64('https://example.com/belt/data')}/submodel-elements/Speed/$value"
        told = await client.get(where)
        return told.headers.get("X-Value-Quality") == "Good" and await told.json() > 0

    await until(moves)
    assert (await live(client))["defects"] == []


def test_the_blob_holds_the_script() -> None:
    blob = json.loads(shown("json", "Transformation"))
    assert base64.b64decode(blob["value"]).decode() == shown("lua", "aimc_main")


@pytest.mark.parametrize("word", ["writable", "[endpoint.press]"])
def test_the_files_can_be_carried_out(tmp_path: Path, word: str) -> None:
    file = tmp_path / "press.toml"
    file.write_text(shown("toml", word), encoding="utf-8")
    found = declared([file])
    position = {"modelType": "SubmodelElementCollection", "idShort": "Position", "value": [prop("X", None)]}
    motor = {"modelType": "SubmodelElementCollection", "idShort": "Motor", "value": [prop("Speed", None)]}
    press = submodel("https://example.com/press/data", position, motor)
    plan = compiled([], {press["id"]: press}.get, declarations=found.declarations)
    assert (len(plan.mappings), found.defects, plan.defects) == (1, (), ())


def test_the_credentials_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(shown("toml", "password_file"), encoding="utf-8")
    (tmp_path / "plc-1.password").write_text("secret", encoding="utf-8")
    assert from_toml(file)["opc.tcp://plc-1:4840"].password == "secret"


def test_every_key_of_a_file_is_told() -> None:
    told = set(re.findall(r"`([a-z_]+)`", TEXT)) | set(re.findall(r"^([a-z]+) = ", TEXT, re.MULTILINE))
    assert {*MAPPING, *ENDPOINT, *KEYS} <= told
