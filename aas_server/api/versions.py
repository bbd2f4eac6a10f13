"""Versions of the API are mounts: the same rows under several prefixes, answering as that version did."""

from aas_server.model.modifiers import ApiVersion

MOUNTS: dict[str, ApiVersion] = {
    "": ApiVersion.V31,
    "/api/v3.1": ApiVersion.V31,
    "/api/v3": ApiVersion.V31,
    "/api/v3.0": ApiVersion.V30,
}
