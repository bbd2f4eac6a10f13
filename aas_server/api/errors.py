"""Problems become the Result object of Part 2; this is the only place where an exception meets a status code."""

import datetime
import logging
import uuid
from http import HTTPStatus

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestPayloadError

from aas_server.model import Document, errors

log = logging.getLogger(__name__)

STATUS: dict[type[errors.Problem], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.AlreadyExists: HTTPStatus.CONFLICT,
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.NotApplicable: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TakesTooLong: HTTPStatus.BAD_REQUEST,
    errors.Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.NotInstalled: HTTPStatus.NOT_IMPLEMENTED,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.Gone: HTTPStatus.GONE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TimedOut: HTTPStatus.GATEWAY_TIMEOUT,
    errors.Refused: HTTPStatus.BAD_GATEWAY,
}


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer of status 400 and above carries a Result, whoever raised it."""
    try:
        return await handler(request)
    except errors.Problem as problem:
        return problem_answer(problem)
    except web.HTTPException as refusal:
        if refusal.status < HTTPStatus.BAD_REQUEST:
            raise
        if request.method == "OPTIONS" and isinstance(refusal, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted({*refusal.allowed_methods, "OPTIONS"}))
            return web.Response(status=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
        return refusal_answer(request, refusal)
    except RequestPayloadError:
        coding = request.headers.get("Content-Encoding", "")
        return result(HTTPStatus.BAD_REQUEST, [f"the body cannot be decoded: it is not whole, or no {coding[:80]!r}"])
    except Exception:
        correlation = uuid.uuid4().hex
        log.exception("%s %s failed [%s]", request.method, request.path, correlation)
        return result(HTTPStatus.INTERNAL_SERVER_ERROR, ["internal error; the log has the details"], correlation)


async def expect(request: web.Request) -> web.Response | None:
    """`Expect: 100-continue` is met; any other expectation gets a Result (aiohttp's own 417 is plain text)."""
    wanted = request.headers.get("Expect", "")
    if wanted.lower() != "100-continue":
        return result(HTTPStatus.EXPECTATION_FAILED, [f"Expect: {wanted[:80]!r} is not offered"])
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return None


def problem_answer(problem: errors.Problem) -> web.Response:
    """The Result of a domain problem; an invalid document lists every finding as a message of its own."""
    texts = [str(finding) for finding in problem.findings] if isinstance(problem, errors.Invalid) else [str(problem)]
    answer = result(STATUS[type(problem)], texts)
    match problem:
        case errors.Unavailable():
            answer.headers["Retry-After"] = "2"
        case errors.NotApplicable():
            answer.headers["Allow"] = "OPTIONS"  # which RFC 9110, 15.5.6, demands; nothing else goes with this element
    return answer


def refusal_answer(request: web.Request, refusal: web.HTTPException) -> web.Response:
    """The Result of what the HTTP layer refused: unknown path, wrong method, body too large."""
    match refusal:
        case web.HTTPNotFound():
            text = f"{request.path!r} is no path of this API{_hint(request.path)}"
        case web.HTTPMethodNotAllowed():
            text = f"{request.method} is not offered here; allowed: {', '.join(sorted(refusal.allowed_methods))}"
        case web.HTTPRequestEntityTooLarge():
            text = f"the body is too large: {refusal.text}"
        case _:
            text = refusal.text or refusal.reason
    answer = result(HTTPStatus(refusal.status), [text])
    if allow := refusal.headers.get("Allow"):
        answer.headers["Allow"] = allow
    return answer


def _hint(path: str) -> str:
    """What most often is the matter with a path that is none."""
    if ":" in path or "//" in path:
        return "; an identifier stands in it as base64url without padding (RFC 4648, section 5)"
    return "; leave out the slash at the end" if path.endswith("/") else ""


def unread(message: str) -> str:
    """What aiohttp says of a request it cannot read, where its own words would not help the client."""
    if message == "deflate" or message.startswith("Can not decode content-encoding"):
        return "the body cannot be decoded: send it plain, or as gzip or deflate, and name that as Content-Encoding"
    return message


def result(status: HTTPStatus, texts: list[str], correlation: str | None = None) -> web.Response:
    return web.Response(status=status, body=result_body(status, texts, correlation), content_type="application/json")


def result_body(status: HTTPStatus, texts: list[str], correlation: str | None = None) -> bytes:
    """A Part 2 `Result`: messages with code, type, text and time, and nothing else."""
    kind = "Error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Exception"
    common = {"code": str(int(status)), "messageType": kind}
    if correlation:
        common["correlationId"] = correlation
    return orjson.dumps(messages(texts, **common))


def messages(texts: list[str], **common: str) -> Document:
    """The messages of a Result: what each says, and when; an error where nothing else is said."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"messages": [{"messageType": "Error", "timestamp": now, **common, "text": text} for text in texts]}
