"""What docs/operations.md shows is run."""

import re
from pathlib import Path

from aiohttp import ClientSession

from aas_server.app import listening
from aas_server.model.changes import Put
from aas_server.repository import Repository
from tests.operations.test_invoking import EXAMPLE

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_functions_can_be_registered() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    exec(source, names)
    found = names["operations"].find("https://example.com/submodels/press", ("Unit", "Close"), {})  # type: ignore[attr-defined]
    assert found is not None


async def test_the_example_can_be_invoked(repository: Repository, altered: object) -> None:
    await repository.apply([Put(EXAMPLE)])
    (body,) = re.findall(r"-d '(.*?)'", TEXT)
    (identifier,) = re.findall(r"^ID=(\S+)", TEXT, re.MULTILINE)
    (path,) = re.findall(r"(/submodels/\$ID\S+?)\"", TEXT)
    where = path.replace("$ID", identifier).replace("\\$", "$")
    async with listening(repository, altered(examples=True)) as server, ClientSession(server.url) as client:  # type: ignore[operator]
        answer = await client.post(where, data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, (await answer.json())["outputArguments"]) == (200, {"Sum": 42})
