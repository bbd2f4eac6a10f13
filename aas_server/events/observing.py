"""BasicEventElements (Part 1, 'Event Elements'): what they observe, and when there is something to be sent."""

import base64
import contextlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from aas_server.events.announcing import PREFIX, CloudEvent
from aas_server.model import Document, Kind
from aas_server.model.errors import NotFound
from aas_server.model.identifiers import encode
from aas_server.model.paths import IdShortPath, resolve, text, walk
from aas_server.model.references import path_of, to_element
from aas_server.repository import Repository

#: The shortest time after which one is sent without anything new, in seconds.
FASTEST = 0.1
#: Documents that are looked through at a time.
PIECE = 100
_TYPE = b'"BasicEventElement"'
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z", re.ASCII
).match
_SECONDS = (31_557_600, 2_629_800, 86_400, 3600, 60, 1)


def seconds(duration: str | None) -> float | None:
    """An xs:duration in seconds, a year as 365.25 days; None for none, and for a negative one.

    >>> seconds("PT1M0.5S"), seconds("P1DT1H"), seconds("-PT1S")
    (60.5, 90000.0, None)
    """
    found = _DURATION(duration or "")
    if found is None:
        return None
    return float(sum(float(given) * each for given, each in zip(found.groups(), _SECONDS, strict=True) if given))


@dataclass(slots=True, eq=False)
class Observation:
    """One element that is on, and what it observes. Times are those of a monotonic clock."""

    source: Document
    element: Document
    topic: str
    observed: tuple[Kind, str, IdShortPath]
    least: float
    most: float | None
    #: When it has sent last, and what it has not sent since, for it was too soon.
    sent: float = -math.inf
    waiting: CloudEvent | None = None

    @property
    def due(self) -> float:
        """When it sends next, whether anything happens or not."""
        if self.waiting is not None:
            return self.sent + self.least
        return self.sent + self.most if self.most is not None and self.sent > -math.inf else math.inf

    def concerns(self, event: CloudEvent) -> bool:
        """Whether something has happened to what it observes, or below it, or to the document around it."""
        change, (kind, identifier, path) = event.change, self.observed
        if (change.kind, change.identifier) != (kind, identifier):
            return False
        return not change.path or change.path[: len(path)] == path

    def payload(self, event: CloudEvent | None) -> Document:
        """The EventPayload of Part 1; `payload` is the event that happened, in base64."""
        at = event.change.at if event is not None else datetime.now(UTC)
        return {
            "source": self.source,
            **({"sourceSemanticId": self.element["semanticId"]} if "semanticId" in self.element else {}),
            "observableReference": self.element["observed"],
            "topic": self.topic,
            "timeStamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **({"payload": base64.b64encode(event.body).decode()} if event is not None else {}),
        }


class Defective(Exception):
    """Why an element sends nothing, in words for whoever wrote it."""


