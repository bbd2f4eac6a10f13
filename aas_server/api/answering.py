"""Answers: bytes, ETag, coding, paging, Location."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import orjson
from aiohttp import web

from aas_server.api import encoding
from aas_server.model import Json
from aas_server.model.errors import Malformed
from aas_server.model.identifiers import encode
from aas_server.model.negotiating import JSON
from aas_server.repository.entries import Entry

if TYPE_CHECKING:
    from aas_server.api.reading import Call


VARY = "Accept, Accept-Encoding"

#: What a finished answer takes beside its body, in bytes.
ANSWER = 500


class Answer(NamedTuple):
    """A finished answer, the same whether the router or the fast path sends it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def response(self) -> web.Response:
        return web.Response(status=self.status, headers=self.headers, body=self.body or None)


def represent(
    entry: Entry,
    key: object,
    make: Callable[[], bytes],
    *,
    accept_encoding: str = "",
    if_none_match: str = "",
    content_type: str = JSON,
) -> Answer:
    """One representation of a document, from the bytes `make` yields; 304 where the caller already has it.

    The answer is put together once for each revision, key and coding.
    """
    coding = encoding.chosen(accept_encoding) if accept_encoding else ""
    if if_none_match and not coding and (unchanged := _unchanged(_etag(entry, content_type), if_none_match)):
        return unchanged
    place = (key, coding, content_type)
    if (whole := entry.answers.get(place)) is None:
        whole = entry.answers[place] = _whole(entry, key, make, coding, content_type)
        entry.grow(ANSWER)
    answer: Answer = whole
    if entry.slot is not None:  # the time of an unchanged value moves on without a new version
        answer = answer._replace(headers={**answer.headers, **entry.slot.headers()})
    return (_unchanged(answer.headers["ETag"], if_none_match) if if_none_match else None) or answer


def _etag(entry: Entry, content_type: str, coding: str = "") -> str:
    return f'"{entry.etag}{encoding.FORMS.get(content_type, "")}{encoding.SUFFIX[coding]}"'


def _unchanged(etag: str, if_none_match: str) -> Answer | None:
    """304 where an If-None-Match header names this ETag."""
    return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": VARY}) if seen(if_none_match, etag[1:-1]) else None


def _whole(entry: Entry, key: object, make: Callable[[], bytes], coding: str, content_type: str) -> Answer:
    body = make()
    if coding and len(body) < encoding.WORTHWHILE:
        coding = ""
    headers = {"Content-Type": content_type, "ETag": _etag(entry, content_type, coding), "Vary": VARY}
    if coding:
        headers["Content-Encoding"] = coding
        body = entry.derive((key, coding), partial(encoding.encode, body, coding))
    return Answer(HTTPStatus.OK, headers, body)


def seen(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag (weak comparison, RFC 9110, 13.1.2)."""
    given = (part.strip().removeprefix("W/").strip('"') for part in if_none_match.split(","))
    return if_none_match.strip() == "*" or encoding.without_coding(etag) in map(encoding.without_coding, given)


def tags(header: str, name: str) -> frozenset[str]:
    """The entity tags of an If-Match or If-None-Match header, each as that of the document it is a tag of.

    >>> sorted(tags('"a-1-gzip", "b-2-xml"', "If-Match"))
    ['a-1', 'b-2']

    A weak tag matches no write (RFC 9110, 13.1.1). Raises Malformed for a header that names no tag at all.
    """
    if not header:
        return frozenset()
    parts = [part.strip() for part in header.split(",")]
    if not any(part.strip('"') for part in parts):
        raise Malformed(f"{name}: {header!r} names no entity tag")
    return frozenset(encoding.without_suffix(part.strip('"')) for part in parts)


def json(call: "Call", value: Json, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return sized(call, orjson.dumps(value), status)


def sized(call: "Call", body: bytes, status: HTTPStatus = HTTPStatus.OK, content_type: str = JSON) -> web.Response:
    """An answer without an ETag, coded when the caller takes it and it is worth it."""
    headers = {"Content-Type": content_type, "Vary": VARY}
    coding = encoding.chosen(call.header("Accept-Encoding")) if len(body) >= encoding.WORTHWHILE else ""
    if coding:
        headers["Content-Encoding"] = coding
    return web.Response(status=status, headers=headers, body=encoding.encode(body, coding))


def page(call: "Call", items: Iterable[bytes], cursor: str | None, result_type: str = "") -> web.Response:
    """A paged result joined from finished items; the last page has no cursor, an empty one is forbidden (AASa-001).

    The result of a query says what it is a list of.
    """
    typed = {"resultType": result_type} if result_type else {}
    paging = orjson.dumps({"cursor": cursor, **typed} if cursor else typed)
    return sized(call, b'{"paging_metadata":%b,"result":[%b]}' % (paging, b",".join(items)))


def paged(call: "Call", result: Json, cursor: str | None) -> web.Response:
    return json(call, {"paging_metadata": {"cursor": cursor} if cursor else {}, "result": result})


def created(call: "Call", path: str, body: bytes, etag: str = "") -> web.Response:
    """201 with the new object and where it is; `path` is relative to the API's mount."""
    headers = {"Content-Type": JSON, "Location": call.base + path}
    if etag:
        headers["ETag"] = f'"{etag}"'
    return web.Response(status=HTTPStatus.CREATED, headers=headers, body=body)


def done(entry: Entry | None = None) -> web.Response:
    """204, with the ETag of what is there now."""
    headers = {"ETag": f'"{entry.etag}"'} if entry else {}
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)


def located(collection: str, identifier: str, *rest: str) -> str:
    """A path below a collection: `located("/shells", "urn:x")`."""
    return "/".join((collection, encode(identifier), *rest))


def window(call: "Call", keys: Sequence[str]) -> tuple[int, int, str | None]:
    """Where a page over the items of one document starts and ends, and the cursor behind it.

    A cursor says how many items have been sent and carries marks of the last of them: the next page starts behind the
    last one that is still there, so that nothing that stayed is sent twice or left out, whatever else came and went.
    """
    start = 0 if (given := call.position) is None else _behind(keys, *given)
    end = min(start + call.limit, len(keys))
    return start, end, encode(f"{end}:{_marks(keys[max(0, end - MARKED) : end])}") if end < len(keys) else None


#: Items that a cursor knows again; were all of them removed between two pages, it would no longer know where it was.
MARKED = 100
#: Bytes of a mark; among so many items no two have the same.
MARK = 6


def _marks(keys: Iterable[str]) -> str:
    return "".join([hashlib.blake2b(key.encode(), digest_size=MARK).hexdigest() for key in keys])


def _behind(keys: Sequence[str], sent: int, marks: str) -> int:
    """The position behind the items that have been sent.

    Items move to the front when others go. One that is made anew under the name of a removed one stands further back;
    it counts only where none of the others is left.
    """
    if len(marks) % (2 * MARK):
        raise Malformed("the cursor was not given out by this server")
    last = [marks[start : start + 2 * MARK] for start in range(0, len(marks), 2 * MARK)]
    if 0 < sent <= len(keys) and last and _marks(keys[sent - 1 : sent]) == last[-1]:
        return sent  # nothing has moved; the only way to tell items of one name apart
    places = {_marks([key]): place for place, key in reversed(list(enumerate(keys)))}
    found = [places[mark] for mark in reversed(last) if mark in places]
    ahead = [place for place in found if place < sent]
    if ahead or found:
        return (ahead or found)[0] + 1
    return max(0, sent - len(last))
