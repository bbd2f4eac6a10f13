"""Every representation of one submodel that holds all kinds of elements, in both versions, as files to be read.

A file of 3.1 has an answer with `level` or `extent` only where it differs from the one without; a file of 3.0 has what
differs from 3.1.

`AAS_REWRITE_GOLDEN=1 pytest tests/model/test_content_golden.py` writes them anew; review the difference then.
"""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aas_server.model import Document
from aas_server.model.content import ApiVersion, Content, Extent, Level, represent, represent_page
from aas_server.model.errors import Malformed
from aas_server.model.paths import children, text, walk

GOLDEN = Path(__file__).parent / "golden"
REWRITE = os.environ.get("AAS_REWRITE_GOLDEN") == "1"

PLAIN, CORE, BLOBS = (None, None), (Level.CORE, None), (None, Extent.WITH_BLOB)
MODIFIERS: dict[Content, list[tuple[Level | None, Extent | None]]] = {
    Content.NORMAL: [PLAIN, CORE, BLOBS],
    Content.METADATA: [PLAIN],
    Content.VALUE: [PLAIN, CORE, BLOBS],
    Content.REFERENCE: [PLAIN],
    Content.PATH: [PLAIN, CORE],
}


@dataclasses.dataclass(frozen=True)
class View:
    content: Content = Content.NORMAL
    level: Level | None = None
    extent: Extent | None = None
    version: ApiVersion = ApiVersion.V31


def kinds() -> Document:
    document: Document = json.loads((GOLDEN / "kinds.json").read_text())
    return document


def answers(submodel: Document, content: Content, version: ApiVersion) -> dict[str, Any]:
    """Every representation in this content, by the request for it."""
    suffix = f"/{content}" if content else ""
    found: dict[str, Any] = {}
    for level, extent in MODIFIERS[content]:
        view = View(content, level, extent, version)
        query = f"?level={level}" if level else f"?extent={extent}" if extent else ""
        for request, shown in representations(submodel, view):
            if not query or shown != found[request + suffix]:
                found[request + suffix + query] = shown
    return found


def representations(submodel: Document, view: View) -> Iterator[tuple[str, Any]]:
    yield "/submodels", represent_page([submodel], view)
    yield "/submodel", answer(submodel, (), view)
    yield "/submodel-elements", represent_page(children(submodel), view, submodel)
    for path, _ in walk(submodel):
        yield f"/submodel-elements/{text(path)}", answer(submodel, path, view)


def answer(submodel: Document, path: tuple[str | int, ...], view: View) -> Any:
    try:
        return represent(submodel, path, view)
    except Malformed as problem:
        return {"400": str(problem)}


@pytest.mark.parametrize("content", list(Content), ids=lambda content: content or "normal")
def test_representations_are_as_recorded(content: Content) -> None:
    new = answers(kinds(), content, ApiVersion.V31)
    old = {
        request: shown
        for request, shown in answers(kinds(), content, ApiVersion.V30).items()
        if shown != new.get(request)
    }
    for version, shown in (("3.1", new), ("3.0", old)):
        file = GOLDEN / f"{version}-{content.removeprefix('$') or 'normal'}.json"
        if REWRITE:
            file.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")
        assert json.dumps(shown) == json.dumps(json.loads(file.read_text()))
