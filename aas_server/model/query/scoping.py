"""What is bound where a condition stands: documents around the one in question, and lists that conditions share."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aas_server.model import Kind
from aas_server.model.query.tree import (
    RELATED,
    And,
    Condition,
    Field,
    Many,
    Match,
    Not,
    Or,
    Root,
    Start,
    Text,
    fields,
)

UNBOUND: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Scope:
    """What is bound where a condition stands: the related document (None: there is none)."""

    related: Any = UNBOUND
    in_match: bool = False


def binds(node: Condition, kind: Kind, scope: Scope) -> bool:
    """Whether the condition looks for a related document that is to be the same for all it says."""
    if scope.in_match or (related := RELATED.get(kind)) is None:
        return False
    roots = roots_of(node)
    if related is Kind.SHELL:
        return Root.SHELL in roots
    return Root.SUBMODEL in roots or (Root.ELEMENT in roots and scope.related is UNBOUND)


@lru_cache(maxsize=1024)
def roots_of(node: Condition) -> frozenset[Root]:
    """The roots of the fields in a condition, those in a $match or $not inside it left out."""
    match node:
        case Not(condition):
            inside: tuple[Condition, ...] = (condition,)
        case And(conditions) | Or(conditions) | Match(conditions):
            inside = conditions
        case _:
            return frozenset(each.root for each in fields(node))
    whole = isinstance(node, Match)  # a $match inside one only restricts it further
    return frozenset(root for each in inside if whole or not isinstance(each, Match | Not) for root in roots_of(each))


@lru_cache(maxsize=1024)
def shared_lists(node: Match) -> tuple[tuple[Field, Many], ...]:
    """The lists that at least two conditions of a $match go through, outer ones first, each with a field to reach it.

    What is only in a $match inside it counts by its first list alone: the others are bound there.
    """
    counts: dict[str, int] = {}
    ways: dict[str, tuple[Field, Many]] = {}
    for condition in node.conditions:
        found = [
            (each, many) for each in fields(condition) for many in _outer(each, nested=isinstance(condition, Match))
        ]
        for name in dict.fromkeys(many.name for _, many in found):
            counts[name] = counts.get(name, 0) + 1
        ways |= {many.name: (each, many) for each, many in found}
    return tuple(sorted((ways[name] for name, count in counts.items() if count > 1), key=lambda way: way[1].steps))


def _outer(found: Field, *, nested: bool) -> tuple[Many, ...]:
    """The lists of a field; the place where an idShortPath starts and the first list behind it are one."""
    if not nested or not found.lists:
        return found.lists
    starts = isinstance(found.steps[0], Start)
    return tuple(
        each for each in found.lists[: 2 if starts else 1] if not isinstance(found.steps[each.steps - 1], Text)
    )
