"""The official RDF of documents against the official shapes, whose faults are put right."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import rdflib
from click.testing import CliRunner

from aas_server.aasx.package import LISTS
from aas_server.cli import group
from aas_server.graph import shapes
from aas_server.graph.shapes import SUBCLASS, Shapes
from aas_server.model import Document
from aas_server.model.validation import verify
from tests.examples import collection, external, listed, prop, shell, submodel
from tests.shared import shared
from tests.test_examples import EXAMPLES, identifiables

OFFICIAL = "specs/part1-metamodel-3.1.2/shacl-schema.ttl"
ONTOLOGY = "specs/part1-metamodel-3.1.2/rdf-ontology.ttl"


@pytest.fixture(scope="module")
def official() -> Shapes:
    return shapes.opened(shared(OFFICIAL))


def templates() -> Iterator[Document]:
    """Some sound documents of every size that pyshacl looks at in a fair time."""
    paths = sorted(shared("corpus/idta-templates").rglob("*.json"))
    read = [orjson.loads(path.read_bytes()) for path in paths]
    bodies = {
        orjson.dumps(each) for environment in read for name in LISTS.values() for each in environment.get(name, ())
    }
    fair = sorted((body for body in bodies if len(body) < 20_000), key=lambda body: (len(body), body))
    yield from (each for each in map(orjson.loads, fair[::29]) if not list(verify(each)))


def test_nothing_is_found_in_templates(official: Shapes) -> None:
    found = [(each["id"], shapes.check(each, official)) for each in templates()]
    assert len(found) > 50
    assert [each for each in found if each[1]] == []


def test_nothing_is_found_in_the_example_of_every_element(official: Shapes) -> None:
    assert [shapes.check(each, official) for each in identifiables("elements").values()] == [[]] * 6


BROKEN = [
    ({"idShort": "1 bad"}, "submodelElements[1].idShort: '1 bad': Value does not match ", "Pattern"),
    ({"idShort": "x" * 129}, f"submodelElements[1].idShort: '{'x' * 80}': String length not <= 128", "MaxLength"),
    ({"semanticId": external("")}, "submodelElements[1].semanticId.keys[0].value: '': String length", "MinLength"),
    ({"description": [{"language": "en", "text": "x" * 1024}]}, "submodelElements[1].description[0].text", "MaxLength"),
    ({"description": [{"language": "e", "text": "x"}]}, "submodelElements[1].description[0].language", "Pattern"),
]


@pytest.mark.parametrize(("more", "words", "constraint"), BROKEN, ids=[each[2] for each in BROKEN])
def test_what_is_wrong_is_found_where_it_is(official: Shapes, more: Document, words: str, constraint: str) -> None:
    found = shapes.check(submodel("urn:x:1", prop("Speed"), prop("Load") | more), official)
    assert len(found) == 1
    assert (found[0].constraint, str(found[0]).startswith(words)) == (constraint, True), found


def test_what_is_deep_inside_is_found_there(official: Shapes) -> None:
    inside = listed("List", "SubmodelElementCollection", collection(None, prop("Fine"), prop("not fine")))
    assert [each.path for each in shapes.check(submodel("urn:x:1", inside), official)] == [
        "submodelElements[0].value[0].value[1].idShort"
    ]


def test_what_shapes_take_from_the_ontology_is_what_it_says() -> None:
    ontology = rdflib.Graph().parse(shared(ONTOLOGY))
    kinds = rdflib.URIRef(SUBCLASS)
    for one, property_, other in shapes.known():
        node, value = rdflib.URIRef(one), rdflib.URIRef(str(other))
        if property_ == SUBCLASS:
            assert value in ontology.transitive_objects(node, kinds), (one, other)
        else:
            assert (node, rdflib.RDF.type, value) in ontology, (one, other)


# The shapes


def test_faults_of_the_official_file_are_put_right_and_told(tmp_path: Path) -> None:
    mended = shapes.opened(shared(OFFICIAL))
    assert [re.sub(r"\d+", "N", each, count=1) for each in mended.mended] == [
        "N shapes look for the text of language strings where there can be none",
        "N patterns see two characters in each of those that UTF-16 writes as two",
    ]
    mended.graph.serialize(tmp_path / "sound.ttl")
    assert shapes.opened(tmp_path / "sound.ttl").mended == ()


def test_without_that_sound_documents_are_refused() -> None:
    as_it_comes = Shapes(rdflib.Graph().parse(shared(OFFICIAL)), ())
    said = [{"language": "en", "text": "sound \U0001f600"}]
    found = shapes.check(submodel("urn:x:1", prop("Speed", description=said)), as_it_comes)
    assert {each.constraint for each in found} == {"MinCount", "Pattern"}


def checked(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(group, ["check", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_line_tells_what_shapes_find(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(orjson.dumps({"submodels": [submodel("urn:x:1", prop("1 bad"))]}))
    code, told = checked("--shacl", "--shapes", shared(OFFICIAL), file)
    assert (code, "5 shapes look for" in told) == (1, True)
    assert f"{file}: 1 documents, 1 found by shapes\n  Submodel 'urn:x:1' submodelElements[0].idShort: '1 bad'" in told


def test_the_command_line_finds_nothing_in_what_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "sound.json"
    file.write_bytes(orjson.dumps({"assetAdministrationShells": [shell("urn:s:1", "urn:x:1")]}))
    code, told = checked("--shacl", "--shapes", shared(OFFICIAL), file)
    assert (code, told.splitlines()[-1]) == (0, f"{file}: 1 documents, 0 found by shapes")


def test_what_is_no_document_is_not_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(orjson.dumps({"submodels": [{"modelType": "Submodel", "id": "urn:x:1", "idShort": 7}]}))
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "sound.json").write_bytes(orjson.dumps({"submodels": [submodel("urn:x:2")]}))
    code, told = checked("--shacl", "--shapes", shared(OFFICIAL), tmp_path, tmp_path / "nothing.json")
    assert f"{tmp_path / 'sound.json'}: 1 documents, 0 found by shapes" in told
    assert (code, "Submodel 'urn:x:1': not looked at, for its JSON has not the form of its class" in told) == (1, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<urn:a> <urn:b> <urn:c> .", "shapes.ttl has no shapes for classes of https://admin-shell.io/aas/3/1/"),
        (
            "@prefix sh: <http://www.w3.org/ns/shacl#> . [] a sh:NodeShape ; sh:property 7 ; "
            "sh:targetClass <https://admin-shell.io/aas/3/1/Submodel> .",
            "the shapes cannot be used: ",
        ),
        ("no turtle", "shapes.ttl cannot be read as RDF: "),
        (None, "shapes.ttl: No such file or directory"),
    ],
)
def test_a_file_without_shapes_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "shapes.ttl"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    code, told = checked("--shacl", "--shapes", file, EXAMPLES / "elements.json")
    assert (code, words in told) == (1, True)


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyshacl", None)
    code, told = checked("--shacl", "--shapes", tmp_path / "shapes.ttl", EXAMPLES / "elements.json")
    assert (code, "aas-server: shapes need pyshacl: pip install 'aas-server[shacl]'" in told) == (1, True)


def test_the_two_options_go_together() -> None:
    assert checked("--shacl", EXAMPLES / "elements.json")[0] == 2
