"""`pywats-client convert`."""

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.options import Home, InstanceId
from pywats_client.cli.output import print_json, say
from pywats_client.errors import ConfigError, ConversionError, NotMine, NotYet
from pywats_client.paths import Instance

if TYPE_CHECKING:
    from pywats_client.config.model import Config, ConverterConfig
    from pywats_client.converters.process import Setup, Workers

Source = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, help="The file, or the folder of a folder converter.")
]
ConverterName = Annotated[
    str | None,
    typer.Option(
        "--converter",
        metavar="NAME|PATH.py",
        help="A converter of the instance, a built-in format, or your own; left out: found by content.",
    ),
]
GivenArguments = Annotated[
    list[str] | None,
    typer.Option(
        "-a", "--argument", metavar="KEY=VALUE", help="A setting of the converter; lists and objects as JSON."
    ),
]
AsWsjf = Annotated[bool, typer.Option("--json", help="Print WSJF, a JSON array when there are several reports.")]


_PLACEHOLDER = re.compile(r"\{[^{}\":]+\}")
"""As `{stem}`: the beginning of a text and not of an object."""


def convert(
    file: Source,
    converter: ConverterName = None,
    argument: GivenArguments = None,
    as_json: AsWsjf = False,
    instance_id: InstanceId = "default",
    home: Home = None,
) -> None:
    """Convert a file as the service would, and print its reports; nothing is queued, moved or sent.

    What a server would refuse, and what is worth a look, is printed beside them. The exit code is 1 where
    the conversion fails.
    """
    import trio

    from pywats_client import logs

    logs.set_up(None, "INFO")
    arguments = dict(parse_argument(text) for text in argument or ())
    instance = Instance.find(instance_id, home)
    source = Path(os.path.abspath(file))  # noqa: PTH100 -- resolve() would follow links
    reports, error = trio.run(_run, source, converter, arguments, instance)
    _print(reports, as_json)
    if error:
        if isinstance(error, ConversionError) and error.details:
            say(error.details.rstrip())
        raise error


def parse_argument(text: str) -> tuple[str, Any]:
    """A setting from the command line: its name and its value, which may be JSON."""
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="-a")
    if value[:1] not in ("{", "[", '"') or _PLACEHOLDER.match(value):
        return key, value
    try:
        return key, json.loads(value)
    except json.JSONDecodeError as fault:
        raise typer.BadParameter(f"the value of {key} is not JSON: {fault}", param_hint="-a") from None


Outcome = tuple[list[dict[str, Any]], ConversionError | ConfigError | NotYet | NotMine | None]


async def _run(source: Path, converter: str | None, arguments: dict[str, Any], instance: Instance) -> Outcome:
    """The reports, and what ended the conversion if it did not end well."""
    import trio

    from pywats_client.converters.process import open_workers
    from pywats_client.converters.trial import attempt

    async with open_workers(trio.CapacityLimiter(1)) as workers:
        try:
            name = converter or await _detect(workers, source)
            setup = _setup(name, source, arguments, instance)
        except (ConversionError, ConfigError) as error:
            return [], error
        trial = await attempt(workers, setup, source)
    return trial.reports, trial.error


async def _detect(workers: "Workers", source: Path) -> str:
    """The format that is surest of a file. Raises ConversionError where none knows it."""
    from pywats_client.converters.detect import detect, told
    from pywats_client.converters.extra import unasked

    if source.is_dir():
        raise ConversionError(f"{source.name} is a folder: name its converter with --converter")
    if not source.is_file():  # a pipe might never end
        raise ConversionError(f"{source.name} is neither a file nor a folder")
    matches = await detect(workers, source)
    best = matches[0]
    if not best.confidence:
        raise ConversionError(
            f"no format is known by the content of {source.name}: name one with --converter; "
            f"`pywats-client formats list` shows them{unasked()}"
        )
    say(f"{source.name} is taken for {best.format}, by its content ({told(matches)})")
    return best.format


def _setup(name: str, source: Path, arguments: dict[str, Any], instance: Instance) -> "Setup":
    """What the service would tell its workers: of a converter of the instance, or of any other by its module.

    The folder that a converter in isolation sees is the one of the source.
    """
    from pywats_client.config.file import load
    from pywats_client.config.model import Config
    from pywats_client.service.running import setup_of

    is_configured = instance.config.exists() or bool(os.environ.get("PYWATS_SERVER_URL"))
    config = load(instance) if is_configured else Config(instance_id=instance.id)
    chosen = _configured(config, name) or _by_module(name)
    chosen = chosen.model_copy(
        update={"arguments": {**chosen.arguments, **arguments}, "watch_folder": str(source.parent)}
    )
    setup = setup_of(config, chosen, instance)
    if setup.isolation:
        say(f"isolation in force: {setup.isolation}")
    return setup


def _configured(config: "Config", name: str) -> "ConverterConfig | None":
    return next((converter for converter in config.converters if converter.name == name), None)


def _by_module(module_path: str) -> "ConverterConfig":
    """A converter that nobody configured; its file may lie in the present folder, too."""
    from pywats_client.config.model import ConverterConfig

    file, _, class_name = module_path.partition(".py:")
    here = Path(f"{file}.py" if class_name else module_path)
    if here.suffix == ".py" and here.is_file():
        module_path = str(here.absolute()) + (f":{class_name}" if class_name else "")
    return ConverterConfig(name="convert", module_path=module_path, watch_folder=".")


def _print(reports: list[dict[str, Any]], as_json: bool) -> None:
    from pywats_client.cli.report_tree import print_report
    from pywats_client.converters.results import sentence
    from pywats_client.wsjf.check import check

    if as_json and reports:
        print_json(reports[0] if len(reports) == 1 else reports)
    for report in () if as_json else reports:
        print_report(report)
    found = Counter(sentence(fault) for report in reports for fault in check(report))
    for text, count in found.items():
        say(f"worth a look: {text}" + (f" ({count} times)" if count > 1 else ""))
