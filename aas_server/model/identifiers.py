"""Identifiers in URLs: base64url without padding (Part 2, 'Identifiers in the path')."""

import base64
import binascii
import re
from functools import lru_cache

from aas_server.model.errors import Malformed

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*\Z")


def encode(identifier: str) -> str:
    """
    >>> encode("urn:x:1")
    'dXJuOng6MQ'
    """
    return base64.urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


@lru_cache(4096)
def decode(encoded: str, *, padded: bool = False) -> str:
    """The identifier behind its base64url form; `padded` also takes `=` at the end, as 3.0 clients send it.

    >>> decode("dXJuOng6MQ")
    'urn:x:1'

    Raises Malformed where the text is not base64url of UTF-8.
    """
    bare = encoded.rstrip("=") if padded else encoded
    if bare.endswith("="):
        raise Malformed(f"{encoded!r} ends with '=': identifiers are base64url without padding (RFC 4648, section 5)")
    if not _ALPHABET.match(bare):
        raise Malformed(
            f"{encoded!r} is no base64url (RFC 4648, section 5) of an identifier; if that is the identifier, "
            f"write {encode(encoded)}"
        )
    if not bare or len(bare) % 4 == 1:
        raise Malformed(f"{encoded!r} is no base64url (RFC 4648, section 5) of an identifier")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Malformed(f"{encoded!r} is no base64url (RFC 4648, section 5) of UTF-8 text") from None
