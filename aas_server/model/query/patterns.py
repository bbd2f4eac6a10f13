"""Regular expressions in time that grows with the text only (RE2), whatever the pattern."""

from functools import lru_cache
from typing import Any

import re2

from aas_server.model.errors import Malformed

#: Longest pattern, and the memory one may take, in bytes.
LONGEST, MEMORY = 1000, 1 << 20

_OPTIONS = re2.Options()
_OPTIONS.max_mem = MEMORY
_OPTIONS.log_errors = False


def compiled(pattern: str, path: str = "") -> Any:
    """The pattern, ready to search. Raises Malformed for one that RE2 does not read, or that is too large."""
    where = f"{path}: " if path else ""
    if len(pattern) > LONGEST:
        raise Malformed(f"{where}a pattern has at most {LONGEST} characters")
    try:
        return _compiled(pattern)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise Malformed(f"{where}{pattern[:80]!r} is no regular expression: {reason}") from None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, options=_OPTIONS)


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is somewhere in the text (fn:matches). Raises Malformed."""
    return compiled(pattern).search(text) is not None


_SPECIAL = ".^$*+?{}[]()|\\"


def literal(pattern: str) -> str:
    """The longest text that every match contains, as far as it is easily seen; often empty.

    >>> literal("^SN-[0-9]+-end$"), literal("ab?c"), literal("(x|y)z"), literal("a|b")
    ('-end', 'a', '', '')
    """
    if "[:" in pattern or any(sign in pattern for sign in "|()\\{"):
        return ""
    runs, run, in_class = [""], "", False
    for at, sign in enumerate(pattern):
        if in_class or sign in _SPECIAL:
            in_class = sign == "[" or (in_class and (sign != "]" or pattern[at - 1] in "[^"))
            runs.append(run)
            run = ""
        elif pattern[at + 1 : at + 2] in ("*", "?"):
            runs.append(run)
            run = ""
        else:
            run += sign
    return max((*runs, run), key=len)
