"""The SerializationModifiers of Part 2: content, level and extent of an answer, and the API version it is given in."""

from enum import StrEnum
from typing import Protocol


class _Word(StrEnum):
    """Words that are keys of dictionaries on every path; Enum's own hash is a function in Python."""

    __hash__ = str.__hash__


class ApiVersion(_Word):
    """A minor version of the API whose answers differ: V30 stands for 3.0.0 to 3.0.3."""

    V30 = "3.0"
    V31 = "3.1"


class Content(_Word):
    """What is shown of an object; the value is the path suffix."""

    NORMAL = ""
    METADATA = "$metadata"
    VALUE = "$value"
    REFERENCE = "$reference"
    PATH = "$path"


class Level(_Word):
    DEEP = "deep"
    CORE = "core"


class Extent(_Word):
    WITHOUT_BLOB = "withoutBlobValue"
    WITH_BLOB = "withBlobValue"


class Modifiers(Protocol):
    """The modifiers of one request; None where the caller gave none, which means deep and withoutBlobValue."""

    @property
    def content(self) -> Content: ...

    @property
    def level(self) -> Level | None: ...

    @property
    def extent(self) -> Extent | None: ...

    @property
    def version(self) -> ApiVersion: ...
