"""How the runner reads what the official engine reports."""

from aas_test_engines.result import AasTestResult, Level

from conformance.engine import SUITES, Suite, Verdict, failures


def test_only_innermost_errors_are_told_with_the_way_to_them() -> None:
    root = AasTestResult("suite")
    operation = AasTestResult("GetShell")
    operation.append(AasTestResult("fine"))
    operation.append(AasTestResult("no thumbnail", Level.WARNING))
    operation.append(AasTestResult("got\n   500", Level.CRITICAL))
    root.append(operation)
    assert list(failures(root)) == ["suite > GetShell > got 500"]


def test_a_suite_that_shrank_does_not_hold() -> None:
    suite = Suite("Submodel", 76)
    assert Verdict(suite, 76, 76).holds
    assert not Verdict(suite, 75, 75).holds
    assert not Verdict(suite, 76, 77).holds
    assert not Verdict(suite, 76, 76, ["set-up failed"]).holds


def test_all_checks_of_the_engine_are_expected() -> None:
    assert sum(suite.expected for suite in SUITES) == 388
