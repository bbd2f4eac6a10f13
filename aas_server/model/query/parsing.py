"""The JSON form of a query (Part 2, 'JSON Schema for AAS Queries') to the tree; refusals name the JSON path."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from aas_server.model import Json, Kind
from aas_server.model.errors import Malformed
from aas_server.model.query import patterns
from aas_server.model.query.casting import clock, moment
from aas_server.model.query.fields import parse_field
from aas_server.model.query.tree import (
    DOCUMENT_OF,
    ON_TEXTS,
    RELATED,
    And,
    Cast,
    Comparison,
    Condition,
    Constant,
    DatePart,
    Field,
    Literal,
    Match,
    Not,
    Operand,
    Operator,
    Or,
    Part,
    Query,
    Root,
    Start,
    Text,
    Type,
    fields,
)

#: Operators and operands that may lie in one another, and how many there may be in all.
DEEPEST, MOST = 32, 1000
#: Longest text that is compared with.
LONGEST_TEXT = 65536

_CASTS = {f"${each}Cast": each for each in Type}
_LITERALS = ("$strVal", "$numVal", "$hexVal", "$dateTimeVal", "$timeVal", "$boolean")
_OPERANDS = ("$field", *_LITERALS, *_CASTS, *Part)
_TEXT_OPERANDS = ("$field", "$strVal", "$strCast")
_COMPARED = tuple(Operator)
_MATCHED = (*_COMPARED, "$match", "$boolean")
_CONDITIONS = (*_MATCHED, "$and", "$or", "$not")

Node = TypeVar("Node")


def parse(query: Json, kind: Kind) -> Query:
    """The query for documents of that kind. Raises Malformed with the JSON path of what is wrong."""
    if not isinstance(query, dict):
        raise Malformed("a query is an object with $condition")
    if unknown := sorted(query.keys() - {"$select", "$condition"}):
        raise Malformed(f"{unknown[0][:80]}: a query has $condition and, if wanted, $select")
    if "$condition" not in query:
        raise Malformed("$condition is missing")
    if query.get("$select", "id") != "id":
        raise Malformed("$select: only 'id' can be selected")
    return Query(parse_condition(query["$condition"], kind, "$condition"), "$select" in query)


def parse_condition(condition: Json, kind: Kind, path: str = "") -> Condition:
    """The condition on documents of that kind. Raises Malformed."""
    found = _Reader().condition(condition, path, 0)
    allowed = (kind, RELATED.get(kind))
    for field in fields(found):
        if DOCUMENT_OF[field.root] not in allowed:
            raise Malformed(f"{field.text[:80]!r}: nothing leads there from a query for {kind}")
    return found


class _Reader:
    """Reads nodes and counts them."""

    def __init__(self) -> None:
        self._count = 0

    def condition(self, node: Json, path: str, depth: int) -> Condition:
        name, content, path = self._only(node, path, depth, _CONDITIONS)
        match name:
            case "$and":
                return And(self._several(content, path, depth, self.condition, least=2))
            case "$or":
                return Or(self._several(content, path, depth, self.condition, least=2))
            case "$not":
                return Not(self.condition(content, path, depth + 1))
            case _:
                return self._matchable(name, content, path, depth)

    def _matched(self, node: Json, path: str, depth: int) -> Match | Comparison | Constant:
        return self._matchable(*self._only(node, path, depth, _MATCHED), depth)

    def _matchable(self, name: str, content: Json, path: str, depth: int) -> Match | Comparison | Constant:
        match name:
            case "$match":
                found = Match(self._several(content, path, depth, self._matched, least=1))
                _check_lists(found, path)
                return found
            case "$boolean":
                return Constant(_boolean(content, path))
            case _:
                return self._comparison(Operator(name), content, path, depth)

    def _comparison(self, operator: Operator, content: Json, path: str, depth: int) -> Comparison:
        allowed = _TEXT_OPERANDS if operator in ON_TEXTS else _OPERANDS
        operand = partial(self._operand, allowed=allowed)
        left, right = self._several(content, path, depth, operand, least=2, most=2)
        if operator is Operator.REGEX and isinstance(right, Literal):
            patterns.compiled(str(right.content), path)
        return Comparison(operator, left, right)

    def _operand(self, node: Json, path: str, depth: int, allowed: tuple[str, ...] = _OPERANDS) -> Operand:
        name, content, path = self._only(node, path, depth, allowed)
        if name == "$field":
            return _field(content, path)
        if name in _CASTS:
            return Cast(_CASTS[name], self._operand(content, path, depth + 1))
        if name in set(Part):
            # The schema has a literal here, the grammar an operand.
            given = isinstance(content, str)
            operand = _literal("$dateTimeVal", content, path) if given else self._operand(content, path, depth + 1)
            return DatePart(Part(name), operand)
        return _literal(name, content, path)

    def _several(
        self,
        content: Json,
        path: str,
        depth: int,
        read: Callable[[Json, str, int], Node],
        least: int,
        most: int | None = None,
    ) -> tuple[Node, ...]:
        if not isinstance(content, list) or len(content) < least or (most is not None and len(content) > most):
            count = f"exactly {most}" if most else f"at least {least}"
            raise Malformed(f"{path}: must be an array of {count}")
        return tuple(read(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(content))

    def _only(self, node: Json, path: str, depth: int, allowed: tuple[str, ...]) -> tuple[str, Json, str]:
        """The one name of an object, its content, and the path of that."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST:
            raise Malformed(f"{path[:200]}: a query has at most {MOST} parts, {DEEPEST} levels deep")
        if not isinstance(node, dict) or len(node) != 1:
            raise Malformed(f"{path}: must be an object with exactly one of {', '.join(allowed)}")
        ((name, content),) = node.items()
        if name not in allowed:
            raise Malformed(f"{path}: {name[:80]!r} is not possible here; one of {', '.join(allowed)} is")
        return name, content, f"{path}.{name}"


