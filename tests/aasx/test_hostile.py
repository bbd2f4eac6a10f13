"""Packages meant to do harm: refused with the part named, at a bounded cost of memory."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.aasx import reader
from aas_server.aasx.package import Limits
from aas_server.model.errors import Malformed, Problem, TooLarge, Unsupported
from tests.aasx.packages import AASX, environment, members, rels, zipped

MEBIBYTE = 1 << 20
DOCTYPE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def member(name: str, content: bytes = b"x", **attributes: int) -> io.BytesIO:
    """A sound package with one more member, whose directory entry is as the attributes say."""
    package = zipped(members())
    with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.filename = name  # as given, where ZipInfo would have mended it
        info.compress_type = zipfile.ZIP_DEFLATED
        for attribute, value in attributes.items():
            setattr(info, attribute, value)
        archive.writestr(info, content)
    return package


def patched(package: io.BytesIO, name: str, field: int, form: str, value: int) -> io.BytesIO:
    """The package with one field of a directory entry overwritten; fields by their offset (APPNOTE 4.3.12)."""
    content = bytearray(package.getvalue())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    struct.pack_into(form, content, entry + field, value)
    return io.BytesIO(bytes(content))


def two_of_one_name() -> io.BytesIO:
    package = member("aasx/x.pdf")
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("aasx/X.pdf", b"other")
    return package


def overlapping() -> io.BytesIO:
    """Two directory entries of one place: each announces the whole size again."""
    return patched(patched(member("aasx/a.bin"), "aasx/a.bin", 42, "<L", 0), "aasx/a.bin", 20, "<L", 3)


def truncated() -> io.BytesIO:
    return io.BytesIO(member("aasx/a.bin", os.urandom(5000)).getvalue()[:-3000])


def many() -> io.BytesIO:
    return zipped(members(**{f"aasx/{n}": b"" for n in range(10_001)}))


def nested(form: str) -> str:
    if form == "json":
        return '{"submodels":' + "[" * 5000
    inside = "<submodelElementCollection><value>"
    return environment(f"<submodels><submodel><submodelElements>{inside * 101}")


def opened(package: io.BytesIO) -> None:
    """Read a package and every part of it."""
    for part in reader.read(package).parts.values():
        for _ in part.chunks():
            pass


HOSTILE: dict[str, tuple[Callable[[], io.BytesIO], type[Problem], str]] = {
    "parent": (lambda: member("aasx/../../evil"), Malformed, r"'aasx/../../evil' .* leads out of its folder"),
    "escaped parent": (lambda: member("aasx/%2e%2e/evil"), Malformed, "leads out of its folder"),
    "absolute": (lambda: member("/etc/passwd"), Malformed, "'/etc/passwd' is no name"),
    "backslash": (lambda: member("aasx\\evil"), Malformed, "backslash"),
    "drive": (lambda: member("C:evil"), Malformed, "'C:evil' is no name"),
    "control character": (lambda: member("aasx/a\nb"), Malformed, "control character"),
    "link": (
        lambda: member("aasx/link", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16, create_system=3),
        Malformed,
        "'aasx/link' is a link",
    ),
    "encrypted": (lambda: patched(member("aasx/e"), "aasx/e", 8, "<H", 1), Unsupported, "'aasx/e' is encrypted"),
    "bzip2": (
        lambda: member("aasx/b", b"x" * 99, compress_type=zipfile.ZIP_BZIP2),
        Unsupported,
        "'aasx/b' is compressed by method 12",
    ),
    "lzma": (lambda: member("aasx/l", compress_type=zipfile.ZIP_LZMA), Unsupported, "'aasx/l' .* method 14"),
    "two of one name": (two_of_one_name, Malformed, "/aasx/X.pdf is in the package twice"),
    "overlap": (overlapping, Malformed, "overlap in the package"),
    "truncated": (truncated, Malformed, "no zip file, or not all of one"),
    "many parts": (many, TooLarge, "10006 parts; at most 10000"),
    "ratio": (lambda: member("aasx/bomb", bytes(50 * MEBIBYTE)), TooLarge, "'aasx/bomb' expands to 52428800 bytes"),
    "size announced too small": (
        lambda: patched(member("aasx/s", os.urandom(3000)), "aasx/s", 24, "<L", 10),
        Malformed,
        "/aasx/s cannot be inflated: Bad CRC",
    ),
    "size announced too large": (
        lambda: patched(member("aasx/s", os.urandom(3000)), "aasx/s", 24, "<L", 4000),
        Malformed,
        "/aasx/s ends 1000 bytes before the size it announces",
    ),
    "damaged": (
        lambda: io.BytesIO(
            member("aasx/s", b"uninjured", compress_type=zipfile.ZIP_STORED).getvalue().replace(b"unin", b"iiin")
        ),
        Malformed,
        "/aasx/s cannot be inflated: Bad CRC",
    ),
    "DTD in an environment": (
        lambda: zipped(members(DOCTYPE + environment())),
        Malformed,
        "/aasx/data.xml: the XML has a DOCTYPE",
    ),
    "DTD in relationships": (
        lambda: zipped(members(**{"_rels/.rels": DOCTYPE + rels((f"{AASX}/aasx-origin", "/aasx/aasx-origin"))})),
        Malformed,
        "/_rels/.rels: the XML has a DOCTYPE",
    ),
    "DTD in content types": (
        lambda: zipped(members(**{"[Content_Types].xml": DOCTYPE + "<Types/>"})),
        Malformed,
        r"/\[Content_Types\].xml: the XML has a DOCTYPE",
    ),
    "deep XML": (lambda: zipped(members(nested("xml"))), Problem, "/aasx/data.xml: "),
    "deep JSON": (lambda: zipped(members(nested("json"))), Problem, "/aasx/data.xml: "),
}


@pytest.mark.parametrize(("package", "problem", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_packages_are_refused(package: Callable[[], io.BytesIO], problem: type[Problem], message: str) -> None:
    content = package()
    with pytest.raises(problem, match=message):
        opened(content)


def test_relationships_that_name_each_other_end() -> None:
    circle = {
        "aasx/_rels/data.xml.rels": rels((f"{AASX}/aas-spec-split", "data.xml"), (f"{AASX}/aas-suppl", "data.xml"))
    }
    assert len(reader.read(zipped(members(**circle))).documents) == 1


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(parts=4), "5 parts; at most 4"),
        (Limits(expanded=500), "expands to .* at most 500"),
        (Limits(specification=20), r"/\[Content_Types\].xml has .* at most 20"),
        (Limits(seconds=0), "took more than 0 s; stopped at /"),
        (Limits(body=30), "the package has .* at most 30"),
    ],
)
def test_each_limit_is_kept(limits: Limits, message: str) -> None:
    with pytest.raises(TooLarge, match=message):
        reader.read(zipped(members()), limits)


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    package = zipped({f"aasx/{n:07}": b"" for n in range(20_000)})
    with pytest.raises(TooLarge, match="the package's directory has"):
        reader.read(package, Limits(parts=100))


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["ratio", "many parts", "bzip2", "deep XML", "deep JSON"])
def test_refusing_costs_little_memory(name: str, traced: Callable[[], int]) -> None:
    package, problem, _ = HOSTILE[name]
    content = package()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(problem):
        opened(content)
    assert traced() - before < 16 * MEBIBYTE


def test_a_large_part_is_streamed(traced: Callable[[], int]) -> None:
    content = member("aasx/large", os.urandom(MEBIBYTE) * 40)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    opened(content)
    assert traced() - before < 4 * MEBIBYTE


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    sound = zipped(members(**{"aasx/files/a.pdf": b"%PDF" * 100})).getvalue()
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(2, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(content)), st.integers(2, len(content))))
    try:
        opened(io.BytesIO(bytes(content[:end])))
    except (Malformed, TooLarge, Unsupported):
        return
