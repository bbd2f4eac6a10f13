"""The figures as one table: what was measured, beside what it is compared with, and whether the target is met."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.rounds import Result

#: The target is an average over machines; a run counts as a miss only beyond this limit (a shared core is noisy).
LIMIT = 1.3


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: str
    ratio: str = ""
    target: str = ""
    verdict: str = ""

    def cells(self) -> tuple[str, ...]:
        return (self.what, self.measured, self.ratio, self.target, self.verdict)


def rows(results: Sequence[Result]) -> list[Row]:
    costs = {result.case.name: result.cost for result in results}
    return [row(result, costs) for result in results]


def row(result: Result, costs: dict[str, float]) -> Row:
    case = result.case
    measured = f"{result.cost:,.1f} µs CPU, {result.rate:,.0f}/s, p99 {result.p99:.1f} ms"
    if result.failed:
        return Row(case.name, measured, verdict=f"FAILED: {result.failed} requests")
    if case.beside not in costs or case.beside == case.name:
        return Row(case.name, measured, target=f"{case.target:g} x {case.beside}" if case.target else "")
    ratio = result.cost / costs[case.beside]
    if case.target is None:
        return Row(case.name, measured, f"{ratio:.2f} x {case.beside}")
    return Row(case.name, measured, f"{ratio:.2f} x {case.beside}", f"<= {case.target:g}", verdict(ratio, case.target))


def verdict(value: float, target: float, *, at_least: bool = False) -> str:
    """
    >>> [verdict(value, 1.0) for value in (0.9, 1.2, 1.4)]
    ['met', 'near', 'MISSED']
    >>> verdict(5000, 4000, at_least=True)
    'met'
    """
    share = target / value if at_least else value / target
    return "met" if share <= 1 else "near" if share <= LIMIT else "MISSED"


def compared(what: str, value: float, target: float, unit: str, *, at_least: bool = False) -> Row:
    """A figure that stands for itself."""
    shown = f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
    sign = ">=" if at_least else "<="
    return Row(what, f"{shown} {unit}", "", f"{sign} {target:g} {unit}", verdict(value, target, at_least=at_least))


HEADINGS = ("case", "measured (median)", "ratio", "target", "")


def text(table: Iterable[Row]) -> str:
    """For the terminal: columns side by side."""
    cells = [HEADINGS, *(one.cells() for one in table)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


PREFACE = f"""# Benchmarks

Written by `make bench`. A cost is the CPU time of the server process for one request, summed over its threads and
children by the scheduler's own count, as the median of alternating rounds. Wall-clock rates depend on what else the
machine does; ratios to nginx serving a static file, taken in the same rounds, hardly do. `met` is within the target,
`near` within {LIMIT:g} times of it.
"""
ROUGH = "A quick run: few rounds, small stores; the ratios are rough.\n"


def markdown(table: Iterable[Row], machine: Iterable[str], *, quick: bool) -> str:
    """The page docs/benchmarks.md."""
    rule = ("---",) * len(HEADINGS)
    body = ["| " + " | ".join(cells) + " |" for cells in (HEADINGS, rule, *(one.cells() for one in table))]
    described = [f"- {line}" for line in machine]
    return "\n".join([PREFACE, *([ROUGH] if quick else []), *described, "", *body, ""])
