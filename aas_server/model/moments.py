"""Points in time as OPC UA counts them, 100 ns since 1601 (OPC 10000-6, 5.2.2.5), and as people read them."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
#: 100 ns in a second, and the seconds from 1601 to 1970.
TICKS, BEFORE_1970 = 10_000_000, 11_644_473_600


def file_time(at: datetime) -> int:
    """
    >>> file_time(datetime(1970, 1, 1, tzinfo=UTC))
    116444736000000000
    """
    since = at - EPOCH
    return (since.days * 86400 + since.seconds) * TICKS + since.microseconds * 10


def moment(ticks: int) -> datetime | None:
    """None for 0, which is no time, and for one that no calendar has."""
    try:
        return EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
    except OverflowError:
        return None


def iso(at: datetime) -> str:
    """To the millisecond, in UTC.

    >>> iso(datetime(2026, 5, 4, 3, 2, 1, 7000, tzinfo=UTC))
    '2026-05-04T03:02:01.007Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
