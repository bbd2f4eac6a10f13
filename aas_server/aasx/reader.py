"""An AASX package, or an environment in JSON or XML → documents and files, with a finding for everything odd."""

from collections.abc import Iterator
from typing import BinaryIO

from aas_server.aasx import relationships
from aas_server.aasx.archive import Archive, within
from aas_server.aasx.package import LISTS, Limits, Package, PartFinding
from aas_server.aasx.supplements import Supplements
from aas_server.model import Document, Json, json, xml
from aas_server.model.errors import Malformed, TooLarge, Unsupported

_DEFAULT = Limits()
_KINDS = [kind.value for kind in LISTS]
_TOP = {name: kind for kind, name in LISTS.items()}


def read(file: BinaryIO, limits: Limits = _DEFAULT) -> Package:
    """What a seekable file holds: a package, or an Environment or one Identifiable in JSON or XML; its start tells.

    Documents are structurally unverified, apart from having a modelType and an id. Of two with one id and kind the
    first is kept and a finding says so. Raises Malformed, TooLarge and Unsupported (V1, V2, V3.0 RC, encrypted), each
    naming the part. The file must stay open while parts are streamed.
    """
    if (size := file.seek(0, 2)) > limits.body:
        raise TooLarge(f"the package has {size} bytes; at most {limits.body} are read")
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"PK":
        return _Reading(Archive(file, limits)).package()
    if size > limits.specification:
        raise TooLarge(f"the environment has {size} bytes; at most {limits.specification} are parsed")
    documents, findings = _distinct([("", document) for document in _parse("", file.read())])
    return Package(documents, {}, findings)


