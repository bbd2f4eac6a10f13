"""The official RDF mapping: against the pairs of the standard, there and back, and what cannot be read."""

import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import rdflib
from hypothesis import given
from rdflib.compare import isomorphic

from aas_server.aasx.package import LISTS
from aas_server.graph import rdf
from aas_server.graph.iris import Places, iri
from aas_server.graph.quads import INDEX, document, lines, triples
from aas_server.model import Document, Kind, kind_of
from aas_server.model.errors import Malformed
from aas_server.model.negotiating import JSONLD, NTRIPLES, RDFXML, TURTLE
from tests.examples import collection, external, listed, prop, submodel
from tests.graph.documents import documents
from tests.shared import ROOT, shared
from tests.test_examples import NAMES, identifiables

AAS = "https://admin-shell.io/aas/3/1/"
ID = rdflib.URIRef(f"{AAS}Identifiable/id")
FORMS = (TURTLE, NTRIPLES, JSONLD, RDFXML)
PAIRS = "corpus/metamodel-3.1.2-examples-{}.zip"


def nowhere(_: object) -> None:
    return None


def read(text: str, base: str | None = None) -> rdflib.Graph:
    """A graph without our index, its texts all spelled the same way."""
    graph = rdflib.Graph().parse(data=text, format="turtle", publicID=base)
    renamed = {node: rdflib.URIRef(iri(str(identifier))) for node, identifier in graph.subject_objects(ID)}
    found = rdflib.Graph()
    for node, property_, value in graph:
        if property_ != rdflib.URIRef(INDEX):
            found.add((renamed.get(node, node), property_, _plain(value)))
    return found


def _plain(value: Any) -> Any:
    plain = isinstance(value, rdflib.Literal) and value.datatype == rdflib.XSD.string
    return rdflib.Literal(str(value)) if plain else value


def instances(environment: Document) -> Iterator[Document]:
    for name in LISTS.values():
        yield from environment.get(name, ())


def classes() -> list[str]:
    """Which classes the standard has examples of; a single skip where they are not there."""
    if not (ROOT / PAIRS.format("json")).exists():
        return ["*"]
    with zipfile.ZipFile(ROOT / PAIRS.format("json")) as archive:
        return sorted({name.split("/")[1] for name in archive.namelist() if name.endswith(".json")})


@pytest.mark.parametrize("name", classes())
def test_the_examples_of_the_standard_are_written_as_it_does_and_come_back_equal(name: str) -> None:
    with (
        zipfile.ZipFile(shared(PAIRS.format("json"))) as ours,
        zipfile.ZipFile(shared(PAIRS.format("rdf"))) as theirs,
    ):
        found = [each for each in ours.namelist() if each.startswith(f"generated/{name}/") and each.endswith(".json")]
        assert found
        for path in found:
            said = ""
            for each in instances(orjson.loads(ours.read(path))):
                kind = kind_of(each).value
                written = rdf.written(each, kind, NTRIPLES, nowhere)
                assert rdf.read(written, NTRIPLES, kind) == each, path
                said += written.decode()
            official = theirs.read(f"{path.removesuffix('.json')}.ttl").decode()
            assert isomorphic(read(said), read(official, "http://base/")), path


def test_the_standard_has_as_many_examples_as_this_expects() -> None:
    with zipfile.ZipFile(shared(PAIRS.format("json"))) as archive:
        assert sum(name.endswith(".json") for name in archive.namelist()) == 2588


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_examples_come_back_equal_in_every_form(name: str, form: str) -> None:
    places = Places("http://here")
    for each in [*identifiables(name).values()][:25]:
        kind = kind_of(each).value
        written = rdf.written(each, kind, form, lambda path, each=each: places.element(each["id"], path))  # type: ignore[misc]
        assert rdf.read(written, form, kind) == each


