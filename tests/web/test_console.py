"""The page to ask the graph, in a real browser."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings
from aas_server.graph.terms import PREFIXES
from tests.examples import prop, submodel
from tests.web.browser import Tab, browser

RUN = ".tabPanel.active .yasqe_queryButton"
ANSWER = ".tabPanel.active .yasr_results"
#: All rows of the answer as their texts, once there are any.
ROWS = f"""(() => {{
  const rows = [...document.querySelectorAll('{ANSWER} tbody tr')];
  return rows.length ? rows.map((row) => [...row.cells].map((cell) => cell.textContent)) : null;
}})()"""
HOSTILE = "<img src=/hostile onerror=\"document.title='taken'\">&amp;<b>{{value}}</b>"
#: IRIs that would end an attribute, that would be a script or lead elsewhere as links by themselves, and of others.
ROGUES = """SELECT ?kind ?rogue WHERE { VALUES (?kind ?rogue) {
  ("quote" <http://example.com/'onmouseover='document.title=1>)
  ("script" <%(root)s/javascript:document.title='taken'>)
  ("elsewhere" <%(root)s//example.com/elsewhere>)
  ("foreign" <http://example.com/foreign>)
} }"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(host="127.0.0.1", port=0, store="sqlite:///:memory:")


@asynccontextmanager
async def opened(url: str, profile: Path) -> AsyncIterator[Tab]:
    """The page, ready to be asked."""
    async with browser(profile) as tab:
        await tab.open(url)
        await tab.until(f"document.querySelector('{RUN}') !== null")
        yield tab


async def ask(tab: Tab, query: str) -> None:
    await tab.run(f"desk.getTab().setQuery({json.dumps(query)}) && 0")
    await tab.run(f"document.querySelector('{RUN}').click()")


async def texts(tab: Tab, count: int) -> list[list[str]]:
    """The rows of the answer, as soon as it has so many."""
    found: list[list[str]] = await tab.until(f"(({ROWS} ?? []).length === {count}) && {ROWS}")
    return found


def foreign(tab: Tab, *own: str) -> list[str]:
    return [url for url in tab.requests if not url.startswith((*own, "data:"))]


async def test_the_first_query_is_answered(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Speed", "4.25"), idShort="Drive"))
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await tab.run(f"document.querySelector('{RUN}').click()")
        assert await texts(tab, 1) == [["Speed in urn:x:1", "4.25", ""]]
        link = await tab.until(f"document.querySelector('{ANSWER} td a')?.href")
        async with client.get(link.removeprefix(server.url)) as answer:
            assert (answer.status, (await answer.json())["value"]) == (200, "4.25")
        assert await tab.run("document.title") == "aas-server: SPARQL"
        assert tab.complaints == []
        assert foreign(tab, server.url) == []


async def test_what_is_told_never_becomes_markup(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Text", HOSTILE, "xs:string")))
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await tab.run(f"document.querySelector('{RUN}').click()")
        assert (await texts(tab, 1))[0][1] == HOSTILE
        await tab.run(
            "document.querySelector('input[type=search]').value = '&AMP;<B>';"
            "document.querySelector('input[type=search]').dispatchEvent(new Event('input'))"
        )
        assert (await texts(tab, 1))[0][1] == HOSTILE
        assert await tab.run(f"document.querySelectorAll('{ANSWER} :is(img, b)').length") == 0
        await tab.run("document.querySelector('.select_response').click()")
        shown = await tab.until(f"document.querySelector('{ANSWER} .CodeMirror')?.CodeMirror.getValue()")
        assert HOSTILE.replace('"', '\\"') in shown
        await tab.run("document.querySelector('.select_table').click()")
        await ask(tab, ROGUES % {"root": server.url})
        assert len(await texts(tab, 4)) == 4
        links = await tab.run(f"[...document.querySelectorAll('{ANSWER} td a')].map((link) => link.href)")
        own = f"{server.url}/"
        assert links == [f"{own}javascript:document.title='taken'", f"{own}/example.com/elsewhere"]
        assert await tab.run("document.title") == "aas-server: SPARQL"
        assert [url for url in tab.requests if "hostile" in url] == []
        assert tab.complaints == []


async def test_a_wrong_query_is_answered_in_words(server: Server, client: ClientSession, tmp_path: Path) -> None:
    wrong = "SELECT * WHERE { ?element g:value }"
    async with client.get("/sparql", params={"query": wrong}) as answer:
        assert answer.status == 400
        message = (await answer.json())["messages"][0]["text"]
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await ask(tab, wrong)
        shown = await tab.until(f"document.querySelector('{ANSWER} .refusal')?.textContent")
        assert shown == f"This cannot be answered{message}"
        await tab.run("document.querySelector('.parseErrorIcon').dispatchEvent(new MouseEvent('mouseover'))")
        assert "VAR1" in await tab.until("document.querySelector('.yasqe_tooltip')?.textContent")
        (complaint,) = tab.complaints  # the browser's own, for every answer that is no success
        assert "the server responded with a status of 400" in complaint


async def test_the_editor_knows_the_prefixes_of_the_server(server: Server, tmp_path: Path) -> None:
    async with opened(f"{server.url}/console", tmp_path) as tab:
        assert await tab.run("PREFIXES") == PREFIXES
        for query, valid in (
            ("ASK { ?x skos:broader ?y }", True),
            ("ASK { ?x nobody:knows ?y }", False),
            ("PREFIX nobody: <urn:x:> ASK { ?x nobody:knows ?y ; g:path ?path }", True),
        ):
            await tab.run(f"desk.getTab().setQuery({json.dumps(query)}) && 0")
            assert await tab.run("desk.getTab().getYasqe().queryValid") is valid, query


async def test_triples_and_questions_of_yes_or_no(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Speed", "4.25")))
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await ask(tab, "ASK { ?element g:path 'Speed' }")
        assert await tab.until(f"document.querySelector('{ANSWER} .booleanResult')?.textContent") == "True"
        await ask(tab, "CONSTRUCT { ?element g:value ?value } WHERE { ?element g:value ?value }")
        assert await texts(tab, 1) == [["Speed in urn:x:1", "g:value", "4.25"]]
        await ask(tab, "CONSTRUCT WHERE { ?nobody g:path 'Nowhere' }")
        assert await tab.until("document.querySelector('.yasr_response_chip')?.innerText.startsWith('0 results')")
        assert await tab.run(f"document.querySelectorAll('{ANSWER} .answers :is(th, td)').length") == 3
        assert tab.complaints == []


async def test_many_rows_are_sorted_and_drawn_in_parts(server: Server, tmp_path: Path) -> None:
    numbers = " ".join(str(number) for number in range(250))
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await ask(tab, f"SELECT ?number ?none WHERE {{ VALUES ?number {{ {numbers} }} }}")
        assert (await texts(tab, 100))[0] == ["0", ""]
        for _ in range(2):
            await tab.run(f"document.querySelector('{ANSWER} th button').click()")
        assert [row[0] for row in await texts(tab, 100)] == [str(number) for number in range(249, 149, -1)]
        await tab.run(f"document.querySelector('{ANSWER} .more').click()")
        assert (await texts(tab, 200))[-1][0] == "50"
        csv = await tab.run("desk.getTab().getYasr().plugins.table.csv()")
        assert csv.splitlines()[:2] == ["number,none", "0,"]
        assert len(csv.splitlines()) == 251


async def test_the_browser_keeps_queries_but_no_answers(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Secret", "4.25")))
    query = "SELECT ?path WHERE { ?kept g:path ?path }"
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await ask(tab, query)
        assert await texts(tab, 1) == [["Secret"]]
        assert "Secret" not in await tab.run("JSON.stringify(localStorage)")
        await tab.send("Page.reload")
        await tab.until(f"typeof desk === 'object' && desk.getTab().getQuery() === {json.dumps(query)}")
        await tab.run(f"document.querySelector('{RUN}').click()")
        assert await texts(tab, 1) == [["Secret"]]


async def test_a_link_fills_the_editor_but_runs_nothing(server: Server, tmp_path: Path) -> None:
    link = "query=ASK%20%7B%7D&tabTitle=Linked&endpoint=http%3A%2F%2Fexample.com%2Fsparql"
    async with opened(f"{server.url}/console#{link}", tmp_path) as tab:
        await tab.until("typeof desk === 'object' && desk.getTab().getName() === 'Linked'")
        told = await tab.run("[desk.getTab().getQuery(), desk.getTab().hasResults(), location.hash]")
        assert told == ["ASK {}", False, ""]
        assert await tab.run("document.querySelectorAll('.tabPanel.active').length") == 1
        await tab.run(f"document.querySelector('{RUN}').click()")
        assert await tab.until(f"document.querySelector('{ANSWER} .booleanResult')?.textContent") == "True"
        assert foreign(tab, server.url) == []


async def test_the_library_is_listed_and_runs(server: Server, client: ClientSession, tmp_path: Path) -> None:
    async with client.get("/sparql/queries") as answer:
        queries = (await answer.json())["queries"]
    assert queries
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await tab.until("!document.getElementById('library').hidden")
        for number, query in enumerate(queries):
            await tab.run(f"document.querySelectorAll('#library button')[{number}].click()")
            told = await tab.run("[desk.getTab().getName(), desk.getTab().getQuery()]")
            assert told == [query["name"], query["query"]]
            assert await tab.run("desk.getTab().getYasqe().queryValid") is True, query["name"]
            assert await tab.until(f"document.querySelector('{ANSWER} .answers th') !== null"), query["name"]
        assert await tab.run("document.querySelectorAll('.tabPanel.active').length") == 1
        count = await tab.run("Object.keys(desk._tabs).length")
        await tab.run("document.querySelector('#library button').click()")
        assert await tab.run("Object.keys(desk._tabs).length") == count == len(queries) + 1
        assert tab.complaints == []


async def test_the_tab_key_leaves_the_editor(server: Server, tmp_path: Path) -> None:
    async with opened(f"{server.url}/console", tmp_path) as tab:
        await tab.run("desk.getTab().getYasqe().focus()")
        query = await tab.run("desk.getTab().getQuery()")
        inside = "document.activeElement.matches('.CodeMirror textarea')"
        assert await tab.run(inside) is True
        for kind in ("keyDown", "keyUp"):
            await tab.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert await tab.run(inside) is False
        assert await tab.run("desk.getTab().getQuery()") == query


async def test_without_a_graph_the_page_says_so(altered: Callable[..., Settings], tmp_path: Path) -> None:
    settings = altered(graph="off")
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        opened(f"{server.url}/console", tmp_path) as tab,
    ):
        notice = await tab.until("document.getElementById('notice').textContent")
        assert notice == "This server has no graph: the graph is switched off: setting graph"
        await tab.run(f"document.querySelector('{RUN}').click()")
        shown = await tab.until(f"document.querySelector('{ANSWER} .refusal h2')?.textContent")
        assert shown == "This server has no graph"


@asynccontextmanager
async def proxy(target: str, below: str) -> AsyncIterator[str]:
    """A server that hands on what is asked for below a path; yields its address."""

    async def hand_on(request: web.Request) -> web.Response:
        url, headers = f"{target}/{request.match_info['rest']}", {**request.headers, "Accept-Encoding": "identity"}
        async with session.request(request.method, url, headers=headers, data=await request.read()) as answer:
            kept = {
                name: answer.headers[name]
                for name in ("Content-Type", "Content-Security-Policy")
                if name in answer.headers
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    app = web.Application()
    app.router.add_route("*", f"{below}/{{rest:.*}}", hand_on)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with ClientSession() as session:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{below}"
    finally:
        await runner.cleanup()


async def test_it_works_below_the_path_of_a_proxy(server: Server, client: ClientSession, tmp_path: Path) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Speed", "4.25")))
    async with proxy(server.url, "/plant/aas") as below, opened(f"{below}/console", tmp_path) as tab:
        await tab.run(f"document.querySelector('{RUN}').click()")
        assert await texts(tab, 1) == [["Speed in urn:x:1", "4.25", ""]]
        link: Any = await tab.until(f"document.querySelector('{ANSWER} td a')?.href")
        assert link == f"{below}/submodels/dXJuOng6MQ/submodel-elements/Speed"
        assert tab.complaints == []
        assert foreign(tab, below) == []
