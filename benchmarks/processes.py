"""Servers as processes on a core of their own, and what they cost: CPU time, memory, start time."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PATIENCE = 900.0
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user {user};
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/json;
  open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/static; }}
}}
"""


def cores() -> tuple[int | None, int | None]:
    """One core for the server and one for the load; none are pinned on a machine with a single core."""
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process that listens on `port`; `seconds_to_start` is how long it took to be `ready`.

    It has a core of its own, but where its own processes are to run beside each other: `pinned` is False then.
    """

    def __init__(
        self, name: str, command: Sequence[str], port: int, folder: Path, ready: str = "/", pinned: bool = True
    ) -> None:
        self.name, self.port, self.log = name, port, folder / f"{name.replace(' ', '-')}.log"
        core, _ = cores()
        pin = ["taskset", "-c", str(core)] if pinned and core is not None and shutil.which("taskset") else []
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*pin, *command], stdout=log, stderr=subprocess.STDOUT, cwd=PROJECT)
        self.await_ready(f"http://127.0.0.1:{port}{ready}")
        self.seconds_to_start = time.monotonic() - begun

    def await_ready(self, url: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            if answers(url):
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} was not ready after {PATIENCE:.0f} s")

    def cpu(self) -> float:
        """CPU seconds of the process and all below it, as the scheduler counted them."""
        return sum(map(cpu_of, self.tree()))

    def rss(self) -> int:
        return sum(map(resident, self.tree()))

    def peak_rss(self) -> int:
        """The most memory the main process ever had resident (VmHWM)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the kernel does not tell VmHWM")

    def tree(self) -> list[int]:
        """The process ids of the server and all its descendants."""
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self) -> None:
        self.terminate([self.process.pid])

    def terminate(self, pids: Sequence[int]) -> None:
        """Ask these processes of the tree to end, and wait for the main one."""
        if self.process.poll() is None:
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status < 400)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code < 500
    except OSError:
        return False


def cpu_of(pid: int) -> float:
    """The first number of schedstat is the time on a CPU in nanoseconds, far finer than the ticks of stat."""
    return sum(int(text.split()[0]) for text in of_tasks(pid, "schedstat")) / 1e9


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> Iterator[int]:
    for text in of_tasks(pid, "children"):
        for child in map(int, text.split()):
            yield child
            yield from descendants(child)


def of_tasks(pid: int, name: str) -> Iterator[str]:
    """A file of every thread of a process."""
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            yield (task / name).read_text()
        except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            continue


def nginx(folder: Path) -> Server | None:
    """nginx with the files of `folder`/static, or None where it is not installed."""
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None:
        return None
    port = free_port()
    config = folder / "nginx.conf"
    user = "root" if os.geteuid() == 0 else "nobody"
    config.write_text(NGINX.format(folder=folder, port=port, user=user))
    return Server("nginx", [binary, "-p", str(folder), "-c", str(config)], port, folder, "/5.json")


def bare_aiohttp(folder: Path, body: Path) -> Server:
    port = free_port()
    return Server("aiohttp", [sys.executable, "-m", "benchmarks.bare", str(port), str(body)], port, folder)


def ours(
    name: str,
    folder: Path,
    *options: str,
    load: Sequence[Path] = (),
    prefix: Sequence[str] = (),
    pinned: bool = True,
) -> Server:
    """`aas-server serve` with a store of its own in `folder`; `prefix` is what the command is run by."""
    port = free_port()
    program = str(Path(sys.executable).with_name("aas-server"))
    command = [*prefix, program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--store", f"sqlite:///{folder}/{name.replace(' ', '-')}.db", *options]
    for path in load:
        command += ["--load", str(path)]
    return Server(name, command, port, folder, "/health/ready", pinned)
