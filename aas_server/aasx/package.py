"""What a package is to the server, whatever form it came in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from aas_server.model import Document, Kind, kind_of

#: The attribute of an Environment that holds each kind, in the order of Part 1.
LISTS = {
    Kind.SHELL: "assetAdministrationShells",
    Kind.SUBMODEL: "submodels",
    Kind.CONCEPT: "conceptDescriptions",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a package is read before it is refused."""

    body: int = 512 << 20  # bytes of the package itself
    parts: int = 10_000  # members of the zip file
    expanded: int = 2 << 30  # bytes of all members together, inflated
    ratio: int = 200  # inflated : deflated, of members above 1 MiB
    specification: int = 64 << 20  # bytes of a part that is parsed: environments, relationships, content types
    seconds: float = 60.0  # for inflating and parsing all of them


class Owner(NamedTuple):
    """A document a part belongs to, and the name by which the document calls it (a `File.value`, a `Resource.path`)."""

    kind: Kind
    identifier: str
    name: str


class Streamed(Protocol):
    """A binary on its way into a package."""

    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def thumbnail(self) -> bool: ...
    @property
    def chunks(self) -> Callable[[], Iterator[bytes]]: ...


@dataclass(frozen=True, slots=True)
class PartSource:
    """A binary in a package. `chunks()` streams it, as often as wanted and as long as the package's file is open.

    Streaming raises Malformed where the bytes are not those that the package announces.
    """

    size: int
    content_type: str
    thumbnail: bool
    owners: tuple[Owner, ...]
    chunks: Callable[[], Iterator[bytes]]


class PartFinding(NamedTuple):
    """Something odd in a part of a package (empty: in the package as a whole), and what was made of it."""

    part: str
    odd: str
    done: str

    def __str__(self) -> str:
        return f"{self.part or 'package'}: {self.odd}; {self.done}"


@dataclass(frozen=True, slots=True)
class Package:
    """What was read: documents with the part they came from (shells, submodels, concept descriptions), and binaries.

    The name of a part starts with `/` and is not percent-encoded, e.g. `/aasx/files/data sheet.pdf`.
    """

    documents: list[tuple[str, Document]]
    parts: dict[str, PartSource]
    findings: list[PartFinding]

    @property
    def environment(self) -> Document:
        """All documents as one Environment; a list that would be empty is absent."""
        return environment([document for _, document in self.documents])


def environment(documents: list[Document]) -> Document:
    """Documents of any kinds as one Environment, each list in the order given."""
    lists = {name: [d for d in documents if kind_of(d) is kind] for kind, name in LISTS.items()}
    return {name: below for name, below in lists.items() if below}
