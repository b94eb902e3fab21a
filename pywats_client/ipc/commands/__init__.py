"""Every command, with its arguments and its result. To add one: a class here, and a function in `service/handlers`."""

from pywats_client.ipc.commands import config, queue, service, sources
from pywats_client.ipc.commands.base import COMMANDS, Answer, Command, parse

__all__ = ["COMMANDS", "Answer", "Command", "config", "parse", "queue", "service", "sources"]
