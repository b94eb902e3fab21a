"""A command that came over HTTP, and the frame that answers it."""

from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response as HttpResponse

from pywats_client.errors import CommandFailed
from pywats_client.ipc.answering import Client, Dispatch, done, encoded, failed, require_scope
from pywats_client.ipc.commands import Answer, Command, parse
from pywats_client.ipc.commands.service import Auth, Connect, Disconnect, GetSchema, Ping, Subscribe, Unsubscribe
from pywats_client.ipc.messages import Response
from pywats_client.ipc.protocol import Code
from pywats_client.ipc.schema import schema

HTTP_STATUS = {
    Code.INVALID: 400,
    Code.CONFIG: 400,
    Code.VERSION: 400,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.UNKNOWN_COMMAND: 404,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.FAILED: 500,
    Code.TEMPORARY: 503,
}
OF_A_CONNECTION = (Auth, Connect, Disconnect, Subscribe, Unsubscribe)
"""Commands that HTTP, where every request stands alone, has no use for."""
ARGUMENTS = TypeAdapter(dict[str, Any])


async def answer(name: str, arguments: bytes, client: Client, dispatch: Dispatch) -> Response:
    """One response to one command, whatever happens: a bulkhead."""
    try:
        command = parse(name, _read(arguments))
        _allow(command, client)
        return done(await _do(command, client, dispatch))
    except Exception as error:  # noqa: BLE001 -- whatever a command raises is an answer
        return failed(error)


def refusal(code: Code, why: str) -> Response:
    """The frame of a failure; `why` is the sentence a person reads."""
    return failed(CommandFailed(code, why))


def over_http(frame: Response, status: int | None = None, headers: dict[str, str] | None = None) -> HttpResponse:
    """The frame as the body of an HTTP response, with the status that its code asks for."""
    sent, content = encoded(frame)
    fitting = status if status and sent is frame else (HTTP_STATUS[sent.code] if sent.code else 200)
    return HttpResponse(content, fitting, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def _read(arguments: bytes) -> dict[str, Any]:
    try:
        return ARGUMENTS.validate_json(arguments or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise CommandFailed(
            Code.INVALID, f"the body must be the arguments as one JSON object: {first['msg']}"
        ) from None


def _allow(command: Command, client: Client) -> None:
    if isinstance(command, OF_A_CONNECTION):
        raise CommandFailed(
            Code.UNKNOWN_COMMAND, f"{command.name} is not for HTTP: each request shows its key, events are at /events"
        )
    require_scope(command, client)


async def _do(command: Command, client: Client, dispatch: Dispatch) -> Answer:
    match command:
        case Ping():
            return Ping.Result()
        case GetSchema():
            return schema()
    return await dispatch(command, client)
