"""Payloads that nobody should send."""

import pytest

from aas_server.live.payloads import DEEPEST, parsed
from aas_server.model.errors import Malformed


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


def test_a_payload_may_be_nested_but_not_for_ever() -> None:
    parsed(nested(DEEPEST))
    with pytest.raises(Malformed, match=f"deeper than {DEEPEST}"):
        parsed(nested(DEEPEST + 1))


def test_many_values_side_by_side_are_not_deep() -> None:
    assert len(parsed(b"[" + b"[1]," * 500 + b"[1]]")) == 501  # type: ignore[arg-type]
