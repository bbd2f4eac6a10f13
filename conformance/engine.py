"""The official aas-test-engines against a running server: four suites, every check counted.

The engine counts only checks whose set-up succeeded, so a total that shrinks is a failure too.
"""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

from aas_test_engines import api, config, http
from aas_test_engines.result import AasTestResult, Level

from aas_server.model import identifiers

PROFILE = "https://admin-shell.io/aas/API/3/0/{}ServiceSpecification/SSP-002"


@dataclass(frozen=True, slots=True)
class Suite:
    """One profile of the engine. `below` is the list whose first item plays the single service, under `prefix`."""

    name: str
    expected: int
    below: str = ""
    prefix: str = ""

    @property
    def profile(self) -> str:
        return PROFILE.format(self.name)


#: Checks per suite as counted with aas-test-engines 1.0.3 against data that holds every kind of element.
SUITES = (
    Suite("AssetAdministrationShellRepository", 112),
    Suite("SubmodelRepository", 106),
    Suite("AssetAdministrationShell", 94, "shells", "/aas"),
    Suite("Submodel", 76, "submodels", "/submodel"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    suite: Suite
    passed: int
    total: int
    failures: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.passed == self.total >= self.suite.expected and not self.failures

    def __str__(self) -> str:
        mark = "ok" if self.holds else "FAILED"
        return f"{self.suite.name:38} {self.passed:4} / {self.total:<4} {self.suite.expected:8}  {mark}"


HEADING = f"{'suite of aas-test-engines':38} {'passed':>11} {'expected':>8}"


def verdicts(base: str) -> Iterator[Verdict]:
    """Each suite against the V3.0 mount of the server at `base`: the engine knows no newer version of the API."""
    for suite in SUITES:
        yield verdict(suite, f"{base}/api/v3.0")


def verdict(suite: Suite, base: str) -> Verdict:
    """A suite that stops half-way (the engine raises on data it did not foresee) has failed, with what it raised."""
    client = http.HttpClient(host=host(suite, base), remove_path_prefix=suite.prefix)
    try:
        result, counts = api.execute_tests(client, config.CheckApiConfig(suite=suite.profile))
    except Exception as error:
        return Verdict(suite, 0, 0, [f"the engine stopped: {type(error).__name__}: {error}"])
    passed = counts.valid_accepted + counts.invalid_rejected
    total = passed + counts.valid_rejected + counts.invalid_accepted
    return Verdict(suite, passed, total, [line for child in result.sub_results for line in failures(child)])


def host(suite: Suite, base: str) -> str:
    """Where the suite finds its service: a repository at the root, a single service at the first item of a list."""
    if not suite.below:
        return base
    with urllib.request.urlopen(f"{base}/{suite.below}?limit=1", timeout=10) as answer:  # noqa: S310 -- always http
        first = json.load(answer)["result"][0]["id"]
    return f"{base}/{suite.below}/{identifiers.encode(first)}"


def failures(result: AasTestResult, above: str = "") -> Iterator[str]:
    """The innermost messages of everything that is no mere warning, with the steps that led there."""
    if result.level.value < Level.ERROR.value:
        return
    message = " ".join(result.message.split())
    trail = f"{above} > {message}" if above else message
    below = [line for child in result.sub_results for line in failures(child, trail)]
    yield from below or [trail]
