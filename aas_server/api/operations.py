"""Operations: invoked and waited for, or begun and asked for later; arguments in both serialisations."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from aas_server.api import answering, errors
from aas_server.api.keys import OPERATIONS
from aas_server.api.reading import Call
from aas_server.model import Document, Json, Kind
from aas_server.model.errors import NotApplicable, NotFound
from aas_server.model.identifiers import encode
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.model.operations import RESULT, read, seconds, values
from aas_server.model.paths import resolve, text
from aas_server.repository import invoking
from aas_server.repository.handles import UNFINISHED, Finished, State
from aas_server.repository.invoking import Invocation


async def invoke(call: Call) -> web.Response:
    """Carry it out and answer with its outcome; one that fails is answered 200 with that state, as Part 2 has it."""
    return answering.json(call, _shown(call, await (await _work(call))()))


async def invoke_async(call: Call) -> web.Response:
    """Begin it; 202 and where to ask how far it is."""
    work = await _work(call)
    handle = await call.handles.begin(_about(call), work)
    element = call.request.path_qs.partition("?")[0].partition("/invoke-as")[0]
    where = f"{element}/operation-status/{encode(handle)}"
    return web.Response(status=HTTPStatus.ACCEPTED, headers={"Location": where})


async def get_status(call: Call) -> web.Response:
    """How far it is; once it is finished 302 to the result."""
    identifier = call.identifier("handleId")
    handle = await call.handles.get(_about(call), identifier)
    if handle["state"] in UNFINISHED:
        answer = answering.json(call, {"executionState": handle["state"]})
        answer.headers["Retry-After"] = "1"
        return answer
    element = call.request.path_qs.partition("/operation-status/")[0]
    where = f"{element}/operation-results/{encode(identifier)}"
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": where})


async def get_result(call: Call) -> web.Response:
    handle = await call.handles.get(_about(call), call.identifier("handleId"))
    if handle["state"] in UNFINISHED:
        raise NotFound("there is no result yet: the operation is still being carried out")
    result = handle.get("result") or {"text": handle.get("reason", "")}
    return answering.json(call, _shown(call, Finished(State(handle["state"]), result)))


def _about(call: Call) -> str:
    """What a handle belongs to: the operation it was begun for, under whichever mount."""
    return f"{call.submodel_id} {text(call.path)}"


async def _work(call: Call) -> Callable[[], Awaitable[Finished]]:
    """What is to be done, all arguments checked. Raises NotFound, NotApplicable, Malformed, Invalid."""
    submodel_id, path = call.submodel_id, call.path
    submodel = await call.repository.get(Kind.SUBMODEL, submodel_id)
    operation = resolve(submodel.document, path)
    if operation["modelType"] != "Operation":
        raise NotApplicable(f"{text(path)!r} is a {operation['modelType']}: only an Operation can be invoked")
    request = await call.json()
    value_only = call.content is Content.VALUE
    arguments = read(operation, request, value_only=value_only, version=call.version)
    invocation = Invocation(
        submodel_id,
        path,
        operation,
        arguments,
        values(arguments.inputs),
        values(arguments.inoutputs),
        seconds(request, call.limits.operation),
    )
    operations = call.request.app[OPERATIONS]
    return lambda: invoking.invoke(operations, invocation)


def _shown(call: Call, finished: Finished) -> Document:
    """An OperationResult, or with `$value` an OperationResultValueOnly."""
    if finished.state is not State.COMPLETED:
        return {**errors.messages([finished.result["text"]]), "executionState": finished.state}
    shown = {name: finished.result[name] for name in RESULT if finished.result.get(name)}
    if call.content is Content.VALUE:
        shown = {name: _values(each, call.version) for name, each in shown.items()}
    return {"executionState": finished.state, **shown}


def _values(variables: list[Document], version: ApiVersion) -> Json:
    """ValueOnly by idShort; a variable without a value is left out."""
    named = values({each["value"]["idShort"]: each["value"] for each in variables})
    return {name: value for name, value in named.items() if value is not None}
