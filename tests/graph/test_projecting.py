"""Documents as triples: what each kind of element says, in words that a query asks for."""

from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.graph.iris import concepts, iri, valid
from aas_server.graph.projecting import Projection, Projector, literal
from aas_server.model import Document, Kind
from tests.examples import collection, concept, external, listed, model, prop, submodel
from tests.graph.documents import ROOT, UNITS, documents, shell_of

X, B64 = "urn:x:1", "dXJuOng6MQ"
AT = f"{ROOT}/submodels/{B64}/submodel-elements/"
SHORT = {
    f"<{AT}": "<",
    f"<{X}>": "<>",
    "<urn:aas-server:graph:": "<g:",
    "<http://www.w3.org/2001/XMLSchema#": "<xsd:",
    "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>": "a",
    "<http://www.w3.org/2000/01/rdf-schema#label>": "label",
    "<http://www.w3.org/2004/02/skos/core#broader>": "broader",
}
#: How an element hangs together with its submodel.
TIES = ("<g:inSubmodel>", "<g:path>", "<g:element>", "<g:apiUrl>", "a <g:Submodel>")
MAKER = "0173-1#02-AAO677#004"


def short(line: str) -> str:
    for long, replaced in SHORT.items():
        line = line.replace(long, replaced)
    return line


def leading(*keys: tuple[str, str]) -> Document:
    """A reference within the submodel."""
    several = [("Submodel", X), *keys]
    return {"type": "ModelReference", "keys": [{"type": kind, "value": value} for kind, value in several]}


def languages(**texts: str) -> list[Document]:
    return [{"language": language, "text": text} for language, text in texts.items()]


def project(document: Document) -> Projection:
    return Projector(ROOT, UNITS).submodel(document)


def said(*elements: Document) -> set[str]:
    """What elements say besides how they hang together."""
    lines = {short(line) for line in project(submodel(X, *elements)).own}
    return {line for line in lines if not any(tie in line for tie in TIES)}


def test_an_element_is_found_below_its_submodel_by_path_and_index() -> None:
    document = submodel(X, collection("Motors", listed("Speeds", "Property", prop(None, "1"), prop(None, "2"))))
    lines = {short(line) for line in project(document).own}
    assert {
        "<> <g:element> <Motors>",
        "<Motors> <g:element> <Motors.Speeds>",
        "<Motors.Speeds> <g:element> <Motors.Speeds%5B1%5D>",
        "<Motors.Speeds%5B1%5D> <g:inSubmodel> <>",
        '<Motors.Speeds%5B1%5D> <g:path> "Motors.Speeds[1]"',
        '<Motors.Speeds%5B1%5D> <g:index> "1"^^<xsd:integer>',
        f"<> <g:apiUrl> <{ROOT}/submodels/{B64}>",
    } <= lines


def named(kind: str, **more: Any) -> Document:
    return {"modelType": kind, "idShort": "A", **more}


SHELL = model("urn:s:1", "AssetAdministrationShell")
ELEMENT = leading(("SubmodelElementList", "L"), ("Property", "2"))
VALUES: dict[str, tuple[Document, set[str]]] = {
    "a number": (prop("A", "1.50"), {'<A> <g:value> "1.50"^^<xsd:double>'}),
    "a text": (prop("A", 'a "b"\n', "xs:string"), {'<A> <g:value> "a \\"b\\"\\n"'}),
    "no value": (prop("A", None), set()),
    "languages": (
        named("MultiLanguageProperty", value=languages(de="ja", en="yes")),
        {'<A> <g:value> "ja"@de', '<A> <g:value> "yes"@en'},
    ),
    "a range": (
        named("Range", valueType="xs:int", min="1", max="2"),
        {'<A> <g:min> "1"^^<xsd:int>', '<A> <g:max> "2"^^<xsd:int>'},
    ),
    "a file": (named("File", value="/a.txt"), {'<A> <g:value> "/a.txt"^^<xsd:anyURI>'}),
    "a reference to an element": (named("ReferenceElement", value=ELEMENT), {"<A> <g:value> <L%5B2%5D>"}),
    "a reference to a concept": (
        named("ReferenceElement", value=external(MAKER)),
        {"<A> <g:value> <https://api.eclass-cdp.com/0173-1-02-AAO677-004>"},
    ),
    "a relationship": (
        named("RelationshipElement", first=SHELL, second=model(X)),
        {"<A> <g:first> <urn:s:1>", "<A> <g:second> <>"},
    ),
    "an entity": (named("Entity", globalAssetId="an asset"), {"<A> <g:entityAsset> <g:id:an%20asset>"}),
    "a blob": (named("Blob", value="YQ=="), set()),
}


@pytest.mark.parametrize("what", VALUES)
def test_what_each_kind_of_element_says(what: str) -> None:
    element, expected = VALUES[what]
    assert said(element) == expected


