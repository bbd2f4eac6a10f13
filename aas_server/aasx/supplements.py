"""The files of a package beside its environments: which documents they belong to, and what they are."""

import functools
import posixpath
from collections import defaultdict
from collections.abc import Callable

from aas_server.aasx import relationships
from aas_server.aasx.archive import Archive, within
from aas_server.aasx.package import Owner, PartSource
from aas_server.model import Document, kind_of
from aas_server.model.files import mentions

_UNKNOWN = "application/octet-stream"


class Supplements:
    """Files by owner. `find` takes a finding: part, what is odd, what was done."""

    def __init__(self, archive: Archive, find: Callable[[str, str, str], None]) -> None:
        self._archive, self._find = archive, find
        self._defaults: dict[str, str] = {}
        self._overrides: dict[str, str] = {}
        if name := archive.find(relationships.CONTENT_TYPES):
            with within(name):
                self._defaults, self._overrides = relationships.content_types(archive.read(name))
        else:
            find(relationships.CONTENT_TYPES, "missing", "content types are taken from File elements")

    def content_type(self, name: str) -> str | None:
        """As the package declares it."""
        extension = posixpath.splitext(name)[1].removeprefix(".").lower()
        return self._overrides.get(name.casefold()) or self._defaults.get(extension)

    def parts(
        self, names: list[str], documents: list[tuple[str, Document]], thumbnails: list[str]
    ) -> dict[str, PartSource]:
        """The named files with their owners: the documents that mention them, else the first document."""
        owners: dict[str, dict[Owner, None]] = defaultdict(dict)
        said: dict[str, str] = {}
        pictures = set(thumbnails)
        for part, document in documents:
            for value, content_type, thumbnail in mentions(document):
                if name := self._mentioned(part, document, value):
                    owners[name][Owner(kind_of(document), document["id"], value)] = None
                    said.setdefault(name, content_type or _UNKNOWN)
                    pictures |= {name} if thumbnail else set()
        return {
            name: PartSource(
                self._archive.size(name),
                self._declared(name) or said.get(name, _UNKNOWN),
                name in pictures,
                tuple(owners[name]) or self._adopted(name, documents, name in pictures),
                functools.partial(self._archive.chunks, name),
            )
            for name in names
        }

    def _mentioned(self, part: str, document: Document, value: str) -> str | None:
        """The file a document means, seen from the root and then from its own part; None where it means a URL."""
        if (from_root := relationships.resolve(relationships.ROOT, value)) is None:
            return None
        candidates = [from_root, value, relationships.resolve(part, value) or from_root]
        name = next((name for candidate in candidates if (name := self._archive.find(candidate))), None)
        if name is None:
            owner = f"{document['modelType']} {document['id']!r}"
            self._find(part, f"{owner} names the file {value!r}, which is not in the package", "the name stays")
        return name

    def _declared(self, name: str) -> str | None:
        content_type = self.content_type(name)
        if content_type and "/" not in content_type:
            self._find(name, f"its content type is {content_type!r}", "not used")
            return None
        return content_type

    def _adopted(self, name: str, documents: list[tuple[str, Document]], thumbnail: bool) -> tuple[Owner, ...]:
        if not documents:
            self._find(name, "there is no document it could belong to", "listed without owner")
            return ()
        document = documents[0][1]
        if not thumbnail:
            self._find(name, "no document names this file", f"kept with {document['modelType']} {document['id']!r}")
        return (Owner(kind_of(document), document["id"], name),)
