"""What handlers find in the application; `app` puts it there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from aas_server.events.hub import Hub
from aas_server.graph.library import NamedQuery
from aas_server.linked import Graph
from aas_server.model import Document
from aas_server.repository import Repository
from aas_server.repository.handles import Handles
from aas_server.repository.invoking import Operations

if TYPE_CHECKING:
    from aas_server.api.table import Route

REPOSITORY = web.AppKey("repository", Repository)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read, in bytes: of a document, of an uploaded file, of what is packed in it; and items of a page."""

    document: int = 16 << 20
    upload: int = 2 << 30
    expanded: int = 4 << 30
    page: int = 1000
    default_page: int = 100
    #: Seconds that an operation may take.
    operation: float = 60.0


#: Something by its name, shown when asked for.
Shown = tuple[str, Callable[[], Document]]


@dataclass(slots=True)
class State:
    """What the health checks tell: whether the store is open, and what is still being loaded."""

    ready: bool = False
    loading: str = ""
    metrics: dict[str, Callable[[], float]] = field(default_factory=dict)
    #: How the registration at a remote registry stands; None where there is none.
    registration: Callable[[], Document] | None = None
    #: How the broker stands that is told what happens; None where there is none.
    outlet: Callable[[], Document] | None = None
    #: How the plant stands, and its mappings by their origins, shown when asked for; None where nothing follows it.
    live: Callable[[], Document] | None = None
    mappings: Callable[[], list[Shown]] | None = None


@dataclass(frozen=True, slots=True)
class Singles:
    """The shell and the submodel that are served as single ones, by their ids; None where there is none."""

    shell: str | None = None
    submodel: str | None = None

    def of(self, parameter: str) -> str | None:
        """The id that stands for a path parameter of the repositories."""
        return {"aasIdentifier": self.shell, "submodelIdentifier": self.submodel}[parameter]


LIMITS = web.AppKey("limits", Limits)
SINGLES = web.AppKey("singles", Singles)
STATE = web.AppKey("state", State)
HANDLES = web.AppKey("handles", Handles)
EVENTS = web.AppKey("events", Hub)
LIBRARY = web.AppKey("library", dict[str, NamedQuery])
GRAPH = web.AppKey("graph", Graph)
OPERATIONS: web.AppKey[Operations] = web.AppKey("operations", Operations)
#: The rows of the API as they are mounted at each base.
ROUTES: "web.AppKey[dict[str, tuple[Route, ...]]]" = web.AppKey("routes", dict)
#: The OpenAPI documents by the path they are true of, once made.
DOCUMENTS: web.AppKey[dict[str, bytes]] = web.AppKey("documents", dict)
