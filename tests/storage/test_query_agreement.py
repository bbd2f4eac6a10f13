"""The evaluator over every document and the way through the index find the same, for documents and queries made up."""

import asyncio
import math
import os
import re
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from aas_server.model import Document, Kind
from aas_server.model.changes import Put, SetValue
from aas_server.model.edit import apply_values
from aas_server.model.paths import text, walk
from aas_server.model.query import Condition
from aas_server.model.query.casting import moment, number
from aas_server.model.query.evaluation import content
from aas_server.storage import Matching
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import external, model
from tests.queries import Memory, compare, field, read

#: Rounds, and queries in each; together at least 2,000 pairs.
ROUNDS, QUERIES = int(os.environ.get("QUERY_ROUNDS", "100")), 20

NAMES = st.sampled_from(["A", "B", "Speed", "x-1"])
MEANINGS = st.sampled_from(["urn:m:1", "urn:m:2", "urn:m:1,(Blob)b"])
TEXTS = st.sampled_from(
    [
        *("", "5", "5.0", "05", "-1", "INF", "NaN", "true", "1", "abc", "xabcx", "ab", "ABC", "ä€𝄞bc", "a\nbc"),
        " 5",
        *(
            "2024-01-01",
            "2024-01-01T01:00:00+02:00",
            "2023-12-31T23:00:00Z",
            "12:30:00",
            "FF",
            "16#FF",
            "x" * 600 + "abc",
        ),
    ]
)
TYPES = st.sampled_from(
    ["xs:string", "xs:int", "xs:double", "xs:boolean", "xs:dateTime", "xs:date", "xs:time", "xs:anyURI"]
)


@st.composite
def references(draw: st.DrawFn) -> Document:
    reference = external(draw(MEANINGS))
    if draw(st.booleans()):
        reference["keys"].append({"type": "FragmentReference", "value": draw(MEANINGS)})
    return reference


@st.composite
def leaves(draw: st.DrawFn) -> Document:
    match draw(st.sampled_from(["Property", "Property", "Property", "File", "Range", "MLP", "Reference", "Blob"])):
        case "Property":
            element: Document = {"modelType": "Property", "valueType": draw(TYPES)}
            if draw(st.integers(0, 5)):
                element["value"] = draw(TEXTS)
        case "File":
            element = {"modelType": "File", "contentType": "text/plain", "value": draw(TEXTS)}
        case "Range":
            element = {"modelType": "Range", "valueType": "xs:int", "min": "1", "max": "5"}
        case "MLP":
            texts = [{"language": language, "text": draw(TEXTS)} for language in draw(st.sets(LANGUAGES, max_size=2))]
            element = {"modelType": "MultiLanguageProperty", **({"value": texts} if texts else {})}
        case "Reference":
            element = {"modelType": "ReferenceElement", "value": draw(references())}
        case _:
            element = {"modelType": "Blob", "contentType": "text/plain", "value": "NQ=="}
    if draw(st.booleans()):
        element["semanticId"] = draw(references())
    return element


LANGUAGES = st.sampled_from(["en", "de"])


@st.composite
def elements(draw: Any, depth: int = 2) -> Any:
    kind = draw(st.sampled_from(["leaf", "leaf", "SubmodelElementCollection", "SubmodelElementList", "Entity"]))
    if kind == "leaf" or not depth:
        return draw(leaves())
    element: Document = {"modelType": kind}
    below = draw(st.lists(elements(depth=depth - 1), max_size=3))
    if kind == "SubmodelElementList":
        element["typeValueListElement"] = "SubmodelElement"
        if below and draw(st.booleans()):
            below[0]["idShort"] = draw(NAMES)
    else:
        below = named(below, draw)
    if kind == "Entity":
        element["entityType"] = "CoManagedEntity"
    if below:
        element["statements" if kind == "Entity" else "value"] = below
    if draw(st.booleans()):
        element["semanticId"] = draw(references())
    return element


