"""What every command is: a model of its arguments, with a model of its result inside."""

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pywats_client.errors import CommandFailed
from pywats_client.ipc.protocol import Code, Scope

COMMANDS: dict[str, type["Command"]] = {}
"""Every command by its name on the wire, in the order of their definition."""


class Arguments(BaseModel):
    """Arguments that are not known are refused: a typing error must not pass for a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """What a command answers. A newer service may answer more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Command(Arguments):
    """One command; its fields are its arguments, its docstring is its documentation.

    Its name on the wire is its class name in snake case: `retry_reports`.
    """

    name: ClassVar[str]
    scope: ClassVar[Scope] = Scope.VIEW

    class Result(Answer):
        """Nothing but that it is done."""

    def __init_subclass__(cls, scope: Scope = Scope.VIEW) -> None:
        super().__init_subclass__()
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.scope = scope
        COMMANDS[cls.name] = cls


def parse(name: str, args: dict[str, Any]) -> Command:
    """The command of that name with these arguments. Raises CommandFailed: unknown_command, or invalid."""
    if name not in COMMANDS:
        raise CommandFailed(Code.UNKNOWN_COMMAND, f"there is no command {name[:100]!r}; `get_schema` lists them all")
    try:
        return COMMANDS[name].model_validate(args)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'args'}: {fault['msg']}" for fault in error.errors()[:5]
        )
        raise CommandFailed(Code.INVALID, f"{name}: {faults}") from None
