"""Units as IRIs of QUDT: by their IRI, their code of IEC 61360-4 or UCUM, their symbol or their name."""

from collections.abc import Iterable, Mapping

from aas_server.graph.iris import valid
from aas_server.model import Document

QUDT = "http://qudt.org/vocab/unit/"


class Units:
    """A table of names of QUDT, each with all that people write for it."""

    def __init__(self, table: Mapping[str, Iterable[str]]) -> None:
        self._known = {spelling: name for name, several in table.items() for spelling in (name, *several)}

    def of(self, content: Document) -> str | None:
        """The unit of an IEC 61360 content; None where it has none, or one that nobody knows.

        >>> units = Units({"M-PER-SEC": ["m/s", "0112/2///62720#UAA733"]})
        >>> units.of({"unit": "m/s"})
        'http://qudt.org/vocab/unit/M-PER-SEC'
        >>> units.of({"unit": "parsnips"})
        """
        reference = content.get("unitId")
        keys = reference.get("keys") if isinstance(reference, dict) else None
        spellings = [str(keys[-1].get("value", "")).strip()] if keys else []
        spellings.append(str(content.get("unit") or "").strip())
        return next((found for each in spellings if (found := self._named(each)) is not None), None)

    def _named(self, spelling: str) -> str | None:
        if spelling.startswith(QUDT):
            return spelling if valid(spelling) else None
        name = self._known.get(spelling) or self._known.get(_code(spelling))
        return QUDT + name if name is not None else None


def _code(spelling: str) -> str:
    """A code of IEC 61360-4 without its version and without what stands before it.

    >>> _code("0112/2///62720#UAA733#001"), _code("urn:irdi:0112%2F2%2F%2F%2F62720%23UAA733")
    ('UAA733', 'UAA733')
    """
    for piece in spelling.replace("%23", "#").split("#")[1:]:
        if len(piece) == 6 and piece.startswith("UA"):
            return piece
    return ""
