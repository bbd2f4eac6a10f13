"""OPC UA servers that are not of the family of our client: node-opcua, from npm."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

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


class Missing(Exception):
    """There is no such server on this machine, and why."""


def installed() -> Path:
    """The folder of node-opcua; it is installed once for all on this machine. Raises Missing where it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("node and npm are not installed: apt install npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aas-server-tests" / f"node-opcua-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _heed(folder / "failed")
        if not (folder / "done").exists():
            _install(folder)
    return folder


def _heed(failed: Path) -> None:
    """One failure is enough for an hour: the next do not wait for the same again."""
    if failed.exists() and time.time() - failed.stat().st_mtime < 3600:
        raise Missing(failed.read_text())


def _install(folder: Path) -> None:
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    command = ["npm", "install", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        output = (error.stderr or b"").decode(errors="replace")[-300:]
        (folder / "failed").write_text(f"npm does not install node-opcua: {output}")
        raise Missing((folder / "failed").read_text()) from None
    (folder / "done").touch()


@contextlib.contextmanager
def running(command: Sequence[str], home: Path, ready: bytes) -> Iterator["subprocess.Popen[bytes]"]:
    """A server of node-opcua whose certificates are below `home`, once it has said that it is ready.

    Raises Missing where it is not installed, RuntimeError where it does not start.
    """
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    folder = installed()
    environment["NODE_PATH"] = str(folder / "node_modules")
    process = subprocess.Popen(
        ["node", *command],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        _wait(process, ready)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", ready: bytes) -> None:
    """Until it listens; what it says afterwards is read, too, so that it is never held up."""
    heard, lines = threading.Event(), list[bytes]()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                lines.append(line)
                if ready in line:
                    heard.set()
        heard.set()

    threading.Thread(target=read, daemon=True).start()
    if not heard.wait(START) or process.poll() is not None:
        raise RuntimeError(f"node-opcua does not start: {b''.join(lines)[-500:]!r}")
