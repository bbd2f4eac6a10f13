"""Documents and files → an AASX package: the same input gives the same bytes, and no file is held in memory."""

import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import quote

from lxml import etree

from aas_server.aasx import relationships
from aas_server.aasx.archive import package_name
from aas_server.aasx.package import Streamed
from aas_server.model import Document, json, xml
from aas_server.model.errors import Malformed

_ORIGIN = "/aasx/aasx-origin"
_RELS_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
#: What deflate cannot make smaller.
_PACKED = ("image/jpeg", "image/png", "application/pdf", "application/zip", "video/")
_SAFE = "/!$&'()*+,;=:@-._~"  # pchar of RFC 3986, which part names consist of


def write(out: BinaryIO, environment: Document, parts: Mapping[str, Streamed], *, as_json: bool = False) -> None:
    """Write a package with one environment, in XML or JSON, and files by package name.

    The first thumbnail becomes that of the package. Raises Malformed for two names that OPC takes for one, or that
    packaging itself uses, Invalid where the environment cannot be written as XML. `out` need not be seekable.
    """
    files = _named(parts)
    form = "json" if as_json else "xml"
    specification = _free(f"/aasx/{form}/content.{form}", files)
    text = json.dump(environment) if as_json else xml.write(environment)
    types = {specification: f"application/{form}", _ORIGIN: "text/plain"}
    types |= {name: part.content_type for name, part in files.items()}
    thumbnail = next((name for name, part in files.items() if part.thumbnail), None)
    supplementary = [name for name in files if name != thumbnail]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        _add(package, relationships.CONTENT_TYPES, _content_types(types))
        leads = [(relationships.ORIGIN, _ORIGIN)] + ([(relationships.THUMBNAIL, thumbnail)] if thumbnail else [])
        _add(package, relationships.of(relationships.ROOT), _relationships(leads))
        _add(package, _ORIGIN, b"Intentionally empty.")
        _add(package, relationships.of(_ORIGIN), _relationships([(relationships.SPECIFICATION, specification)]))
        _add(package, specification, text)
        if supplementary:
            leads = [(relationships.SUPPLEMENTARY, name) for name in supplementary]
            _add(package, relationships.of(specification), _relationships(leads))
        for name, part in files.items():
            _stream(package, name, part)


def _named(parts: Mapping[str, Streamed]) -> dict[str, Streamed]:
    """The files by their names in the package, sorted."""
    files: dict[str, Streamed] = {}
    for name in sorted(parts):
        canonical = posixpath.normpath(package_name(name))
        if canonical.casefold() in {used.casefold() for used in (*files, _ORIGIN, relationships.CONTENT_TYPES)}:
            raise Malformed(f"{name!r} is the name of another part of the package")
        if canonical.endswith(".rels") or canonical == "/" or any(ord(letter) < 32 for letter in canonical):
            raise Malformed(f"{name!r} is no name of a file in a package")
        files[canonical] = parts[name]
    return files


def _free(name: str, files: Mapping[str, Streamed]) -> str:
    used = {file.casefold() for file in files}
    stem, extension = posixpath.splitext(name)
    count = 0
    while name in used:
        count += 1
        name = f"{stem}-{count}{extension}"
    return name


def _uri(name: str) -> str:
    return quote(name, safe=_SAFE)


def _content_types(types: Mapping[str, str]) -> bytes:
    root = _root(relationships.CONTENT_TYPES_NS, "Types")
    _below(root, "Default", Extension="rels", ContentType=_RELS_TYPE)
    for name, content_type in sorted(types.items()):
        _below(root, "Override", PartName=_uri(name), ContentType=content_type)
    return _text(root)


def _relationships(leads: list[tuple[str, str]]) -> bytes:
    root = _root(relationships.RELATIONSHIPS_NS, "Relationships")
    for number, (kind, target) in enumerate(leads, start=1):
        _below(root, "Relationship", Type=kind, Target=_uri(target), Id=f"r{number}")
    return _text(root)


def _root(namespace: str, name: str) -> etree._Element:
    default: dict[str | None, str] = {None: namespace}
    return etree.Element(f"{{{namespace}}}{name}", nsmap=default)  # type: ignore[arg-type]  # the stubs know no default


def _below(root: etree._Element, name: str, **attributes: str) -> None:
    etree.SubElement(root, f"{{{etree.QName(root).namespace}}}{name}", attributes)


def _text(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _member(name: str, content_type: str = "") -> zipfile.ZipInfo:
    spelled = name if name == relationships.CONTENT_TYPES else _uri(name)
    info = zipfile.ZipInfo(spelled.removeprefix("/"), (1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_STORED if content_type.startswith(_PACKED) else zipfile.ZIP_DEFLATED
    return info


def _add(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    package.writestr(_member(name), content)


def _stream(package: zipfile.ZipFile, name: str, part: Streamed) -> None:
    info = _member(name, part.content_type)
    info.file_size = part.size
    with package.open(info, "w") as member:
        chunks: Iterator[bytes] = part.chunks()
        for chunk in chunks:
            member.write(chunk)
