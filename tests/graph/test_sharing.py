"""Values in shared memory come back as they were written, in another process, too."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.graph.sharing import LONGEST, PLACES, Seen, Table, memory


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    descriptor = memory()
    made = Table(descriptor)
    yield made
    made.close()
    os.close(descriptor)


short = st.text(st.characters(exclude_categories=["Cs"]), max_size=LONGEST // 4)
scalars = st.floats(allow_nan=False) | st.integers(-(1 << 63), (1 << 63) - 1) | st.booleans() | short


@given(st.lists(st.tuples(st.sampled_from([0, 1, PLACES - 1]), scalars, st.integers(0, 1 << 31)), max_size=5))
def test_the_newest_value_of_each_place_is_there(table: Table, several: list[tuple[int, float | str, int]]) -> None:
    newest: dict[int, Seen] = {}
    for place, value, status in several:
        table.write(place, value, status, 1.5)
        newest[place] = Seen(value, status, 1.5)
    for place, expected in newest.items():
        seen = table.read(place)
        assert (seen, type(seen and seen.value)) == (expected, type(expected.value))


@pytest.mark.parametrize("value", [None, [1, 2], b"x", "x" * 41, 1 << 63])
def test_what_has_no_form_here_is_nothing(table: Table, value: object) -> None:
    table.write(5, 1.0, 0, 2.0)
    table.write(5, value, 7, 3.0)
    assert table.read(5) == Seen(None, 7, 3.0)


def test_a_place_that_is_cleared_holds_nothing(table: Table) -> None:
    table.write(6, "text", 0, 0.0)
    table.clear(6)
    assert (table.read(6), table.read(7)) == (None, None)


def test_a_process_that_was_forked_before_sees_what_is_written_after(table: Table) -> None:
    reading, writing = os.pipe()
    table.write(8, 1.0, 0, 0.0)
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)
        seen = table.read(8)
        os._exit(0 if seen is not None and seen.value == 2.0 else 1)
    table.write(8, 2.0, 0, 0.0)
    os.write(writing, b"x")
    _, status = os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_confined_process_opens_no_file_and_no_socket() -> None:
    program = """
import errno, os, socket
from aas_server.graph.confining import confine
confine(1 << 28)
for attempt in (lambda: open("/proc/self/status"), socket.socket, lambda: bytearray(1 << 29)):
    try:
        attempt()
    except (OSError, MemoryError) as error:
        print(type(error).__name__, getattr(error, "errno", None) == errno.EMFILE)
    else:
        os._exit(1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout.splitlines()
    assert (told[:2], told[-1]) == (["OSError True", "OSError True"], "MemoryError False"), done.stderr
