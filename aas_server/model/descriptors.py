"""Descriptors (Part 2, 'Metamodel Specification Details'): made from what is hosted here, and edited where posted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aas_server.model import Document
from aas_server.model.edit import without
from aas_server.model.errors import AlreadyExists, NotFound
from aas_server.model.identifiers import encode
from aas_server.model.modifiers import ApiVersion
from aas_server.model.references import target


@dataclass(frozen=True, slots=True)
class Address:
    """Where one version of the API is reached from outside."""

    version: ApiVersion
    url: str


#: The mounts of the API that endpoints name: those that say which version answers there.
_MOUNTS = ((ApiVersion.V31, "/api/v3.1"), (ApiVersion.V30, "/api/v3.0"))


def addresses_below(root: str) -> tuple[Address, ...]:
    """The addresses of a server whose root is reached at this URL.

    >>> [address.url for address in addresses_below("https://example.org/")]
    ['https://example.org/api/v3.1', 'https://example.org/api/v3.0']
    """
    return tuple(Address(version, root.rstrip("/") + mount) for version, mount in _MOUNTS)


#: What a descriptor copies from the shell or submodel it describes.
_COPIED = ("description", "displayName", "extensions", "administration", "idShort", "id")
_SUBMODEL = (*_COPIED, "semanticId", "supplementalSemanticIds")
_ASSET = ("assetKind", "assetType", "globalAssetId", "specificAssetIds")


def shell_descriptor(shell: Document, submodels: Sequence[Document], addresses: Sequence[Address]) -> Document:
    """The descriptor of a hosted shell, with those of its submodels that are hosted too."""
    nested = [submodel_descriptor(submodel, addresses) for submodel in submodels]
    return {
        **_taken(shell, _COPIED),
        **_taken(shell["assetInformation"], _ASSET),
        "endpoints": list(_endpoints("AAS", "shells", shell["id"], addresses)),
        **({"submodelDescriptors": nested} if nested else {}),
    }


def submodel_descriptor(submodel: Document, addresses: Sequence[Address]) -> Document:
    """The descriptor of a hosted submodel."""
    endpoints = list(_endpoints("SUBMODEL", "submodels", submodel["id"], addresses))
    return {**_taken(submodel, _SUBMODEL), "endpoints": endpoints}


def _taken(document: Document, names: Sequence[str]) -> Document:
    return {name: document[name] for name in names if name in document}


def _endpoints(interface: str, collection: str, identifier: str, addresses: Sequence[Address]) -> Iterator[Document]:
    """One endpoint for each version of the API; the interface is named after both (Part 2, 'Endpoint')."""
    for address in addresses:
        protocol = address.url.partition("://")[0].upper()
        yield {
            "interface": f"{interface}-{address.version}",
            "protocolInformation": {
                "href": f"{address.url}/{collection}/{encode(identifier)}",
                "endpointProtocol": protocol,
                "endpointProtocolVersion": ["1.1"],
            },
        }


def submodel_ids(shell: Document) -> list[str]:
    """The ids of the submodels a shell refers to, each once, in the order of the references."""
    found = (target(reference) for reference in shell.get("submodels") or ())
    return list(dict.fromkeys(identifier for identifier in found if identifier is not None))


# Nested submodel descriptors


def nested(descriptor: Document) -> list[Document]:
    return descriptor.get("submodelDescriptors") or []


def find_nested(descriptor: Document, submodel_id: str) -> Document | None:
    return next((each for each in nested(descriptor) if each["id"] == submodel_id), None)


def get_nested(descriptor: Document, submodel_id: str) -> Document:
    """The submodel descriptor of this id in a shell descriptor. Raises NotFound."""
    if (found := find_nested(descriptor, submodel_id)) is None:
        raise NotFound(f"the descriptor of shell {descriptor['id']!r} has no descriptor of submodel {submodel_id!r}")
    return found


def with_nested(descriptor: Document, added: Sequence[Document]) -> Document:
    """The shell descriptor with more submodel descriptors, each in place of the one of the same id.

    >>> with_nested({"id": "s", "submodelDescriptors": [{"id": "a"}, {"id": "b"}]}, [{"id": "a", "idShort": "A"}])
    {'id': 's', 'submodelDescriptors': [{'id': 'a', 'idShort': 'A'}, {'id': 'b'}]}
    """
    if not added:
        return descriptor
    by_id = {each["id"]: each for each in (*nested(descriptor), *added)}
    return {**descriptor, "submodelDescriptors": list(by_id.values())}


def with_new_nested(descriptor: Document, added: Document) -> Document:
    """The shell descriptor with one more submodel descriptor. Raises AlreadyExists."""
    if find_nested(descriptor, added["id"]) is not None:
        raise AlreadyExists(f"the descriptor of shell {descriptor['id']!r} has one of submodel {added['id']!r} already")
    return with_nested(descriptor, [added])


def without_nested(descriptor: Document, submodel_id: str) -> Document:
    """The shell descriptor without the one of this submodel. Raises NotFound."""
    gone = get_nested(descriptor, submodel_id)
    rest = [each for each in nested(descriptor) if each is not gone]
    return {**descriptor, "submodelDescriptors": rest} if rest else without(descriptor, "submodelDescriptors")
