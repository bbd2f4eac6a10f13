"""A zip file that nobody vouches for: every member is judged before the first is inflated."""

import io
import re
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from struct import error as StructError  # noqa: N812 - it is an exception
from typing import BinaryIO
from urllib.parse import unquote

from aas_server.aasx.package import Limits
from aas_server.model.errors import Malformed, TooLarge, Unsupported

CHUNK = 256 << 10

#: What zipfile and zlib say of bytes that are no zip file.
_BROKEN = (zipfile.BadZipFile, zlib.error, StructError, EOFError, ValueError, OverflowError, OSError)

_BIG = 1 << 20
_LOCAL_HEADER = 30  # bytes before the name of a member; APPNOTE 4.3.7
_DIRECTORY_ENTRY = 512  # bytes of the directory allowed for each part; without name and extra field it takes 46
_DRIVE = re.compile("[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def package_name(name: str) -> str:
    """The name of a part as documents say it: from the root, not percent-encoded.

    >>> package_name("aasx/files/data%20sheet.pdf")
    '/aasx/files/data sheet.pdf'
    """
    return "/" + unquote(name).lstrip("/")


@contextmanager
def within(part: str) -> Iterator[None]:
    """Problems raised inside say which part they are in."""
    try:
        yield
    except (Malformed, TooLarge, Unsupported) as problem:
        if part and part not in str(problem):
            raise type(problem)(f"{part}: {problem}") from None
        raise


class Archive:
    """The members of a zip file by package name. Opening it raises what reading a hostile one would cost.

    Malformed: no zip file, names that lead outside, twice or nowhere, links, members that overlap.
    TooLarge: beyond the limits. Unsupported: encrypted, or compressed by anything but deflate, which alone OPC allows
    (and whose inflating zipfile bounds, unlike that of bzip2 and lzma).
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        try:
            self._zip = zipfile.ZipFile(_Guarded(file, limits.parts * _DIRECTORY_ENTRY))
        except _BROKEN as error:
            raise Malformed(f"the package is no zip file, or not all of one: {error}") from None
        except NotImplementedError as error:
            raise Unsupported(f"the package is a zip file of a newer kind: {error}") from None
        infos = self._zip.infolist()
        if len(infos) > limits.parts:
            raise TooLarge(f"the package has {len(infos)} parts; at most {limits.parts} are read")
        _check_extent(infos, limits)
        for info in infos:
            _check_member(info, limits)
        self._infos = _by_name(infos)
        self._spelling = {name.casefold(): name for name in self._infos}

    @property
    def names(self) -> list[str]:
        return list(self._infos)

    def find(self, name: str) -> str | None:
        """The member of that name as the package spells it: OPC names are equal whatever their case."""
        return self._spelling.get(package_name(name).casefold())

    def size(self, name: str) -> int:
        return self._infos[name].file_size

    def read(self, name: str) -> bytes:
        """A part that is going to be parsed, whole. Raises TooLarge."""
        if (size := self.size(name)) > (at_most := self._limits.specification):
            raise TooLarge(f"{name} has {size} bytes; a part that is parsed has at most {at_most}")
        whole = io.BytesIO()
        for chunk in self.chunks(name):
            whole.write(chunk)
            self.check_time(name)
        return whole.getvalue()

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part in pieces. zipfile ends at the size announced and checks the CRC; what ends before is Malformed."""
        info = self._infos[name]
        missing = info.file_size
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    missing -= len(chunk)
                    yield chunk
        except (*_BROKEN, RuntimeError, NotImplementedError) as error:
            raise Malformed(f"{name} cannot be inflated: {error}") from None
        if missing:
            raise Malformed(f"{name} ends {missing} bytes before the size it announces")

    def check_time(self, name: str) -> None:
        """Raise TooLarge when the time is up."""
        if time.monotonic() > self._deadline:
            raise TooLarge(f"reading the package took more than {self._limits.seconds} s; stopped at {name}")


class _Guarded:
    """A file that zipfile reads in pieces: only the directory is read at once, and that must not be huge."""

    def __init__(self, file: BinaryIO, at_most: int) -> None:
        self._file, self._at_most = file, at_most
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size > max(self._at_most, CHUNK):
            raise TooLarge(f"the package's directory has {size} bytes; at most {self._at_most} are read")
        return self._file.read(size)

    def seekable(self) -> bool:
        return True


def _check_extent(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if (expanded := sum(info.file_size for info in infos)) > limits.expanded:
        raise TooLarge(f"the package expands to {expanded} bytes; at most {limits.expanded} are read")
    for info, following in pairwise(sorted(infos, key=lambda info: info.header_offset)):
        if info.header_offset + _LOCAL_HEADER + info.compress_size > following.header_offset:
            raise Malformed(f"{info.filename!r} and {following.filename!r} overlap in the package")


def _check_member(info: zipfile.ZipInfo, limits: Limits) -> None:
    name = info.orig_filename
    for spelling in (name, unquote(name)):
        if spelling.startswith("/") or "\\" in spelling or _DRIVE.match(spelling) or _CONTROL.search(spelling):
            raise Malformed(f"{name!r} is no name of a part: absolute, or with a backslash, drive or control character")
        if ".." in spelling.split("/"):
            raise Malformed(f"{name!r} is no name of a part: it leads out of its folder")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Malformed(f"{name!r} is a link or a device, not a file")
    if info.flag_bits & 0x1:
        raise Unsupported(f"{name!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unsupported(f"{name!r} is compressed by method {info.compress_type}; OPC knows stored and deflated")
    if info.file_size > _BIG and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise TooLarge(f"{name!r} expands to {info.file_size} bytes, more than {limits.ratio} times its size")


def _by_name(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        name = package_name(info.orig_filename)
        if info.is_dir():
            continue
        if name.casefold() in seen:
            raise Malformed(f"{name} is in the package twice (OPC names are equal whatever their case)")
        seen.add(name.casefold())
        members[name] = info
    return members
