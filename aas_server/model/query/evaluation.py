"""Whether a document meets a condition, by looking into it: slow and plain, so that it says what the language means.

Three things decide what is looked at (Part 2, 'Query Language'):

- A field that leads to several values (`[]`, `$sme#`, an idShortPath, the texts of a MultiLanguageProperty) meets a
  comparison when one of them does. One that leads to none is missing, once.
- `$match` binds the lists that several of its conditions share to one item each.
- Fields of documents that are referred to, as `$sm` in a query for shells, are those of one such document, the same for
  all conditions beside each other. A `$match` or `$not` that says something of such documents itself looks for its own.

An invalid comparison makes everything invalid that it is part of, and an invalid condition is not met. Of several
values some may be invalid: they are as if they were not there, unless all are. In a `$match`, a condition is asked only
of what those before it have left.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from aas_server.model import Document, Json, Kind
from aas_server.model.errors import TooLarge
from aas_server.model.paths import children
from aas_server.model.query.casting import MISSING, Value
from aas_server.model.query.comparing import Found, Truth, compared, converted, type_of
from aas_server.model.query.scoping import Scope, binds, shared_lists
from aas_server.model.query.tree import (
    DOCUMENT_OF,
    And,
    AnyElement,
    Child,
    Comparison,
    Condition,
    Constant,
    DatePart,
    Field,
    Item,
    ListItem,
    Literal,
    Many,
    Match,
    Name,
    Not,
    Operand,
    Or,
    Root,
    Start,
    Step,
    Text,
    Type,
)
from aas_server.model.query.tree import Cast as Casting

#: Values that are looked at for one document.
MOST = 5_000_000


class World(Protocol):
    """The documents around a document."""

    def submodels(self, shell: Document) -> Sequence[Document]:
        """The submodels that a shell refers to and that are here."""
        ...

    def shells(self, submodel: Document) -> Sequence[Document]:
        """The shells that refer to a submodel."""
        ...


def matches(
    condition: Condition, document: Document, kind: Kind, world: World, tick: Callable[[], None] | None = None
) -> bool:
    """Whether a document of that kind meets the condition.

    `tick` is called for every value that is looked at and may raise to end it. Raises TooLarge where there are
    more than MOST.
    """
    evaluation = _Evaluation(kind, document, world, tick or _Count().tick)
    return evaluation.truth(condition, Scope()) is True


class _Count:
    def __init__(self) -> None:
        self._count = 0

    def tick(self) -> None:
        self._count += 1
        if self._count > MOST:
            raise TooLarge(f"the condition looks at more than {MOST} values of one document")


class _Evaluation:
    def __init__(self, kind: Kind, document: Document, world: World, tick: Callable[[], None]) -> None:
        self._kind, self._document, self._world, self._tick = kind, document, world, tick
        self._known: Sequence[Document] | None = None
        self._elements: dict[int, list[tuple[Document, bool]]] = {}
        #: What lists are bound to, by their names; None where they have no item.
        self._bound: dict[str, Json] = {}

    def truth(self, node: Condition, scope: Scope, *, bind: bool = True) -> Truth:
        """The truth of a condition; with `bind` it is one that may look for related documents of its own."""
        if bind and not isinstance(node, Not) and binds(node, self._kind, scope):
            return _any(self.truth(node, Scope(each, scope.in_match), bind=False) for each in self._related())
        match node:
            case Constant(value):
                return value
            case And(conditions):
                return _all([self.truth(each, scope, bind=isinstance(each, Match)) for each in conditions])
            case Or(conditions):
                return _either([self.truth(each, scope, bind=isinstance(each, Match)) for each in conditions])
            case Not(condition):
                inside = self.truth(condition, scope)
                return None if inside is None else not inside
            case Match():
                return self._match(node, Scope(scope.related, True), shared_lists(node))
            case Comparison():
                return self._comparison(node, scope)

    def _related(self) -> Sequence[Document | None]:
        if self._known is None:
            look = self._world.submodels if self._kind is Kind.SHELL else self._world.shells
            self._known = look(self._document)
        return self._known or (None,)

    # Lists

    def _match(self, node: Match, scope: Scope, shared: Sequence[tuple[Field, Many]]) -> Truth:
        """Bind the shared lists one after the other, outer ones first."""
        while shared and shared[0][1].name in self._bound:
            shared = shared[1:]
        if not shared:
            return self._restricted(node, scope)
        (field, many), rest = shared[0], shared[1:]
        return _any(
            self._with(many.name, item, node, scope, rest)
            for item in list(self._nodes(field, many.steps, scope)) or [None]
        )

    def _with(self, name: str, item: Json, node: Match, scope: Scope, rest: Sequence[tuple[Field, Many]]) -> Truth:
        self._bound[name] = item
        try:
            return self._match(node, scope, rest)
        finally:
            del self._bound[name]

    def _restricted(self, node: Match, scope: Scope) -> Truth:
        """Each condition restricts what those before it have left, so it is not asked of anything else."""
        for each in node.conditions:
            if (truth := self.truth(each, scope, bind=isinstance(each, Match))) is not True:
                return truth
        return True

    def _nodes(self, field: Field, end: int, scope: Scope) -> Iterable[Json]:
        """What the first steps of a field lead to, beginning behind the last list that is bound."""
        current: Iterable[Json] = self._start(field.root, scope)
        begin = 0
        if self._bound:
            for many in reversed(field.lists):
                if many.steps <= end and many.name in self._bound:
                    item = self._bound[many.name]
                    current, begin = [] if item is None else [item], many.steps
                    break
        for step in field.steps[begin:end]:
            current = self._further(step, current)
        return current

    def _further(self, step: Step, nodes: Iterable[Json]) -> Iterator[Json]:
        """One after the other, so that nothing is looked for once the first has decided."""
        for node in nodes:
            yield from self._below(step, node)

    def _start(self, root: Root, scope: Scope) -> list[Json]:
        kind = DOCUMENT_OF[root]
        document = self._document if kind is self._kind else scope.related
        return [] if document is None else [document]

    def _below(self, step: Step, node: Json) -> Iterable[Json]:
        self._tick()
        match step:
            case AnyElement():
                return [each for each, _ in self._all_elements(node)]
            case Start(id_short):
                return [each for each, named in self._all_elements(node) if named and each.get("idShort") == id_short]
            case _:
                return _below(step, node)

    def _all_elements(self, submodel: Document) -> list[tuple[Document, bool]]:
        """Every element, and whether its idShort is its address: in a list, that is the index alone."""
        if (known := self._elements.get(id(submodel))) is None:
            known = self._elements[id(submodel)] = list(_walk(submodel))
        return known

    # Comparisons

    def _comparison(self, node: Comparison, scope: Scope) -> Truth:
        types = (type_of(node.left), type_of(node.right))
        rights = list(self._values(node.right, scope))
        pairs = ((left, right) for left in self._values(node.left, scope) for right in rights)
        invalid = decided = False
        for left, right in pairs:
            self._tick()
            match compared(node.operator, left, right, types):
                case True:
                    return True
                case False:
                    decided = True
                case None:
                    invalid = True
        return None if invalid and not decided else False

    def _values(self, operand: Operand, scope: Scope) -> Iterator[Found]:
        match operand:
            case Literal(kind, content):
                yield Value(kind, content)
            case Casting() | DatePart():
                yield from (converted(operand, each) for each in self._values(operand.operand, scope))
            case Field():
                found = False
                for each in self._nodes(operand, len(operand.steps), scope):
                    if isinstance(each, str):
                        found = True
                        yield Value(Type.STRING, each)
                if not found:
                    yield MISSING


def _walk(element: Document) -> Iterator[tuple[Document, bool]]:
    named = element["modelType"] != "SubmodelElementList"
    for child in children(element):
        yield child, named
        yield from _walk(child)


def _below(step: Step, node: Json) -> Iterable[Json]:
    """What a step leads to from one thing; nothing where it leads nowhere."""
    match step:
        case Name(name):
            return [node[name]] if isinstance(node, dict) and name in node else ()
        case Item(index):
            return _items(node, index)
        case Child(id_short):
            return [each for each in _named(node) if each.get("idShort") == id_short]
        case ListItem(index):
            return _items(children(node), index) if node["modelType"] == "SubmodelElementList" else ()
        case Text():
            return node.get("value") or () if node["modelType"] == "MultiLanguageProperty" else [node]
        case _:
            return content(node)


def _items(found: Json, index: int | None) -> Iterable[Json]:
    if not isinstance(found, list):
        return ()
    return found if index is None else found[index : index + 1]


def _named(element: Document) -> Iterable[Document]:
    return () if element["modelType"] == "SubmodelElementList" else children(element)


def content(node: Document) -> list[str]:
    """What the attribute `value` of an element is: of a Property or File its value, of a text the text, of a
    ReferenceElement the value of the first key. Other elements have none that is one value.

    >>> content({"modelType": "Property", "valueType": "xs:int", "value": "5"})
    ['5']
    """
    match node:
        case {"modelType": "Property" | "File", "value": str(value)}:
            return [value]
        case {"modelType": "ReferenceElement", "value": {"keys": [{"value": str(value)}, *_]}}:
            return [value]
        case {"language": _, "text": str(value)}:
            return [value]
        case _:
            return []


# Truths; an invalid one makes the whole invalid


def _all(found: Sequence[Truth]) -> Truth:
    return None if None in found else all(found)


def _either(found: Sequence[Truth]) -> Truth:
    return None if None in found else any(found)


def _any(found: Iterable[Truth]) -> Truth:
    """Whether one of several things meets a condition; those of which it is invalid do not count beside others."""
    truth: Truth = None
    for each in found:
        if each is True:
            return True
        if each is False:
            truth = False
    return truth
