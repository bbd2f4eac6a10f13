"""What a request addresses and brings: ids, path, modifiers, paging, preconditions, body; decoded or refused."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from aiohttp import web
from aiohttp.client_exceptions import ClientError
from aiohttp.http_exceptions import HttpProcessingError

from aas_server.api import answering
from aas_server.api.keys import HANDLES, LIMITS, REPOSITORY, SINGLES, Limits
from aas_server.graph import rdf
from aas_server.graph.rdf import SYNTAXES
from aas_server.model import Document, Json, Kind, xml
from aas_server.model import json as documents
from aas_server.model.errors import Invalid, Malformed, NotFound, TooLarge, Unsupported
from aas_server.model.identifiers import decode
from aas_server.model.metamodel import REGISTERED
from aas_server.model.modifiers import ApiVersion, Content, Extent, Level
from aas_server.model.negotiating import XML
from aas_server.model.paths import IdShortPath, parse
from aas_server.model.references import target
from aas_server.model.validation import verify
from aas_server.repository import Repository
from aas_server.repository.conditions import NONE, Condition
from aas_server.repository.handles import Handles

Choice = TypeVar("Choice", bound=StrEnum)
Sound = TypeVar("Sound")


@dataclass(slots=True)
class Call:
    """One request to one row of the API table."""

    request: web.Request
    base: str
    version: ApiVersion = ApiVersion.V31
    content: Content = Content.NORMAL
    #: The path parameter whose place a setting takes (see table.Mount).
    single: str | None = None

    @property
    def repository(self) -> Repository:
        return self.request.app[REPOSITORY]

    @property
    def handles(self) -> Handles:
        return self.request.app[HANDLES]

    @property
    def limits(self) -> Limits:
        return self.request.app[LIMITS]

    # Addresses

    @property
    def shell_id(self) -> str:
        return self.identifier("aasIdentifier")

    @property
    def submodel_id(self) -> str:
        return self.identifier("submodelIdentifier")

    @property
    def path(self) -> IdShortPath:
        """The idShortPath; () where the request addresses the submodel itself."""
        text = self.request.match_info.get("idShortPath")
        return parse(text) if text else ()

    @property
    def inside_shell(self) -> bool:
        """Whether a submodel is addressed below a shell (`/shells/{id}/submodels/{id}`)."""
        return self.single == "aasIdentifier" or "aasIdentifier" in self.request.match_info

    @property
    def shell_path(self) -> str:
        """Where the shell is, relative to the API's mount."""
        return "/aas" if self.single == "aasIdentifier" else answering.located("/shells", self.shell_id)

    def identifier(self, name: str) -> str:
        """The identifier that a path parameter, or a setting in its place, gives. Raises Malformed, NotFound."""
        if name == self.single:
            return self._single(name)
        return decode(self.request.match_info[name], padded=self.version is ApiVersion.V30)

    def _single(self, name: str) -> str:
        identifier = self.request.app[SINGLES].of(name)
        if identifier is None:
            setting = {"aasIdentifier": "shell", "submodelIdentifier": "submodel"}[name]
            raise NotFound(f"no single {setting} is served here: the setting {setting!r} names none")
        return identifier

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    # Modifiers

    @property
    def level(self) -> Level | None:
        return self._choice("level", Level)

    def require_core(self) -> None:
        """Raises Malformed unless the level is core, or not given: PATCH knows no other (Part 2, OpenAPI)."""
        if self.level not in (None, Level.CORE):
            raise Malformed(f"level={self.level!s}: PATCH takes only core")

    @property
    def extent(self) -> Extent | None:
        return self._choice("extent", Extent)

    def _choice(self, name: str, choices: type[Choice]) -> Choice | None:
        text = self.request.query.get(name)
        if text is None:
            return None
        try:
            return choices(text)
        except ValueError:
            raise Malformed(f"{name}={text!r}: must be one of {', '.join(choices)}") from None

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean query parameter; clients write true, True and 1."""
        match self.request.query.get(name, "").lower():
            case "":
                return default
            case "true" | "1":
                return True
            case "false" | "0":
                return False
            case text:
                raise Malformed(f"{name}={text!r}: must be true or false")

    # Paging

    @property
    def limit(self) -> int:
        text = self.request.query.get("limit")
        if text is None:
            return min(self.limits.default_page, self.limits.page)
        number = whole(text)
        if not number:
            raise Malformed(f"limit={text[:80]!r}: must be a whole number of at least 1")
        return min(number, self.limits.page)

    @property
    def cursor(self) -> str | None:
        text = self.request.query.get("cursor")
        if text == "":
            raise Malformed("the cursor is empty; leave it out to start at the beginning (AASa-001)")
        return text

    @property
    def position(self) -> tuple[int, str] | None:
        """The cursor of a page over the items of one document: `<number>:<what was sent last>` in base64url."""
        if (cursor := self.cursor) is None:
            return None
        position, colon, key = decode(cursor).partition(":")
        number = whole(position)
        if not colon or number is None:
            raise Malformed(f"cursor={cursor[:80]!r} was not given out by this server")
        return number, key

    # Preconditions

    @property
    def condition(self) -> Condition:
        match, none_match = self.header("If-Match"), self.header("If-None-Match")
        if "" in (self.request.headers.get("If-Match"), self.request.headers.get("If-None-Match")):
            raise Malformed("If-Match or If-None-Match is empty: name an entity tag, or leave the header out")
        if not match and not none_match:
            return NONE
        return Condition(answering.tags(match, "If-Match"), answering.tags(none_match, "If-None-Match"))

    # Bodies

    async def body(self) -> bytes:
        """The request's body. Raises TooLarge, by the announced length before a byte of it is read."""
        announced = self.request.content_length
        if announced is not None and announced > self.limits.document:
            raise TooLarge(f"the body has {announced} bytes; at most {self.limits.document} are read")
        try:
            body = await self.request.read()
        except (ClientError, HttpProcessingError) as error:
            raise Malformed(f"the body cannot be decoded: {error}") from None
        if len(body) > self.limits.document:
            raise TooLarge(f"the body has {len(body)} bytes; at most {self.limits.document} are read")
        return body

    def require_json(self) -> None:
        kind = self.request.content_type
        if self.request.body_exists and not _is_json(kind):
            raise Unsupported(f"Content-Type {kind!r}: the body must be application/json")

    async def json(self) -> Json:
        """The body as JSON. Raises Malformed, and Unsupported for a body that says it is something else."""
        self.require_json()
        return documents.parse(await self.body())

    async def instance(self, class_name: str | None = None) -> Document:
        """The body, JSON, XML or RDF, as a verified instance of a class of the metamodel (None: what it says it is)."""
        if self.request.content_type in XML_TYPES and class_name not in REGISTERED:
            return checked(await asyncio.to_thread(xml.read, await self.body()), class_name)
        if self.request.content_type in SYNTAXES and class_name not in REGISTERED:
            form, wanted = self.request.content_type, class_name or "SubmodelElement"
            return checked(await asyncio.to_thread(rdf.read, await self.body(), form, wanted), class_name)
        return await self.verified(lambda instance: checked(instance, class_name))

    async def verified(self, check: Callable[[Json], Sound]) -> Sound:
        """The body, JSON, as a check lets it pass; a large one is read in a thread."""
        self.require_json()
        body = await self.body()
        if len(body) < LARGE:
            return check(documents.parse(body))
        return await asyncio.to_thread(lambda: check(documents.parse(body)))

    async def identifiable(self, kind: Kind, identifier: str | None = None) -> Document:
        """The body as a document of this kind. With `identifier`, its id must be that one (Part 2, PUT by id)."""
        document = await self.instance(kind)
        if identifier is not None and document["id"] != identifier:
            raise Malformed(f"the id in the body is {document['id']!r}, in the path {identifier!r}: they must be equal")
        return document


