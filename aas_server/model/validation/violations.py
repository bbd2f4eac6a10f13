"""What a rule is: a function from an instance of a class to the violations found on it."""

from collections.abc import Callable, Iterable

from aas_server.model import Document

#: Attribute names and positions that lead from an instance to what is wrong.
Steps = tuple[str | int, ...]

#: Where below the instance, a sentence, and the constraint or the attribute of the standard that says so.
Violation = tuple[Steps, str, str]

#: A rule looks at the instance and at what hangs directly on it; it may assume that the structure is sound.
Rule = Callable[[Document], Iterable[Violation]]


def text(steps: Steps) -> str:
    """The steps as the path of a finding.

    >>> text(("submodelElements", 2, "value", 0, "valueType"))
    'submodelElements[2].value[0].valueType'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def shown(value: str) -> str:
    """A text of the document, quoted and short enough for a message."""
    return repr(value if len(value) <= 60 else f"{value[:60]}…")
