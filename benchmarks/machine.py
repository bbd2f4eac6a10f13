"""What the figures were taken on, without names."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.load import generator

PACKAGES = ("aiohttp", "uvloop", "orjson")


def describe(folder: Path) -> list[str]:
    cpu = next((line.split(": ")[1] for line in lines("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    memory = int(lines("/proc/meminfo")[0].split()[1]) >> 20
    pinned = "server and load pinned to a core each" if len(os.sched_getaffinity(0)) > 1 else "one core for both"
    return [
        f"{cpu}, {os.cpu_count()} cores, {memory} GiB; {pinned}",
        f"Linux {platform.release().split('-')[0]}, {filesystem(folder)}, fdatasync {sync_cost(folder) * 1e3:.2f} ms",
        f"Python {sys.version.split()[0]}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        f"{nginx_version()}, load from {generator()}",
        f"load average at the start {os.getloadavg()[0]:.1f}",
    ]


def lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def filesystem(folder: Path) -> str:
    found = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown file system"


def sync_cost(folder: Path, times: int = 50) -> float:
    """Seconds that a durable write of one page takes here; what every commit waits for."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def nginx_version() -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    try:
        told = subprocess.run(["nginx", "-v"], capture_output=True, text=True, env={"PATH": path}, check=False).stderr
    except FileNotFoundError:
        return "no nginx"
    return told.strip().removeprefix("nginx version: ")
