"""Commands about the configured converters."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import trio

from pywats_client.config.fault import suggestion
from pywats_client.config.model import ConverterConfig
from pywats_client.config.shown import shown
from pywats_client.converters.process import Delivered, Job, ModuleInfo, Setup
from pywats_client.converters.results import sentence
from pywats_client.disk import digest
from pywats_client.errors import CommandFailed, ConfigError, ConversionError, NotMine, NotYet
from pywats_client.ipc.commands.config import (
    DescribeConverters,
    GetConverters,
    StartConverter,
    StopConverter,
    TryFile,
)
from pywats_client.ipc.protocol import MAX_OUT, Code
from pywats_client.service.handlers.config import change
from pywats_client.service.handlers.registry import handlers
from pywats_client.service.parts import Parts
from pywats_client.service.running import setup_of
from pywats_client.service.status import converter_report
from pywats_client.service.trial_files import Trials
from pywats_client.wsjf.check import check


@handlers.handles(GetConverters)
async def get_converters(command: GetConverters, parts: Parts) -> GetConverters.Result:
    """Configuration and state of each."""
    return GetConverters.Result(converters=[_converter(parts, item) for item in parts.settings.config.converters])


def _converter(parts: Parts, converter: ConverterConfig) -> GetConverters.Converter:
    folders = converter.folders(parts.instance.data)
    return GetConverters.Converter(
        **converter_report(parts, converter).model_dump(),
        module=converter.module_path,
        watch_folder=os.fsdecode(folders.watch),
        done_folder=os.fsdecode(folders.done),
        error_folder=os.fsdecode(folders.error),
        file_patterns=list(converter.file_patterns),
        enabled=converter.enabled,
        priority=converter.priority,
        post_action=converter.post_action,
        arguments=shown(converter.arguments),
        recent=parts.journal.recent_sources(converter.name),
    )


@handlers.handles(DescribeConverters)
async def describe_converters(command: DescribeConverters, parts: Parts) -> DescribeConverters.Result:
    """Ask a worker of each, one after the other: what does not load is told beside the others."""
    wanted = command.names or [converter.name for converter in parts.settings.config.converters]
    return DescribeConverters.Result(converters=[await _description(parts, configured(parts, name)) for name in wanted])


async def _description(parts: Parts, converter: ConverterConfig) -> DescribeConverters.Description:
    known: dict[str, Any] = {"name": converter.name, "module": converter.module_path}
    try:
        info = await parts.intake.workers.describe(setup_of(parts.settings.config, converter, parts.instance))
    except (ConversionError, ConfigError) as error:
        return DescribeConverters.Description(**known, fault=str(error))
    return DescribeConverters.Description(
        **known, title=info.name, version=info.version, arguments_schema=info.arguments_schema
    )


@handlers.handles(StartConverter)
async def start_converter(command: StartConverter, parts: Parts) -> StartConverter.Result:
    """Enable it."""
    await _enable(parts, command.converter, value=True)
    return StartConverter.Result()


@handlers.handles(StopConverter)
async def stop_converter(command: StopConverter, parts: Parts) -> StopConverter.Result:
    """Disable it."""
    await _enable(parts, command.converter, value=False)
    return StopConverter.Result()


async def _enable(parts: Parts, name: str, *, value: bool) -> None:
    configured(parts, name)
    await change(parts, {f"converters[{name}].enabled": value})


def configured(parts: Parts, name: str) -> ConverterConfig:
    """The converter of that name. Raises CommandFailed: not_found."""
    converters = {converter.name: converter for converter in parts.settings.config.converters}
    if name not in converters:
        raise CommandFailed(Code.NOT_FOUND, f"no converter {name[:100]!r} is configured{suggestion(name, converters)}")
    return converters[name]


@handlers.handles(TryFile)
async def try_file(command: TryFile, parts: Parts) -> TryFile.Result:
    """Convert as `pywats-client convert` does, in a worker of the service."""
    converter = configured(parts, command.converter)
    config, instance = parts.settings.config, parts.instance
    trials: Trials = await parts.in_thread(Trials.of, config, instance, parts.environ)
    source: Path = await parts.in_thread(trials.opened, Path(os.path.normpath(command.path)))
    trial = _Trial(parts, trials)
    began = trio.current_time()
    error = details = ""
    try:
        await trial.run(_trial_setup(parts, converter, source), source)
    except (ConversionError, ConfigError, NotYet, NotMine) as fault:
        error, details = str(fault), getattr(fault, "details", "")
    seconds = round(trio.current_time() - began, 6)
    faults: list[TryFile.Finding] = await parts.in_thread(trial.faults)
    return TryFile.Result(reports=trial.reports, faults=faults, error=error, details=details, seconds=seconds)


def _trial_setup(parts: Parts, converter: ConverterConfig, source: Path) -> Setup:
    """The converter's own workers where that can be; in isolation they see only the folder of their sources.

    Raises ConversionError.
    """
    setup = setup_of(parts.settings.config, converter, parts.instance)
    if setup.isolation is None:
        return setup
    isolation = dataclasses.replace(setup.isolation, folder=source.parent)
    return dataclasses.replace(setup, name=f"{setup.name} (trial)", isolation=isolation)


class _Trial:
    """A conversion that is only looked at."""

    def __init__(self, parts: Parts, trials: Trials) -> None:
        self._workers, self._in_thread, self._trials = parts.intake.workers, parts.in_thread, trials
        self._size = 0
        self.reports: list[dict[str, object]] = []

    async def run(self, setup: Setup, source: Path) -> None:
        """Convert one source. Raises as `Workers.convert`, or CommandFailed for more than a message holds."""
        info: ModuleInfo = await self._workers.describe(setup)
        if info.is_folder != source.is_dir():
            wanted, found = ("folder", "file") if info.is_folder else ("file", "folder")
            raise ConversionError(f"the converter {info.name} takes a {wanted}, and {source.name} is a {found}")
        companions = await self._workers.companions(setup, source) if info.has_companions else ()
        for companion in companions:
            await self._in_thread(self._trials.opened, companion)
        seed: bytes = await self._in_thread(digest, source)
        await self._workers.convert(setup, Job(source=source, companions=companions, id_seed=seed), self._take)

    async def _take(self, report: Delivered) -> None:
        self._size += len(report.content)
        if self._size > MAX_OUT // 2:
            raise CommandFailed(
                Code.TOO_LARGE, "the reports are too large for an answer: convert the file without the service"
            )
        self.reports.append(await self._in_thread(json.loads, report.content))

    def faults(self) -> list[TryFile.Finding]:
        """What is wrong with the reports, or worth a look."""
        many = len(self.reports) > 1
        return [
            TryFile.Finding(text=(f"report {number}: " if many else "") + sentence(fault), fatal=fault.fatal)
            for number, report in enumerate(self.reports, 1)
            for fault in check(report)
        ]