def named(below: list[Document], draw: st.DrawFn) -> list[Document]:
    names = draw(st.lists(NAMES, min_size=len(below), max_size=len(below), unique=True))
    return [{**each, "idShort": name} for each, name in zip(below, names, strict=True)]


@st.composite
def submodels(draw: st.DrawFn, number: int) -> Document:
    document: Document = {"modelType": "Submodel", "id": f"urn:sm:{number}"}
    if draw(st.booleans()):
        document["idShort"] = draw(NAMES)
    if draw(st.booleans()):
        document["semanticId"] = draw(references())
    if below := named(draw(st.lists(elements(), min_size=1, max_size=3)), draw):
        document["submodelElements"] = below
    return document


@st.composite
def shells(draw: st.DrawFn, number: int) -> Document:
    asset: Document = {"assetKind": draw(st.sampled_from(["Instance", "Type"]))}
    if draw(st.booleans()):
        asset["globalAssetId"] = draw(MEANINGS)
    if draw(st.booleans()):
        ids = st.fixed_dictionaries({"name": NAMES, "value": TEXTS}, optional={"externalSubjectId": references()})
        asset["specificAssetIds"] = draw(st.lists(ids, min_size=1, max_size=2))
    document: Document = {"modelType": "AssetAdministrationShell", "id": f"urn:s:{number}", "assetInformation": asset}
    if draw(st.booleans()):
        document["idShort"] = draw(NAMES)
    if targets := draw(st.lists(st.integers(0, 5), max_size=2, unique=True)):
        document["submodels"] = [model(f"urn:sm:{each}") for each in targets]
    return document


@st.composite
def worlds(draw: st.DrawFn) -> list[Document]:
    documents = [draw(submodels(number)) for number in range(draw(st.integers(3, 4)))]
    return [*documents, *(draw(shells(number)) for number in range(draw(st.integers(0, 3))))]


INDEX = st.sampled_from(["[]", "[0]", "[1]"])
PATHS = st.one_of(
    st.just(""),
    st.builds(lambda *names: "." + ".".join(names), NAMES),
    st.builds(lambda *names: "." + ".".join(names), NAMES, NAMES),
    st.builds(lambda name, at: f".{name}{at}", NAMES, INDEX),
    st.builds(lambda name, at, below: f".{name}{at}.{below}", NAMES, INDEX, NAMES),
)


def reference_fields(name: str) -> st.SearchStrategy[str]:
    keys = st.builds(lambda at, what: f"{name}.keys{at}.{what}", INDEX, st.sampled_from(["value", "type"]))
    return st.one_of(st.just(name), st.just(f"{name}.type"), keys)


