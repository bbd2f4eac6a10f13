"""What the commands do that ask a running server: requests, answers, and tables for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import aiohttp
import orjson

from aas_server.live.http import words
from aas_server.model import Document
from aas_server.model.errors import Malformed, Refused, Unavailable

#: Seconds that a server may take to answer.
ANSWER = 300.0


async def answered(method: str, url: str, **given: Any) -> tuple[str, bytes]:
    """Media type and body of what a server answers.

    Raises Malformed for what is no address of one, Unavailable, Refused with what it says.
    """
    if not url.startswith(("http://", "https://")):
        raise Malformed(f"{url.partition('/')[0]} is no address of a server; it is like http://127.0.0.1:8080")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER)) as client,
            client.request(method, url, **given) as answer,
        ):
            body = await answer.read()
            if answer.status == 503:
                raise Unavailable(_told(body) or str(answer.reason))
            if answer.status >= 400:
                raise Refused(f"{url} answers {answer.status}: {_told(body) or answer.reason}")
            return answer.content_type, body
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"{url}: {words(error)}") from None


async def document(method: str, url: str, **given: Any) -> Document:
    """The JSON object that a server of ours answers. Raises Unavailable, Refused."""
    _, body = await answered(method, url, **given)
    try:
        return cast(Document, orjson.loads(body)) if body else {}
    except ValueError:
        raise Refused(f"{url} answers something else than this server does") from None


def _told(body: bytes) -> str:
    """The texts of a Result."""
    try:
        return "; ".join(str(each.get("text")) for each in orjson.loads(body)["messages"])
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""


def table(name: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Columns as wide as what is in them; the last one has no end."""
    yield f"{name}: {len(rows) or 'none'}"
    if not rows:
        return
    cells = [list(heads), *([_cell(each) for each in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    for row in cells:
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join([*padded, row[-1]]).rstrip()
    yield ""


def _cell(value: Any) -> str:
    """A value in one line of a terminal, which obeys what it is sent."""
    text = "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    return "".join(each if each.isprintable() else "?" for each in (text if len(text) <= 200 else text[:197] + "..."))
