"""A world of documents in memory, for the evaluator, and short ways to write conditions."""

from collections.abc import Sequence
from typing import Any

from aas_server.model import Document, Kind
from aas_server.model.query import Condition, matches, parse_condition
from aas_server.model.references import target


class Memory:
    """Documents in the order they came."""

    def __init__(self, documents: Sequence[tuple[Kind, Document]]) -> None:
        self.documents = documents

    def submodels(self, shell: Document) -> Sequence[Document]:
        wanted = {target(reference) for reference in shell.get("submodels") or ()}
        return [each for kind, each in self.documents if kind is Kind.SUBMODEL and each["id"] in wanted]

    def shells(self, submodel: Document) -> Sequence[Document]:
        return [
            each
            for kind, each in self.documents
            if kind is Kind.SHELL and submodel["id"] in [target(one) for one in each.get("submodels") or ()]
        ]

    def found(self, condition: Condition, kind: Kind) -> list[str]:
        """The ids of what meets the condition, every document looked at."""
        return [
            each["id"] for is_kind, each in self.documents if is_kind is kind and matches(condition, each, kind, self)
        ]


def read(condition: Any, kind: Kind = Kind.SUBMODEL) -> Condition:
    return parse_condition(condition, kind)


def field(text: str) -> dict[str, str]:
    return {"$field": text}


def compare(operator: str, text: str, operand: Any) -> dict[str, Any]:
    """`compare("$eq", "$sm#id", "x")`: a field and a constant of the type of the Python value."""
    match operand:
        case bool():
            constant: dict[str, Any] = {"$boolean": operand}
        case int() | float():
            constant = {"$numVal": operand}
        case str():
            constant = {"$strVal": operand}
        case _:
            constant = operand
    return {operator: [field(text), constant]}
