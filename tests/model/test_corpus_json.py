"""The examples of others: what they call valid has a sound structure, and the structural mistakes are found."""

import zipfile
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from aas_server.model.structure import findings
from tests.shared import shared

#: Mistakes of the corpus that are about shape; the others need the values and references to be understood.
STRUCTURAL = (
    "InvalidModelType",
    "MaxLengthViolation",
    "MinLengthViolation",
    "MissingModelType",
    "NullViolation",
    "PatternViolation",
    "RequiredViolation",
    "TypeViolation",
    "UnexpectedAdditionalProperty",
)

#: Any path is accepted: the packages in use have blanks and umlauts in theirs.
ACCEPTED = ("PatternViolation/File/value/", "PatternViolation/Resource/path/")


def documents(archive: str) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(shared(archive)) as found:
        for name in found.namelist():
            if name.endswith(".json"):
                yield name, orjson.loads(found.read(name))


def cases(part: str) -> list[tuple[str, Any]]:
    return [
        (name, instance)
        for name, instance in documents("corpus/aas-core3.1-cases-half.zip")
        if name.startswith(f"Json/{part}/")
    ]


def test_every_official_example_is_sound() -> None:
    examples = list(documents("corpus/metamodel-3.1.2-examples-json.zip"))
    wrong = [f"{name}: {finding}" for name, instance in examples for finding in findings(instance, "Environment")]
    assert wrong == []
    assert len(examples) == 2588


def test_every_valid_instance_of_aas_core_is_sound() -> None:
    expected = cases("Expected")
    wrong = [f"{name}: {f}" for name, instance in expected for f in findings(instance, name.split("/")[2])]
    assert wrong == []
    assert len(expected) > 1000


@pytest.mark.parametrize("mistake", STRUCTURAL)
def test_structural_mistakes_are_found(mistake: str) -> None:
    unexpected = [(name, instance) for name, instance in cases("Unexpected") if name.split("/")[3] == mistake]
    missed = [name for name, instance in unexpected if not findings(instance, name.split("/")[4])]
    assert [name for name in missed if not any(part in name for part in ACCEPTED)] == []
    assert len(unexpected) > 0


def test_published_templates_are_read_or_refused_with_a_reason() -> None:
    folder = shared("corpus/idta-templates")
    read = 0
    for path in sorted(folder.rglob("*.json")):
        instance = orjson.loads(path.read_bytes())
        found = findings(instance, "Environment")
        assert all(finding.path and finding.message for finding in found), path
        read += not found
    assert read > 0
