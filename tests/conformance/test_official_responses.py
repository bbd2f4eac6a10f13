"""Every GET of the repositories validates against the official response schemas, but for the listed deviations."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import deviations, responses
from conformance.server import PROJECT, data, running
from tests.examples import b64, external
from tests.shared import shared

#: What no repository profile answers with 200 on data that was only loaded: a thumbnail needs its package, which
#: stands beside the project.
MAY_BE_EMPTY = {"/shells/{aasIdentifier}/asset-information/thumbnail"}

#: What stands in the lists of registries beside what is made from the hosted shells.
ENDPOINT = {
    "interface": "SUBMODEL-3.1",
    "protocolInformation": {
        "href": "https://example.org/x",
        "endpointProtocol": "HTTPS",
        "endpointProtocolVersion": ["1.1"],
        "subprotocol": "DSP",
        "subprotocolBody": "id=1",
        "subprotocolBodyEncoding": "plain",
        "securityAttributes": [{"type": "NONE", "key": "", "value": ""}],
    },
}
SERIAL = {"name": "serial", "value": "4711", "externalSubjectId": external("urn:o"), "semanticId": external("urn:m")}
SUBMODEL = {
    "id": "urn:o:x",
    "idShort": "Far",
    "endpoints": [ENDPOINT],
    "administration": {"version": "1", "revision": "2"},
    "semanticId": external("urn:m"),
    "supplementalSemanticIds": [external("urn:n")],
    "description": [{"language": "en", "text": "far away"}],
    "displayName": [],
    "extensions": [{"name": "e"}],
}
POSTED: dict[str, Any] = {
    "/submodel-descriptors": SUBMODEL,
    "/shell-descriptors": {
        "id": "urn:o:s",
        "assetKind": "Instance",
        "assetType": "urn:t",
        "globalAssetId": "urn:a",
        "specificAssetIds": [SERIAL],
        "endpoints": [ENDPOINT],
        "submodelDescriptors": [SUBMODEL],
    },
    f"/lookup/shells/{b64('urn:o:s')}": [SERIAL, {"name": "globalAssetId", "value": "urn:a"}],
}


def post(url: str, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status == 201


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return responses.official(shared("specs"))


@pytest.fixture(scope="module")
def given(api: dict[str, Any]) -> Iterator[list[responses.Answer]]:
    with running(data(), PROJECT / "submodels/examples/elements.json") as base:
        for path, body in POSTED.items():
            post(base + path, body)
        yield list(responses.answers(base, api))


def test_every_path_was_answered(given: list[responses.Answer], api: dict[str, Any]) -> None:
    counted = responses.per_template(given)
    assert [path for path in responses.asked(api) if not counted[path] and path not in MAY_BE_EMPTY] == []


def test_every_answer_is_as_the_official_document_says(given: list[responses.Answer], api: dict[str, Any]) -> None:
    assert list(responses.examine(given, api, deviations.read())) == []


def test_every_deviation_is_needed(given: list[responses.Answer], api: dict[str, Any]) -> None:
    assert responses.unused(given, api, deviations.read()) == []


def test_a_wrong_answer_is_noticed(given: list[responses.Answer], api: dict[str, Any]) -> None:
    whole = next(one for one in given if one.template == "/submodels/{submodelIdentifier}")
    broken = responses.Answer(
        whole.template, whole.path, 200, whole.content_type, whole.body | {"submodelElements": []}
    )
    assert list(responses.examine([broken], api, deviations.read())) != []
