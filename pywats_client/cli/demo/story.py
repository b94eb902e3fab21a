"""What happens in the demo, and the count of it: from the server's store and the folders, not from hearsay."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import trio

from pywats_client.cli.demo.files import DemoFile, Way, demo_files
from pywats_client.cli.demo.view import View
from pywats_client.ipc.events import (
    Event,
    ReportMoved,
    ServiceState,
    ServiceStateChanged,
    SourceConverted,
    SourceFailed,
)
from pywats_client.service import ClientService
from pywats_client.service.hub import Hub

OFFLINE_SECONDS = 4.0
PATIENCE_SECONDS = 26.0
TOKEN = "ZGVtbzpkZW1v"  # noqa: S105 -- of the emulator, which anybody may know
SLOW_CHUNKS, SLOW_PAUSE = 4, 0.4


@dataclass
class Row:
    """What became of one file."""

    file: DemoFile
    state: str = "not dropped"
    report_id: str = ""
    serial_number: str = ""
    result: str = ""
    dropped: float = 0.0
    arrived: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("delivered", "rejected", "error folder")


class Story:
    """One run of the demo in a scratch folder."""

    def __init__(self, home: Path, open_emulator: Callable[..., AbstractAsyncContextManager[Any]]) -> None:
        self.home, self._open_emulator = home, open_emulator
        self.rows = [Row(file) for file in demo_files()]
        self._by_source = {row.file.name: row for row in self.rows}
        self._by_report: dict[UUID, Row] = {}
        self._moved: dict[UUID, tuple[ReportMoved, float]] = {}
        self._over, self._stopped = trio.Event(), trio.Event()

    async def run(self, keep: bool) -> bool:
        """The whole story; whether it ended as it must. KeyboardInterrupt where a signal ended it before."""
        async with self._open_emulator(data=self.home / "server", token=TOKEN) as emulator:
            service = self._configured(emulator.url)
            hub, stop = Hub(), trio.Event()
            view = View(hub, self.rows)
            async with trio.open_nursery() as nursery:
                with hub.subscribed() as events:
                    nursery.start_soon(service.run, stop, hub)
                    nursery.start_soon(view.run)
                    ready = trio.Event()
                    nursery.start_soon(self._follow, events, ready, view)
                    await ready.wait()
                    with trio.move_on_after(PATIENCE_SECONDS):
                        nursery.start_soon(self._drop_all, emulator, view)
                        await self._over.wait()
                    was_interrupted = self._stopped.is_set()
                    is_as_told = await self._close_the_books(emulator, service.instance.queue, view)
                    if keep and not was_interrupted:
                        view.say_where(service.instance, emulator.url, self.home)
                        await self._stopped.wait()
                    stop.set()
                    nursery.cancel_scope.cancel()
        if was_interrupted:  # outside of the nurseries, which would wrap it
            raise KeyboardInterrupt
        return is_as_told

    def _configured(self, url: str) -> ClientService:
        converters = [
            {
                "name": name,
                "module_path": module,
                "watch_folder": str(self.home / name),
                "file_patterns": [pattern],
                "process_code": 10,
            }
            for name, module, pattern in (("csv", "csv", "*.csv"), ("wsjf", "wats_json", "*.json"))
        ]
        config = {
            "version": "2.0",
            "instance_id": "demo",
            "server": {"url": url},
            "station": {"name": "Demo station", "location": "This machine", "purpose": "Demo"},
            "service": {"settle_seconds": 0.5, "grace_seconds": 1},
            "converters": converters,
        }
        service = ClientService("demo", home=self.home, environ={"PYWATS_API_TOKEN": TOKEN}, console=False)
        service.instance.config.parent.mkdir(parents=True, exist_ok=True)
        service.instance.config.write_text(json.dumps(config, indent=1), "utf-8")
        for converter in converters:
            Path(str(converter["watch_folder"])).mkdir()
        return service

    # --- what is done

    async def _drop_all(self, emulator: Any, view: View) -> None:
        by_way = {way: [row for row in self.rows if row.file.way is way] for way in Way}
        async with trio.open_nursery() as hands:
            for row in by_way[Way.SLOWLY]:
                hands.start_soon(self._write_slowly, row)
            for row in by_way[Way.RENAMED_IN]:
                view.say(f"{row.file.name} is renamed into the folder")
                self._rename_in(row)
            view.say(f"{len(by_way[Way.AT_ONCE])} files are dropped at once")
            for row in by_way[Way.AT_ONCE]:
                self._write(row)
            await trio.sleep(2.5)
            late = by_way[Way.WHILE_OFFLINE]
            view.say(f"the server goes away for {OFFLINE_SECONDS:.0f} s; {len(late)} files come meanwhile")
            await emulator.go_offline(OFFLINE_SECONDS)
            for row in late:
                self._write(row)

    def _write(self, row: Row) -> None:
        (self.home / row.file.folder / row.file.name).write_text(row.file.text, "utf-8")
        self._dropped(row)

    def _rename_in(self, row: Row) -> None:
        path = self.home / row.file.folder / row.file.name
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_text(row.file.text, "utf-8")
        unfinished.rename(path)
        self._dropped(row)

    async def _write_slowly(self, row: Row) -> None:
        size = -(-len(row.file.text) // SLOW_CHUNKS)
        with (self.home / row.file.folder / row.file.name).open("w", encoding="utf-8") as file:
            for start in range(0, len(row.file.text), size):
                file.write(row.file.text[start : start + size])
                file.flush()
                await trio.sleep(SLOW_PAUSE)
        self._dropped(row)

    def _dropped(self, row: Row) -> None:
        row.state, row.dropped = "in the folder", trio.current_time()

    # --- what is seen

    async def _follow(self, events: AsyncIterator[Event], ready: trio.Event, view: View) -> None:
        async for event in events:
            self._note(event)
            view.note(event)
            if isinstance(event, ServiceStateChanged) and event.state is ServiceState.RUNNING:
                ready.set()
            if isinstance(event, ServiceStateChanged) and event.state is ServiceState.STOPPED:
                self._stopped.set()
                self._over.set()
            if all(row.is_over for row in self.rows):
                self._over.set()

    def _note(self, event: Event) -> None:
        match event:
            case SourceConverted(source=source, reports=(queue_id, *_)) if source in self._by_source:
                self._by_report[queue_id] = self._by_source[source]
                self._by_source[source].state = "waiting"
            case SourceFailed(source=source) if source in self._by_source:
                self._by_source[source].state = "error folder"
            case ReportMoved(after="completed" | "rejected"):
                self._moved[event.queue_id] = event, trio.current_time()
        # A report may be on the server before its source is out of the way, so both are kept and joined here.
        for queue_id in self._by_report.keys() & self._moved.keys():
            row, (moved, when) = self._by_report.pop(queue_id), self._moved.pop(queue_id)
            row.state = "delivered" if moved.after == "completed" else "rejected"
            row.report_id, row.arrived = moved.report_id or str(queue_id), when

    # --- the end

    async def _close_the_books(self, emulator: Any, queue: Path, view: View) -> bool:
        """Count at the places themselves: on the server, in the error folder, in the queue."""
        received = {header["uuid"]: header for header in await emulator.received()}
        for row in self.rows:
            if header := received.get(row.report_id):
                row.serial_number, row.result = header["serialNumber"], header["result"]
        for file in queue.glob("*.rejected"):
            report = json.loads(file.read_bytes())
            for row in self.rows:
                if row.report_id == report["id"]:
                    row.serial_number, row.result = report["sn"], report["result"]
        good = [row for row in self.rows if row.file.is_good]
        delivered = sum(row.report_id in received for row in good)
        failed = sum(1 for folder in ("csv", "wsjf") for _ in (self.home / folder / "Error").glob("*.reason"))
        rejected = len(list(queue.glob("*.rejected")))
        view.tell_end(
            f"delivered {delivered} of {len(good)} good files; {failed} in the error folder; "
            f"{rejected} rejected by the server"
        )
        return (delivered, len(received), failed, rejected) == (len(good), len(good), 1, 1)
