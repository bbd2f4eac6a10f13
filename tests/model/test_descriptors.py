"""Descriptors made from documents, and edited: pure functions."""

import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_server.model import assets, descriptors
from aas_server.model.descriptors import addresses_below, shell_descriptor, submodel_descriptor
from aas_server.model.errors import AlreadyExists, NotFound
from aas_server.model.validation import verify
from tests.shared import shared

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "submodels" / "examples").glob("*.json"))
ADDRESSES = addresses_below("https://aas.example.org")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_made_of_our_examples_is_sound(path: Path) -> None:
    environment = orjson.loads(path.read_bytes())
    submodels = {each["id"]: each for each in environment["submodels"]}
    for shell in environment["assetAdministrationShells"]:
        referred = [submodels[each] for each in descriptors.submodel_ids(shell) if each in submodels]
        made = shell_descriptor(shell, referred, ADDRESSES)
        assert list(verify(made, "AssetAdministrationShellDescriptor")) == []
        assert [each["id"] for each in descriptors.nested(made)] == [each["id"] for each in referred]
        assert list(verify(assets.links(shell)[0], "SpecificAssetId")) == []


def test_what_is_made_of_the_examples_of_the_standard_is_sound() -> None:
    """One in twenty of them; they hold every attribute there is."""
    looked_at = 0
    with zipfile.ZipFile(shared("corpus/metamodel-3.1.2-examples-json.zip")) as archive:
        for name in [each for each in archive.namelist() if each.endswith(".json")][::20]:
            environment = orjson.loads(archive.read(name))
            for submodel in environment.get("submodels") or []:
                assert list(verify(submodel_descriptor(submodel, ADDRESSES), "SubmodelDescriptor")) == [], name
                looked_at += 1
            for shell in environment.get("assetAdministrationShells") or []:
                made = shell_descriptor(shell, [], ADDRESSES)
                assert list(verify(made, "AssetAdministrationShellDescriptor")) == [], name
                looked_at += 1
    assert looked_at > 100


NESTED = st.lists(st.sampled_from("abcd"), unique=True).map(lambda ids: [{"id": each} for each in ids])


@given(NESTED, st.sampled_from("abcd"))
def test_edits_of_nested_descriptors(nested: Any, identifier: str) -> None:
    descriptor = {"id": "urn:s:1", **({"submodelDescriptors": nested} if nested else {})}
    there = {"id": identifier} in nested
    changed = {"id": identifier, "idShort": "Changed"}
    put = descriptors.with_nested(descriptor, [changed])
    assert descriptors.get_nested(put, identifier) == changed
    assert [each["id"] for each in descriptors.nested(put)][: len(nested)] == [each["id"] for each in nested]
    if there:
        with pytest.raises(AlreadyExists):
            descriptors.with_new_nested(descriptor, changed)
        without = descriptors.without_nested(descriptor, identifier)
        assert descriptors.nested(without) == [each for each in nested if each["id"] != identifier]
        assert ("submodelDescriptors" in without) == (len(nested) > 1)
    else:
        assert descriptors.with_new_nested(descriptor, changed) == put
        assert descriptors.without_nested(put, identifier) == descriptor
        with pytest.raises(NotFound):
            descriptors.without_nested(descriptor, identifier)


LINK = st.fixed_dictionaries(
    {"name": st.sampled_from(["globalAssetId", "GLOBALassetID", "n"]), "value": st.sampled_from("xy")}
)


@given(st.lists(LINK))
def test_links_are_united_in_their_order_and_none_stands_twice(several: Any) -> None:
    united = assets.united(several)
    assert assets.united(united) == united
    assert [several.index(each) for each in united] == sorted(several.index(each) for each in united)
    meanings = [(each["name"].lower(), each["value"]) for each in united]
    assert set(meanings) == {(each["name"].lower(), each["value"]) for each in several}
    assert len(meanings) == len(set(meanings))
