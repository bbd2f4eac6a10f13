"""Which shells an asset has: by what the hosted shells say of it, and by links that others posted for any shell."""

from collections.abc import Sequence

import orjson

from aas_server.model import Document, Kind
from aas_server.model.assets import links, united
from aas_server.model.changes import ABSENT, Delete, Put
from aas_server.model.errors import AlreadyExists, Forbidden, NotFound, PreconditionFailed
from aas_server.repository import Repository
from aas_server.repository.conditions import NONE, Condition
from aas_server.repository.entries import Entry
from aas_server.storage import Label


class Discovery:
    """Asset links by the id of a shell, those of the hosted shell before those that were posted."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def search(self, labels: Sequence[Label], limit: int, cursor: str | None) -> tuple[list[str], str | None]:
        """The ids of shells that have all the links, in the order of the ids, and the next cursor."""
        return await self._repository.documents.identifiers((Kind.SHELL, Kind.ASSET_LINKS), labels, limit, cursor)

    async def get(self, shell_id: str) -> Entry:
        """All links of a shell, as the body of an entry. Raises NotFound."""
        if (entry := await self.find(shell_id)) is None:
            raise NotFound(f"no asset links of shell {shell_id!r}")
        return entry

    async def find(self, shell_id: str) -> Entry | None:
        shell = await self._one(Kind.SHELL, shell_id)
        posted = await self._one(Kind.ASSET_LINKS, shell_id)
        sources = [each for each in (shell, posted) if each]
        if not sources:
            return None
        hosted = links(shell.document) if shell else []
        body = orjson.dumps(united([*hosted, *(posted.document["links"] if posted else [])]))
        etag = "-".join([self._repository.documents.store_id, *(f"{each.revision:x}" for each in sources)])
        return Entry(Kind.ASSET_LINKS, shell_id, posted.revision if posted else ABSENT, f"{etag}-links", body=body)

    async def post(self, shell_id: str, posted: Sequence[Document], condition: Condition = NONE) -> Entry:
        """Create or replace the posted links; the entry is that of all. Raises PreconditionFailed."""
        expected = None
        if condition is not NONE:
            before = await self.find(shell_id)
            condition.check(before.etag if before else None)
            expected = before.revision if before else ABSENT
        put = Put({"id": shell_id, "links": list(posted)}, expected, stored_as=Kind.ASSET_LINKS)
        try:
            await self._repository.apply([put])
        except AlreadyExists as error:
            raise PreconditionFailed(str(error)) from None
        return await self.get(shell_id)

    async def delete(self, shell_id: str, condition: Condition = NONE) -> None:
        """Remove the posted links. Raises NotFound, PreconditionFailed, and Forbidden where all are the shell's own."""
        before = await self.get(shell_id)
        condition.check(before.etag)
        if before.revision == ABSENT:
            raise Forbidden(f"the asset links of shell {shell_id!r} are those of its assetInformation: change it there")
        expected = None if condition is NONE else before.revision
        await self._repository.apply([Delete(Kind.ASSET_LINKS, shell_id, expected)])

    async def _one(self, kind: Kind, identifier: str) -> Entry | None:
        return next(iter(await self._repository.several(kind, [identifier])), None)