#: Bytes of a document from which it is read in a thread, so that others have their turns.
LARGE = 256 << 10

XML_TYPES = (XML, "text/xml")


def checked(instance: Json, class_name: str | None = None) -> Document:
    """The instance, when nothing is wrong with it. Raises Invalid with everything that is."""
    if findings := list(verify(instance, class_name)):
        raise Invalid(findings)
    document: Document = instance
    return document


def whole(text: str) -> int | None:
    """A whole number as a client may write it: at most 18 ASCII digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json") or content_type in _UNSPECIFIC


#: What clients send that do not say what they send.
_UNSPECIFIC = ("application/octet-stream", "text/plain", "application/x-www-form-urlencoded", "*/*")


def reference(encoded: str, name: str) -> Document:
    """A Reference given as base64url of its JSON (Part 2, query parameters). Raises Malformed, Invalid."""
    return checked(encoded_json(encoded, name), "Reference")


def encoded_json(encoded: str, name: str) -> Json:
    """JSON given as base64url in a query parameter. Raises Malformed."""
    try:
        return documents.parse(decode(encoded, padded=True).encode())
    except Malformed as error:
        raise Malformed(f"{name} must be base64url of a JSON object: {error}") from None


async def require_reference(call: Call) -> None:
    """Raises NotFound unless the shell in the path refers to the submodel in the path."""
    shell = await call.repository.get(Kind.SHELL, call.shell_id)
    submodel_id = call.submodel_id
    if all(target(each) != submodel_id for each in shell.document.get("submodels") or []):
        raise NotFound(f"shell {call.shell_id!r} has no reference to submodel {submodel_id!r}")


async def require_shell(call: Call) -> None:
    """Raises NotFound unless the shell in the path is here."""
    await call.repository.get(Kind.SHELL, call.shell_id)


async def require_submodel(call: Call) -> None:
    """Raises NotFound unless the submodel in the path is here."""
    await call.repository.get(Kind.SUBMODEL, call.submodel_id)
