"""The page to try the API, in a real browser."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from aas_server.app import Server
from aas_server.config import Settings
from tests.examples import b64, prop, submodel
from tests.web.browser import browser

OPERATION = "#operations-Submodel_Repository-GetAllSubmodels_submodels_value"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")


async def test_an_operation_is_tried_and_answers(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Speed", "4.25"), idShort="Drive"))
    async with browser(tmp_path) as tab:
        await tab.open(f"{server.url}/docs#/Submodel%20Repository/GetAllSubmodels_submodels_value")
        await tab.until(f"document.querySelector('{OPERATION} .execute') !== null")
        await tab.run(f"document.querySelector('{OPERATION} .execute').click()")
        answer = await tab.until(f"document.querySelector('{OPERATION} .live-responses-table .response')?.innerText")
        assert "200" in answer
        assert '"Speed": 4.25' in answer
        assert tab.complaints == []
        assert [url for url in tab.requests if not url.startswith((server.url, "data:"))] == []


async def test_the_page_encodes_identifiers_as_paths_want_them(server: Server, tmp_path: Path) -> None:
    identifier = "urn:ä?>~:1"
    async with browser(tmp_path) as tab:
        await tab.open(f"{server.url}/docs")
        await tab.until("document.getElementById('encoded') !== null && typeof encode === 'function'")
        await tab.run(
            f"document.getElementById('identifier').value = '{identifier}';"
            "document.getElementById('identifier').dispatchEvent(new Event('input'))"
        )
        assert await tab.run("document.getElementById('encoded').value") == b64(identifier)


async def test_the_versions_can_be_chosen(server: Server, tmp_path: Path) -> None:
    async with browser(tmp_path) as tab:
        await tab.open(f"{server.url}/docs")
        await tab.until("document.querySelector('.opblock-tag-section') !== null")
        await tab.run(
            "document.getElementById('version').value = 'api/v3.0/openapi.json';"
            "document.getElementById('version').dispatchEvent(new Event('change'))"
        )
        await tab.until("document.querySelector('.servers select')?.innerText.includes('/api/v3.0')")
