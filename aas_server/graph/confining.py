"""What a process that answers queries may take; how much memory there is of it."""

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")


def pages() -> tuple[int, int] | None:
    """Bytes of address space and of memory in use; None where the system does not tell."""
    try:
        size, resident = _STATM.read_text(encoding="ascii").split()[:2]
    except OSError:
        return None
    return int(size) * resource.getpagesize(), int(resident) * resource.getpagesize()


def resident() -> int:
    """Bytes of memory that this process has in use; the most that it ever had where only that is known."""
    found = pages()
    return found[1] if found is not None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def confine(memory: int) -> None:
    """From now on no file and no socket is opened, and, where that is known, no more than so much memory taken."""
    found = pages()
    if found is not None:
        resource.setrlimit(resource.RLIMIT_AS, (found[0] + memory,) * 2)
    for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE):
        resource.setrlimit(what, (0, 0))
