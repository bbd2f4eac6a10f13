"""The API table expands to exactly the operations of the official OpenAPI, its misprint included."""

import json
import re
from collections import Counter

from aas_server.api.table import API
from tests.shared import shared

METHODS = {"get", "put", "post", "patch", "delete"}
PARAMETER = re.compile(r"\{[^}]*\}")
#: Below it the official files of 3.1.2 print `invoke-asnyc`.
ELEMENT = "/aas/submodels/{}/submodel-elements/{}"
Operation = tuple[str, str]


def nameless(method: str, path: str) -> Operation:
    """Method and path with the names of the parameters left out: the official files do not agree on them."""
    return method.upper(), PARAMETER.sub("{}", path)


def official() -> set[Operation]:
    api = json.loads(shared("specs/bundled/Entire-API-Collection-V3.1.json").read_bytes())
    return {nameless(method, path) for path, item in api["paths"].items() for method in METHODS & item.keys()}


def of_the_profiles() -> set[Operation]:
    services = json.loads(shared("specs/endpoints-3.1.2.json").read_bytes())
    return {nameless(*operation.split(" ")) for service in services.values() for operation in service}


def served() -> list[Operation]:
    return [nameless(method, path) for operation in API for method, path in operation.routes()]


def test_every_official_operation_is_a_row() -> None:
    assert sorted(official() - set(served())) == []


def test_every_row_is_an_official_operation_or_its_right_spelling() -> None:
    assert set(served()) - official() == {("POST", f"{ELEMENT}/invoke-async")}


def test_every_operation_of_a_profile_is_a_row() -> None:
    assert sorted(of_the_profiles() - set(served())) == []


def test_no_operation_stands_in_two_rows() -> None:
    assert [operation for operation, count in Counter(served()).items() if count > 1] == []


def test_the_misprinted_path_is_served_as_printed() -> None:
    assert ("POST", f"{ELEMENT}/invoke-asnyc") in official() & set(served())