def test_a_submodel_says_the_value_of_a_concept_once() -> None:
    meant = prop("A", "x", "xs:string", semanticId=external(MAKER))
    found = said(meant, collection("B", meant))
    eclass = "<https://api.eclass-cdp.com/0173-1-02-AAO677-004>"
    assert found == {
        '<A> <g:value> "x"', '<B.A> <g:value> "x"', f"<A> <g:concept> {eclass}", f"<B.A> <g:concept> {eclass}",
        f'<> {eclass} "x"',
    }  # fmt: skip
    shared = project(submodel(X, meant)).shared
    assert set(map(short, shared)) == {f"{eclass} broader <https://api.eclass-cdp.com/0173-1-02-AAO677>"}


def entity(name: str, asset: str, *parts: Document) -> Document:
    made: Document = {"modelType": "Entity", "idShort": name, "globalAssetId": asset}
    return {**made, "statements": list(parts)} if parts else made


def parts(*elements: Document) -> set[str]:
    return {short(line) for line in project(submodel(X, *elements)).shared if "hasPart" in line}


def test_parts_are_entities_inside_others_whichever_way_the_bill_goes() -> None:
    nested = entity("EntryNode", "urn:a:line", entity("M", "urn:a:motor"))
    assert parts(nested) == {"<urn:a:line> <g:hasPart> <urn:a:motor>"}
    assert parts(nested, prop("ArcheType", "OneUp", "xs:string")) == {"<urn:a:motor> <g:hasPart> <urn:a:line>"}


BILLS = {"HasPart": "<urn:a:1> <g:hasPart> <urn:a:2>", "IsPartOf": "<urn:a:2> <g:hasPart> <urn:a:1>"}


@pytest.mark.parametrize("name", BILLS)
def test_parts_are_what_relationships_say(name: str) -> None:
    related = {
        "modelType": "RelationshipElement",
        "idShort": "R",
        "semanticId": external(f"https://admin-shell.io/idta/HierarchicalStructures/{name}/1/0"),
        "first": leading(("Entity", "A")),
        "second": leading(("Entity", "B")),
    }
    assert parts(entity("A", "urn:a:1"), entity("B", "urn:a:2"), related) == {BILLS[name]}


def test_a_shell_and_its_asset_lead_to_its_submodels() -> None:
    derived = {"derivedFrom": model("urn:s:0", "AssetAdministrationShell")}
    found = Projector(ROOT, UNITS).shell(shell_of("urn:s:1", "urn:a:1", [X]) | derived)
    own = {"<urn:s:1> <g:asset> <urn:a:1>", "<urn:s:1> <g:submodel> <>", "<urn:s:1> <g:derivedFrom> <urn:s:0>"}
    assert own <= set(map(short, found.own))
    assert set(map(short, found.shared)) == {
        "<urn:a:1> a <g:Asset>", "<urn:a:1> a <https://api.eclass-cdp.com/0173-1-01-AAA000-001>",
        '<urn:a:1> <g:assetKind> "Instance"', "<urn:a:1> <g:submodel> <>",
    }  # fmt: skip


def test_a_concept_has_its_unit_however_it_is_written() -> None:
    content = {"modelType": "DataSpecificationIec61360", "preferredName": languages(en="speed"), "unit": "rpm"}
    document = concept("0173-1#02-BAA120#008", embeddedDataSpecifications=[{"dataSpecificationContent": content}])
    found = set(map(short, Projector(ROOT, UNITS).concept(document).own))
    this = "<https://api.eclass-cdp.com/0173-1-02-BAA120-008>"
    unit = f"{this} <g:unit> <http://qudt.org/vocab/unit/REV-PER-MIN>"
    assert {f"{this} a <g:Concept>", f'{this} label "speed"@en', unit} <= found


@given(documents)
def test_what_is_said_can_be_read_and_each_statement_stands_once(drawn: tuple[Kind, Document]) -> None:
    kind, document = drawn
    projector = Projector(ROOT, UNITS)
    found = projector.shell(document) if kind is Kind.SHELL else projector.submodel(document)
    text = "".join(f"{line} .\n" for line in [*found.own, *found.shared])
    read = list(ox.parse(text.encode(), format=ox.RdfFormat.N_TRIPLES))
    assert len(read) == len(set(found.own)) + len(found.shared)
    assert len(found.own) == len(set(found.own))


PIECES = [
    "http://",
    "urn:",
    "a:",
    "/",
    "?",
    "#",
    "@",
    ":",
    "[",
    "]",
    "%",
    "%2F",
    "%zz",
    "8",
    "\ufdd0",
    "\ue000",
    "é",
    "<",
    '"',
]
identifiers = st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=6).map("".join)


@given(identifiers)
def test_whatever_an_identifier_is_its_iris_are_ones(identifier: str) -> None:
    for each in (iri(identifier), *concepts(identifier)):
        (read,) = ox.parse(f"<{each}> <urn:p> <{each}> .".encode(), format=ox.RdfFormat.N_TRIPLES)
        assert read.subject == read.object == ox.NamedNode(each)


@given(identifiers)
def test_an_identifier_that_is_an_iri_stays_as_it_is(identifier: str) -> None:
    made = iri(identifier)
    assert (made == identifier) == valid(identifier)
    assert iri(made) == made


@pytest.mark.parametrize("value_type", ["xs:colour", "double", "> <urn:x", ""])
def test_a_type_that_nobody_knows_makes_a_text(value_type: str) -> None:
    assert literal("1", value_type) == '"1"'
