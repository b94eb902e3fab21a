"""Which function does which command."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Generic, TypeVar, get_type_hints

from pywats_client.ipc.commands.base import Answer, Command

P = TypeVar("P")
C = TypeVar("C", bound=Command)
Handler = Callable[[Any, P], Awaitable[Answer]]


class Handlers(Generic[P]):
    """One function a command: `async def retry_reports(command: RetryReports, parts: P) -> RetryReports.Result`."""

    def __init__(self) -> None:
        self._functions: dict[type[Command], Handler[P]] = {}

    def __contains__(self, command: type[Command]) -> bool:
        return command in self._functions

    def handles(self, command: type[C]) -> Callable[[Callable[[C, P], Awaitable[Answer]]], Handler[P]]:
        """Register a function. Raises TypeError at import where its annotations are not those of the command."""

        def register(function: Callable[[C, P], Awaitable[Answer]]) -> Handler[P]:
            given = get_type_hints(function)
            if command in self._functions:
                raise TypeError(f"{command.name} has two handlers: {function.__name__} is the second")
            if (given.get("command"), given.get("return")) != (command, command.Result):
                raise TypeError(f"{function.__name__} must take a {command.__name__} and return its Result")
            self._functions[command] = function
            return function

        return register

    def require(self, commands: Collection[type[Command]]) -> None:
        """Raise TypeError unless these commands have handlers, and no others."""
        missing = [command.name for command in commands if command not in self._functions]
        unknown = [command.name for command in self._functions if command not in commands]
        if missing or unknown:
            raise TypeError(f"commands without a handler: {missing}; handlers without a command: {unknown}")

    async def run(self, command: Command, parts: P) -> Answer:
        """Do it. Raises what its function raises."""
        return await self._functions[type(command)](command, parts)
