"""Documents for graphs: what is drawn by Hypothesis, and a view over them."""

import tomllib
from typing import Any

from hypothesis import strategies as st

from aas_server.config import shipped
from aas_server.graph.projecting import Projector
from aas_server.graph.units import Units
from aas_server.graph.view import View
from aas_server.model import Kind
from tests.examples import collection, external, listed, model, prop, submodel

ROOT = "http://here"
UNITS = Units(tomllib.loads((shipped("mappings") / "units.toml").read_text(encoding="utf-8")))
MEANINGS = ("0173-1#02-AAO677#004", "urn:x:meaning", "https://admin-shell.io/idta/x/1/0")

meant = st.sampled_from(MEANINGS).map(lambda meaning: {"semanticId": external(meaning)})
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
sense: st.SearchStrategy[dict[str, Any]] = st.just({}) | meant
properties = st.builds(
    lambda name, value, more: prop(name, value, "xs:string", **more), st.sampled_from("ABC"), values, sense
)
numbers = st.builds(lambda name, value: prop(name, str(value)), st.sampled_from("DE"), st.integers(-5, 5))
entities = st.builds(
    lambda name, asset, parts: {
        "modelType": "Entity", "idShort": name, "entityType": "SelfManagedEntity", "globalAssetId": asset,
        **({"statements": parts} if parts else {}),
    },
    st.sampled_from("FG"),
    st.sampled_from(["urn:a:1", "urn:a:2", "urn:a:3"]),
    st.lists(
        st.builds(
            lambda asset: {"modelType": "Entity", "idShort": "P", "globalAssetId": asset},
            st.sampled_from(["urn:a:1", "urn:a:2", "urn:a:4"]),
        ),
        max_size=1,
    ),
)  # fmt: skip
leaves = properties | numbers | entities
nested = st.lists(leaves, max_size=3, unique_by=lambda element: element["idShort"]).map(
    lambda below: collection("H", *below)
)
lists = st.integers(0, 3).map(lambda count: listed("I", "Property", *[prop(None, str(n)) for n in range(count)]))
elements = st.lists(leaves | nested | lists, max_size=5, unique_by=lambda element: element["idShort"])
submodels = st.builds(
    lambda name, below, more: submodel(name, *below, **more), st.sampled_from(["urn:x:1", "plain"]), elements, sense
)


def shell_of(identifier: str, asset: str, several: list[str]) -> dict[str, Any]:
    return {
        "modelType": "AssetAdministrationShell",
        "id": identifier,
        "assetInformation": {"assetKind": "Instance", "globalAssetId": asset, "assetType": "0173-1#01-AAA000#001"},
        **({"submodels": [model(each) for each in several]} if several else {}),
    }


shells = st.builds(
    shell_of,
    st.sampled_from(["urn:s:1", "urn:s:2"]),
    st.sampled_from(["urn:a:1", "urn:a:2"]),
    st.lists(st.sampled_from(["urn:x:1", "plain"]), unique=True),
)
documents = st.one_of(shells.map(lambda each: (Kind.SHELL, each)), submodels.map(lambda each: (Kind.SUBMODEL, each)))


def view() -> View:
    return View(Projector(ROOT, UNITS))
