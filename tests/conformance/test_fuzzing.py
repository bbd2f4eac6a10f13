"""Schemathesis finds nothing in a small run over our own OpenAPI document, and would."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import fuzzing
from conformance.deviations import Deviation, excused, read
from conformance.sent import DEPTH, bounded, prepared
from conformance.server import PROJECT, running

#: Mounts at which the same rows stand once more; `make conformance` has them all.
AGAIN = ("/shells/{aasIdentifier}/submodels/", "/aas", "/submodel/")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with running(PROJECT / "submodels/examples/elements.json") as base:
        yield base


@pytest.fixture(scope="module")
def document(base: str) -> dict[str, Any]:
    return fuzzing.offered(base)


def of(document: dict[str, Any], *paths: str) -> dict[str, Any]:
    part = {**document, "paths": {path: document["paths"][path] for path in paths}}
    return copy.deepcopy(part)


def test_every_answer_is_as_our_document_says(base: str, document: dict[str, Any]) -> None:
    once = of(document, *(path for path in document["paths"] if not path.startswith(AGAIN)))
    outcome = fuzzing.fuzz(once, base, fuzzing.Effort(1, edges=False))
    unexplained = [each for each in outcome.failures if not excused(read(), each.operation, each.check, each.text)]
    assert list(map(str, unexplained)) == []
    assert len(outcome.operations) == sum(len(item) for item in once["paths"].values())


def test_edges_of_parameters_are_tried(base: str, document: dict[str, Any]) -> None:
    outcome = fuzzing.fuzz(of(document, "/submodels"), base, fuzzing.Effort(1))
    assert list(map(str, outcome.failures)) == []
    assert {status for _, status in outcome.answers} >= {200, 400, 405}


def test_an_answer_that_breaks_its_schema_is_found(base: str, document: dict[str, Any]) -> None:
    told = of(document, "/description")
    told["components"]["schemas"]["ServiceDescription"]["required"] = ["profiles", "more"]
    outcome = fuzzing.fuzz(told, base, fuzzing.Effort(1, edges=False))
    assert {(each.operation, each.check) for each in outcome.failures} == {
        ("GET /description", "response_schema_conformance")
    }


def test_a_status_that_is_not_described_is_found(base: str, document: dict[str, Any]) -> None:
    path = "/submodels/{submodelIdentifier}"
    told = of(document, path)
    told["paths"] = {path: {"get": {**told["paths"][path]["get"], "responses": {"418": {"description": "no"}}}}}
    outcome = fuzzing.fuzz(told, base, fuzzing.Effort(1, edges=False, complete=False))
    assert {each.check for each in outcome.failures} == {"status_code_conformance"}


def test_a_deviation_explains_what_its_patterns_fit() -> None:
    known = [Deviation("one", "clause", "choice", "reason", (), (), ({"operation": "^GET /x$", "check": "^status"},))]
    assert excused(known, "GET /x", "status_code_conformance", "any") is known[0]
    assert excused(known, "GET /xy", "status_code_conformance", "any") is None
    assert excused(known, "GET /x", "not_a_server_error", "any") is None


def test_bodies_end_and_keep_what_is_required(document: dict[str, Any]) -> None:
    reference = bounded(document, {"$ref": "#/components/schemas/Reference"}, DEPTH)
    assert set(reference["properties"]) == {"type", "referredSemanticId", "keys"}
    assert set(reference["properties"]["referredSemanticId"]["properties"]) == {"type", "referredSemanticId", "keys"}
    innermost = reference["properties"]["referredSemanticId"]["properties"]["referredSemanticId"]
    assert set(innermost["properties"]) == {"type", "keys"}


def test_what_is_answered_is_held_against_the_document_as_it_is(document: dict[str, Any]) -> None:
    made = prepared(document)
    get = "/submodels/{submodelIdentifier}", "get", "responses"
    assert made["paths"][get[0]][get[1]][get[2]] == document["paths"][get[0]][get[1]][get[2]]
    assert "referredSemanticId" in made["components"]["schemas"]["Reference"]["properties"]
