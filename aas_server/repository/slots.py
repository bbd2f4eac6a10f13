"""One element that the plant feeds: its newest value as it came, made into attributes when somebody looks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aas_server.model import Document
from aas_server.model.edit import Attributes
from aas_server.model.errors import Malformed
from aas_server.model.moments import moment
from aas_server.model.paths import IdShortPath
from aas_server.model.quality import INITIAL, MISMATCH, is_bad, status_name

if TYPE_CHECKING:
    from aas_server.repository.live import Feed

#: From a value as it came to the attributes of the element, or of elements below it, by their paths below it.
Convert = Callable[[object], Sequence[tuple[IdShortPath, Attributes]]]
#: From the element to what converts for it. Raises Malformed where nothing can.
Converter = Callable[[Document], Convert]

#: What a slot holds before anything came.
NOTHING = object()
#: The types of the qualifiers that tell quality and source time, and what they mean.
QUALITY, SOURCE_TIME = "ValueQuality", "SourceTimestamp"
MEANING = "urn:aas-server:live:"


class Slot:
    """The newest value of one element that the plant feeds; made into attributes when somebody looks."""

    __slots__ = ("_fit", "_made", "_seen", "convert", "converter", "element", "error", "feed", "path", "raw", "silent",
                 "source_time", "status", "version")  # fmt: skip

    def __init__(self, feed: "Feed", path: IdShortPath, converter: Converter) -> None:
        self.feed, self.path, self.converter = feed, path, converter
        self.element: Document | None = None
        self.convert: Convert | None = None
        self.raw: object = NOTHING
        self.status, self.source_time, self.error = INITIAL, 0, ""
        #: The quality while the source is silent; None while it is not.
        self.silent: int | None = None
        self.version = self._seen = 0
        #: When the source saw the value that is shown, where the newest is none for the element.
        self._fit = 0
        self._made: Sequence[tuple[IdShortPath, Attributes]] = ()

    def set(self, value: object, status: int, source_time: int) -> None:
        """What the source says now. Where it only says that it has no value, the last one stays.

        The same again refreshes the time and is no change.
        """
        if value is None and is_bad(status):
            value = self.raw
        self.source_time = source_time
        self._take(value, status)
        if (mirror := self.feed.table.mirror) is not None:
            mirror.show(self)

    def _take(self, value: object, status: int) -> None:
        if value == self.raw and status == self.status and type(value) is type(self.raw):
            if self.silent is not None or self.feed.table.qualifiers:
                self.silent = None
                self.feed.table.doubted.add(self.feed.submodel_id)
                self.version = self.feed.move()
            return
        self.raw, self.status, self.silent = value, status, None
        self.version = self.feed.move()
        self.feed.dirty[self] = None

    def doubt(self, status: int) -> None:
        """The source is silent; what it said last stays, with this quality. No event: the connection has its own."""
        if self.silent != status and self.raw is not NOTHING:
            self.silent = status
            self.version = self.feed.move()
            self.feed.table.doubted.add(self.feed.submodel_id)
            if (mirror := self.feed.table.mirror) is not None:
                mirror.show(self)

    def last(self) -> tuple[Any, int, int] | None:
        """Value, StatusCode and source time that came last; None before there were any."""
        return None if self.raw is NOTHING else (self.raw, self.status, self.source_time)

    def bind(self, element: Document | None) -> None:
        """From now on this is the element. Raises nothing: what does not fit is told in `error`."""
        self.element, self.convert, self.error, self._seen, self._made = element, None, "", 0, ()
        if element is None:
            self.error = "the element is not there"
            return
        try:
            self.convert = self.converter(element)
        except Malformed as error:
            self.error = str(error)

    def updates(self) -> Sequence[tuple[IdShortPath, Attributes]]:
        """Attributes by path, in the submodel. A value that does not fit leaves the last one that did."""
        if self._seen != self.version and self.convert is not None and self.raw is not NOTHING:
            self._seen = self.version
            try:
                self._made = [((*self.path, *below), attributes) for below, attributes in self.convert(self.raw)]
                self.error, self._fit = "", self.source_time
            except Malformed as error:
                self.error = str(error)
        return self._made

    @property
    def _misfit(self) -> bool:
        """Whether the newest value was found to be none for the element."""
        return bool(self.error) and self.convert is not None and self.raw is not NOTHING

    @property
    def at(self) -> datetime | None:
        """When the source saw the value that is shown."""
        return moment(self._fit if self._misfit else self.source_time)

    @property
    def code(self) -> int:
        """The StatusCode, as readers see it."""
        if self.silent is not None:
            return self.silent
        return MISMATCH if self._misfit and not is_bad(self.status) else self.status

    @property
    def quality(self) -> str:
        return status_name(self.code)

    def headers(self) -> Mapping[str, str]:
        """Quality and source time, as they go with an answer that shows this element only."""
        self.updates()
        source = {"X-Source-Timestamp": _text(at)} if (at := self.at) else {}
        return {"X-Value-Quality": self.quality, **source}

    def qualified(self, element: Document) -> Attributes:
        """The element's qualifiers, with those that tell how good its value is, and when its source saw it."""
        others = [each for each in element.get("qualifiers") or () if each.get("type") not in (QUALITY, SOURCE_TIME)]
        self.updates()
        source = [_qualifier(SOURCE_TIME, "xs:dateTime", _text(at))] if (at := self.at) else []
        return {"qualifiers": [*others, _qualifier(QUALITY, "xs:string", self.quality), *source]}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _qualifier(name: str, value_type: str, value: str) -> Document:
    meaning = {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": MEANING + name}]}
    return {"semanticId": meaning, "kind": "ValueQualifier", "type": name, "valueType": value_type, "value": value}
