"""What a constraint is: a function that looks at one instance and yields what is wrong, with the path below it."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from aas_server.model import Document
from aas_server.model.errors import Finding

Check = Callable[[Document], Iterator[Finding]]
Checks = Mapping[str, tuple[Check, ...]]


def repeated(values: Iterable[str | None]) -> Iterator[tuple[int, str]]:
    """Every value that stands in an earlier place already, with its place; absent ones repeat nothing."""
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            yield place, value
        seen.add(value)
