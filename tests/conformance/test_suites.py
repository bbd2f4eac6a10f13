"""The four suites of the official engine, every check, against a server that holds our example of every element."""

from collections.abc import Iterator

import pytest

from conformance.engine import SUITES, Suite, verdict
from conformance.server import PROJECT, running


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with running(PROJECT / "submodels/examples/elements.json") as base:
        yield base


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_check_of_the_suite_passes(base: str, suite: Suite) -> None:
    found = verdict(suite, f"{base}/api/v3.0")
    assert (found.failures, found.passed, found.total) == ([], suite.expected, suite.expected)
