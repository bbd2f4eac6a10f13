"""The view follows documents by difference: whatever has happened, it is what the documents say now."""

from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.graph.view import View
from aas_server.model import Document, Kind
from tests.examples import prop, submodel
from tests.graph.documents import documents, shell_of, view


def lines(seen: View) -> set[str]:
    return set(map(str, seen.store))


steps = st.lists(st.tuples(documents, st.booleans()), max_size=12)


@given(steps)
@settings(deadline=None)
def test_following_leads_to_what_filling_does(several: list[tuple[tuple[Kind, Document], bool]]) -> None:
    followed, there = view(), dict[tuple[Kind, str], Document]()
    for (kind, document), stays in several:
        if stays:
            followed.put(kind, document)
            there[kind, document["id"]] = document
        else:
            followed.delete(kind, document["id"])
            there.pop((kind, document["id"]), None)
    filled = view()
    for (kind, _), document in there.items():
        filled.fill(kind, [document])
    assert lines(followed) == lines(filled)
    assert followed.size == filled.size == len(filled.store)


def test_what_two_shells_say_of_an_asset_stands_once_and_as_long_as_one_of_them_does() -> None:
    seen = view()
    for name in ("urn:s:1", "urn:s:2"):
        seen.put(Kind.SHELL, shell_of(name, "urn:a:1", []))
    kind = [line for line in lines(seen) if "assetKind" in line]
    assert len(kind) == 1
    seen.delete(Kind.SHELL, "urn:s:1")
    assert [line for line in lines(seen) if "assetKind" in line] == kind
    seen.delete(Kind.SHELL, "urn:s:2")
    assert lines(seen) == set()


def test_a_value_that_is_written_in_another_way_is_the_same() -> None:
    seen = view()
    seen.fill(Kind.SUBMODEL, [submodel("urn:x:1", prop("A", "1.50", "xs:decimal"))])
    before = lines(seen)
    seen.put(Kind.SUBMODEL, submodel("urn:x:1", prop("A", "1.5", "xs:decimal")))
    assert lines(seen) == before
