"""Texts that must be literals of a type: values by their valueType, base64, dates."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.validation.check import Check, Checks
from aas_server.model.validation.structure import shown
from aas_server.model.values import fits


def by_value_type(attribute: str, constraint: str = "valueType") -> Check:
    """The value is a literal of the valueType, xs:string where there is none (Part 1, ValueDataType)."""

    def check(instance: Document) -> Iterator[Finding]:
        value_type = instance.get("valueType", "xs:string")
        # What an xs:string may hold, the schema has looked at.
        if value_type != "xs:string" and not fits(value_type, instance[attribute]):
            yield Finding(attribute, f"{shown(instance[attribute])} is no {value_type}", constraint)

    return check


def by_type(attribute: str, value_type: str) -> Check:
    """The text is a literal of a fixed type; its pattern alone does not tell the days of a month."""

    def check(instance: Document) -> Iterator[Finding]:
        if not fits(value_type, instance[attribute]):
            yield Finding(attribute, f"{shown(instance[attribute])} is no {value_type}", value_type)

    return check


CHECKS: Checks = {
    "BasicEventElement.lastUpdate": (by_type("lastUpdate", "xs:dateTime"),),
    "Blob.value": (by_type("value", "xs:base64Binary"),),
    "EventPayload.payload": (by_type("payload", "xs:base64Binary"),),
    "EventPayload.timeStamp": (by_type("timeStamp", "xs:dateTime"),),
    "Extension.value": (by_value_type("value"),),
    "Property.value": (by_value_type("value"),),
    "Qualifier.value": (by_value_type("value", "AASd-020"),),
    "Range.max": (by_value_type("max"),),
    "Range.min": (by_value_type("min"),),
}
