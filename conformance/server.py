"""A server of our own as a real process, for the time of a run."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"
PATIENCE = 60.0


class DidNotStart(Exception):
    """The server ended, or was not ready in time; the message carries what it printed."""


def data() -> Path:
    """What the engine reads: its test package where it lies beside the project, else our example of every element."""
    package = SHARED / "corpus/engine-testdata/TestData.aasx"
    return package if package.exists() else PROJECT / "submodels/examples/elements.json"


@contextmanager
def running(*load: Path, options: Sequence[str] = ()) -> Iterator[str]:
    """The base URL of a server that holds what `load` names; it ends with the block. Raises DidNotStart."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("aas-server")), "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--store", "sqlite:///:memory:", *options]
    for path in load:
        command += ["--load", str(path)]
    with TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 -- our own program
        try:
            await_ready(process, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        except DidNotStart as error:
            output.seek(0)
            raise DidNotStart(f"{error}:\n{output.read().decode(errors='replace')}") from None
        finally:
            stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_ready(process: subprocess.Popen[bytes], base: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise DidNotStart(f"the server ended with {process.returncode}")
        if is_ready(base):
            return
        time.sleep(0.05)
    raise DidNotStart(f"the server was not ready after {PATIENCE:.0f} s")


def is_ready(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/health/ready", timeout=5) as answer:  # noqa: S310 -- always http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
