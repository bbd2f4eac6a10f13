"""What can happen to the stored world: a change is both the order to storage and, once numbered, the news."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aas_server.model import Document, Kind, kind_of
from aas_server.model.paths import IdShortPath

#: `expected` of a Put whose document must not exist yet.
ABSENT = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A stored binary a document refers to: a thumbnail, the attachment of a File, a supplementary file."""

    sha256: str
    size: int
    content_type: str
    thumbnail: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """A document is created or replaced.

    `expected` is the revision the new document was derived from: None for any, ABSENT for none yet.
    `parts` are attached under their package names in the same step; None detaches one; what is not named stays.
    `stored_as` is the kind of a document that does not say it itself: whatever is no Identifiable.
    """

    document: Document
    expected: int | None = None
    parts: Mapping[str, Part | None] = field(default_factory=dict)
    stored_as: Kind | None = None

    @property
    def kind(self) -> Kind:
        return self.stored_as or kind_of(self.document)

    @property
    def identifier(self) -> str:
        identifier: str = self.document["id"]
        return identifier


@dataclass(frozen=True, slots=True)
class Delete:
    """A document and its parts are removed."""

    kind: Kind
    identifier: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class SetValue:
    """The value of one element becomes another, as by `PATCH …/$value`.

    `attributes` are the value-carrying attributes of the element in the normal serialisation with their new content,
    e.g. `{"value": "4.2"}` or `{"min": "0", "max": "9"}`; None removes one. `element` is the element as it was.
    """

    submodel_id: str
    path: IdShortPath
    attributes: Mapping[str, object]
    element: Document
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the plant says of one element: its new attributes, and how good they are (the name of a StatusCode).

    `element` is the element as it was stored last; `source_time` is when the source saw the value, where it says so.
    """

    path: IdShortPath
    attributes: Mapping[str, object]
    element: Document
    quality: str = "Good"
    source_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """What the plant says of elements of one submodel. Nobody has edited it, so that its revision stays.

    `revision` is the one at which the elements were looked up. Elements that are gone meanwhile are left out.
    """

    submodel_id: str
    revision: int
    values: Sequence[Told]


Change = Put | Delete | SetValue | Readings


class Event(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    VALUE = "valueChanged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change: the document's revision now, and what happened (None: it was so already)."""

    revision: int
    event: Event | None


@dataclass(frozen=True, slots=True)
class Logged:
    """A change that has been stored. `sequence` grows with every change and is the document's revision after it.

    The log carries values but no bodies: who needs a document reads it as it is now. A value that came from the plant
    has a `quality` (the name of a StatusCode) and, where the source gives one, a `source_time`.
    """

    sequence: int
    at: datetime
    event: Event
    kind: Kind
    identifier: str
    path: IdShortPath = ()
    attributes: Mapping[str, object] | None = None
    quality: str = ""
    source_time: datetime | None = None
