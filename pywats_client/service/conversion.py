"""One source -> its reports, durable in the queue -> the source out of the way."""

import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import trio

from pywats_client.clock import Clock
from pywats_client.converters.process import Delivered, Job, Workers
from pywats_client.converters.setup import Facts
from pywats_client.disk import Check, Disk, digest, fit_name
from pywats_client.errors import ConversionError, NotYet, PartlyConverted
from pywats_client.ipc.events import ReportKnown, ReportMoved
from pywats_client.logs import show_name
from pywats_client.queue.folder import Put, QueueFolder, Staged
from pywats_client.queue.name import SourceKey, State
from pywats_client.service.commits import Commits
from pywats_client.service.running import RunningConverter
from pywats_client.service.threads import InThread
from pywats_client.service.watch_folder import Signature, signature_of

log = logging.getLogger(__name__)

HASH_ON_LOOP = 1 << 20
"""Up to so many bytes, hashing costs less than the way to another thread."""


class SourceChanged(Exception):
    """The source is not what it was when its conversion began: convert it again."""


Deliver = Callable[[Delivered], Awaitable[None]]

Files = Mapping[Path, Signature]
"""A source and the files that belong to it, the source first, each with what it was like before the conversion."""


class Origin(NamedTuple):
    """Where a report comes from, as people are shown it."""

    source: str
    converter: str


@dataclass(frozen=True)
class Queued:
    """What the conversion of a source has left in the queue, and how that changed the queue."""

    reports: tuple[UUID, ...]
    events: tuple[ReportMoved | ReportKnown, ...]
    fault: PartlyConverted | None = None
    """what is wrong with the units of the source that are not among the reports"""


