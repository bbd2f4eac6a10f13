"""What can be wrong, in the words of the domain; `api.errors` gives each its status code."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a document: where, why, and which clause says so.

    `path` is a JSON path from the document's root, e.g. `submodelElements[2].valueType`;
    `constraint` an id such as `AASd-120`, or the schema keyword for a structural error.
    """

    path: str
    message: str
    constraint: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        clause = f" ({self.constraint})" if self.constraint else ""
        return f"{where}{self.message}{clause}"


class Problem(Exception):
    """Base of everything the server tells the caller about."""


class NotFound(Problem):
    """The addressed object does not exist."""


class AlreadyExists(Problem):
    """An object with this identifier or idShort exists."""


class Malformed(Problem):
    """The request cannot be read: identifier, path, cursor, modifier or body."""


class Invalid(Problem):
    """The object violates the metamodel; `findings` says what and where, all of it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = tuple(findings)


class PreconditionFailed(Problem):
    """The object is no longer the one the caller saw (If-Match, If-None-Match)."""


class NotApplicable(Problem):
    """The operation does not apply to this kind of element: invoke on a Property, attachment of a Range."""


class Forbidden(Problem):
    """What is asked for is understood and refused, whoever asks: a part of something that is kept elsewhere."""


class TooLarge(Problem):
    """The input exceeds a limit: size, depth, number of parts, expansion ratio."""


class TakesTooLong(Problem):
    """A query whose time was over before anything was found; asked again as it is, it would be again."""


class Unsupported(Problem):
    """A format or version that is recognised but not read: AASX V2, an unknown media type."""


class NotInstalled(Problem):
    """What was asked for needs a package that is not installed here."""


class NotAcceptable(Problem):
    """None of the forms that the caller accepts is offered."""


class Gone(Problem):
    """What was asked for existed and is no longer kept: changes that the log has trimmed."""


class TimedOut(Problem):
    """Somebody else did not answer in time; whether it was done is not known."""


class Refused(Problem):
    """Somebody else was asked and refused, in words that are passed on."""


class Unavailable(Problem):
    """The server cannot answer now: still loading, shutting down, or the store is in use elsewhere."""
