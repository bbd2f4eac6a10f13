"""The named queries: on the fleet that ships as an example, and on a thousand shells against figures made by hand."""

import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from aas_server.app import TABLES
from aas_server.graph.library import library, parsed
from aas_server.model.errors import Malformed
from benchmarks import fleet
from benchmarks.fleet import COUNTRIES, MAKERS, SMALL, Size, asset, manuals, mixed, motor, power
from tests.serving import serving
from tests.test_examples import EXAMPLES

QUERIES = library(TABLES / "queries")
ASKED = sorted(name for name in QUERIES if name != "observations")
LARGE = Size(20)
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment = json.loads((EXAMPLES / "fleet.json").read_text(encoding="utf-8"))
    with serving(tmp_path_factory.mktemp("small"), environment) as url:
        yield url


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("large"), fleet.environment(LARGE)) as url:
        yield url


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"Accept": "text/csv"}) as session:
        yield session


async def asked(client: aiohttp.ClientSession, url: str, name: str, **given: str) -> str:
    while True:
        async with client.get(f"{url}/sparql/queries/{name}", params=given) as answer:
            text = await answer.text()
            if answer.status != 503:  # while the graph is being built
                assert answer.status == 200, text
                return text


async def rows(client: aiohttp.ClientSession, url: str, name: str, **given: str) -> Rows:
    return list(csv.DictReader(io.StringIO(await asked(client, url, name, **given))))


def test_the_example_is_the_fleet_that_is_generated() -> None:
    assert json.loads((EXAMPLES / "fleet.json").read_text(encoding="utf-8")) == fleet.environment(SMALL)
    assert LARGE.shells == 1000


@pytest.mark.parametrize("name", ASKED)
async def test_the_example_answers_as_written_beside_the_queries(
    client: aiohttp.ClientSession, small: str, name: str
) -> None:
    written = (TABLES / "queries" / "answers" / f"{name}.csv").read_text(encoding="utf-8")
    told = await asked(client, small, name)
    assert told.replace("\r\n", "\n") == written
    assert len(written.splitlines()) > 1


# A thousand shells: what is expected is counted from the numbers that the fleet is made from

MOTORS = [(line, unit) for line in range(1, LARGE.lines + 1) for unit in range(1, LARGE.motors + LARGE.spares + 1)]
VANS = [(line, unit) for line in range(1, LARGE.lines + 1) for unit in range(1, LARGE.vans + 1)]
BUILT_IN = range(1, LARGE.motors + 1)


def names(several: Rows, column: str) -> list[str]:
    return [row[column] for row in several]


async def test_overheated(client: aiohttp.ClientSession, large: str) -> None:
    hot = {asset(motor(*at)) for at in MOTORS if mixed(*at) % 12 == 1 and 40 + mixed(*at) * 9 % 50 > 80}
    found = await rows(client, large, "overheated", maker=MAKERS[1])
    assert (set(names(found, "asset")), len(found) > 3) == (hot, True)
    assert all(float(row["now"]) > float(row["highest"]) for row in found)


async def test_recall(client: aiohttp.ClientSession, large: str) -> None:
    old = {
        (asset(f"line-{line}"), asset(motor(line, unit)))
        for line, unit in MOTORS
        if unit in BUILT_IN and mixed(line, unit) % 4 == 2 and mixed(line, unit) % 2 == 0
    }
    found = await rows(client, large, "recall", article="FD-102")
    assert ({(row["top"], row["part"]) for row in found}, len(found)) == (old, len(old))


async def test_missing_documents(client: aiohttp.ClientSession, large: str) -> None:
    missing = [motor(7, unit) for unit in BUILT_IN if ("03-01", "nl") not in manuals(mixed(7, unit))]
    found = await rows(client, large, "missing-documents", whole=asset("line-7"))
    assert names(found, "part") == sorted(map(asset, missing))
    assert names(await rows(client, large, "missing-documents", whole=asset("line-7"), **{"class": "03-02"}), "part")
    english = {"class": "03-02", "language": "en"}
    assert await rows(client, large, "missing-documents", whole=asset("line-7"), **english) == []


