"""One function a command."""

from functools import partial

from pywats_client.errors import CommandFailed, ConfigError
from pywats_client.ipc.answering import Client, Dispatch
from pywats_client.ipc.commands import COMMANDS, Answer, Command
from pywats_client.ipc.connection import OF_THE_CONNECTION
from pywats_client.ipc.protocol import Code
from pywats_client.service.handlers import config, converters, journal, queue, service, sources
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts

__all__ = ["config", "converters", "dispatch_to", "journal", "queue", "run", "service", "sources"]

handlers.require([command for command in COMMANDS.values() if command not in OF_THE_CONNECTION])


def dispatch_to(parts: Parts) -> Dispatch:
    """What a server of clients calls with each command."""
    return partial(run, parts)


async def run(parts: Parts, command: Command, client: Client) -> Answer:
    """Do a command. Raises CommandFailed with a code and a sentence, whatever stood in its way."""
    try:
        return await handlers.run(command, parts)
    except ConfigError as error:
        raise CommandFailed(Code.CONFIG, str(error)) from error
    except OSError as error:
        raise CommandFailed(Code.TEMPORARY, f"{command.name}: {error}") from error