def _check_lists(match: Match, path: str) -> None:
    """All lists in a $match begin with the same one, for each root (Part 2, 'Match of Elements in Lists', Note 1)."""
    first: dict[Root, tuple[str, str]] = {}
    for field in fields(match):
        lists = [many.name for many in field.lists if not isinstance(field.steps[many.steps - 1], Start | Text)]
        if lists and first.setdefault(field.root, (lists[0], field.text))[0] != lists[0]:
            other = first[field.root][1]
            raise Malformed(f"{path}: {field.text[:80]!r} is in another list than {other[:80]!r}")


def _field(content: Json, path: str) -> Field:
    if not isinstance(content, str):
        raise Malformed(f"{path}: must be a text")
    try:
        return parse_field(content)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None


def _literal(name: str, content: Json, path: str) -> Literal:
    match name, content:
        case "$strVal", str() if not content.startswith("$") and len(content) <= LONGEST_TEXT:
            return Literal(Type.STRING, content)
        case "$numVal", int() | float() if not isinstance(content, bool):
            return Literal(Type.NUMBER, float(content))
        case "$hexVal", str() if content.startswith("16#") and _is_hex(content[3:]):
            return Literal(Type.HEX, int(content[3:], 16))
        case "$dateTimeVal", str() if (found := moment(content)) and "T" in content.upper():
            return Literal(Type.DATE_TIME, found)
        case "$timeVal", str() if (found := clock(content)) is not None:
            return Literal(Type.TIME, found)
        case "$boolean", _:
            return Literal(Type.BOOLEAN, _boolean(content, path))
    raise Malformed(f"{path}: must be {_WANTED[name]}")


def _is_hex(digits: str) -> bool:
    return 0 < len(digits) <= 1024 and not digits.strip("0123456789ABCDEF")


_WANTED = {
    "$strVal": f"a text that does not begin with $, of at most {LONGEST_TEXT} characters",
    "$numVal": "a number",
    "$hexVal": "a text such as 16#FF",
    "$dateTimeVal": "a text such as 2024-01-31T12:00:00Z",
    "$timeVal": "a text such as 12:00 or 12:00:00",
}


def _boolean(content: Json, path: str) -> bool:
    if not isinstance(content, bool):
        raise Malformed(f"{path}: must be true or false")
    return content
