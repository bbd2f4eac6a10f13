"""Elements put into, replaced in and taken from a submodel; references and files of shells."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model import Document, edit
from aas_server.model.errors import AlreadyExists, Invalid, Malformed, NotFound
from aas_server.model.paths import CHILDREN, IdShortPath, children, parse, resolve, text, walk
from tests.examples import collection, listed, model, motors, prop, shell, submodel
from tests.model.test_content_golden import kinds


@pytest.mark.parametrize(
    ("parent", "element", "path"),
    [
        ("", prop("Weight"), "Weight"),
        ("Tool", prop("Weight"), "Tool.Weight"),
        ("Tool.Life", prop("Until"), "Tool.Life.Until"),
        ("Motor", prop("Weight"), "Motor.Weight"),
        ("Feeds", prop("Weight"), "Feeds.Weight"),
        ("Temperatures", prop(None), "Temperatures[4]"),
        ("Temperatures", prop("Named"), "Temperatures[4]"),
        ("Shifts[1]", prop("Pieces"), "Shifts[1].Pieces"),
    ],
)
def test_an_element_is_inserted_last(parent: str, element: Document, path: str) -> None:
    before = kinds()
    above = parse(parent) if parent else ()
    after, where = edit.insert(before, above, element)
    assert text(where) == path
    assert resolve(after, where) is element
    assert children(resolve(after, above))[-1] is element
    assert before == kinds()


def test_an_empty_submodel_gets_its_first_element() -> None:
    after, _ = edit.insert(submodel("urn:x:1"), (), prop("P"))
    assert after == submodel("urn:x:1", prop("P"))


@pytest.mark.parametrize(
    ("parent", "element", "problem", "message"),
    [
        ("", prop("Tool"), AlreadyExists, "'Tool'"),
        ("Tool", prop("Name"), AlreadyExists, r"'Tool\.Name'"),
        ("Nowhere", prop("P"), NotFound, "Nowhere"),
        ("Strokes", prop("P"), Malformed, "Strokes.*Property"),
        ("Stop", prop("P"), Malformed, "Stop.*Operation"),
        ("Tool", prop(None), Invalid, "AASd-117"),
    ],
)
def test_what_cannot_be_inserted(parent: str, element: Document, problem: type[Exception], message: str) -> None:
    with pytest.raises(problem, match=message):
        edit.insert(kinds(), parse(parent) if parent else (), element)


@pytest.mark.parametrize(
    ("path", "element", "created"),
    [
        ("Strokes", prop("Strokes"), False),
        ("Tool", prop("Tool"), False),
        ("Tool.Weight", prop("Weight"), True),
        ("Temperatures[1]", prop(None), False),
        ("Temperatures[4]", prop(None), True),
    ],
)
def test_put_replaces_or_creates(path: str, element: Document, created: bool) -> None:
    before = kinds()
    after, new = edit.put(before, parse(path), element)
    assert new is created
    assert resolve(after, parse(path)) is element
    assert edit.put(after, parse(path), element) == (after, False)
    assert before == kinds()


@pytest.mark.parametrize(
    ("path", "element", "problem", "message"),
    [
        ("Tool.Weight", prop("Mass"), Malformed, "Mass.*Tool.Weight"),
        ("Strokes", prop("Hits"), Malformed, "Hits"),
        ("Strokes", prop(None), Invalid, "AASd-117"),
        ("Temperatures[9]", prop(None), NotFound, r"Temperatures\[9\]"),
        ("Temperatures.P", prop("P"), NotFound, "Temperatures.P"),
        ("Tool[0]", prop("P"), NotFound, r"Tool\[0\]"),
        ("Nowhere.P", prop("P"), NotFound, "Nowhere"),
        ("Strokes.P", prop("P"), Malformed, "Strokes"),
    ],
)
def test_what_cannot_be_put(path: str, element: Document, problem: type[Exception], message: str) -> None:
    with pytest.raises(problem, match=message):
        edit.put(kinds(), parse(path), element)


def test_remove_takes_the_empty_array_along() -> None:
    document = submodel(
        "urn:x:1", listed("L", "Property", prop(None, "1"), prop(None, "2")), collection("C", prop("P"))
    )
    once = edit.remove(document, ("L", 0))
    assert resolve(once, ("L", 0)) == prop(None, "2")
    assert "value" not in resolve(edit.remove(once, ("L", 0)), ("L",))
    assert resolve(edit.remove(document, ("C", "P")), ("C",)) == collection("C")
    assert edit.remove(edit.remove(document, ("C",)), ("L",)) == submodel("urn:x:1")
    with pytest.raises(NotFound, match="No"):
        edit.remove(document, ("C", "No"))


def test_what_does_not_change_is_shared() -> None:
    before = motors()
    after = edit.replace_at(before, ("Motors", 1, "Speed"), lambda element: {**element, "value": "7"})
    assert resolve(after, ("Motors", 0)) is resolve(before, ("Motors", 0))
    assert resolve(after, ("Name",)) is resolve(before, ("Name",))
    assert resolve(after, ("Motors", 1, "Speed"))["value"] == "7"
    assert before == motors()
    with pytest.raises(NotFound, match="Speed"):
        edit.replace_at(before, ("Name", "Speed"), dict)


CONTAINERS = [(), *(path for path, element in walk(kinds()) if element["modelType"] in CHILDREN)]


@given(st.sampled_from(CONTAINERS), st.sampled_from([prop("New1"), collection("New1"), prop("New1", None)]))
def test_insert_and_remove_undo_each_other(parent: IdShortPath, element: Document) -> None:
    document = kinds()
    after, path = edit.insert(document, parent, element)
    assert edit.remove(after, path) == document == kinds()


@given(st.data())
def test_edits_elsewhere_do_not_depend_on_their_order(data: st.DataObject) -> None:
    paths = [path for path, _ in walk(kinds()) if not isinstance(path[-1], int)]
    one, other = data.draw(st.tuples(st.sampled_from(paths), st.sampled_from(paths)))
    if one[: len(other)] == other or other[: len(one)] == one:
        return
    first, second = edit.remove(edit.remove(kinds(), one), other), edit.remove(edit.remove(kinds(), other), one)
    assert first == second
    assert "[]" not in str(first)


# Shells


def test_references_of_a_shell() -> None:
    bare = shell("urn:s:1")
    once = edit.with_reference(bare, model("urn:x:1"))
    twice = edit.with_reference(once, model("urn:x:2"))
    assert edit.references(twice) == [model("urn:x:1"), model("urn:x:2")]
    assert edit.refers(twice, "urn:x:2")
    assert not edit.refers(once, "urn:x:2")
    with pytest.raises(AlreadyExists, match="urn:x:1"):
        edit.with_reference(twice, model("urn:x:1"))
    assert edit.without_reference(twice, "urn:x:2") == once
    assert edit.without_reference(once, "urn:x:1") == bare == shell("urn:s:1")
    with pytest.raises(NotFound, match="urn:x:3"):
        edit.without_reference(twice, "urn:x:3")


def test_thumbnail_and_asset_of_a_shell() -> None:
    bare = shell("urn:s:1", assetType="urn:t")
    pictured = edit.with_thumbnail(bare, "/aasx/files/a.png", "image/png")
    thumbnail = {"path": "/aasx/files/a.png", "contentType": "image/png"}
    assert pictured["assetInformation"] == {**bare["assetInformation"], "defaultThumbnail": thumbnail}
    assert edit.without_thumbnail(pictured) == bare
    assert edit.with_asset(pictured, bare["assetInformation"]) == bare


def test_attachment_of_a_file() -> None:
    element: dict[str, Any] = {"modelType": "File", "idShort": "F", "contentType": "text/plain", "value": "/a.txt"}
    before = copy.deepcopy(element)
    attached = edit.with_file(element, "/b.pdf", "application/pdf")
    assert attached == {**element, "value": "/b.pdf", "contentType": "application/pdf"}
    assert edit.without_file(attached) == {"modelType": "File", "idShort": "F", "contentType": "application/pdf"}
    assert element == before
