"""A server as a process of its own, for tests that share what it has loaded."""

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def serving(folder: Path, environment: dict[str, Any], *options: str) -> Iterator[str]:
    """Its address, as long as the block lasts."""
    (folder / "load.json").write_text(json.dumps(environment), encoding="utf-8")
    command = [sys.executable, "-m", "aas_server", "serve", "--port", "0", "--store", "sqlite:///:memory:"]
    process = subprocess.Popen(
        [*command, "--load", "load.json", *options], stdout=subprocess.PIPE, text=True, cwd=folder
    )
    assert process.stdout is not None
    try:
        lines = list(itertools.takewhile(lambda line: not line.startswith("ready"), process.stdout))
        yield next(line.split()[3] for line in lines if "listens on" in line)
    finally:
        process.terminate()
        process.communicate(timeout=30)
