"""A registry somewhere else, by its API: descriptors are put and deleted there, and listed."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from aas_server.model import Document, Json, Kind, json
from aas_server.model.errors import Malformed
from aas_server.model.identifiers import encode

PATHS: Final = {Kind.SHELL: "shell-descriptors", Kind.SUBMODEL: "submodel-descriptors"}

#: What is the matter with the descriptor itself: asking again would not help. Anything else may pass.
_FINAL: Final = frozenset(
    {
        *(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        *(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY),
    }
)
#: What may pass although it looks like the fault of who asks.
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
#: What a deletion is answered with where there is nothing of ours to delete.
_GONE: Final = frozenset(
    {*_FINAL, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE}
)

#: Bytes that are read of a page, and shown of a refusal.
LARGEST, SHOWN = 64 << 20, 500
PATIENCE: Final = aiohttp.ClientTimeout(total=60, connect=10)


class Refused(Exception):
    """The registry does not take this descriptor, and will not when asked again."""


class Unreachable(Exception):
    """The registry cannot be reached, or cannot do what it is asked for now."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes

    @property
    def well(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def __str__(self) -> str:
        return f"{self.status} {self.body[:SHOWN].decode(errors='replace')}"


class Remote:
    """One registry; its URL may carry the name and password it asks for."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = URL(url)
        #: The URL as it may be shown.
        self.name = str(self._url.with_user(None))

    async def put(self, kind: Kind, descriptor: Document) -> None:
        """Create or replace a descriptor, also where creation is for POST (API 3.0). Raises Refused, Unreachable."""
        answer = await self._ask("PUT", self._url / PATHS[kind] / encode(descriptor["id"]), descriptor)
        if answer.status == HTTPStatus.NOT_FOUND:
            answer = await self._ask("POST", self._url / PATHS[kind], descriptor)
        if answer.status in _FINAL:
            raise Refused(str(answer))
        if not answer.well:
            raise Unreachable(str(answer))

    async def delete(self, kind: Kind, identifier: str) -> None:
        """Remove a descriptor that may be there. Raises Unreachable."""
        answer = await self._ask("DELETE", self._url / PATHS[kind] / encode(identifier))
        if not answer.well and answer.status not in _GONE:
            raise Unreachable(str(answer))

    async def listed(self, kind: Kind) -> AsyncIterator[Document]:
        """All descriptors of the registry. Raises Refused where it does not list them, Unreachable."""
        query = {"limit": "100"}
        while True:
            answer = await self._ask("GET", self._url / PATHS[kind], query=query)
            page = _page(answer)
            for descriptor in page["result"]:
                yield descriptor
            cursor = (page.get("paging_metadata") or {}).get("cursor")
            if not cursor or cursor == query.get("cursor"):
                return
            query["cursor"] = cursor

    async def _ask(
        self, method: str, url: URL, body: Document | None = None, query: Mapping[str, str] | None = None
    ) -> _Answer:
        sent = {"data": json.dump(body), "headers": {"Content-Type": "application/json"}} if body is not None else {}
        try:
            async with self._session.request(
                method,
                url.with_query(query),
                allow_redirects=False,
                timeout=PATIENCE,
                **sent,  # type: ignore[arg-type]
            ) as answer:
                return _Answer(answer.status, await _read(answer.content))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from None


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """The body, as far as it is looked at."""
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > LARGEST:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {LARGEST} bytes")
    return bytes(body)


def _page(answer: _Answer) -> Document:
    """A page of descriptors. Raises Refused where there will never be one, Unreachable where there is none now."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING:
        raise Unreachable(str(answer))
    with contextlib.suppress(Malformed):
        page: Document = json.parse(answer.body) if answer.well else {}
        match page:
            case {"result": [*found]} if all(_has_id(each) for each in found):
                return page
    raise Refused(f"no page of descriptors: {answer}")


def _has_id(descriptor: Json) -> bool:
    return isinstance(descriptor, dict) and isinstance(descriptor.get("id"), str)
