"""The files a document names: values of File elements, paths of default thumbnails."""

from collections.abc import Iterator
from typing import Any

from aas_server.model import Document, Json

#: Where a document names a file: the path, its content type, and whether it is a thumbnail.
Mention = tuple[str, str | None, bool]


def mentions(document: Document) -> Iterator[Mention]:
    """Every file that a document names, in its order."""
    waiting: list[Json] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            waiting += [below for below in value.values() if isinstance(below, dict | list)]
            yield from _mention(value)


def _mention(value: dict[str, Any]) -> Iterator[Mention]:
    if value.get("modelType") == "File" and isinstance(path := value.get("value"), str) and path:
        yield path, value.get("contentType"), False
    picture = value.get("defaultThumbnail")
    if isinstance(picture, dict) and isinstance(path := picture.get("path"), str) and path:
        yield path, picture.get("contentType"), True


def left(old: Document, new: Document) -> set[str]:
    """The files that only the old form of a document names."""
    return {name for name, _, _ in mentions(old)} - {name for name, _, _ in mentions(new)}
