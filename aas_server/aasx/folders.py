"""Packages on disk: AASX files, and environments with a folder of their files beside them."""

import dataclasses
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aas_server.aasx import reader
from aas_server.aasx.package import Limits, Owner, Package, PartFinding, PartSource
from aas_server.model import Document, kind_of
from aas_server.model.errors import NotFound
from aas_server.model.files import mentions

SUFFIXES = (".aasx", ".json", ".xml")
CHUNK = 256 << 10


def files(path: Path) -> list[Path]:
    """The file itself, or every package and environment directly inside the folder, by name. Raises NotFound."""
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
        if not found:
            raise NotFound(f"{path} holds no {', '.join(SUFFIXES)} file")
        return found
    if not path.is_file():
        raise NotFound(f"{path} does not exist")
    return [path]


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[Package]:
    """What the file holds; its binaries can be streamed inside the context.

    The files that an environment names as `/x/y` are those below the folder of the same stem beside it.
    """
    with path.open("rb") as file:
        package = reader.read(file, limits)
        folder = path.with_suffix("")
        if path.suffix.lower() != ".aasx" and folder.is_dir():
            package = _beside(package, folder.resolve())
        yield package


def _beside(package: Package, folder: Path) -> Package:
    parts = dict(package.parts)
    findings = list(package.findings)
    for part, document in package.documents:
        for value, content_type, thumbnail in mentions(document):
            if "://" in value:
                continue
            file = (folder / value.lstrip("/")).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                odd = f"{document['id']!r} names the file {value!r}, which is not below {folder.name}/"
                findings.append(PartFinding(part, odd, "the name stays"))
                continue
            name = "/" + file.relative_to(folder).as_posix()
            parts[name] = _source(parts.get(name), file, content_type, thumbnail, _owner(document, value))
    return dataclasses.replace(package, parts=parts, findings=findings)


def _owner(document: Document, value: str) -> Owner:
    return Owner(kind_of(document), document["id"], value)


def _source(
    before: PartSource | None, file: Path, content_type: str | None, thumbnail: bool, owner: Owner
) -> PartSource:
    if before is not None:
        return dataclasses.replace(before, owners=(*before.owners, owner), thumbnail=before.thumbnail or thumbnail)
    guessed = content_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return PartSource(file.stat().st_size, guessed, thumbnail, (owner,), partial(_chunks, file))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened_file:
        while chunk := opened_file.read(CHUNK):
            yield chunk
