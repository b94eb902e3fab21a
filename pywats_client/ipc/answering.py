"""One response to one command, over whatever it has come."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pywats_client.errors import CommandFailed, PywatsError
from pywats_client.ipc.commands.base import Answer, Command
from pywats_client.ipc.messages import Response
from pywats_client.ipc.protocol import MAX_OUT, Code, Scope

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Client:
    """Who sent a command."""

    number: int
    scope: Scope


Dispatch = Callable[[Command, Client], Awaitable[Answer]]


def require_scope(command: Command, client: Client) -> None:
    """Raise CommandFailed unless the client may."""
    if not client.scope.includes(command.scope):
        raise CommandFailed(
            Code.FORBIDDEN, f"{command.name} needs the scope {command.scope!s}; this client has {client.scope!s}"
        )


def done(result: Answer, request_id: str = "") -> Response:
    """The frame of a success."""
    return Response(success=True, data=result.model_dump(mode="json"), request_id=request_id)


def failed(error: Exception, request_id: str = "") -> Response:
    """The frame of a failure. What is no error of ours is a fault of ours, and logged with its traceback."""
    if isinstance(error, PywatsError):
        code, why = Code(error.code) if isinstance(error, CommandFailed) else Code.FAILED, str(error)
    else:
        log.error("a command failed by a fault of ours", exc_info=error)
        code, why = Code.FAILED, f"a fault of the service itself: {type(error).__name__}: {error}"
    return Response(success=False, error=why, code=code, request_id=request_id)


def encoded(response: Response) -> tuple[Response, bytes]:
    """The frame and its JSON; where that is too large for a message, a frame that says so."""
    content = response.model_dump_json().encode()
    if len(content) <= MAX_OUT:
        return response, content
    why = f"the answer has {len(content):,} bytes, and {MAX_OUT:,} fit into a message; ask for less"
    return encoded(failed(CommandFailed(Code.TOO_LARGE, why), response.request_id))
