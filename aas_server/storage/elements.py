"""Comparisons of what elements say, by the slots they stand in and their typed values."""

from collections.abc import Sequence

from aas_server.model.query import patterns
from aas_server.model.query.tree import (
    ON_TEXTS,
    AnyElement,
    Child,
    Comparison,
    Field,
    Item,
    ListItem,
    Literal,
    Operator,
    Root,
    Start,
    Step,
    Type,
    fields,
)
from aas_server.storage import index
from aas_server.storage.binding import Values
from aas_server.storage.labelling import SIGNS, compared
from aas_server.storage.texts import phrase

Test = tuple[Field, Operator, Literal]

#: The types whose forms in the index a text may have.
_FORMS = ("xs:string", "xs:double", "xs:boolean", "xs:dateTime")
_BOOLEANS = {True: ("true", "1", 1.0), False: ("false", "0", 0.0)}
#: Sorts behind every moment, and before.
_BEHIND, _BEFORE = ":", "0"
_COLUMNS = {"idShort": "s.id_short", "valueType": "s.value_type", "language": "s.language"}

#: Documents whose texts are not in the index as they are now.
_UNREAD = (
    "SELECT pk FROM text_due UNION SELECT pk FROM text_wide"
    " UNION SELECT pk FROM document INDEXED BY document_pending WHERE pending > 0"
)


def place_of(comparison: Comparison) -> tuple[Step, ...] | None:
    """The steps to the element that a comparison looks at; None where it looks at none, or at several."""
    found = fields(comparison)
    return _place(found[0]) if len(found) == 1 and found[0].root is Root.ELEMENT else None


def _place(field: Field) -> tuple[Step, ...]:
    return tuple(step for step in field.steps if isinstance(step, AnyElement | Start | Child | ListItem))


def sets(tests: Sequence[Test], values: Values) -> list[str]:
    """Sets of documents, each with an element that makes the tests possible; none where the index knows nothing."""
    slots = _path(_place(tests[0][0]), values)
    slots += [_slot(*test, values) for test in tests if test[0].attribute != "value"]
    slots = [each for each in dict.fromkeys(slots) if each != "1"]
    of_values = [test for test in tests if test[0].attribute == "value"]
    found = [each for test in of_values if (each := _with_text(*test, values))]
    rows = [_value(operator, literal, values) for _, operator, literal in of_values] or ["1"]
    if slots:
        return [*found, *(_rows([*slots, row]) for row in rows)]
    return found or [_rows([row]) for row in rows if row != "1"]


def _rows(conditions: Sequence[str]) -> str:
    where = " AND ".join(each for each in conditions if each != "1")
    return f"SELECT m.pk AS pk FROM slot s CROSS JOIN element m ON m.slot = s.id WHERE {where}"  # noqa: S608


def _path(steps: Sequence[Step], values: Values) -> list[str]:
    """Slots whose path ends as the steps say, indexes left out: an idShortPath may start at any element."""
    written = ""
    for step in steps:
        match step:
            case Start(id_short) | Child(id_short):
                written += f".{id_short}" if written else id_short
            case ListItem():
                written += "[]"
    if not written:
        return []
    head, _, tail = written.rpartition(".")
    found = [f"s.tail = {values.add(tail)}"]
    if head:
        whole = values.add(written)
        found.append(f"(s.pattern = {whole} OR substr(s.pattern, {-len(written) - 1}) = '.' || {whole})")
    return found


def _slot(field: Field, operator: Operator, literal: Literal, values: Values) -> str:
    """What a slot says besides its path."""
    if column := _COLUMNS.get(field.attribute):
        return compared(column, operator, literal, values)
    if not field.attribute.endswith(("semanticId", ".value")):
        return "s.semantic <> ''"
    condition = compared("s.meaning", operator, literal, values)
    match [step for step in field.steps if isinstance(step, Item)]:
        case [Item(0)]:
            return condition
        case _:
            return f"({condition} OR s.chained = 1)"


def _value(operator: Operator, literal: Literal, values: Values) -> str:
    """What the value in a row must be, in any of the forms in which it may stand there."""
    match literal:
        case Literal(Type.NUMBER, content):
            return _number(operator, values.add(content), values)
        case Literal(Type.BOOLEAN, bool(content)):
            return f"m.value IN ({', '.join(values.add(each) for each in _BOOLEANS[content])})"
        case Literal(Type.DATE_TIME, content):
            return _moment(operator, values.add(content), values)
        case Literal(Type.STRING, str(content)):
            return _text(operator, content, literal, values)
        case _:
            return "1"


def _number(operator: Operator, number: str, values: Values) -> str:
    """Numbers sort before texts."""
    ordered = f"m.value {SIGNS[operator]} {number}"
    return f"{ordered} AND m.value < {values.add('')}" if operator in (Operator.GT, Operator.GE) else ordered


def _moment(operator: Operator, moment: str, values: Values) -> str:
    ordered = f"m.value {SIGNS[operator]} {moment}"
    match operator:
        case Operator.GT | Operator.GE:
            return f"{ordered} AND m.value < {values.add(_BEHIND)}"
        case Operator.LT | Operator.LE:
            return f"{ordered} AND m.value >= {values.add(_BEFORE)}"
        case _:
            return ordered


def _text(operator: Operator, text: str, literal: Literal, values: Values) -> str:
    if operator is Operator.EQ:
        forms = dict.fromkeys(index.typed(each, text) for each in _FORMS)
        return f"m.value IN ({', '.join(values.add(form) for form in forms)})"
    condition = compared("m.value", operator, literal, values)
    # What does not stand there as it is written, or not whole, may be anything.
    return condition if condition == "1" else f"(s.verbatim = 0 OR length(m.value) > {index.LONGEST} OR {condition})"


def _with_text(_field: Field, operator: Operator, literal: Literal, values: Values) -> str | None:
    """Documents with a part of a text in them, wherever."""
    if operator not in ON_TEXTS:
        return None
    text = str(literal.content)
    wanted = phrase(patterns.literal(text) if operator is Operator.REGEX else text)
    if wanted is None:
        return None
    return f"SELECT rowid AS pk FROM texts WHERE texts MATCH {values.add(wanted)} UNION {_UNREAD}"  # noqa: S608
