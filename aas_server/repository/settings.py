"""Values to be set in one submodel: gathered, so that many callers share one step of the storage."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aas_server.model import Document
from aas_server.model.changes import Change, SetValue
from aas_server.model.edit import apply_values
from aas_server.model.errors import PreconditionFailed
from aas_server.model.paths import IdShortPath, resolver
from aas_server.repository.conditions import NONE, Condition
from aas_server.repository.entries import Entry

#: From the submodel as it is to the new attributes of some of its elements.
ValuesOf = Callable[[Document], Sequence[tuple[IdShortPath, Mapping[str, object]]]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one caller wants to set, and where it is told the outcome."""

    values: ValuesOf
    condition: Condition
    done: asyncio.Future[Entry]

    def settle(self, entry: Entry) -> None:
        if not self.done.done():
            self.done.set_result(entry)

    def refuse(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Batch:
    """The orders for several settings of one submodel; one that is wrong is refused and leaves no trace."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.document = entry.document
        self.orders: list[Change] = []
        #: Settings with the number of orders up to theirs (0: nothing changes), and the document after them.
        self.settled: list[tuple[Setting, int, Document]] = []

    def add(self, setting: Setting) -> None:
        try:
            self._check(setting.condition)
            updates = setting.values(self.document)
        except Exception as error:
            setting.refuse(error)
            return
        element_at = resolver(self.document)
        for path, attributes in updates:
            element = element_at(path)
            # Only the first order states the revision, as each moves it on.
            expected = None if self.orders else self.entry.revision
            self.orders.append(SetValue(self.entry.identifier, path, attributes, element, expected))
        if updates:
            self.document = apply_values(self.document, updates)
        self.settled.append((setting, len(self.orders), self.document))

    def _check(self, condition: Condition) -> None:
        if condition is not NONE and self.orders:
            raise PreconditionFailed("If-Match does not hold: another value has just been set")
        condition.check(self.entry.etag)
