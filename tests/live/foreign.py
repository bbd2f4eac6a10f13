"""An OPC UA server that is not of the family of our client: node-opcua's sample server, from npm."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.foreign import Missing, installed, running
from tests.live.plants import free_port

__all__ = ["foreign_plant", "installed"]


@contextlib.contextmanager
def foreign_plant(home: Path) -> Iterator[str]:
    """The address of a running server whose certificates are below `home`. Skips where there is none."""
    port = free_port()
    command = ["node_modules/.bin/simple_server", "-p", str(port), "--silent"]
    try:
        installed()
    except Missing as error:
        pytest.skip(str(error))
    with running(command, home, b"waiting for connections"):
        yield f"opc.tcp://localhost:{port}"
