"""docs/conformance.md says what conformance/deviations.toml says."""

from pathlib import Path

from conformance.deviations import Deviation, read, table
from conformance.engine import SUITES

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "conformance.md"


def test_the_table_of_deviations_is_up_to_date() -> None:
    _, _, listed = DOCUMENT.read_text(encoding="utf-8").partition("\n| Id |")
    assert f"| Id |{listed}" == table(read())


def test_a_row_is_one_line() -> None:
    made = table([Deviation("one", "a | b", "choice", "first\nsecond")])
    assert made.splitlines()[2:] == [r"| `one` | a \| b | choice | first second |"]


def test_the_checks_of_the_engine_are_counted_as_they_are_run() -> None:
    counts = [suite.expected for suite in SUITES]
    assert f"{' + '.join(map(str, counts))} = {sum(counts)} checks" in DOCUMENT.read_text(encoding="utf-8")