async def test_carbon_footprint(client: aiohttp.ClientSession, large: str) -> None:
    kilograms = sum(20 + mixed(3, unit) % 10 for unit in BUILT_IN)
    (found,) = await rows(client, large, "carbon-footprint", whole=asset("line-3"))
    assert (round(float(found["total"]), 6), int(found["parts"])) == (kilograms, LARGE.motors)


async def test_replacements(client: aiohttp.ClientSession, large: str) -> None:
    broken = mixed(2, 5)
    near = {
        asset(motor(*at))
        for at in MOTORS
        if mixed(*at) % 12 != broken % 12 and abs(power(mixed(*at)) - power(broken)) <= power(broken) * 0.01
    }
    found = await rows(client, large, "replacements", broken=asset(motor(2, 5)), percent="1")
    assert len(near) > 10
    assert set(names(found, "candidate")) <= near
    assert len(found) == min(len(near), 100)


async def test_conflicts(client: aiohttp.ClientSession, large: str) -> None:
    found = await rows(client, large, "conflicts")
    assert names(found, "asset") == sorted(asset(motor(*at)) for at in MOTORS if mixed(*at) % 11 == 0)


async def test_load(client: aiohttp.ClientSession, large: str) -> None:
    def share(line: int) -> float:
        numbers = [mixed(line, unit) for unit in BUILT_IN]
        taken = sum(round(power(number) * (0.3 + number % 7 / 10), 3) for number in numbers)
        return taken / sum(map(power, numbers))

    shares = {asset(f"line-{line}"): share(line) for line in range(1, LARGE.lines + 1)}
    found = await rows(client, large, "load")
    assert names(found, "line") == sorted(shares, key=lambda line: -shares[line])[:10]
    assert [float(row["load"]) for row in found] == pytest.approx(
        sorted(shares.values(), reverse=True)[:10], abs=0.0006
    )


async def test_countries(client: aiohttp.ClientSession, large: str) -> None:
    numbers = [mixed(4, unit) for unit in BUILT_IN]
    expected = Counter((COUNTRIES[number % 4], MAKERS[number % 12]) for number in numbers)
    found = await rows(client, large, "countries", whole=asset("line-4"))
    assert {(row["country"], row["maker"]): int(row["parts"]) for row in found} == expected


async def test_inspections(client: aiohttp.ClientSession, large: str) -> None:
    old = {asset(motor(*at)) for at in MOTORS if 2000 + mixed(*at) % 24 < 2005 and mixed(*at) % 4 == 0}
    assert len(old) in range(10, 100)
    assert set(names(await rows(client, large, "inspections", before="2005"), "asset")) == old


async def test_concept_use(client: aiohttp.ClientSession, large: str) -> None:
    found = await rows(client, large, "concept-use", concept="0173-1#02-AAM556")
    version = "https://api.eclass-cdp.com/0173-1-02-AAM556-004"
    assert found == [{"version": version, "shells": str(len(MOTORS)), "submodels": str(2 * len(MOTORS))}]


async def test_fleet_risk(client: aiohttp.ClientSession, large: str) -> None:
    risks = {
        asset(f"van-{line}-{unit}"): mixed(line, unit) % 10 / 20 * (180 + mixed(line, unit) % 12 * 10)
        for line, unit in VANS
        if mixed(line, unit) % 10 / 20 >= 0.3 and (line * 2 + mixed(line, unit) % fleet.PARTS) % 3 == 0
    }
    found = await rows(client, large, "fleet-risk", chance="0.3")
    assert len(risks) > 10
    assert {row["van"]: float(row["risk"]) for row in found} == pytest.approx(risks)
    assert [float(row["risk"]) for row in found] == sorted(risks.values(), reverse=True)


# Asking


async def test_the_library_lists_what_can_be_set(client: aiohttp.ClientSession, small: str) -> None:
    listed = await (await client.get(f"{small}/sparql/queries")).json()
    found = {each["name"]: each for each in listed["queries"]}
    assert found.keys() == QUERIES.keys()
    recall = found["recall"]
    assert [each["name"] for each in recall["parameters"]] == ["article", "before"]
    again = await client.post(f"{small}/sparql", data={"query": recall["query"]})
    assert await again.text() == await asked(client, small, "recall")


