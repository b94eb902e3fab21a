"""Commands about the configuration and the configured converters."""

from typing import Any

from pydantic import Field

from pywats_client.ipc.commands.base import Answer, Command
from pywats_client.ipc.commands.service import ConverterReport
from pywats_client.ipc.protocol import Scope


class GetConfig(Command):
    """The configuration in force, every key, secrets masked."""

    class Result(Answer):
        config: dict[str, Any]
        file: str
        fault: str = ""
        """why the file is not the one in force"""


class SetConfig(Command, scope=Scope.ADMIN):
    """Set keys of the configuration: `{"service.log_level": "DEBUG"}`; null takes a key out.

    All or none: validated together, written atomically, and in force when the answer comes.
    """

    values: dict[str, Any] = Field(min_length=1)

    class Result(Answer):
        sections: list[str]
        """the sections that are in force anew"""


class ConfigFault(Answer):
    """One fault of a configuration."""

    key: str
    why: str
    line: int | None = None


class ValidateConfig(Command):
    """Whether these values could be set, or without any, whether the file as it lies there can be used."""

    values: dict[str, Any] = {}

    class Result(Answer):
        valid: bool
        faults: list[ConfigFault]


class SetToken(Command, scope=Scope.ADMIN):
    """Store the server token, encrypted. No command tells it again."""

    token: str = Field(min_length=1, repr=False)


class Reload(Command, scope=Scope.OPERATE):
    """Load the configuration files now. Fails when they cannot be used; the old ones stay in force then."""

    class Result(Answer):
        sections: list[str]


class GetConverters(Command):
    """The configured converters with their state, folders and settings."""

    class Converter(ConverterReport):
        module: str
        watch_folder: str
        done_folder: str
        error_folder: str
        file_patterns: list[str]
        enabled: bool
        priority: int
        post_action: str
        arguments: dict[str, Any]
        recent: list[str] = []
        """the last sources, newest first"""

    class Result(Answer):
        converters: list["GetConverters.Converter"]


class DescribeConverters(Command):
    """What the configured converters' modules say of themselves, with the JSON schema of their arguments."""

    names: list[str] = []
    """of the configured ones; empty: all"""

    class Description(Answer):
        name: str
        module: str
        title: str = ""
        version: str = ""
        arguments_schema: dict[str, Any] = {}
        fault: str = ""
        """why it does not load"""

    class Result(Answer):
        converters: list["DescribeConverters.Description"]


class StartConverter(Command, scope=Scope.OPERATE):
    """Enable a converter, remembered in the configuration. `converter` is its configured name."""

    converter: str


class StopConverter(Command, scope=Scope.OPERATE):
    """Disable a converter, remembered in the configuration; its files stay where they are."""

    converter: str


class TryFile(Command, scope=Scope.OPERATE):
    """Convert a file on the service's machine with a configured converter, and queue nothing."""

    converter: str
    path: str

    class Finding(Answer):
        text: str
        """a sentence: what, where, what to do"""
        fatal: bool
        """the server would refuse the report, or quarantine it; otherwise it is worth a look"""

    class Result(Answer):
        reports: list[dict[str, Any]]
        faults: list["TryFile.Finding"]
        error: str = ""
        """why it cannot be converted"""
        details: str = ""
        seconds: float
