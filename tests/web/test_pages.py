"""The pages for a browser: whole, from this server alone, and closed to everything else."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession

from aas_server.api.keys import STATE
from aas_server.app import Server
from aas_server.config import Settings

BUNDLE = "/docs/swagger-ui-bundle.js"
PAGES = ("/", "/docs", "/console")
#: Every place from which a document may load; what is not named falls back to default-src.
SOURCES = {"'self'", "'none'", "data:"}
#: And what more, by page: one style in attributes, known by its hash.
MORE = {"/console": {"style-src-attr": "'unsafe-hashes' 'sha256-EntWS0hFrz2vH7susM+dPUxvHlL6sBswmM8K80E5oUk='"}}
PARTS = ("docs.js", "swagger-ui-bundle.js", "favicon-32x32.png", "answers.js", "console.js", "yasgui.min.js")
FILES = [
    ("console.css", "text/css"),
    ("console.js", "text/javascript"),
    ("answers.js", "text/javascript"),
    ("yasgui.min.css", "text/css"),
    ("yasgui.min.js", "text/javascript"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")


class Links(HTMLParser):
    """Everything a page loads or leads to, and scripts or styles that stand in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [(tag, value) for name, value in attrs if name in ("src", "href", "action") and value is not None]
        if (tag == "script" and "src" not in given) or tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


async def got(client: ClientSession, path: str, **headers: str) -> ClientResponse:
    """A complete answer; underscores in the names of headers stand for hyphens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(path, headers=sent) as answer:
        await answer.read()
        return answer


async def page(client: ClientSession, path: str) -> Links:
    answer = await got(client, path, Accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.content_type) == (200, "text/html")
    return Links(await answer.text())


@pytest.mark.parametrize("path", PAGES)
async def test_everything_a_page_names_is_here(client: ClientSession, server: Server, path: str) -> None:
    server.app[STATE].ready = True
    links = await page(client, path)
    assert links.found
    for _, target in links.found:
        assert "//" not in target, "another server"
        assert (await got(client, f"/{target}")).status == 200, target


@pytest.mark.parametrize("path", PAGES)
async def test_no_script_and_no_style_stands_in_a_page(client: ClientSession, path: str) -> None:
    assert (await page(client, path)).inline == []


@pytest.mark.parametrize("path", [*PAGES, *(f"/docs/{name}" for name in PARTS)])
async def test_the_policy_lets_nothing_in_from_elsewhere(client: ClientSession, path: str) -> None:
    answer = await got(client, path, Accept="text/html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    more = MORE.get(path, {})
    assert {name: policy.pop(name) for name in more} == more
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert {source for sources in policy.values() for source in sources.split()} <= SOURCES
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_programs_get_the_index_as_json(client: ClientSession) -> None:
    answer = await got(client, "/")
    assert answer.content_type == "application/json"
    index = await answer.json()
    assert index["name"] == "aas-server"
    assert {"upload", "sparql", "live", "events", "console"} <= index["links"].keys()
    for name, link in index["links"].items():
        async with client.get(link) as answer:  # events have no end
            wanted = (405,) if name == "upload" else (200, 503)  # a server that still loads is not ready
            assert answer.status in wanted, (name, await answer.text())


@pytest.mark.parametrize(
    "name", ["nothing.js", "index.html", "..%2F..%2Fapp.py", "swagger-ui.js.map", "LICENSE", "yasgui"]
)
async def test_only_the_files_of_the_pages_are_served(client: ClientSession, name: str) -> None:
    answer = await got(client, f"/docs/{name}")
    assert answer.status == 404
    assert "messages" in await answer.json()


@pytest.mark.parametrize(("name", "content_type"), FILES)
async def test_the_files_of_the_console_are_what_they_are(client: ClientSession, name: str, content_type: str) -> None:
    answer = await got(client, f"/docs/{name}")
    assert (answer.status, answer.content_type, answer.charset) == (200, content_type, "utf-8")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "sourceMappingURL" not in await answer.text()
    assert (await got(client, f"/docs/{name}", If_None_Match=answer.headers["ETag"])).status == 304


async def test_a_file_is_sent_once(client: ClientSession) -> None:
    first = await got(client, BUNDLE)
    assert first.headers["Content-Encoding"] == "gzip"
    assert "SwaggerUIBundle" in await first.text()
    again = await got(client, BUNDLE, If_None_Match=first.headers["ETag"])
    assert again.status == 304
    plain = await got(client, BUNDLE, Accept_Encoding="identity")
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] != first.headers["ETag"]
