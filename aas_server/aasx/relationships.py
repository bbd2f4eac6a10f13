"""The parts of OPC that tie a package together: relationships and content types (ECMA-376 Part 2)."""

import posixpath
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from aas_server.model import xml

CONTENT_TYPES = "/[Content_Types].xml"
ROOT = "/"
ORIGIN = "http://admin-shell.io/aasx/relationships/aasx-origin"
SPECIFICATION = "http://admin-shell.io/aasx/relationships/aas-spec"
SPLIT = "http://admin-shell.io/aasx/relationships/aas-spec-split"
SUPPLEMENTARY = "http://admin-shell.io/aasx/relationships/aas-suppl"
THUMBNAIL = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
SIGNATURE = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"

RELATIONSHIPS_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES_NS = "http://schemas.openxmlformats.org/package/2006/content-types"

_HOSTS = ("http://www.admin-shell.io/", "https://www.admin-shell.io/", "https://admin-shell.io/")


class Relationship(NamedTuple):
    """A pointer from a part (or the package) to another: `type` in today's spelling, `written` as it stands there."""

    type: str
    written: str
    target: str
    external: bool
    identifier: str | None


def of(part: str) -> str:
    """The name of the part that holds the relationships of another.

    >>> of("/aasx/aasx-origin"), of("/")
    ('/aasx/_rels/aasx-origin.rels', '/_rels/.rels')
    """
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def read(text: bytes) -> Iterator[Relationship]:
    """The relationships in a .rels part. Raises Malformed as `model.xml.parse` does."""
    for element in xml.parse(text).iter("{*}Relationship"):
        written = element.get("Type", "")
        host = next((host for host in _HOSTS if written.startswith(host)), "")
        yield Relationship(
            f"http://admin-shell.io/{written.removeprefix(host)}" if host else written,
            written,
            element.get("Target", ""),
            element.get("TargetMode") == "External",
            element.get("Id"),
        )


def resolve(source: str, target: str) -> str | None:
    """The part that a target or a `File.value` means, seen from the part it stands in; None where it lies outside.

    >>> resolve("/aasx/aasx-origin", "xml/content.xml"), resolve("/", "https://example.org/a.pdf")
    ('/aasx/xml/content.xml', None)
    """
    try:
        scheme, host, path, _, _ = urlsplit(target.strip())
    except ValueError:
        return None
    if scheme not in ("", "file") or host or not path:
        return None
    return posixpath.normpath("/" + posixpath.join(posixpath.dirname(source), unquote(path)).lstrip("/"))


def content_types(text: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Content types by extension and by part, both in lower case. Raises Malformed as `model.xml.parse` does."""
    root = xml.parse(text)
    defaults = {e.get("Extension", "").lower(): e.get("ContentType", "") for e in root.iter("{*}Default")}
    overrides = {unquote(e.get("PartName", "")).casefold(): e.get("ContentType", "") for e in root.iter("{*}Override")}
    return defaults, overrides
