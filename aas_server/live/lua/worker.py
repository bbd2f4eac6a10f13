"""The process in which scripts run: one request a line on standard input, one answer a line on standard output.

It knows no files, no sockets and no Python; its memory is limited, its time is the parent's to limit: it kills this
process. A request holds `key`, `sources`, and `script` where the key is new; an answer `key` and `outputs` or `error`.
"""

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from lupa.lua54 import LuaError, LuaMemoryError, LuaRuntime, LuaSyntaxError, lua_type

from aas_server.live.lua import LARGEST

#: What a result may hold: values in it, nested so deep; characters of a message.
MOST, DEEPEST, LONGEST = 10_000, 16, 500
#: What a script finds; everything else is taken away.
_LEFT = (
    "assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen",
    "rawset", "select", "setmetatable", "string", "table", "tonumber", "tostring", "type", "utf8", "xpcall", "_G",
    "_VERSION",
)  # fmt: skip


class Wrong(Exception):
    """A script that cannot be used, in words."""


class Script:
    """A script with what is its own: its memory, its globals."""

    def __init__(self, text: str, memory: int) -> None:
        self._lua = LuaRuntime(
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attribute,
            max_memory=memory,
        )
        known = self._lua.globals()
        for name in [name for name in known if name not in _LEFT]:
            known[name] = None
        with _told():
            self._lua.execute(text)
        self._main = known["aimc_main"]
        if lua_type(self._main) != "function":
            raise Wrong("the Transformation has no function aimc_main")

    def run(self, sources: Mapping[str, Any]) -> dict[str, Any]:
        """What aimc_main makes of the sources. Raises Wrong."""
        with _told():
            found = self._main(self._lua.table_from(_seen(sources), recursive=True))
            if lua_type(found) != "table":
                raise Wrong("aimc_main must return a table of values by SinkId")
            return {str(name): _plain(value, [MOST], 1) for name, value in found.items()}


def _no_attribute(thing: object, name: object, setting: bool) -> object:
    raise AttributeError("nothing of Python is reached from here")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except LuaMemoryError:
        raise Wrong("the Transformation needs more memory than it may have") from None
    except LuaSyntaxError as error:
        raise Wrong(f"the Transformation is no Lua: {_shortened(error)}") from None
    except LuaError as error:
        raise Wrong(f"the Transformation failed: {_shortened(error)}") from None
    except (UnicodeDecodeError, RecursionError, OverflowError, TypeError, ValueError) as error:
        raise Wrong(f"the Transformation failed: {_shortened(error)}") from None


def _shortened(error: Exception) -> str:
    return str(error).partition("\nstack traceback")[0].replace('[string "<python>"]:', "line ")[:LONGEST]


def _seen(value: Any) -> Any:
    """JSON as a script sees it: numbers that JSON has not are written as an object."""
    match value:
        case {"$number": number}:
            return float(number)
        case dict():
            return {name: _seen(each) for name, each in value.items()}
        case list():
            return [_seen(each) for each in value]
    return value


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """A value of Lua as JSON; a table whose keys are 1 to n is a list. Raises Wrong for what is too large."""
    left[0] -= 1
    if left[0] < 0 or depth > DEEPEST:
        raise Wrong(f"the result of the Transformation is too large: {MOST} values, {DEEPEST} deep, at most")
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"$number": str(value)}
    if lua_type(value) != "table":
        raise Wrong(f"the Transformation returns a {lua_type(value) or type(value).__name__}, which is no value")
    names = list(value.keys())
    if names and all(isinstance(name, int) for name in names) and sorted(names) == list(range(1, len(names) + 1)):
        return [_plain(value[name], left, depth + 1) for name in range(1, len(names) + 1)]
    return {str(name): _plain(value[name], left, depth + 1) for name in names}


def answer(request: Mapping[str, Any], known: dict[str, Script | Wrong], memory: int) -> bytes:
    """The answer to one request. What is wrong with a script is remembered in its place."""
    key = request["key"]
    if "script" in request:
        known[key] = _made(request["script"], memory)
    try:
        return orjson.dumps({"key": key, "outputs": _run(known.get(key), request["sources"])})
    except Wrong as error:
        return orjson.dumps({"key": key, "error": str(error)})


def _run(script: Script | Wrong | None, sources: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(script, Script):
        raise script or Wrong("there is no such script")
    outputs = script.run(sources)
    if len(orjson.dumps(outputs)) > LARGEST:
        raise Wrong(f"the result of the Transformation is larger than {LARGEST} bytes")
    return outputs


def _made(text: str, memory: int) -> Script | Wrong:
    try:
        return Script(text, memory)
    except Wrong as error:
        return error


def limit(memory: int) -> None:
    """Bound what this process may take, where the system can: memory, no files, no processes."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def main(memory: int) -> None:
    limit(8 * memory + (1 << 30))
    known: dict[str, Script | Wrong] = {}
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        try:
            found = answer(request, known, memory)
        except Exception as error:  # whatever it is, the next line is another script
            found = orjson.dumps({"key": request["key"], "error": f"the Transformation failed: {_shortened(error)}"})
        sys.stdout.buffer.write(found + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
