"""Takes every file that one of the built-in formats knows by its content."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from pywats_client.converters.base import Context, Converter, FileConverter, Report, Source
from pywats_client.converters.extra import unasked
from pywats_client.converters.matches import Match, told
from pywats_client.converters.reading.fields import FormatArguments
from pywats_client.converters.registry import built_in_names, check_arguments, load, resolve_built_in
from pywats_client.errors import ConversionError


class Auto(FileConverter):
    """Asks all formats how sure they are of a file, and hands it to the surest."""

    name = "auto"
    description = "Any file that a built-in format knows by its content"

    class Arguments(FormatArguments):
        """When a file is taken, and the settings of the formats."""

        reject_threshold: float = Field(default=0.2, ge=0, le=1)
        """A file that no format is surer of than this is refused."""
        alarm_threshold: float = Field(default=0.5, ge=0, le=1)
        """Below this, the log says how unsure the format was."""
        formats: dict[str, dict[str, Any]] = Field(default_factory=dict)
        """Settings of single formats, such as {"csv": {"decimal_comma": true}}."""

    def companions(self, source: Source) -> Iterable[Path]:
        """Those that the surest format names."""
        name, confidence = ranked(source)[0]
        return converter_of(name).companions(source) if confidence else ()

    def convert(self, source: Source, context: Context) -> "Report | Iterable[Report | ConversionError]":
        """What the surest format makes of it."""
        arguments = context.arguments
        found = ranked(source)
        name, confidence = found[0]
        if confidence <= arguments.reject_threshold:
            raise ConversionError(
                f"no format is sure enough of {source.name}: {told(found)}; "
                f"the argument reject_threshold is {arguments.reject_threshold:g}{unasked()}"
            )
        if confidence < arguments.alarm_threshold:
            context.log.warning("%s is taken for %s, which is not sure: %s", source.name, name, told(found))
        converter = converter_of(name)
        return converter.convert(source, Context(context.station, _arguments(converter, name, arguments), context.log))


def _arguments(converter: Converter, name: str, arguments: "Auto.Arguments") -> Any:
    common = {key: getattr(arguments, key) for key in FormatArguments.model_fields if key in arguments.model_fields_set}
    known = type(converter).Arguments.model_fields
    given: Mapping[str, Any] = {key: value for key, value in common.items() if key in known}
    return check_arguments(type(converter), {**given, **arguments.formats.get(name, {})})


def converter_of(name: str) -> Converter:
    """A built-in format's converter. Raises ConversionError where what it needs is not installed."""
    return load(resolve_built_in(name))()


def ranked(source: Source) -> list[Match]:
    """All built-in formats with their confidence, the surest first."""
    found = [Match(name, _confidence(name, source)) for name in built_in_names()]
    return sorted(found, key=lambda match: -match.confidence)


def _confidence(name: str, source: Source) -> float:
    """What cannot be loaded, or raises because a file is not of its kind, is not sure at all."""
    try:
        return float(converter_of(name).matches(source))
    except ConversionError:
        return 0.0
