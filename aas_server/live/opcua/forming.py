"""What arrives, in the shape that each item wants; what is wrong with a value is told once."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from asyncua import ua

from aas_server.live import FileTime, Standing
from aas_server.live.opcua.decoding import Notification
from aas_server.live.opcua.monitoring import Monitoring
from aas_server.live.opcua.skipping import UNDECODED, Undecoded, Unreadable
from aas_server.live.opcua.values import normal
from aas_server.model.errors import Malformed

log = logging.getLogger(__name__)

#: StatusCodes with this bit tell that values were lost between two (OPC 10000-4, 7.39.1: Overflow).
_OVERFLOW = 0x480


class Forming:
    """Values of one session on their way. `standing` is told what is wrong with which item."""

    def __init__(self, at: Monitoring, standing: Standing, server: str) -> None:
        self._at, self._standing, self._server = at, standing, server
        #: Whether what has been decoded holds something unreadable; items whose last value was.
        self._suspect = False
        self._unfit: set[int] = set()

    def normal(self, value: Any) -> Any:
        if not isinstance(value, Unreadable):
            try:
                return normal(value)
            except Exception as error:  # Malformed, or whatever asyncua stumbles over
                value = Unreadable(str(error))
        self._suspect = True
        return value

    def formed(self, found: Sequence[Notification]) -> Sequence[Notification]:
        """The values in the shape that each item wants."""
        self._standing.readings += len(found)
        self._standing.overflows += sum([status & _OVERFLOW == _OVERFLOW for _, _, status, _ in found])
        if self._at.shapes or self._suspect or self._unfit:
            found = [self._formed(*each) for each in found]
            self._suspect = False
        return found

    def _formed(self, number: int, value: Any, status: int, source: int) -> Notification:
        formed = self._shaped(number, value)
        if isinstance(formed, Unreadable):
            words = formed.words(item.href if (item := self._at.items.get(number)) else "")
            if number not in self._unfit:
                log.warning("%s: %s", self._server, words)
            self._unfit.add(number)
            self._standing.errors[number] = words
            return number, None, formed.status, source
        if number in self._unfit:
            self._unfit.discard(number)
            self._standing.errors.pop(number, None)
        return number, formed, status, source

    def _shaped(self, number: int, value: Any) -> Any:
        shape = self._at.shapes.get(number)
        if shape is None or isinstance(value, Unreadable):
            return value
        try:
            return shape(value)
        except Malformed as error:
            return Unreadable(str(error))

    def told(self, value: ua.DataValue) -> tuple[Any, int, int]:
        """Value, StatusCode and source time of a DataValue."""
        code = int(value.StatusCode.value) if value.StatusCode else 0
        if isinstance(value, Undecoded):
            return self.normal(Unreadable(value.why, UNDECODED)), code, FileTime(0)
        raw = value.Value.Value if value.Value is not None else None
        source = ua.datetime_to_win_epoch(value.SourceTimestamp) if value.SourceTimestamp else 0
        return self.normal(raw), code, FileTime(max(0, source))

    def answered(self, values: Iterable[tuple[int, ua.DataValue]]) -> Sequence[Notification]:
        """What has been read."""
        return self.formed([(number, *self.told(value)) for number, value in values])
