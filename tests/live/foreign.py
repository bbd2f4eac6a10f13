"""An OPC UA server that is not of the family of our client: node-opcua's sample server, from npm."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.plants import free_port

VERSION = "2.186.4"
#: The newest samples name versions of other packages that were never published; these are there.
PACKAGE = {
    "name": "foreign-plant",
    "version": "1.0.0",
    "private": True,
    "dependencies": {"node-opcua-samples": "2.186.1"},
    "overrides": {
        **dict.fromkeys(
            (
                "node-opcua",
                "node-opcua-address-space",
                "node-opcua-address-space-for-conformance-testing",
                "node-opcua-client-proxy",
                "node-opcua-vendor-diagnostic",
            ),
            VERSION,
        ),
        "node-opcua-server-configuration": "2.157.0",
    },
}
INSTALL, START = 400, 90


def installed() -> Path:
    """The folder of the server; it is installed once for all who test on this machine. Skips where it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: apt install npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aas-server-tests" / f"node-opcua-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            (folder / "package.json").write_text(json.dumps(PACKAGE))
            command = ["npm", "install", "--no-audit", "--no-fund"]
            try:
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                output = (error.stderr or b"").decode(errors="replace")[-300:]
                pytest.skip(f"npm does not install node-opcua's sample server: {output}")
            (folder / "done").touch()
    return folder


@contextlib.contextmanager
def foreign_plant(home: Path) -> Iterator[str]:
    """The address of a running server whose certificates are below `home`."""
    folder, port = installed(), free_port()
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    process = subprocess.Popen(
        ["node", "node_modules/.bin/simple_server", "-p", str(port), "--silent"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        _wait(process)
        yield f"opc.tcp://localhost:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Until it listens; what it says afterwards is read, too, so that it is never held up."""
    ready, lines = threading.Event(), list[bytes]()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                lines.append(line)
                if b"waiting for connections" in line:
                    ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(START) or process.poll() is not None:
        pytest.fail(f"the foreign server does not start: {b''.join(lines)[-500:]!r}")