@pytest.mark.parametrize(
    ("name", "given", "status", "words"),
    [
        ("nothing", {}, 404, "there is no query 'nothing' in the library; GET /sparql/queries lists them"),
        ("recall", {"maker": "x"}, 400, "recall has no parameter 'maker'; it has article, before"),
        ("fleet-risk", {"chance": "0.2 || true"}, 400, "chance is '0.2 || true', which is no number"),
        ("recall?article=x", {"article": "y"}, 400, "a parameter is given twice"),
        ("conflicts", {"concept": ""}, 400, "concept is '', which names 0 concepts; one is needed"),
    ],
)
async def test_what_cannot_be_asked(
    client: aiohttp.ClientSession, small: str, name: str, given: dict[str, str], status: int, words: str
) -> None:
    answer = await client.get(f"{small}/sparql/queries/{name}", params=given)
    assert (answer.status, (await answer.json())["messages"][0]["text"]) == (status, words)


async def test_what_is_set_cannot_become_a_part_of_the_query(client: aiohttp.ClientSession, small: str) -> None:
    found = await rows(client, small, "recall", article='" } SELECT * { ?s ?p ?o } #')
    assert found == []
    assert await rows(client, small, "countries", whole="x> g:hasPart ?y . ?a ?b ?c . <x") == []


async def test_the_text_of_a_query_comes_for_who_asks_for_it(client: aiohttp.ClientSession, small: str) -> None:
    answer = await client.get(
        f"{small}/sparql/queries/recall",
        params={"article": 'a"b'},
        headers={"Accept": "application/sparql-query"},
    )
    assert (answer.content_type, '"a\\"b"' in await answer.text()) == ("application/sparql-query", True)


MAKER = '# T\n# $maker text "A"@en : who\nSELECT * { ?x ?y $maker }'


@pytest.mark.parametrize(
    ("given", "term"),
    [
        ("B", '"B"@en'),
        ('"B"', '"B"@en'),
        ('"B"@fr', '"B"@fr'),
        ("B@de", '"B"@de'),
        ("a@b.example", '"a@b.example"@en'),
        ('"\\', '"\\"\\\\"@en'),
    ],
)
def test_a_text_has_the_language_of_its_default(given: str, term: str) -> None:
    assert parsed("q", MAKER).filled({"maker": given}) == f"SELECT * {{ ?x ?y {term} }}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT * {}", "q: its first line must be a comment with its title"),
        ("# T\n# $a colour 1 : x\nSELECT * { ?x ?y $a }", "is not `# $name kind default : sentence`"),
        ("# T\nSELECT * { ?x ?y $a }", "q: $a must be declared, and used"),
        ("# T\n# $a number 1 : x\nSELECT * { ?x ?y ?z }", "q: $a must be declared, and used"),
        ("# T\n# $a number 1 : x\nSELECT * { ?x ?a $a }", "q: ?a has the name of a parameter"),
    ],
)
def test_files_that_are_no_queries(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"q: ") as caught:
        parsed("q", text)
    assert words in str(caught.value)


def test_texts_and_comments_keep_their_dollars() -> None:
    query = parsed("q", '# T\n# $a number 1 : x\nSELECT * { ?x ?y $a , "$a" } # $a')
    assert query.filled({}) == 'SELECT * { ?x ?y 1 , "$a" } # $a\n'
    with pytest.raises(Malformed):
        query.filled({"a": "1 . ?p"})


async def test_a_folder_of_ones_own_adds_queries(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "count.rq").write_text("# Shells\nSELECT (COUNT(?s) AS ?n) { ?s a g:Shell }", encoding="utf-8")
    with serving(tmp_path, fleet.environment(Size(1, 1, 0, 0)), "--graph-library", "mine") as url:
        assert await rows(client, url, "count") == [{"n": "3"}]
