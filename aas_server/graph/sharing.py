"""Live values in memory that processes share: written by one, seen by all at once, whenever they were forked.

A place has 64 bytes: a count that is odd while it is written, what kind of value, how long its text, quality, source
time in seconds since 1970, and the value: a number, or at most 40 bytes of text.
"""

import math
import mmap
import os
import struct
import tempfile
from dataclasses import dataclass

#: Places: of a million live elements; memory is taken for those that are written.
PLACES, SIZE = 1 << 20, 64
_COUNT, _HEAD = struct.Struct("<I"), struct.Struct("<BBxxId")
_NUMBER, _INTEGER = struct.Struct("<d"), struct.Struct("<q")
_HEAD_AT, _VALUE_AT, LONGEST = 4, 24, SIZE - 24
#: Kinds of values.
NOTHING, DOUBLE, INTEGER, BOOLEAN, TEXT = range(5)
#: What stands for the place of an element that has none any more.
NOWHERE = -1

Scalar = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a place holds: None where its value has no form here, the StatusCode, and the source time in seconds."""

    value: Scalar | None
    status: int
    source_time: float


def memory() -> int:
    """A file that only exists in memory where there are such, and nowhere by name; returns its descriptor."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("live values")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, PLACES * SIZE)
    return descriptor


class Table:
    """The places, over such a file."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, PLACES * SIZE)

    def write(self, place: int, value: object, status: int, source_time: float) -> None:
        """Put a value; whoever reads meanwhile reads again."""
        at, held = place * SIZE, self._memory
        (count,) = _COUNT.unpack_from(held, at)
        _COUNT.pack_into(held, at, (count + 1 | 1) & 0xFFFFFFFF)
        kind, length = self._put(at + _VALUE_AT, value)
        _HEAD.pack_into(held, at + _HEAD_AT, kind, length, status, source_time)
        _COUNT.pack_into(held, at, (count + 2) & 0xFFFFFFFE)

    def _put(self, at: int, value: object) -> tuple[int, int]:
        match value:
            case bool():
                _INTEGER.pack_into(self._memory, at, value)
                return BOOLEAN, 0
            case float():
                _NUMBER.pack_into(self._memory, at, value)
                return DOUBLE, 0
            case int() if -(1 << 63) <= value < 1 << 63:
                _INTEGER.pack_into(self._memory, at, value)
                return INTEGER, 0
            case str() if len(given := value.encode(errors="replace")) <= LONGEST:
                self._memory[at : at + len(given)] = given
                return TEXT, len(given)
        return NOTHING, 0

    def read(self, place: int) -> Seen | None:
        """What is there; None where nothing is."""
        at = place * SIZE
        for _ in range(100):
            taken = self._memory[at : at + SIZE]
            (count,) = _COUNT.unpack_from(taken)
            if not count:
                return None
            if count % 2 == 0 and taken == self._memory[at : at + SIZE]:
                return self._seen(taken)
        return None

    @staticmethod
    def _seen(taken: bytes) -> Seen | None:
        kind, length, status, source_time = _HEAD.unpack_from(taken, _HEAD_AT)
        value: Scalar | None = None
        match kind:
            case 1:
                value = _NUMBER.unpack_from(taken, _VALUE_AT)[0]
            case 2:
                value = _INTEGER.unpack_from(taken, _VALUE_AT)[0]
            case 3:
                value = bool(_INTEGER.unpack_from(taken, _VALUE_AT)[0])
            case 4:
                value = taken[_VALUE_AT : _VALUE_AT + length].decode(errors="replace")
        return Seen(value, status, source_time if math.isfinite(source_time) else 0.0)

    def clear(self, place: int) -> None:
        """Nothing is there any more."""
        self._memory[place * SIZE : (place + 1) * SIZE] = bytes(SIZE)

    def close(self) -> None:
        self._memory.close()
