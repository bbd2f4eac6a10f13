"""Asset links: by which names and values of its asset a shell is found (Part 2, 'Discovery')."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import orjson

from aas_server.model import Document, Json
from aas_server.model.errors import Finding, Invalid
from aas_server.model.validation import MOST, verify

#: The reserved name of the globalAssetId among asset links (AASd-116).
GLOBAL: Final = "globalAssetId"


def is_global(link: Document) -> bool:
    """Whether a link names the globalAssetId; AASd-116 reserves the name in upper and lower case."""
    name: str = link["name"]
    return name.lower() == GLOBAL.lower()


def links(shell: Document) -> list[Document]:
    """What a shell says of its asset, the globalAssetId first.

    >>> links({"assetInformation": {"globalAssetId": "urn:a", "specificAssetIds": [{"name": "n", "value": "1"}]}})
    [{'name': 'globalAssetId', 'value': 'urn:a'}, {'name': 'n', 'value': '1'}]
    """
    asset = shell["assetInformation"]
    own = [{"name": GLOBAL, "value": asset[GLOBAL]}] if GLOBAL in asset else []
    return united([*own, *(asset.get("specificAssetIds") or ())])


def united(several: Iterable[Document]) -> list[Document]:
    """The links in their order, none twice; of a globalAssetId the value alone counts (PostAllAssetLinksById)."""
    found: dict[object, Document] = {}
    for link in several:
        whole = orjson.dumps(link, option=orjson.OPT_SORT_KEYS)
        found.setdefault((GLOBAL, link["value"]) if is_global(link) else whole, link)
    return list(found.values())


def sound_links(body: Json) -> list[Document]:
    """The links that somebody posts for a shell, when nothing is wrong with them. Raises Invalid with what is."""
    if findings := list(_findings(body)):
        raise Invalid(findings)
    sound: list[Document] = body
    return sound


def _findings(body: Json) -> Iterator[Finding]:
    if not isinstance(body, list):
        yield Finding("", "must be a list of SpecificAssetIds", "type")
        return
    if not body:
        yield Finding("", "must not be an empty list; DELETE removes the links", "minItems")
    unsound = list(_unsound(body))
    yield from unsound
    if not unsound:
        yield from _contradictions(body)


def _unsound(body: Sequence[Json]) -> Iterator[Finding]:
    left = MOST
    for position, link in enumerate(body):
        for finding in verify(link, "SpecificAssetId"):
            yield Finding(f"[{position}].{finding.path}".removesuffix("."), finding.message, finding.constraint)
            left -= 1
            if not left:
                return


def _contradictions(body: Sequence[Document]) -> Iterator[Finding]:
    named = [(position, link) for position, link in enumerate(body) if is_global(link)]
    for position, link in named:
        if link["value"] != named[0][1]["value"]:
            yield Finding(f"[{position}].value", "a shell has one globalAssetId; another stands before it", "AASd-116")
        if "externalSubjectId" in link:
            message = "the globalAssetId is the same for everybody: it has no externalSubjectId"
            yield Finding(f"[{position}].externalSubjectId", message, "AASd-116")
