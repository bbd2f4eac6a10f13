"""What a caller demands of the state it changes: If-Match and If-None-Match (RFC 9110, section 13)."""

from dataclasses import dataclass

from aas_server.model.errors import PreconditionFailed

ANY = "*"


@dataclass(frozen=True, slots=True)
class Condition:
    """The ETags a caller has seen, without quotes; `*` stands for any existing document."""

    if_match: frozenset[str] = frozenset()
    if_none_match: frozenset[str] = frozenset()

    def check(self, etag: str | None) -> None:
        """Raises PreconditionFailed unless the document's ETag (None: it does not exist) is as demanded."""
        if self.if_match and not _matches(self.if_match, etag):
            state = "does not exist" if etag is None else f'is now at "{etag}"'
            raise PreconditionFailed(f"If-Match does not hold: the document {state}")
        if self.if_none_match and _matches(self.if_none_match, etag):
            raise PreconditionFailed(f'If-None-Match does not hold: the document is at "{etag}"')


def _matches(demanded: frozenset[str], etag: str | None) -> bool:
    return etag is not None and (ANY in demanded or edited(etag) in map(edited, demanded))


def edited(etag: str) -> str:
    """The part of an ETag that editors change: a machine whose values move on must not refuse everybody's edits."""
    return etag.partition(".")[0]


#: Nothing is demanded.
NONE = Condition()
