"""Content codings of answers: gzip and zstd by Accept-Encoding, made once for each revision."""

import functools

import zstandard

from aas_server.model.negotiating import JSONLD, NTRIPLES, RDFXML, TURTLE, XML

try:
    from isal import igzip as gzips  # ten times faster than zlib at level 1
except ImportError:  # pragma: no cover - machines without a wheel of isal
    import gzip as gzips  # type: ignore[no-redef]

#: Below this many bytes a coding costs more than it saves.
WORTHWHILE = 1400

#: What an ETag ends with when the answer is coded: each coding is a representation of its own (RFC 9110, 8.8.3.3).
SUFFIX = {"": "", "gzip": "-gzip", "zstd": "-zstd"}
#: What the ETag of a document ends in where it is shown as something else than JSON.
FORMS = {XML: "-xml", TURTLE: "-ttl", JSONLD: "-jsonld", NTRIPLES: "-nt", RDFXML: "-rdf"}


@functools.lru_cache(maxsize=512)
def chosen(accept_encoding: str) -> str:
    """The coding to use for an Accept-Encoding header: the better of what we offer, or none.

    >>> chosen("gzip, deflate, br, zstd"), chosen("gzip;q=0, identity"), chosen("")
    ('zstd', '', '')
    """
    offered: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        offered[name.strip()] = _quality(parameters)
    candidates = [(offered.get(name, offered.get("*", 0.0)), name) for name in ("zstd", "gzip")]
    quality, name = max(candidates, key=lambda candidate: candidate[0])
    return name if quality > 0 else ""


def _quality(parameters: str) -> float:
    name, _, number = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0


def encode(body: bytes, coding: str) -> bytes:
    match coding:
        case "gzip":
            return bytes(gzips.compress(body, 1))
        case "zstd":
            return zstandard.ZstdCompressor(level=1).compress(body)
        case _:
            return body


def without_coding(etag: str) -> str:
    """The ETag of a representation, whatever it is coded as."""
    return etag.removesuffix("-gzip").removesuffix("-zstd")


def without_suffix(etag: str) -> str:
    """The ETag of the document behind the ETag of one of its representations."""
    whole = without_coding(etag)
    form = next((each for each in FORMS.values() if whole.endswith(each)), "")
    return whole.removesuffix(form)
