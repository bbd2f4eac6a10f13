"""Constraints on what identifies an asset."""

from collections.abc import Iterator

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.validation.check import Checks


def is_identified(information: Document) -> Iterator[Finding]:
    if not _has_asset_id(information):
        yield Finding("", "has neither a globalAssetId nor specificAssetIds", "AASd-131")


def self_managed_is_identified(entity: Document) -> Iterator[Finding]:
    if entity["entityType"] == "SelfManagedEntity" and not _has_asset_id(entity):
        message = "SelfManagedEntity has a globalAssetId or specificAssetIds, and there are none"
        yield Finding("entityType", message, "AASd-014")


def _has_asset_id(instance: Document) -> bool:
    return "globalAssetId" in instance or "specificAssetIds" in instance


def reserved_name(instance: Document) -> Iterator[Finding]:
    """A specific asset id named globalAssetId, in any case, is the global asset id and no other."""
    for place, each in enumerate(instance["specificAssetIds"]):
        if each["name"].lower() == "globalassetid" and each["value"] != instance.get("globalAssetId"):
            message = f"{each['name']!r} is reserved: the value must be the globalAssetId"
            yield Finding(f"specificAssetIds[{place}]", message, "AASd-116")


def subject_is_external(specific_asset_id: Document) -> Iterator[Finding]:
    if specific_asset_id["externalSubjectId"]["type"] != "ExternalReference":
        yield Finding("externalSubjectId.type", "must be ExternalReference", "AASd-133")


CHECKS: Checks = {
    "AssetInformation.assetKind": (is_identified,),
    "AssetInformation.specificAssetIds": (reserved_name,),
    "Entity.entityType": (self_managed_is_identified,),
    "Entity.specificAssetIds": (reserved_name,),
    "SpecificAssetId.externalSubjectId": (subject_is_external,),
}