ELEMENT_FIELDS = st.builds(
    lambda path, attribute: f"$sme{path}#{attribute}",
    PATHS,
    st.one_of(
        st.just("value"), st.sampled_from(["value", "idShort", "valueType", "language"]), reference_fields("semanticId")
    ),
)
SUBMODEL_FIELDS = st.one_of(st.sampled_from(["$sm#id", "$sm#idShort"]), reference_fields("$sm#semanticId"))
SHELL_FIELDS = st.one_of(
    st.sampled_from([f"$aas#{name}" for name in ("id", "idShort")]),
    st.sampled_from([f"$aas#assetInformation.{name}" for name in ("assetKind", "assetType", "globalAssetId")]),
    st.builds(
        lambda at, name: f"$aas#assetInformation.specificAssetIds{at}.{name}",
        INDEX,
        st.one_of(st.sampled_from(["name", "value"]), reference_fields("externalSubjectId")),
    ),
    st.builds(
        lambda at, key, what: f"$aas#submodels{at}.keys{key}.{what}", INDEX, INDEX, st.sampled_from(["value", "type"])
    ),
)
FIELDS = st.one_of(ELEMENT_FIELDS, ELEMENT_FIELDS, SUBMODEL_FIELDS, SHELL_FIELDS)
WORDS = st.one_of(
    TEXTS, NAMES, MEANINGS, st.sampled_from(["urn:sm:0", "urn:s:1", "Instance", "Property", "de", "xs:int"])
)
CONSTANTS = st.one_of(
    WORDS.filter(lambda text: not text.startswith("$")).map(lambda text: {"$strVal": text}),
    st.sampled_from([5, 5.0, -1, 0, 1, 7.5]).map(lambda number: {"$numVal": number}),
    st.booleans().map(lambda value: {"$boolean": value}),
    st.sampled_from(["16#FF", "16#5"]).map(lambda text: {"$hexVal": text}),
    st.sampled_from(["2024-01-01T00:00:00Z", "2023-12-31T23:00:00Z"]).map(lambda text: {"$dateTimeVal": text}),
    st.sampled_from(["12:30", "01:00:00"]).map(lambda text: {"$timeVal": text}),
)
CASTS = st.sampled_from(["$strCast", "$numCast", "$hexCast", "$boolCast", "$dateTimeCast", "$timeCast"])
CAST = st.builds(lambda cast, operand: {cast: operand}, CASTS, st.one_of(FIELDS.map(field), CONSTANTS))
PARTS = st.builds(
    lambda part, operand: {part: operand},
    st.sampled_from(["$year", "$month", "$dayOfWeek", "$dayOfMonth"]),
    st.one_of(FIELDS.map(field), st.just("2024-01-01T00:00:00Z")),
)
ORDERED = st.sampled_from(["$eq", "$eq", "$eq", "$ne", "$gt", "$ge", "$lt", "$le"])
ON_TEXTS = st.sampled_from(["$contains", "$starts-with", "$ends-with", "$regex"])
LITERAL = st.one_of(WORDS.filter(lambda text: not text.startswith("$")), st.sampled_from(["^a.*c$", "[0-9]+", "abc+x"]))