class Observations:
    """All BasicEventElements that are on, and their observations by what they observe.

    What they send goes to topics below `topic`: the user of the broker may be let do more than who writes elements.
    """

    def __init__(self, repository: Repository, topic: str) -> None:
        self._repository, self._topic = repository, topic
        self._known: dict[str, list[Observation]] = {}
        self._defects: dict[str, list[Document]] = {}
        self._by: dict[tuple[Kind, str], list[Observation]] = {}

    async def load(self) -> None:
        """Look through all submodels that are stored."""
        cursor: str | None = None
        while True:
            page = await self._repository.page(Kind.SUBMODEL, (), PIECE, cursor)
            for entry in page.result:
                if _TYPE in entry.body:
                    await self._read(entry.document)
            if (cursor := page.cursor) is None:
                break
        self._arrange()

    async def note(self, identifiers: Iterable[str]) -> None:
        """Look at submodels that have changed."""
        several = list(identifiers)
        gone = [self._known.pop(each, None) for each in several]
        for each in several:
            self._defects.pop(each, None)
        changed = any(gone)
        for entry in await self._repository.several(Kind.SUBMODEL, several):
            if _TYPE in entry.body:
                await self._read(entry.document)
                changed = True
        if changed:
            self._arrange()

    async def _read(self, submodel: Document) -> None:
        found: list[Observation] = []
        self._known[submodel["id"]], self._defects[submodel["id"]] = found, []
        for path, element in walk(submodel):
            if element["modelType"] != "BasicEventElement" or not _is_on(element):
                continue
            try:
                observation = await self._observation(submodel, path, element)
            except Defective as defect:
                self._tell(submodel, path, str(defect))
                continue
            if observation is not None:
                found.append(observation)
                if observation.most is not None and observation.most < FASTEST:
                    self._tell(submodel, path, f"maxInterval is {element['maxInterval']}; it is taken as {FASTEST} s")
                    observation.most = FASTEST

    def _tell(self, submodel: Document, path: IdShortPath, words: str) -> None:
        self._defects[submodel["id"]].append({"origin": f"{text(path)} in {submodel['id']}", "text": words})

    @property
    def defects(self) -> list[Document]:
        """What stands in elements and cannot be done as it stands there."""
        return [defect for several in self._defects.values() for defect in several]

    async def _observation(self, submodel: Document, path: IdShortPath, element: Document) -> Observation | None:
        """What an element observes; None where that is not here. Raises Defective."""
        source = to_element(submodel, path)
        topic = self._place(element, source)
        keys = element["observed"].get("keys") or [{"type": "", "value": ""}]
        first = next((number for number, key in enumerate(keys) if key["type"] == "Submodel"), 0)
        kind = Kind.SUBMODEL if keys[first]["type"] == "Submodel" else Kind.SHELL
        identifier: str = keys[first]["value"]
        below: IdShortPath = ()
        if kind is Kind.SUBMODEL and len(keys) > first + 1:
            with contextlib.suppress(NotFound):
                document = (await self._repository.stored(kind, identifier)).document
                below = path_of({"keys": keys[first:]}, document)
                resolve(document, below)
            if not below:
                return None
        least, most = seconds(element.get("minInterval")) or 0.0, seconds(element.get("maxInterval"))
        return Observation(source, element, topic, (kind, identifier, below), least, most or None)

    def _place(self, element: Document, source: Document) -> str:
        """The topic that an element sends to. Raises Defective."""
        given: str | None = element.get("messageTopic")
        if given is None:
            first, *below = (key["value"] for key in source["keys"])
            return f"{self._topic}/events/{quote('/'.join([encode(first), *below]))}"
        if not given.startswith(f"{self._topic}/") or not given.isprintable() or "#" in given or "+" in given:
            raise Defective(f"messageTopic is {given!r}; it must be a topic below {self._topic}/, without # and +")
        return given

    def _arrange(self) -> None:
        self._by = defaultdict(list)
        for observation in self._all():
            self._by[observation.observed[:2]].append(observation)

    def _all(self) -> Iterator[Observation]:
        return (observation for several in self._known.values() for observation in several)

    def concerned(self, event: CloudEvent) -> list[Observation]:
        several = self._by.get((event.change.kind, event.change.identifier), ())
        return [each for each in several if each.concerns(event)]

    def waiting(self) -> list[tuple[Observation, CloudEvent]]:
        """What has not been sent yet, for it was too soon."""
        return [(each, each.waiting) for each in self._all() if each.waiting is not None]

    def due(self, now: float) -> list[Observation]:
        return [each for each in self._all() if each.due <= now]

    @property
    def next(self) -> float:
        """When the next one sends, if nothing happens."""
        return min((each.due for each in self._all()), default=math.inf)


def _is_on(element: Document) -> bool:
    return (element["state"], element["direction"]) == ("on", "output")


def told(observation: Observation, event: CloudEvent | None, source: str, number: str) -> bytes:
    """What an event element sends: a CloudEvent around its EventPayload."""
    payload = observation.payload(event)
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": number,
            "source": source,
            "type": f"{PREFIX}basicEvent",
            "time": payload["timeStamp"],
            "datacontenttype": "application/json",
            "data": payload,
        }
    )
