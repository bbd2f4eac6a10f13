"""CORS: which pages in a browser may read the answers."""

from typing import Any

import aiohttp
import pytest

from aas_server.app import listening
from aas_server.repository import Repository

ORIGIN = {"Origin": "https://ui.example"}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", None), ("*", "*"), ("https://ui.example", "https://ui.example"), ("https://other.example", None)],
)
async def test_answers_name_the_origins_that_are_let_in(
    repository: Repository, altered: Any, setting: str, expected: str | None
) -> None:
    async with (
        listening(repository, altered(cors_origins=setting)) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        for path in ("/submodels", "/description", "/nowhere"):
            answer = await client.get(path, headers=ORIGIN)
            assert answer.headers.get("Access-Control-Allow-Origin") == expected
        asked = ORIGIN | {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "If-Match"}
        preflight = await client.options("/shells", headers=asked)
        assert preflight.status == 204
        assert preflight.headers.get("Access-Control-Allow-Headers") == ("If-Match" if expected else None)
