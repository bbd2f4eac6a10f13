"""The JSON-LD context: what processors read through it is what the official mapping says, as far as JSON-LD can."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyoxigraph
import pytest
import rdflib
from hypothesis import assume, given
from pyld import jsonld

from aas_server.aasx.package import LISTS
from aas_server.graph import rdf
from aas_server.graph.context import context
from aas_server.graph.iris import valid
from aas_server.graph.quads import AAS, Term, Text, Triple, triples
from aas_server.model import Document, Json, Kind, kind_of
from aas_server.model.negotiating import JSONLD
from tests.examples import external, motors, prop, shell, submodel
from tests.graph.documents import documents
from tests.graph.trees import official, size, trees
from tests.shared import shared
from tests.test_examples import NAMES, identifiables

BASE = "http://127.0.0.1/submodels/"
CONTEXT = context()


def nothing_is_fetched(url: str, _: object) -> None:
    raise AssertionError(f"{url} is asked for")


def pyld(json: Json) -> list[Triple]:
    found = jsonld.to_rdf(json, {"expandContext": CONTEXT, "documentLoader": nothing_is_fetched, "base": BASE})
    assert set(found) <= {"@default"}
    return [(each["subject"]["value"], each["predicate"]["value"], _term(each["object"])) for each in found["@default"]]


def _term(value: dict[str, Any]) -> Term:
    if value["type"] == "literal":
        return Text(value["value"], value.get("language") or value["datatype"])
    return str(value["value"])


def oxigraph(json: Document) -> list[Triple]:
    body = orjson.dumps(CONTEXT | json)
    read = pyoxigraph.parse(body, format=pyoxigraph.RdfFormat.JSON_LD, base_iri=BASE)
    return [(_of_oxigraph(each.subject), each.predicate.value, _of_oxigraph(each.object)) for each in read]


def _of_oxigraph(value: Any) -> Any:
    if isinstance(value, pyoxigraph.Literal):
        return Text(value.value, value.language or value.datatype.value)
    return value.value if isinstance(value, pyoxigraph.NamedNode) else str(value)


def of_rdflib(json: Document) -> list[Triple]:
    read = rdflib.Graph().parse(data=orjson.dumps(CONTEXT | json), format="json-ld", publicID=BASE)
    return [(_of_rdflib(node), str(property_), _of_rdflib(value)) for node, property_, value in read]


def _of_rdflib(value: Any) -> Any:
    if isinstance(value, rdflib.Literal):
        return Text(str(value), value.language or str(value.datatype or rdflib.XSD.string))
    return f"_:{value}" if isinstance(value, rdflib.BNode) else str(value)


def compare(document: Document, read: Callable[[Document], list[Triple]] = pyld) -> int:
    """Both are the same, and nothing is left over; returns how many triples there are."""
    wanted, found = official(triples(document, kind_of(document).value)), read(document)
    assert trees(found) == wanted, document["id"]
    assert len(found) == size(*wanted.values())
    return len(found)


@pytest.mark.parametrize("read", [pyld, oxigraph, of_rdflib], ids=lambda read: str(read.__name__))
@pytest.mark.parametrize("name", NAMES)
def test_processors_read_the_shipped_examples(name: str, read: Callable[[Document], list[Triple]]) -> None:
    assert sum(compare(each, read) for each in [*identifiables(name).values()][:40]) > 300


def templates() -> Iterator[Document]:
    """Every document of the templates once; the largest have nothing else in them, and the processor is slow."""
    seen = set[bytes]()
    for path in sorted(shared("corpus/idta-templates").rglob("*.json")):
        read = orjson.loads(path.read_bytes())
        for each in (each for name in LISTS.values() for each in read.get(name, ())):
            body = orjson.dumps(each)
            if body not in seen and len(body) < 60_000:
                seen.add(body)
                yield each


def test_a_processor_reads_the_templates() -> None:
    counts = [compare(each) for each in templates() if valid(each["id"])]
    assert (len(counts) > 2000, sum(counts) > 50_000) == (True, True)


@given(documents)
def test_a_processor_reads_what_is_drawn(drawn: tuple[Kind, Document]) -> None:
    assume(valid(drawn[1]["id"]))
    compare(drawn[1])


def test_every_property_is_one_of_the_standard() -> None:
    ontology = rdflib.Graph().parse(shared("specs/part1-metamodel-3.1.2/rdf-ontology.ttl"))
    known = {str(each) for each in ontology.subjects()}
    named = set(_named(CONTEXT["@context"]))
    assert len(named) > 150
    assert {each for each in named if AAS + each not in known} == set()


def _named(scope: Document) -> Iterator[str]:
    """What terms stand for, keywords and what is absolute aside."""
    for key, value in scope.items():
        meant = value if isinstance(value, str) else (value or {}).get("@id", "") if isinstance(value, dict) else ""
        if not key.startswith("@") and "/" in meant and ":" not in meant:
            yield meant
        if isinstance(value, dict):
            yield from _named(value.get("@context", {}))


def test_it_is_small() -> None:
    assert len(orjson.dumps(CONTEXT)) < 12_000


# What stands around documents, and what stands alone


def test_a_page_is_what_is_on_it() -> None:
    each = motors()
    page = {"paging_metadata": {"cursor": "urn:next"}, "result": [each, shell("urn:s:1")]}
    assert len(pyld(page)) == len(pyld(each)) + len(pyld(shell("urn:s:1")))


def test_a_reference_and_the_information_on_an_asset_stand_alone() -> None:
    about = shell("urn:s:1", "urn:x:1")["assetInformation"]
    assert {name for _, name, _ in pyld(about)} == {f"{AAS}AssetInformation/{key}" for key in about}
    (said,) = trees(pyld(external("urn:c"))).values()
    assert [name for name, _ in said] == [f"{AAS}Reference/keys", f"{AAS}Reference/type"]


def test_an_environment_holds_its_documents() -> None:
    read = pyld({"assetAdministrationShells": [shell("urn:s:1", "urn:x:1")], "submodels": [submodel("urn:x:1")]})
    assert {("submodels", "urn:x:1"), ("assetAdministrationShells", "urn:s:1")} == {
        (name.rpartition("/")[2], value) for _, name, value in read if name.startswith(f"{AAS}Environment/")
    }


# What a context cannot do


def test_an_id_that_is_no_iri_is_read_as_a_relative_one() -> None:
    said = pyld(submodel("0173-1#01-AHX837#002"))
    assert {node for node, _, _ in said} == {f"{BASE}0173-1#01-AHX837#002"}
    assert not oxigraph(submodel("0173-1#01-AHX837#002"))


def test_the_mapping_itself_is_there_for_those() -> None:
    each = submodel("0173-1#01-AHX837#002", prop("A", "1"))
    said = rdf.written(each, "Submodel", JSONLD, lambda _: None)
    assert b'"urn:irdi:0173-1%2301-AHX837%23002"' in said
