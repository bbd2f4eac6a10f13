"""Messages between processes over a socket: a header of JSON and a body of bytes, each with its length before it."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

#: The lengths of header and body.
LENGTHS = struct.Struct("!IQ")

Header = Mapping[str, Any]


def framed(header: Header, body: bytes = b"") -> bytes:
    written = json.dumps(header).encode()
    return LENGTHS.pack(len(written), len(body)) + written + body


def lengths(start: bytes) -> tuple[int, int]:
    """How long header and body are, by the first bytes of a message."""
    header, body = LENGTHS.unpack(start)
    return header, body


class Incoming:
    """What arrives, piece by piece, as messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The messages that are complete with this piece."""
        self._held += data
        while len(self._held) >= LENGTHS.size:
            header, body = lengths(bytes(self._held[: LENGTHS.size]))
            end = LENGTHS.size + header + body
            if len(self._held) < end:
                return
            message = bytes(self._held[LENGTHS.size : end])
            del self._held[:end]
            yield json.loads(message[:header]), message[header:]


def received(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """The next message of a socket that blocks; None where the other end is gone."""
    incoming = Incoming()
    while data := channel.recv(1 << 16):
        for message in incoming.feed(data):
            return message
    return None
