"""What comparisons say (Part 2, 'Comparison Operators'): true, false, or None where they are invalid."""

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from aas_server.model.errors import Malformed
from aas_server.model.query import patterns
from aas_server.model.query.casting import MISSING, Missing, Uncastable, Value, cast, part_of
from aas_server.model.query.tree import ON_TEXTS, Cast, DatePart, Field, Literal, Operand, Operator, Type

#: None: the comparison is invalid, and so is everything that it is part of.
Truth = bool | None

#: What an operand is for one document, or that it has no form in the type asked for.
Found = Value | Missing | Uncastable

_ORDERED: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GE: ge,
    Operator.LT: lt,
    Operator.LE: le,
}
_EQUAL = frozenset({Operator.EQ, Operator.GE, Operator.LE})


def type_of(operand: Operand) -> Type | None:
    """The type an operand is known to have; None for a field, which takes that of the other one."""
    match operand:
        case Field():
            return None
        case Literal() | Cast():
            return operand.type
        case DatePart():
            return Type.NUMBER


def converted(operand: Cast | DatePart, found: Found) -> Found:
    """What a cast makes of a value; what is missing stays missing."""
    if not isinstance(found, Value):
        return found
    try:
        return cast(found, operand.type) if isinstance(operand, Cast) else part_of(operand.part, found)
    except Uncastable as error:
        return error


def compared(operator: Operator, left: Found, right: Found, types: tuple[Type | None, Type | None]) -> Truth:
    """One value with one other. `types` are those known of the operands: a field is cast to that of the other."""
    if isinstance(left, Uncastable) or isinstance(right, Uncastable):
        return None
    if operator in ON_TEXTS:
        return _on_texts(operator, _text(left), _text(right))
    if isinstance(left, Missing) or isinstance(right, Missing):
        both = left is right
        return not both if operator is Operator.NE else both and operator in _EQUAL
    try:
        left, right = _alike(left, right, types)
    except Uncastable:
        # A text that is no number is not equal to one ('Instance' $eq 17 is false, $ne true), and has no order with it.
        return {Operator.EQ: False, Operator.NE: True}.get(operator)
    return _of_values(operator, left, right)


def _alike(left: Value, right: Value, types: tuple[Type | None, Type | None]) -> tuple[Value, Value]:
    match types:
        case None, Type() as wanted:
            return cast(left, wanted), right
        case Type() as wanted, None:
            return left, cast(right, wanted)
        case _:
            return left, right


def _of_values(operator: Operator, left: Value, right: Value) -> Truth:
    if left.type is not right.type:
        return {Operator.EQ: False, Operator.NE: True}.get(operator)
    match operator:
        case Operator.EQ:
            return left.content == right.content
        case Operator.NE:
            return left.content != right.content
        case _ if left.type is Type.BOOLEAN:  # booleans have no order; what is equal is also ge and le
            return operator in _EQUAL and left.content == right.content
        case _:
            return _ORDERED[operator](left.content, right.content)


def _text(found: Value | Missing) -> str | None:
    """XPath's functions take what is missing for an empty text; what is no text has no place in them."""
    if isinstance(found, Missing):
        return ""
    return str(found.content) if found.type is Type.STRING else None


def _on_texts(operator: Operator, left: str | None, right: str | None) -> Truth:
    if left is None or right is None:
        return None
    match operator:
        case Operator.CONTAINS:
            return right in left
        case Operator.STARTS_WITH:
            return left.startswith(right)
        case Operator.ENDS_WITH:
            return left.endswith(right)
        case _:
            try:
                return patterns.found(right, left)
            except Malformed:  # the pattern stands in a field
                return None


def is_met_by_missing(operator: Operator, right: Operand) -> bool:
    """Whether a field that is not there can meet a comparison with that operand."""
    if not isinstance(right, Literal) or operator is Operator.NE:
        return True
    if operator in ON_TEXTS:
        return compared(operator, MISSING, Value(right.type, right.content), (None, right.type)) is not False
    return False
