"""The list of deviations: complete, and its patches do what JSON Patch says."""

from pathlib import Path
from typing import Any

import pytest

from conformance.deviations import Deviation, patched, read


def with_patch(**patch: Any) -> list[Deviation]:
    return [Deviation("one", "clause", "choice", "reason", (patch,))]


def test_the_list_can_be_read() -> None:
    assert all(one.identifier and one.clause and one.choice and one.reason for one in read())


def test_a_deviation_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text('[[deviation]]\nid = "a"\nclause = "b"\nchoice = "c"\nreason = ""\n')
    with pytest.raises(ValueError, match="'a' lacks reason"):
        read(path)


def test_an_id_names_one_deviation(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text('[[deviation]]\nid = "a"\nclause = "b"\nchoice = "c"\nreason = "d"\n' * 2)
    with pytest.raises(ValueError, match="repeated id a"):
        read(path)


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"op": "replace", "path": "/a/b", "value": 2}, {"a": {"b": 2, "pattern": "x"}}),
        ({"op": "remove", "path": "/a/b"}, {"a": {"pattern": "x"}}),
        ({"op": "move", "from": "/a/b", "path": "/a/c"}, {"a": {"c": 1, "pattern": "x"}}),
        ({"op": "pattern", "from": "x", "value": "y"}, {"a": {"b": 1, "pattern": "y"}}),
    ],
)
def test_a_patch_changes_one_thing(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    document = {"a": {"b": 1, "pattern": "x"}}
    assert patched(document, with_patch(**patch)) == expected
    assert document == {"a": {"b": 1, "pattern": "x"}}


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "replace", "path": "/a/c", "value": 2},
        {"op": "remove", "path": "/a/c"},
        {"op": "pattern", "from": "z", "value": "y"},
        {"op": "add", "path": "/a/c", "value": 2},
    ],
)
def test_a_patch_that_finds_nothing_is_an_error(patch: dict[str, Any]) -> None:
    with pytest.raises(LookupError, match="deviation 'one'"):
        patched({"a": {"b": 1}}, with_patch(**patch))