class _Reading:
    """One pass through a package: what has been found so far."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._findings: list[PartFinding] = []
        self._members = [name for name in archive.names if not _is_packaging(name)]
        self._supplements = Supplements(archive, self._find)

    def package(self) -> Package:
        root = self._follow(relationships.ROOT)
        if any(relationship.type == relationships.SIGNATURE for _, relationship in root):
            self._find(relationships.of(relationships.ROOT), "the package is signed", "the signature is not checked")
        origins = self._targets(root, relationships.ORIGIN)
        documents, environments = self._environments(origins)
        distinct, repeated = _distinct(documents)
        self._findings += repeated
        thumbnails = self._targets(root, relationships.THUMBNAIL)
        rest = [name for name in self._members if name not in {*origins, *environments}]
        parts = self._supplements.parts(rest, distinct, thumbnails)
        return Package(distinct, parts, self._findings)

    def _environments(self, origins: list[str]) -> tuple[list[tuple[str, Document]], list[str]]:
        """The documents of all environments with their parts, and the names of these parts; split ones come last."""
        below = [found for origin in origins for found in self._follow(origin)]
        names = self._targets(below, relationships.SPECIFICATION) or self._sniffed(origins)
        documents = self._documents(names)
        below += [found for name in names for found in self._follow(name)]
        splits = [name for name in self._targets(below, relationships.SPLIT) if name not in names]
        documents += self._documents(splits)
        below += [found for name in splits for found in self._follow(name)]
        self._targets(below, relationships.SUPPLEMENTARY)  # for their findings: every file is kept
        return documents, names + splits

    def _find(self, part: str, odd: str, done: str) -> None:
        self._findings.append(PartFinding(part, odd, done))

    def _follow(self, source: str) -> list[tuple[str, relationships.Relationship]]:
        name = self._archive.find(relationships.of(source))
        if name is None:
            return []
        with within(name):
            found = list(relationships.read(self._archive.read(name)))
        return [(source, relationship) for relationship in found]

    def _targets(self, found: list[tuple[str, relationships.Relationship]], wanted: str) -> list[str]:
        """The parts that relationships of one type lead to; what is odd about them becomes a finding."""
        targets: dict[str, None] = {}
        for source, relationship in found:
            if relationship.type == wanted and (target := self._target(source, relationship)):
                targets[target] = None
        return list(targets)

    def _target(self, source: str, relationship: relationships.Relationship) -> str | None:
        rels = relationships.of(source)
        resolved = relationships.resolve(source, relationship.target)
        target = self._archive.find(resolved) if resolved else None
        if relationship.written != relationship.type:
            self._find(rels, f"relationship type {relationship.written}", f"read as {relationship.type}")
        if not relationship.identifier:
            self._find(rels, f"the relationship to {relationship.target} has no Id", "read all the same")
        if target is None and resolved and not relationship.external and relationship.type == relationships.ORIGIN:
            self._find(resolved, "the origin is missing", "its relationships are read all the same")
            return resolved
        if target is None:
            self._find(rels, f"leads to {relationship.target}, which is not in the package", "left out")
        elif relationship.external:
            self._find(rels, f"TargetMode External on {target}, which is in the package", "read as internal")
        return target

    def _sniffed(self, origins: list[str]) -> list[str]:
        """Environments in a package that leads to none, by what the parts begin with."""
        why = "no relationship aas-spec" if origins else "no relationship aasx-origin"
        candidates = [n for n in self._members if n.casefold().endswith((".xml", ".json", ".aas")) and n not in origins]
        found = [name for name in candidates if self._holds_environment(name)]
        for name in found:
            self._find(name, f"{why} leads to it", "read as an environment, which it is")
        if not found:
            raise Malformed(f"the package has {why}, and no part of it is an environment")
        return found

    def _holds_environment(self, name: str) -> bool:
        try:
            return bool(_parse(name, self._archive.read(name)))
        except Malformed:
            return False

    def _documents(self, specifications: list[str]) -> list[tuple[str, Document]]:
        documents: list[tuple[str, Document]] = []
        for name in specifications:
            text = self._archive.read(name)
            form = _form(text)
            if (content_type := self._supplements.content_type(name)) and form not in content_type:
                self._find(name, f"content type {content_type}, but it is {form.upper()}", f"read as {form.upper()}")
            documents += [(name, document) for document in _parse(name, text)]
            self._archive.check_time(name)
        return documents


def _is_packaging(name: str) -> bool:
    return name.casefold() == relationships.CONTENT_TYPES.casefold() or name.casefold().endswith(".rels")


def _form(text: bytes) -> str:
    start = text[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "json" if start in (b"{", b"[") else "xml"


def _parse(part: str, text: bytes) -> list[Document]:
    """The Identifiables in an environment."""
    with within(part):
        if _form(text) == "json":
            return list(_identifiables(json.parse(text.removeprefix(b"\xef\xbb\xbf"))))
        return list(_identifiables(xml.read(text)))


def _identifiables(content: Json) -> Iterator[Document]:
    if not isinstance(content, dict):
        raise Malformed("an environment is an object, not a list or a plain value")
    if content.get("modelType") in _KINDS:
        yield _identified("", content, content["modelType"])
        return
    if "assets" in content:
        raise Unsupported("the environment has 'assets', so it is of metamodel V1 or V2; V3.0 and V3.1 are read")
    if unknown := content.keys() - _TOP.keys():
        raise Malformed(f"an environment has no {sorted(unknown)[0]!r}; it has {', '.join(_TOP)}")
    for name, kind in _TOP.items():
        below = content.get(name, [])
        if not isinstance(below, list):
            raise Malformed(f"{name} is no list")
        for index, document in enumerate(below):
            yield _identified(f"{name}[{index}]", document, kind)


def _identified(path: str, document: Json, kind: str) -> Document:
    where = f"{path}: " if path else ""
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise Malformed(f"{where}no object with an id")
    match document.get("modelType"):
        case {"name": _}:
            raise Unsupported(f"{where}modelType is an object, as in metamodel V1 and V2; V3.0 and V3.1 are read")
        case model_type if model_type != kind:
            raise Malformed(f"{where}modelType is {model_type!r}, expected {str(kind)!r}")
    return document


def _distinct(documents: list[tuple[str, Document]]) -> tuple[list[tuple[str, Document]], list[PartFinding]]:
    """Each id once in its kind, shells first; a second document of one id is left out with a finding."""
    first: dict[tuple[str, str], tuple[str, Document]] = {}
    findings = []
    for part, document in sorted(documents, key=lambda found: _KINDS.index(found[1]["modelType"])):
        key = document["modelType"], document["id"]
        if key not in first:
            first[key] = part, document
            continue
        same = "the same once more" if document == first[key][1] else "another with the same id, and different"
        findings.append(PartFinding(part, f"{key[0]} {key[1]!r} stands here again, {same}", "the first is kept"))
    return list(first.values()), findings
