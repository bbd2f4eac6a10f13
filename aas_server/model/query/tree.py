"""A query as a small tree of frozen values (Part 2, 'Query Language'; the names are those of its grammar)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aas_server.model import Kind

#: `[]`: any item of a list.
ANY: Final = None


class Root(StrEnum):
    """What a FieldIdentifier starts from."""

    SHELL = "$aas"
    SUBMODEL = "$sm"
    ELEMENT = "$sme"
    CONCEPT = "$cd"
    SHELL_DESCRIPTOR = "$aasdesc"
    SUBMODEL_DESCRIPTOR = "$smdesc"

    __hash__ = str.__hash__


#: The kind of document in which the fields of a root stand.
DOCUMENT_OF = {
    Root.SHELL: Kind.SHELL,
    Root.SUBMODEL: Kind.SUBMODEL,
    Root.ELEMENT: Kind.SUBMODEL,
    Root.CONCEPT: Kind.CONCEPT,
    Root.SHELL_DESCRIPTOR: Kind.SHELL_DESCRIPTOR,
    Root.SUBMODEL_DESCRIPTOR: Kind.SUBMODEL_DESCRIPTOR,
}

#: What a query for documents of a kind may ask besides, of the documents they refer to or are referred to by.
RELATED = {Kind.SHELL: Kind.SUBMODEL, Kind.SUBMODEL: Kind.SHELL}


class Type(StrEnum):
    """The types of values, by the names of their casts."""

    STRING = "str"
    NUMBER = "num"
    HEX = "hex"
    BOOLEAN = "bool"
    DATE_TIME = "dateTime"
    TIME = "time"


class Part(StrEnum):
    """What can be taken out of a dateTime, as a number."""

    DAY_OF_WEEK = "$dayOfWeek"
    DAY_OF_MONTH = "$dayOfMonth"
    MONTH = "$month"
    YEAR = "$year"


class Operator(StrEnum):
    EQ = "$eq"
    NE = "$ne"
    GT = "$gt"
    GE = "$ge"
    LT = "$lt"
    LE = "$le"
    CONTAINS = "$contains"
    STARTS_WITH = "$starts-with"
    ENDS_WITH = "$ends-with"
    REGEX = "$regex"


#: Operators that take texts only.
ON_TEXTS = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.REGEX})


@dataclass(frozen=True, slots=True)
class Name:
    """The attribute of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a list at that position, or any (None)."""

    index: int | None


@dataclass(frozen=True, slots=True)
class AnyElement:
    """Any element below a submodel, at whatever depth."""


@dataclass(frozen=True, slots=True)
class Start:
    """Any element of that idShort below a submodel: an idShortPath may start at any element."""

    id_short: str


@dataclass(frozen=True, slots=True)
class Child:
    """The element of that idShort directly below."""

    id_short: str


@dataclass(frozen=True, slots=True)
class ListItem:
    """The element of a SubmodelElementList at that position, or any (None)."""

    index: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """Any text of a MultiLanguageProperty; of another element, the element itself."""


@dataclass(frozen=True, slots=True)
class Content:
    """What `value` means for an element, or for a text of a MultiLanguageProperty."""


Step = Name | Item | AnyElement | Start | Child | ListItem | Text | Content


@dataclass(frozen=True, slots=True)
class Many:
    """A place in the steps of a field where there may be several things: its name, and the number of steps to it.

    Fields go through the same list where the names are equal.
    """

    name: str
    steps: int


@dataclass(frozen=True, slots=True)
class Field:
    """A FieldIdentifier: where it starts, the steps that lead to its values, and the lists among them: what `$match`
    binds. `attribute` is written without indexes."""

    text: str = field(compare=False)
    root: Root
    steps: tuple[Step, ...]
    attribute: str = field(compare=False)
    lists: tuple[Many, ...] = field(compare=False)


def lists_of(root: Root, steps: tuple[Step, ...]) -> tuple[Many, ...]:
    return tuple(Many(f"{root} {steps[: at + 1]}", at + 1) for at, step in enumerate(steps) if is_many(step))


def is_many(step: Step) -> bool:
    """Whether a step may lead to several things."""
    match step:
        case Item(index) | ListItem(index):
            return index is ANY
        case AnyElement() | Start() | Text():
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `content` is as `values` has it for the type."""

    type: Type
    content: str | float | int | bool


@dataclass(frozen=True, slots=True)
class Cast:
    type: Type
    operand: "Operand"


@dataclass(frozen=True, slots=True)
class DatePart:
    part: Part
    operand: "Operand"


Operand = Field | Literal | Cast | DatePart


# Conditions are equal to themselves only: what is derived from one is remembered by it, without looking into it again.


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    operator: Operator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class And:
    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    condition: "Condition"


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """All conditions hold for the same items of the lists they share."""

    conditions: "tuple[Match | Comparison | Constant, ...]"


Condition = And | Or | Not | Match | Comparison | Constant


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: a condition, and whether ids are wanted instead of documents."""

    condition: Condition
    only_ids: bool = False


def fields(node: Condition | Operand) -> list[Field]:
    """Every FieldIdentifier below, in the order they are written."""
    match node:
        case Field():
            return [node]
        case Cast() | DatePart():
            return fields(node.operand)
        case Comparison():
            return [*fields(node.left), *fields(node.right)]
        case And() | Or() | Match():
            return [found for condition in node.conditions for found in fields(condition)]
        case Not():
            return fields(node.condition)
        case Literal() | Constant():
            return []