def comparisons(fields: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    operand = st.one_of(CONSTANTS, CONSTANTS, CONSTANTS, fields.map(field), CAST, PARTS)
    return st.one_of(
        st.builds(lambda sign, text, other: {sign: [field(text), other]}, ORDERED, fields, CONSTANTS),
        st.builds(lambda sign, one, other: {sign: [one, other]}, ORDERED, operand, operand),
        st.builds(lambda sign, text, other: compare(sign, text, other), ON_TEXTS, fields, LITERAL),
        st.booleans().map(lambda value: {"$boolean": value}),
    )


@st.composite
def of_one_list(draw: st.DrawFn) -> Any:
    """A $match whose fields go through the same list."""
    head = draw(
        st.sampled_from(["$sme", "$sme.A[]", "$sme.A[].B", "$sme.Speed", "$aas#assetInformation.specificAssetIds[]"])
    )
    if head.startswith("$sme"):
        attributes = ["#value", "#idShort", "#semanticId", "#language", "#semanticId.keys[].value"]
    else:
        attributes = [".name", ".value", ".externalSubjectId"]
    fields = st.sampled_from([head + each for each in attributes])
    simple = st.one_of(
        st.builds(lambda sign, text, other: {sign: [field(text), other]}, ORDERED, fields, CONSTANTS),
        st.builds(lambda sign, text, other: compare(sign, text, other), ON_TEXTS, fields, LITERAL),
    )
    inside = draw(st.lists(simple, min_size=1, max_size=3))
    if draw(st.booleans()):
        inside.append({"$match": draw(st.lists(simple, min_size=1, max_size=2))})
    if draw(st.booleans()):
        inside.append(compare("$eq", draw(SUBMODEL_FIELDS), draw(MEANINGS)))
    return {"$match": inside}


CONDITIONS = st.recursive(
    st.one_of(comparisons(FIELDS), of_one_list()),
    lambda inside: st.one_of(
        st.lists(inside, min_size=2, max_size=3).map(lambda found: {"$and": found}),
        st.lists(inside, min_size=2, max_size=3).map(lambda found: {"$or": found}),
        inside.map(lambda found: {"$not": found}),
    ),
    max_leaves=4,
)
KINDS = st.sampled_from([Kind.SUBMODEL, Kind.SUBMODEL, Kind.SHELL])


@st.composite
def informed(draw: st.DrawFn, documents: list[Document]) -> Any:
    """A condition on something that is there: mostly met by one document, and missed where the index is wrong."""
    found = [(path, each) for document in documents for path, each in walk(document) if content(each)]
    if not found:
        return draw(CONDITIONS)
    path, element = draw(st.sampled_from(found))
    bare = draw(st.sampled_from(["$sme", "$sme." + re.sub(r"\[[0-9]+\]", "[]", text(path)).lstrip("[].")]))
    value = content(element)[0]
    if (measure := number(value)) is not None and math.isfinite(measure) and draw(st.booleans()):
        sign = draw(st.sampled_from(["$eq", "$ge", "$le"]))
        comparison = compare(sign, f"{bare}#value", measure)
    elif (at := moment(value)) is not None and draw(st.booleans()):
        comparison = {
            draw(st.sampled_from(["$eq", "$ge", "$le"])): [field(f"{bare}#value"), {"$dateTimeVal": f"{at}Z"}]
        }
    else:
        part = value[len(value) // 4 :]
        sign, wanted = draw(
            st.sampled_from([("$eq", value), ("$contains", part), ("$ends-with", part), ("$ge", value)])
        )
        comparison = compare(sign, f"{bare}#value", wanted)
    if "semanticId" in element and draw(st.booleans()):
        meaning = compare("$eq", f"{bare}#semanticId", element["semanticId"]["keys"][0]["value"])
        return {"$match": [comparison, meaning]}
    return comparison


async def through_the_index(documents: list[Document], queries: list[tuple[Condition, Kind]], late: bool) -> list[Any]:
    storage = await SqliteStorage.open("sqlite:///:memory:")
    try:
        await storage.apply([Put(each) for each in documents])
        if not late:
            await storage.read_texts()
        changed = [each for each in documents if values_of(each)]
        await storage.apply([order for each in changed for order in [SetValue(each["id"], *values_of(each)[0])]])
        return [await pages(storage, condition, kind) for condition, kind in queries]
    finally:
        await storage.close()


def values_of(document: Document) -> list[Any]:
    """A value to set on the first Property at the top, so that some values are in the value log."""
    for each in document.get("submodelElements") or ():
        if each["modelType"] == "Property":
            return [((each["idShort"],), {"value": "abcabc"}, each)]
    return []


async def pages(storage: SqliteStorage, condition: Condition, kind: Kind) -> list[str]:
    """All that is found, in pages of two."""
    found: list[str] = []
    cursor = None
    while True:
        page = await storage.page(kind, [Matching(condition)], 2, cursor)
        found += [each.identifier for each in page.result]
        if (cursor := page.cursor) is None:
            return found


def as_changed(document: Document) -> Document:
    return apply_values(document, [(path, given) for path, given, _ in values_of(document)])


@seed(20261127)
@settings(max_examples=ROUNDS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.data(), st.booleans())
def test_both_find_the_same(documents: list[Document], data: st.DataObject, late: bool) -> None:
    changed = [as_changed(each) for each in documents]
    asked_for = st.tuples(st.one_of(CONDITIONS, informed(changed)), KINDS)
    queries = data.draw(st.lists(asked_for, min_size=QUERIES, max_size=QUERIES))
    asked = [(read(condition, kind), kind) for condition, kind in queries]
    found = asyncio.run(through_the_index(documents, asked, late))
    kinds = {"Submodel": Kind.SUBMODEL, "AssetAdministrationShell": Kind.SHELL}
    memory = Memory([(kinds[each["modelType"]], as_changed(each)) for each in documents])
    for (condition, kind), given_query, ids in zip(asked, queries, found, strict=True):
        assert ids == memory.found(condition, kind), (given_query, documents)
