"""The plant: what readings, items and connections are. One module for each protocol, one vocabulary for all of them.

Quality is an OPC UA StatusCode whatever the protocol (OPC 10000-4, 7.39), a source time counts 100 ns since 1601-01-01
UTC as OPC UA does (0 where the source gives none); both are turned into words only when somebody looks.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol


class FileTime(int):
    """A point in time as a value: 100 ns since 1601-01-01 UTC; 0 is none."""

    __slots__ = ()


class LocalText(NamedTuple):
    """A text and its language; the language may be empty."""

    locale: str
    text: str


#: What a connection reads and writes. A structure is a dict by field name, an array a list, a matrix a list of lists.
Value = None | bool | int | float | str | bytes | FileTime | LocalText | list["Value"] | dict[str, "Value"]


class Reading(NamedTuple):
    """What a source said of one item; `item` is the number it is observed under. Hot paths yield plain tuples."""

    item: int
    value: Value
    status: int
    source_time: int


#: Readings as they come, plain tuples in the order of Reading's fields.
Readings = Sequence[tuple[int, Value, int, int]]


@dataclass(frozen=True, slots=True)
class Security:
    """How a session with an OPC UA server is secured, in the words of AID 1.1 (`uav_securityMode` and its like).

    `policy` is None, Basic256Sha256, Aes128_Sha256_RsaOaep or Aes256_Sha256_RsaPss, `mode` None, Sign or
    SignAndEncrypt; `auto` leaves the choice to what the server offers: the strongest. `token` is Anonymous, UserName
    or Certificate.
    """

    policy: str = "None"
    mode: str = "None"
    token: str = "Anonymous"  # noqa: S105 - the kind of a token
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a connection leads: `base` as the AID has it, without credentials, query and slash at the end."""

    base: str
    security: Security = Security()

    @property
    def scheme(self) -> str:
        return self.base.partition(":")[0].lower()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing at an endpoint: a node, a topic, a resource; a part of it where `pick` names members of its payload.

    `href` is the form's target as it stands in the AID. Intervals are in seconds. `polling` reads it at that interval;
    `observed` takes what the source sends of itself; neither: it is only written, or read for a transformation.
    `texts` asks for an enumeration's texts instead of its numbers.
    """

    href: str
    pick: tuple[str | int, ...] = ()
    observed: bool = True
    polling: float | None = None
    sampling: float | None = None
    publishing: float | None = None
    queue: int = 1
    deadband: float = 0.0
    texts: bool = False
    writable: bool = False
    #: MQTT: quality of service and whether what is written is retained.
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """A method at an endpoint: its own node and the object it belongs to."""

    href: str
    owner: str = ""


class Link(StrEnum):
    """How a connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(slots=True)
class Standing:
    """What a connection tells of itself. `errors` holds for each item in trouble a sentence with its StatusCode."""

    link: Link = Link.CONNECTING
    since: float = 0.0
    error: str = ""
    connects: int = 0
    readings: int = 0
    gaps: int = 0
    overflows: int = 0
    errors: dict[int, str] = field(default_factory=dict)


class AssetConnection(Protocol):
    """One session with one endpoint of the plant. It connects again by itself until it is closed."""

    standing: Standing

    async def observe(self, items: Mapping[int, Item]) -> None:
        """From now on exactly these, each under its number; what is observed already is not interrupted.

        Returns at once; what cannot be observed is told in `standing.errors` and tried again.
        """
        ...

    def readings(self) -> AsyncIterator[Readings]:
        """Batches as they arrive, until the connection is closed. After every gap each item comes anew.

        A slow reader gets the newest of each item. An empty batch says that `standing` has changed.
        """
        ...

    async def read(self, numbers: Sequence[int]) -> Sequence[Reading]:
        """Ask for observed items now, so that who has written finds what is there; none where nobody can be asked.

        Raises Unavailable, TimedOut.
        """
        ...

    async def write(self, orders: Sequence[tuple[Item, Value]]) -> list[int]:
        """Write all; the StatusCode of each. Raises Unavailable where there is no session: nothing is queued."""
        ...

    async def invoke(self, action: Action, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Call a method, arguments by name. Raises Unavailable, Malformed for arguments, OperationFailed."""
        ...

    async def close(self) -> None: ...
