"""Shells, submodels and concept descriptions as whole documents: what is the same for all three."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from aas_server.api import answering, contexts, filters, views
from aas_server.api.reading import Call
from aas_server.model import Kind
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.repository.entries import Entry
from aas_server.storage import Criterion


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the documents of a kind are in the API, and how their lists are filtered."""

    kind: Kind
    path: str
    parameter: str
    criteria: Callable[[Call], list[Criterion]]

    def identifier(self, call: Call) -> str:
        return call.identifier(self.parameter)

    async def get_page(self, call: Call) -> web.Response:
        if call.content is Content.PATH and call.version is ApiVersion.V30:
            return await views.show_paths(call, self.kind, self.criteria(call))
        listing = await call.repository.page(self.kind, self.criteria(call), call.limit, call.cursor)
        return contexts.linked_page(call, views.show_page(call, listing))

    async def post(self, call: Call) -> web.Response:
        document = await call.identifiable(self.kind)
        call.condition.check(None)  # there is nothing yet that could match
        return self.created(call, await call.repository.create(document))

    async def get(self, call: Call) -> web.Response:
        return await views.show(call, await call.repository.get(self.kind, self.identifier(call)))

    async def put(self, call: Call) -> web.Response:
        """Create or replace. API 3.0 knows no creation by PUT: there a missing document is NotFound."""
        identifier = self.identifier(call)
        document = await call.identifiable(self.kind, identifier)
        if call.version is ApiVersion.V30:
            await call.repository.get(self.kind, identifier)
        entry, created = await call.repository.put(document, call.condition)
        return self.created(call, entry) if created else answering.done(entry)

    async def delete(self, call: Call) -> web.Response:
        await call.repository.delete(self.kind, self.identifier(call), call.condition)
        return answering.done()

    def created(self, call: Call, entry: Entry) -> web.Response:
        path = answering.located(self.path, entry.identifier)
        if call.single == self.parameter:
            path = call.request.path.removeprefix(call.base)
        return answering.created(call, path, entry.body, entry.etag)


SHELLS = Collection(Kind.SHELL, "/shells", "aasIdentifier", filters.shells)
SUBMODELS = Collection(Kind.SUBMODEL, "/submodels", "submodelIdentifier", filters.submodels)
CONCEPTS = Collection(Kind.CONCEPT, "/concept-descriptions", "cdIdentifier", filters.concepts)
