"""A condition of the query language to SQL that finds every document meeting it, and few others, through the index.

The SQL is a superset by construction: each comparison that the index knows becomes the documents whose index rows make
it possible; one it does not know leaves everything possible. What is found is then looked at by the evaluator, so the
answer never depends on what is said here; only the time does.
"""

from collections.abc import Callable, Iterator, Sequence

from aas_server.model import Kind
from aas_server.model.query.comparing import is_met_by_missing
from aas_server.model.query.tree import (
    DOCUMENT_OF,
    RELATED,
    And,
    Cast,
    Comparison,
    Condition,
    Constant,
    Field,
    Literal,
    Match,
    Not,
    Operand,
    Operator,
    Or,
    Root,
    Type,
    fields,
)
from aas_server.storage import elements, labelling
from aas_server.storage.binding import Values
from aas_server.storage.gathering import NUMBERS

#: A SELECT of the pks of documents; None: all of them may do.
Set = str | None

NOTHING = "SELECT 0 AS pk WHERE 0"
#: Sets combined in one compound SELECT; SQLite takes 500.
MOST = 50
#: Where one of several sets is as small as this, the others need not be looked up.
FEW = 200

_SWAPPED = {
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}


class Narrowing:
    """Sets of documents by the index. `count` tells how many one holds, as far as FEW; `open` lists what is unknown."""

    def __init__(self, values: Values, count: Callable[[str], int]) -> None:
        self._values, self._count = values, count
        self.open: list[str] = []

    def candidates(self, condition: Condition, kind: Kind, kinds: Sequence[Kind]) -> Set:
        """The documents that may meet a condition for `kind`; they are of `kinds`."""
        self._kind, self._kinds = kind, [NUMBERS[each] for each in kinds]
        return self._set(condition, kind)

    def _set(self, node: Condition, kind: Kind) -> Set:
        match node:
            case Constant(value):
                return None if value else NOTHING
            case And(conditions) | Match(conditions):
                return self._all(node, list(_flat(conditions, type(node))), kind)
            case Or(conditions):
                return _union([self._alone(each, kind) for each in conditions])
            case Not(condition):
                return self._not(condition, kind)
            case Comparison():
                return self._comparisons([node], kind)

    def _alone(self, node: Condition, kind: Kind) -> Set:
        """A condition by itself; one on related documents only leads to those by their references."""
        related = RELATED.get(kind)
        if related is not None and isinstance(node, Comparison) and _kinds(node) == {related}:
            return self._referring(self._comparisons([node], related), related)
        return self._set(node, kind)

    def _all(self, node: And | Match, conditions: list[Condition], kind: Kind) -> Set:
        """Comparisons of related documents beside each other are of one document, so they are looked up together."""
        related = RELATED.get(kind)
        comparisons = [each for each in conditions if isinstance(each, Comparison)]
        beside = [each for each in comparisons if related is not None and _kinds(each) == {related}]
        own = [each for each in comparisons if each not in beside]
        found = [self._set(each, kind) for each in conditions if not isinstance(each, Comparison)]
        together = isinstance(node, Match)
        found += self._grouped(own, kind, together=together)
        if beside and related is not None:
            inside = self._intersection(self._grouped(beside, related, together=together))
            found.append(self._referring(inside, related))
        return self._intersection(found)

    def _grouped(self, comparisons: list[Comparison], kind: Kind, *, together: bool) -> list[Set]:
        """In a $match, what is said of the same elements is looked up in the same rows."""
        groups: dict[object, list[Comparison]] = {}
        for number, each in enumerate(comparisons):
            place = elements.place_of(each) if together else None
            groups.setdefault(place if place is not None else number, []).append(each)
        return [self._comparisons(group, kind) for group in groups.values()]

    def _not(self, node: Condition, kind: Kind) -> Set:
        match node:
            case Not(condition):
                return self._set(condition, kind) if not _related(condition, kind) else self._unknown(node)
            case Constant(value):
                return NOTHING if value else None
            case And(conditions):
                return _union([self._not(each, kind) for each in conditions])
            case Or(conditions):
                return self._intersection([self._not(each, kind) for each in conditions])
            case _:
                return self._unknown(node)

    def _unknown(self, node: Condition) -> Set:
        self.open.append(", ".join(each.text for each in fields(node)) or "a comparison of constants")
        return None

    # Comparisons

    def _comparisons(self, comparisons: list[Comparison], kind: Kind) -> Set:
        """Comparisons that hold for one and the same element, or a single one."""
        known = [test for each in comparisons if (test := simple(each)) is not None]
        if len(known) < len(comparisons):
            for each in comparisons:
                if simple(each) is None:
                    self._unknown(each)
        own = [test for test in known if DOCUMENT_OF[test[0].root] is kind]
        of_elements = [test for test in own if test[0].root is Root.ELEMENT]
        found: list[Set] = [self._labelled(*test, kind) for test in own if test[0].root is not Root.ELEMENT]
        if of_elements:
            found += elements.sets(of_elements, self._values) or [self._unknown(comparisons[0])]
        return self._intersection(found)

    def _labelled(self, field: Field, operator: Operator, literal: Literal, kind: Kind) -> Set:
        numbers = self._kinds if kind is self._kind else [NUMBERS[kind]]
        found = labelling.select(field, operator, literal, numbers, self._values)
        if found is None:
            self.open.append(field.text)
        return found

    def _referring(self, found: Set, related: Kind) -> Set:
        """The documents that refer to, or are referred to by, those of a set."""
        if found is None:
            return None
        if related is Kind.SUBMODEL:
            return (
                f"SELECT l.pk AS pk FROM ({found}) c CROSS JOIN document s ON s.pk = c.pk CROSS JOIN label l"  # noqa: S608
                f" ON l.kind = {NUMBERS[Kind.SHELL]} AND l.name = {self._values.term('submodel')} AND l.value = s.id"
            )
        return (
            f"SELECT s.pk AS pk FROM ({found}) c CROSS JOIN body b ON b.pk = c.pk"  # noqa: S608
            " CROSS JOIN json_each(CAST(b.body AS TEXT), '$.submodels') r CROSS JOIN document s"
            f" ON s.kind = {NUMBERS[Kind.SUBMODEL]} AND s.id = json_extract(r.value, '$.keys[0].value')"
        )

    def _intersection(self, sets: Sequence[Set]) -> Set:
        found = list(dict.fromkeys(each for each in sets if each is not None))
        if not found:
            return None
        if len(found) > 1:
            for each in found:
                if self._count(each) <= FEW:
                    return each
        return _compound(found[:MOST], "INTERSECT")


