"""What is found at an endpoint before anything is made of it: nodes, what they hold, and what is left out."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class NodeKind(StrEnum):
    """What a node is (OPC 10000-3, NodeClass); others have no place in a submodel."""

    OBJECT = "Object"
    VARIABLE = "Variable"
    METHOD = "Method"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a variable or an argument holds: a builtin type by its name, in arrays of so many dimensions.

    `texts` are those of an enumeration by its numbers, `fields` those of a structure.
    """

    builtin: str
    rank: int = 0
    texts: tuple[tuple[int, str], ...] = ()
    fields: tuple[tuple[str, "Shape"], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A text that a node tells of itself, and its language."""

    text: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method; without a shape where nobody says what it takes."""

    name: str
    shape: Shape | None
    description: Said = Said()


@dataclass(slots=True, eq=False)
class Node:
    """A node, and those below it. `node_id` names its namespace by URI where it has one (`nsu=urn:x;s=Speed`)."""

    node_id: str
    name: str
    kind: NodeKind
    title: Said = Said()
    description: Said = Said()
    shape: Shape | None = None
    writable: bool = False
    unit: str = ""
    bounds: tuple[float, float] | None = None
    inputs: tuple[Argument, ...] = ()
    outputs: tuple[Argument, ...] = ()
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Left:
    """What is left out, by the reason."""

    reasons: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def out(self, reason: str, what: str) -> None:
        self.reasons[reason].append(what)

    def __iter__(self) -> Iterator[str]:
        """A sentence for each reason."""
        for reason, several in self.reasons.items():
            more = f" and {len(several) - 5} more" if len(several) > 5 else ""
            yield f"{len(several)} left out, {reason}: {', '.join(several[:5])}{more}"
