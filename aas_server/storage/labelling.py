"""Comparisons of what a document says itself, by its id and its labels."""

from collections.abc import Sequence

from aas_server.model.metamodel import ENUMERATIONS
from aas_server.model.query import patterns
from aas_server.model.query.casting import Value
from aas_server.model.query.comparing import compared as is_met
from aas_server.model.query.tree import Field, Literal, Operator, Root, Type
from aas_server.storage import index
from aas_server.storage.binding import Values

SIGNS = {Operator.EQ: "=", Operator.GT: ">", Operator.GE: ">=", Operator.LT: "<", Operator.LE: "<="}
#: The labels that are the same text as the attribute.
_SAME = {
    "idShort": index.ID_SHORT,
    "assetInformation.assetKind": index.ASSET_KIND,
    "assetInformation.assetType": index.ASSET_TYPE,
    "assetInformation.globalAssetId": index.GLOBAL_ASSET_ID,
    "assetKind": index.ASSET_KIND,
    "assetType": index.ASSET_TYPE,
    "globalAssetId": index.GLOBAL_ASSET_ID,
}
_SPECIFIC = ("assetInformation.specificAssetIds[]", "specificAssetIds[]")


def select(field: Field, operator: Operator, literal: Literal, kinds: Sequence[int], values: Values) -> str | None:
    """The documents of these kinds whose labels make the comparison possible; None where no label says."""
    among = f"m.kind IN ({', '.join(map(str, kinds))})"
    if field.attribute == "id":
        return f"SELECT m.pk AS pk FROM document m WHERE {among} AND {compared('m.id', operator, literal, values)}"  # noqa: S608
    attribute, _, rest = field.attribute.rpartition(".")
    if name := _SAME.get(field.attribute):
        if is_met(operator, Value(Type.STRING, ""), Value(literal.type, literal.content), (None, literal.type)):
            return None  # an empty text has no label
        found = f"m.name = {values.term(name)} AND {compared('m.value', operator, literal, values)}"
    elif attribute in _SPECIFIC and rest in ("name", "value"):
        found = _specific(rest, operator, literal, values)
    elif field.attribute == "submodels[].keys[].value":
        return _of_key(index.SUBMODEL, index.SUBMODEL_KEY, operator, literal, among, values)
    elif field.root in (Root.SUBMODEL, Root.SUBMODEL_DESCRIPTOR) and _is_meaning(field.attribute):
        return _meaning(operator, literal, among, values)
    else:
        return None
    return _labels(among, found)


def _labels(among: str, found: str) -> str:
    return f"SELECT m.pk AS pk FROM label m WHERE {among} AND {found}"  # noqa: S608


def compared(column: str, operator: Operator, literal: Literal, values: Values) -> str:
    """A condition on a column of texts that are written as they are."""
    if literal.type is not Type.STRING:
        return "1"
    text = str(literal.content)
    match operator:
        case Operator.CONTAINS | Operator.ENDS_WITH:
            return f"instr({column}, {values.add(text)}) > 0"
        case Operator.STARTS_WITH:
            return f"{column} >= {values.add(text)} AND {column} < {values.add(_behind(text))}"
        case Operator.REGEX:
            part = patterns.literal(text)
            return f"instr({column}, {values.add(part)}) > 0" if part else "1"
        case _:
            return f"{column} {SIGNS[operator]} {values.add(text)}"


def _behind(text: str) -> str:
    """What sorts behind every text that begins so; SQLite compares the bytes of UTF-8, so as code points."""
    return text + "\U0010ffff" * 4 if text.endswith("\U0010ffff") else text[:-1] + _next(text[-1])


def _next(sign: str) -> str:
    return "\ue000" if sign == "\ud7ff" else chr(ord(sign) + 1)


def _specific(rest: str, operator: Operator, literal: Literal, values: Values) -> str:
    """Specific asset ids; their names stand in the names of the labels."""
    if rest == "name" and operator is Operator.EQ and literal.type is Type.STRING:
        return f"m.name = {values.term(index.specific_asset_id(str(literal.content)))}"
    first = values.add(index.specific_asset_id(""))
    behind = values.add(_behind(index.specific_asset_id("")))
    among = f"m.name IN (SELECT id FROM term WHERE text >= {first} AND text < {behind})"  # noqa: S608
    return among if rest == "name" else f"{among} AND {compared('m.value', operator, literal, values)}"


def _of_key(name: str, further: str, operator: Operator, literal: Literal, among: str, values: Values) -> str:
    """The value of a key, where the first stands under one name and all of a longer reference under another."""
    condition = compared("m.value", operator, literal, values)
    first = _labels(among, f"m.name = {values.term(name)} AND {condition}")
    return f"{first} UNION {_labels(among, f'm.name = {values.term(further)} AND {condition}')}"


def _is_meaning(attribute: str) -> bool:
    return attribute in ("semanticId", "semanticId.keys[].value")


def _meaning(operator: Operator, literal: Literal, among: str, values: Values) -> str:
    """A semantic id by the value of a key; a label of the whole reference begins with the type of the first."""
    if operator is Operator.EQ and literal.type is Type.STRING:
        texts = ", ".join(values.add(f"({kind}){literal.content}") for kind in ENUMERATIONS["KeyTypes"])
        single = f"m.name = {values.term(index.SEMANTIC_ID)} AND m.value IN ({texts})"
        chained = f"m.name = {values.term(index.MEANING)} AND m.value = {values.add(str(literal.content))}"
        return f"{_labels(among, single)} UNION {_labels(among, chained)}"
    if operator in (Operator.STARTS_WITH, Operator.ENDS_WITH):
        operator = Operator.CONTAINS
    ordered = operator in (Operator.GT, Operator.GE, Operator.LT, Operator.LE)
    condition = "1" if ordered else compared("m.value", operator, literal, values)
    return _labels(among, f"m.name = {values.term(index.SEMANTIC_ID)} AND {condition}")