def simple(node: Comparison) -> tuple[Field, Operator, Literal] | None:
    """A comparison as field, operator and constant, where it is one that a missing field does not meet."""
    left, operator, right = node.left, node.operator, node.right
    if isinstance(left, Literal) and operator not in (*_TEXT_OPERATORS, Operator.NE):
        left, operator, right = right, _SWAPPED.get(operator, operator), left
    field, wanted = _bare(left)
    if field is None or not isinstance(right, Literal) or is_met_by_missing(operator, right):
        return None
    # An explicit cast to another type than the constant's never compares as the constant would.
    return (field, operator, right) if wanted in (None, right.type) else None


_TEXT_OPERATORS = (Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.REGEX)


def _bare(operand: Operand) -> tuple[Field | None, Type | None]:
    """The field in an operand that is one, or a cast of one to the type told."""
    match operand:
        case Field():
            return operand, None
        case Cast(kind, Field() as inside):
            return inside, kind
        case _:
            return None, None


def _flat(conditions: Sequence[Condition], kind: type[And] | type[Match]) -> Iterator[Condition]:
    """Conditions with those of an $and directly inside an $and beside them."""
    for each in conditions:
        if kind is And and isinstance(each, And):
            yield from _flat(each.conditions, kind)
        else:
            yield each


def _kinds(node: Condition) -> set[Kind]:
    return {DOCUMENT_OF[each.root] for each in fields(node)}


def _related(node: Condition, kind: Kind) -> bool:
    return _kinds(node) != {kind}


def _union(sets: Sequence[Set]) -> Set:
    found = [each for each in sets if each is not None and each != NOTHING]
    if None in sets:
        return None
    return _compound(list(dict.fromkeys(found)), "UNION") if found else NOTHING


def _compound(sets: list[str], word: str) -> str:
    if len(sets) == 1:
        return sets[0]
    while len(sets) > 1:
        sets = [
            f" {word} ".join(f"SELECT pk FROM ({each})" for each in sets[at : at + MOST])  # noqa: S608
            for at in range(0, len(sets), MOST)
        ]
    return sets[0]