@dataclass(frozen=True)
class Conversion:
    """What a conversion needs beside the converter and its source."""

    queue: QueueFolder
    commits: Commits
    workers: Workers
    disk: Disk
    clock: Clock
    in_thread: InThread

    async def gather(self, converter: RunningConverter, source: Path, offered: Signature) -> Files:
        """The files that the conversion is about.

        `offered` is the signature that the source had when it was found settled.

        Raises ConversionError, NotYet, SourceChanged, or OSError.
        """
        if signature_of(source) != offered:
            raise SourceChanged
        files = {source: offered}
        if converter.info.has_companions:
            companions = await self.workers.companions(converter.setup, source)
            files |= _settled(converter, source, companions)
        return files

    async def run(self, converter: RunningConverter, files: Files) -> Queued:
        """Convert, and queue all good reports together.

        Raises ConversionError, NotYet, NotMine, SourceChanged, or OSError; then nothing was published.
        """
        source, *companions = files
        seed = await self._seed(converter, files)
        staged: list[Staged] = []
        facts: list[Facts] = []

        async def deliver(report: Delivered) -> None:
            # The last one is written on the way to being published: most sources have one report, and a way less.
            if staged:
                await self.in_thread(self.queue.write, staged[-1])
            priority = converter.config.priority
            facts.append(report.facts)
            staged.append(self.queue.stage(report.queue_id, report.content, priority, len(staged)))

        try:
            job = Job(source=source, companions=tuple(companions), id_seed=seed)
            fault = await self._convert(converter, job, deliver)
            _require_unchanged(files)
            queued = await self._publish(staged, facts, Origin(show_name(source.name), converter.config.name))
            return replace(queued, fault=fault)
        except BaseException:
            self.queue.drop(staged)
            raise

    async def _convert(self, converter: RunningConverter, job: Job, deliver: Deliver) -> PartlyConverted | None:
        """What is wrong with some of the units, where the others are wanted all the same."""
        try:
            await self.workers.convert(converter.setup, job, deliver)
        except PartlyConverted as fault:
            if converter.config.all_or_nothing:
                raise
            return fault
        return None

    async def _seed(self, converter: RunningConverter, files: Files) -> bytes:
        source = next(iter(files))
        size = sum(signature.size for signature in files.values())
        if size <= HASH_ON_LOOP:
            content_hash = _digest_all(files)
        else:
            content_hash = await self.in_thread(_digest_all, files)
        return SourceKey(
            station=converter.setup.station["name"],
            converter=converter.config.name,
            name=os.fsencode(source.name),
            size=size,
            modified_ns=files[source].modified_ns,
            content_hash=content_hash,
        ).seed

    async def _publish(self, staged: Sequence[Staged], facts: Sequence[Facts], origin: Origin) -> Queued:
        puts = self.queue.judge(staged)
        try:
            await self.commits.commit(staged, puts)
            queued = zip(staged, puts, facts, strict=True)
            events = tuple(self._event(report.name.id, put, known, origin) for report, put, known in queued)
            self.queue.enter(staged, puts, trio.current_time())
        except OSError:
            self.queue.withdraw(staged, puts)
            raise
        return Queued(tuple(report.name.id for report in staged), events)

    def _event(self, queue_id: UUID, put: Put, facts: Facts, origin: Origin) -> ReportMoved | ReportKnown:
        """What entering the report is going to change."""
        if put is Put.KNOWN:
            return ReportKnown(queue_id=queue_id)
        waiting = (known.state for known in self.queue.index.of(queue_id) if known.state is not State.PROCESSING)
        return ReportMoved(
            queue_id=queue_id,
            before=next(waiting, ""),
            after=State.QUEUED,
            source=origin.source,
            converter=origin.converter,
            report_type=facts.report_type,
            serial_number=facts.serial_number,
            part_number=facts.part_number,
            result=facts.result,
            failing_step=facts.failing_step,
        )

    # --- afterwards

    async def put_away(self, converter: RunningConverter, files: Files) -> None:
        """The post-action, after all reports are queued.

        Raises OSError, or SourceChanged where a file was written to in the last moment: then all stay.
        """
        _require_unchanged(files)
        source, *companions = files
        if converter.config.post_action == "keep":
            converter.kept.add(str(source.relative_to(converter.folders.watch)), files[source])
            return
        # The source goes first: a crash in between leaves companions lying, and converts nothing without them.
        folder = await self._act(converter, source, partial(_require_unchanged, files))
        if companions:
            await self.in_thread(self._settle, source.parent, folder)
        for path in companions:
            await self._act(converter, path, lambda: None)

    async def _act(self, converter: RunningConverter, path: Path, check: Check) -> Path:
        """Do with one file what is configured; the folder that has changed by it.

        `check` is called in the last moment: what waits for a thread, or is copied, may be written to meanwhile.
        """
        folders = converter.folders
        below = path.parent.relative_to(folders.watch)
        match converter.config.post_action:
            case "move":
                return (await self._move(path, folders.done, below, check)).parent
            case "archive":
                day = self.clock.now().astimezone().strftime("%Y-%m-%d")
                await self.in_thread(self.disk.archive, path, folders.archive, Path(day, below), check)
            case _ if path.is_dir():
                await self.in_thread(self._remove, path, check)
            case _:
                self._remove(path, check)
        return path.parent

    def _remove(self, path: Path, check: Check) -> None:
        check()
        self.disk.remove(path)

    def _settle(self, *folders: Path) -> None:
        """A source is gone for good before its companions are: without them it would wait for ever."""
        for folder in dict.fromkeys(folders):
            self.disk.sync_folder(folder)

    async def _move(self, path: Path, folder: Path, below: Path, check: Check) -> Path:
        moved: Path
        target = folder / below
        if target.is_dir() and target.stat().st_dev == path.lstat().st_dev:
            moved = self.disk.move(path, folder, below, check)
        else:
            moved = await self.in_thread(self.disk.move, path, folder, below, check)
        return moved

    async def set_aside(self, converter: RunningConverter, files: Files, error: ConversionError) -> None:
        """Into the error folder, with the reason beside it.

        Raises OSError, or SourceChanged: what failed is then not what lies there now.
        """
        source, *companions = files
        folder, below = converter.folders.error, source.parent.relative_to(converter.folders.watch)
        moved = await self._move(source, folder, below, partial(_require_unchanged, files))
        if companions:
            await self.in_thread(self._settle, source.parent, moved.parent)
        with_it = [(await self._move(companion, folder, below, lambda: None)).name for companion in companions]
        text = (
            f"{error}\n\nconverter: {converter.config.name} ({converter.setup.module})\n"
            f"time: {self.clock.now().isoformat(timespec='seconds')}\n"
        )
        if with_it:
            text += f"files: {json.dumps(with_it)}\n"  # what a retry puts back, too; any bytes are a name
        if error.details:
            text += f"\n{error.details}\n"
        try:
            moved.with_name(fit_name(moved.name, ".reason")).write_text(text, "utf-8", "backslashreplace")
        except OSError as fault:
            log.warning("cannot write the reason beside %s: %s", show_name(moved), fault)


def _digest_all(files: Iterable[Path]) -> bytes:
    return b"".join(digest(file) for file in files)


def _require_unchanged(files: Files) -> None:
    if any(signature_of(path) != signature for path, signature in files.items()):
        raise SourceChanged


def _settled(converter: RunningConverter, source: Path, companions: Sequence[Path]) -> Files:
    """The companions as they are, if they were so at the last look, too. Raises NotYet, or OSError for one missing."""
    name = str(source.relative_to(converter.folders.watch))
    now = {path: signature_of(path) for path in companions}
    if converter.companions.pop(name, None) != now and now and converter.sources.settle_seconds:
        converter.companions[name] = now
        raise NotYet("the files that belong to it are not settled", delay=converter.sources.settle_seconds)
    return now