@given(documents)
def test_what_is_drawn_comes_back_equal(drawn: tuple[Kind, Document]) -> None:
    kind, each = drawn
    places = Places("http://here")
    said = list(triples(each, kind.value, lambda path: places.element(each["id"], path)))
    described: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for node, property_, value in said:
        described[node][property_].append(value)
    assert document(described, kind.value) == each
    assert len(set(said)) == len(said)


def test_templates_come_back_equal() -> None:
    files = sorted(shared("corpus/idta-templates").rglob("*.json"))
    count = 0
    for path in files:
        for each in instances(orjson.loads(path.read_bytes())):
            said = rdf.written(each, kind_of(each).value, NTRIPLES, nowhere)
            if len(said) < 30_000:  # rdflib is slow, and the large ones have nothing else in them
                assert rdf.read(said, NTRIPLES, kind_of(each).value) == without_empty(each), path
                count += 1
    assert count > 500


def without_empty(value: Any) -> Any:
    """Without lists of nothing: some templates have them, the metamodel does not know them, and RDF cannot say them."""
    if isinstance(value, dict):
        return {name: without_empty(each) for name, each in value.items() if each != []}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


# What the mapping is made of


def test_values_keep_their_spelling() -> None:
    said = lines(triples(submodel("urn:x:1", prop("A", "1.50"), prop("B", "0012", "xs:int")), "Submodel"))
    assert f'<{AAS}Property/value> "1.50" .' in said
    assert f'<{AAS}Property/value> "0012" .' in said
    assert f"<{AAS}Property/valueType> <{AAS}DataTypeDefXsd/Double> ." in said


def test_elements_have_the_iris_they_are_given() -> None:
    below = submodel("urn:x:1", collection("C", listed("L", "Property", prop(None, "1"), prop(None, "2"))))
    said = list(triples(below, "Submodel", lambda path: f"http://h/{'/'.join(map(str, path))}"))
    assert {node for node, _, _ in said} >= {
        "urn:x:1",
        "http://h/C",
        "http://h/C/L",
        "http://h/C/L/0",
        "http://h/C/L/1",
    }


def test_two_elements_of_one_name_stay_two() -> None:
    said = list(triples(submodel("urn:x:1", prop("A", "1"), prop("A", "2")), "Submodel", lambda _: "http://h/A"))
    assert len({node for node, property_, _ in said if property_ == f"{AAS}Property/value"}) == 2


KEYS = f"""@prefix aas: <{AAS}> .
<urn:x:1> a aas:Submodel ; <{AAS}Identifiable/id> "urn:x:1" ; <{AAS}HasSemantics/semanticId> [
  <{AAS}Reference/type> <{AAS}ReferenceTypes/ModelReference> ;
  <{AAS}Reference/keys> [ <{AAS}Key/type> <{AAS}KeyTypes/Submodel> ; <{AAS}Key/value> "a" ] ,
    [ <{AAS}Key/type> <{AAS}KeyTypes/Property> ; <{AAS}Key/value> "b" ] ] ."""


def test_a_graph_without_index_and_types_is_read_in_its_order() -> None:
    found = rdf.read(KEYS.encode(), TURTLE, "Submodel")
    assert [key["value"] for key in found["semanticId"]["keys"]] == ["a", "b"]


def test_what_our_index_says_comes_before_the_order() -> None:
    turned = KEYS.replace('"a" ]', f'"a" ; <{INDEX}> 1 ]').replace('"b" ]', f'"b" ; <{INDEX}> 0 ]')
    found = rdf.read(turned.encode(), TURTLE, "Submodel")
    assert [key["value"] for key in found["semanticId"]["keys"]] == ["b", "a"]


# What cannot be read

