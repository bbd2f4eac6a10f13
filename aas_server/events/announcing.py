"""A change as a CloudEvent (CloudEvents 1.0, JSON format), and the position in the log that its id is."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import orjson

from aas_server.model import Document, Kind
from aas_server.model.changes import Logged
from aas_server.model.errors import Gone, Malformed
from aas_server.model.identifiers import encode
from aas_server.model.moments import iso
from aas_server.model.paths import text
from aas_server.repository import Repository

#: What is announced, and where it is found below the root of the API; everything else is internal.
PLACES: Mapping[Kind, str] = {
    Kind.SUBMODEL: "submodels",
    Kind.SHELL: "shells",
    Kind.CONCEPT: "concept-descriptions",
    Kind.SHELL_DESCRIPTOR: "shell-descriptors",
    Kind.SUBMODEL_DESCRIPTOR: "submodel-descriptors",
    Kind.CONNECTION: "live",
}

#: What the types of events begin with, as drafts of an asynchronous AAS API have it.
PREFIX = "io.admin-shell.events.v1."


class CloudEvent:
    """One announced change. Its bytes are made once, whoever many want them."""

    def __init__(self, change: Logged, store_id: str, root: str, state: Document | None = None) -> None:
        self.change = change
        #: What it is the newest event of, for readers that are content with that; None where each one counts.
        self.element = (change.identifier, change.path) if change.attributes is not None else None
        self._store_id, self._root, self._state = store_id, root, state

    @property
    def sequence(self) -> int:
        return self.change.sequence

    @property
    def type(self) -> str:
        return PREFIX + self.change.event.value

    @property
    def id(self) -> str:
        return position_text(self._store_id, self.change.sequence)

    @property
    def path(self) -> str:
        """Where the changed thing is, below the root of the API."""
        change = self.change
        if change.kind is Kind.CONNECTION:
            return PLACES[change.kind]
        place = f"{PLACES[change.kind]}/{encode(change.identifier)}"
        return f"{place}/submodel-elements/{text(change.path)}" if change.path else place

    def document(self) -> Document:
        """The event as JSON. `subject` is the id as it is, with the idShortPath behind it in an element's event."""
        change = self.change
        subject = f"{change.identifier}#{text(change.path)}" if change.path else change.identifier
        found: Document = {
            "specversion": "1.0",
            "id": self.id,
            "source": f"{self._root}/{self.path}",
            "type": self.type,
            "subject": subject,
            "time": iso(change.at),
        }
        if change.quality:
            found["quality"] = change.quality
        if change.source_time is not None:
            found["sourcetime"] = iso(change.source_time)
        data = change.attributes if change.attributes is not None else self._state
        return found if data is None else {**found, "datacontenttype": "application/json", "data": data}

    @cached_property
    def body(self) -> bytes:
        return orjson.dumps(self.document())

    @cached_property
    def frame(self) -> bytes:
        """The event as part of an event stream (HTML, 'Server-sent events')."""
        return b"id: %b\ndata: %b\n\n" % (self.id.encode(), self.body)


async def announced(repository: Repository, changes: Sequence[Logged], root: str = "") -> list[CloudEvent]:
    """The changes as events; what became of a connection is told with it."""
    connections = sorted({each.identifier for each in changes if each.kind is Kind.CONNECTION})
    found = await repository.several(Kind.CONNECTION, connections) if connections else ()
    states = {entry.identifier: entry.document for entry in found}
    store_id = repository.documents.store_id
    return [CloudEvent(each, store_id, root, states.get(each.identifier)) for each in changes]


def position_text(store_id: str, sequence: int) -> str:
    """A position in the log of one store.

    >>> position_text("3f9a", 17)
    '3f9a-17'
    """
    return f"{store_id}-{sequence}"


def position_of(given: str, store_id: str) -> int:
    """The number behind a position. Raises Malformed, or Gone where it is one of another store."""
    store, _, number = given.rpartition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise Malformed(f"{given[:80]!r} is no id of an event")
    if store not in ("", store_id):
        raise Gone(f"{given[:80]!r} is an event of another store: read the documents anew, then follow from there")
    return int(number)
