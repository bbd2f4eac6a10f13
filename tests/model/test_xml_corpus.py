"""The 2,588 official examples exist in XML and in JSON: each reads and writes as the other, and as AAS.xsd wants it."""

import functools
import zipfile
from pathlib import Path

import orjson
import pytest
from lxml import etree

from aas_server.model import Document, xml
from aas_server.model.errors import Malformed
from tests.shared import shared

CHUNKS = 8


@functools.cache
def schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def examples(path: Path) -> dict[str, bytes]:
    """By name without extension; the archives spell class names differently."""
    with zipfile.ZipFile(path) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        return {name.lower().rpartition(".")[0]: archive.read(name) for name in files}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_official_examples_are_equal_in_xml_and_json(chunk: int) -> None:
    texts = examples(shared("corpus/metamodel-3.1.2-examples-xml.zip"))
    documents = examples(shared("corpus/metamodel-3.1.2-examples-json.zip"))
    xsd = schema(shared("specs/part1-metamodel-3.1.2/AAS.xsd"))
    assert len(texts) == 2588
    assert texts.keys() == documents.keys()
    for name in sorted(texts)[chunk::CHUNKS]:
        document: Document = orjson.loads(documents[name])
        assert xml.read(texts[name]) == document, name
        written = xml.write(document)
        assert xml.read(written) == document, name
        xsd.assertValid(etree.fromstring(written))


def cases(folder: str) -> dict[str, bytes]:
    with zipfile.ZipFile(shared("corpus/aas-core3.1-cases-half.zip")) as archive:
        names = [n for n in archive.namelist() if n.startswith(f"Xml/{folder}/") and n.endswith(".xml")]
        return {name: archive.read(name) for name in names}


@pytest.mark.parametrize(("folder", "count"), [("Expected", 1183), ("Unexpected/Invalid", 520)])
def test_instances_of_single_classes_are_read_even_where_they_break_a_constraint(folder: str, count: int) -> None:
    found = cases(folder)
    assert len(found) == count
    for name, text in found.items():
        document = xml.read(text)
        root = etree.fromstring(text).tag.rpartition("}")[2]
        assert xml.read(xml.write(document, root[0].upper() + root[1:])) == document, name


def test_what_is_no_instance_of_its_class_is_refused() -> None:
    found = cases("Unexpected/Unserializable")
    assert len(found) == 197
    for name, text in found.items():
        with pytest.raises(Malformed):
            pytest.fail(f"{name} reads as {xml.read(text)}")