START = f'<urn:x:1> a <{AAS}Submodel> ; <{AAS}Identifiable/id> "urn:x:1" '
UNREAD = [
    ("", "the graph describes 0 of Submodel that are part of nothing else; one is needed"),
    (f"{START}. <urn:x:2> a <{AAS}Submodel> .", "the graph describes 2 of Submodel that are part of nothing else"),
    (f"{START}; <{AAS}Submodel/colour> 1 .", f"urn:x:1 has {AAS}Submodel/colour, which Submodel does not"),
    (f"{START}; <urn:mine> 1 .", "urn:x:1 has urn:mine, which Submodel does not"),
    (f'{START}, "urn:x:2" .', "urn:x:1 has 2 values of id; it can have one"),
    (f"{START}; <{AAS}HasKind/kind> <urn:k> .", "urn:x:1 has 'urn:k' as kind, which cannot be one"),
    (f'{START}; <{AAS}Referable/idShort> "a"@en .', "urn:x:1 has 'a' as idShort, which cannot be one"),
    (
        f"{START}; <{AAS}Submodel/submodelElements> <urn:e> .",
        "urn:e has the types none; one of SubmodelElement is needed",
    ),
    (f"{START}. <urn:other> <urn:p> 1 .", "the graph describes urn:other, which is no part of urn:x:1"),
    (f"{START}; <{AAS}Submodel/submodelElements> <urn:x:1> .", "the graph describes 0 of Submodel"),
    ("<urn:x:1> a", "the body is no text/turtle: "),
    ("[" * 20_000, "the body is no text/turtle: "),
]


@pytest.mark.parametrize(("text", "words"), UNREAD)
def test_what_cannot_be_read_is_told(text: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        rdf.read(text.encode(), TURTLE, "Submodel")
    assert str(caught.value).startswith(words) or "nested too deep" in str(caught.value)


def test_nodes_in_a_circle_are_refused() -> None:
    element = f"<{AAS}SubmodelElementCollection/value>"
    kind = f"a <{AAS}SubmodelElementCollection>"
    circle = f"{START}; <{AAS}Submodel/submodelElements> <urn:a> . <urn:a> {kind} ; {element} <urn:b> . "
    with pytest.raises(Malformed, match="urn:a stands in two places"):
        rdf.read(f"{circle} <urn:b> {kind} ; {element} <urn:a> .".encode(), TURTLE, "Submodel")


NAMESPACE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DTD = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "x">]><rdf:RDF xmlns:rdf="{NAMESPACE}"/>'
FETCHED = "the body names a context that is to be fetched"
FOREIGN = {"@context": "http://127.0.0.1:9/context.jsonld", "@id": "urn:x"}
HOSTILE = [
    (DTD.encode(), RDFXML, "document types and entities are not read"),
    (DTD.encode("utf-16"), RDFXML, "the body is not UTF-8"),
    (orjson.dumps(FOREIGN), JSONLD, FETCHED),
    (
        orjson.dumps([{"@context": [{}, "http://127.0.0.1:9/c"]}]),
        JSONLD,
        FETCHED,
    ),
    (orjson.dumps({"@context": {"a": {"@id": "urn:a", "@context": "http://h/"}}}), JSONLD, "the body names a context"),
    (orjson.dumps({"@context": [["http://127.0.0.1:9/c"]]}), JSONLD, FETCHED),
    (
        orjson.dumps({"@context": {"a": {"@id": "urn:a", "@context": [{}, [["file:///etc/hostname"]]]}}}),
        JSONLD,
        FETCHED,
    ),
    (orjson.dumps({"@context": {"@import": "http://h/"}}), JSONLD, FETCHED),
    (b"[" * 2000 + b"]" * 2000, JSONLD, ""),
    (b"\xff", TURTLE, "the body is not UTF-8"),
]


@pytest.mark.parametrize(("body", "form", "words"), HOSTILE)
def test_nothing_is_fetched_or_expanded(body: bytes, form: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        rdf.read(body, form, "Submodel")
    assert words in str(caught.value)


def test_a_reference_of_our_own_is_read_from_every_form() -> None:
    each = submodel("0173-1#01-AHX837#002", prop("A", "1", semanticId=external("0173-1#02-AAO677#004")))
    for form in FORMS:
        assert rdf.read(rdf.written(each, "Submodel", form, nowhere), form, "Submodel") == each
