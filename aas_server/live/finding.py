"""The configurations that are here: found in the store at the start, and followed from then on."""

import itertools
from collections.abc import Iterable

from aas_server.live.compiling import is_configuration
from aas_server.live.reading import AIMC
from aas_server.model import Kind
from aas_server.model.references import text
from aas_server.repository import Repository
from aas_server.repository.entries import Entry
from aas_server.storage import Label, index

#: What published ids have around them by mistake.
_BLANKS = (("", ""), ("", " "), (" ", ""), (" ", " "))
_VERSIONS = ("1/0/Submodel", "1/0", "1/1/Submodel", "1/1", "2/0/Submodel", "2/0", "2/1/Submodel", "2/1")


class Configurations:
    """The ids of all AIMC submodels."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.known: set[str] = set()

    async def load(self) -> None:
        """Find those that are stored."""
        for label in _labels():
            cursor: str | None = None
            while True:
                page = await self._repository.page(Kind.SUBMODEL, (label,), 100, cursor)
                self.known |= {each.identifier for each in page.result if is_configuration(each.document)}
                if (cursor := page.cursor) is None:
                    break

    def note(self, identifier: str) -> bool:
        """Look at a submodel that has changed; tells whether it is a configuration, or was one."""
        entry = self._repository.peek(Kind.SUBMODEL, identifier)
        before = identifier in self.known
        if entry is not None and _may_be(entry) and is_configuration(entry.document):
            self.known.add(identifier)
            return True
        self.known.discard(identifier)
        return before


def _labels() -> Iterable[Label]:
    """What configurations are found by in the store: what they mean, in the forms that are about, or their idShort."""
    yield Label(index.ID_SHORT, "AssetInterfacesMappingConfiguration")
    for version, (before, after) in itertools.product(_VERSIONS, _BLANKS):
        for kind in ("GlobalReference", "Submodel", "ConceptDescription"):
            meaning = f"{before}{AIMC}{version}{after}"
            reference = {"type": "ExternalReference", "keys": [{"type": kind, "value": meaning}]}
            yield Label(index.SEMANTIC_ID, text(reference))
            yield Label(index.SEMANTIC_ID, text({**reference, "type": "ModelReference"}))


def _may_be(entry: Entry) -> bool:
    """Whether it is worth reading: of an import of thousands, nearly none is a configuration."""
    return entry.parsed or b"AssetInterfacesMapping" in entry.body
