"""Commands about the configuration."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from pywats_client.config import edit
from pywats_client.config.fault import Fault
from pywats_client.config.file import check_instance, current
from pywats_client.config.shown import MASK, shown
from pywats_client.config.token import as_token, encrypt, variable_of_token
from pywats_client.errors import CommandFailed, ConfigError, Refused
from pywats_client.ipc.commands.config import ConfigFault, GetConfig, Reload, SetConfig, SetToken, ValidateConfig
from pywats_client.ipc.protocol import Code
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts
from pywats_client.service.settings import changed_sections

TOKEN_KEY = "server.token_encrypted"  # noqa: S105 -- the name of the key


@handlers.handles(GetConfig)
async def get_config(command: GetConfig, parts: Parts) -> GetConfig.Result:
    """The configuration in force, masked."""
    values = shown(parts.settings.config.model_dump(mode="json"))
    return GetConfig.Result(config=values, file=str(parts.instance.config), fault=parts.hub.snapshot.config_fault)


@handlers.handles(SetConfig)
async def set_config(command: SetConfig, parts: Parts) -> SetConfig.Result:
    """Write what is valid, and put it in force before the answer."""
    return SetConfig.Result(sections=list(await change(parts, _changes(command.values))))


@handlers.handles(ValidateConfig)
async def validate_config(command: ValidateConfig, parts: Parts) -> ValidateConfig.Result:
    """What would be wrong, or is wrong with the files; nothing is written."""
    faults: list[Fault] = await parts.in_thread(_faults, parts, command.values)
    found = [ConfigFault(key=fault.key, why=fault.why, line=fault.line) for fault in faults]
    return ValidateConfig.Result(valid=not found, faults=found)


@handlers.handles(SetToken)
async def set_token(command: SetToken, parts: Parts) -> SetToken.Result:
    """Store it as `pywats-client login` does. A token that wins over a stored one is not silently kept in force."""
    if place := variable_of_token(parts.environ):
        raise CommandFailed(
            Code.CONFLICT, f"the token comes from {place}, which wins over a stored one; change it there"
        )
    try:
        token = as_token(command.token)
        encrypted = await parts.in_thread(encrypt, parts.instance, token, parts.disk)
    except Refused as error:
        raise CommandFailed(Code.INVALID, str(error)) from error
    await change(parts, {TOKEN_KEY: encrypted})
    return SetToken.Result()


@handlers.handles(Reload)
async def reload(command: Reload, parts: Parts) -> Reload.Result:
    """Load the files now."""
    return Reload.Result(sections=list(await parts.settings.reload(parts.hub, parts.in_thread)))


async def change(parts: Parts, changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Set keys, all or none, and put them in force; the sections that are others now. Raises ConfigError."""
    write = partial(edit.change, parts.instance, changes, parts.environ, parts.disk, is_text=False)
    settings = parts.settings
    async with settings.changing:
        before = settings.config
        await parts.in_thread(write)
        await settings.reload(parts.hub, parts.in_thread)
        return changed_sections(before, settings.config)  # the file may have been noticed before we loaded it


def _changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a client wants, in terms of `edit.change`. Raises ConfigError for what no client may set."""
    for key, value in values.items():
        if key == TOKEN_KEY or (key == "server" and isinstance(value, dict) and "token_encrypted" in value):
            raise ConfigError(key, "is set by the command set_token")
        if MASK in json.dumps(value):
            raise ConfigError(key, "holds a masked value; leave out what is not to be changed")
    return {key: edit.UNSET if value is None else value for key, value in values.items()}


def _faults(parts: Parts, values: Mapping[str, Any]) -> list[Fault]:
    if not values:
        return check_instance(parts.instance, parts.environ)
    try:
        files = current(parts.instance, parts.environ, parts.disk)
        return edit.with_changes(files, _changes(values), is_text=False).check({})[1]
    except ConfigError as error:
        return [Fault.of(error)]
