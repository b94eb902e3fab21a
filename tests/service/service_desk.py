"""A whole service in this process: its commands are asked for where a socket would hand them in."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio
from service_parts import TOKEN, report_bytes, report_id

from pywats_client.clock import Clock
from pywats_client.disk import Disk, FileSystem
from pywats_client.errors import CommandFailed
from pywats_client.ipc.answering import Client, Dispatch
from pywats_client.ipc.commands import Command
from pywats_client.ipc.commands.service import GetStatus
from pywats_client.ipc.events import ServiceState
from pywats_client.ipc.protocol import Code, Scope
from pywats_client.paths import Instance
from pywats_client.queue.folder import QueueFolder
from pywats_client.service.client_service import ClientService
from pywats_client.service.clients import Clients
from pywats_client.service.control_plane import ControlPlane
from pywats_client.service.edges import Edges
from pywats_client.service.hub import Hub
from pywats_client.wats.client import WatsClient
from tests.fakes.server import ScriptedServer

PATIENCE = 60.0
R = TypeVar("R")


class Desk:
    """The folder `in` of its home is watched by the converter `csv`, unless `converters` says otherwise."""

    def __init__(
        self,
        home: Path,
        *,
        converters: list[dict[str, Any]] | None = None,
        environ: Mapping[str, str] = TOKEN,
        steps: FileSystem | None = None,
        **service: Any,
    ) -> None:
        self.home, self.environ, self.server, self.hub = home, environ, ScriptedServer(), Hub()
        self.instance = Instance.find(home=home, environ={})
        self.watched = home / "in"
        self.watched.mkdir(exist_ok=True)
        self._steps = steps
        self._dispatch: Dispatch | None = None
        self.wanted_restart: bool | None = None
        known = {"name": "csv", "module_path": "csv", "watch_folder": str(self.watched), "process_code": 10}
        self.config: dict[str, Any] = {
            "server": {"url": "https://wats.test"},
            "service": {"settle_seconds": 0, **service},
            "converters": [known] if converters is None else converters,
        }
        if not self.instance.config.exists():
            self.write()

    def write(self) -> None:
        self.instance.config.write_text(json.dumps(self.config))

    def stored(self) -> dict[str, Any]:
        """What the configuration file says."""
        found: dict[str, Any] = json.loads(self.instance.config.read_text())
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The service runs meanwhile, unless a command ends it."""
        desk, edges = (
            self,
            Edges(
                control_plane=partial(Handed, self),
                clients=partial(Clients, make=partial(WatsClient, transport=self.server), make_context=lambda _: None),
            ),
        )
        service = ClientService(
            home=self.home, environ=self.environ, disk=Disk(self._steps), edges=edges, console=False
        )
        root = logging.getLogger()
        level, handlers = logging.getLogger("pywats_client").level, list(root.handlers)
        stop = trio.Event()

        async def run() -> None:
            desk.wanted_restart = await service.run(stop, self.hub)

        try:
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(run)
                    await self.until(lambda: self.hub.snapshot.service in (ServiceState.RUNNING, ServiceState.PAUSED))
                    yield
                    stop.set()
        finally:
            logging.getLogger("pywats_client").setLevel(level)
            for handler in [handler for handler in root.handlers if handler not in handlers]:
                root.removeHandler(handler)
                handler.close()

    async def ask(self, command: Command, result: type[R]) -> R:
        """The answer to a command, which is of this type."""
        assert self._dispatch
        answer = await self._dispatch(command, Client(1, Scope.ADMIN))
        assert isinstance(answer, result)
        return answer

    async def refused(self, command: Command) -> tuple[Code, str]:
        """Why a command is refused."""
        try:
            await self.ask(command, object)
        except CommandFailed as error:
            return Code(error.code), str(error)
        raise AssertionError(f"{command!r} was done")

    async def until(self, is_so: Callable[[], object]) -> None:
        """For things that take no more than a few thread hops or a worker's start."""
        while not is_so():
            await trio.sleep(0.01)

    def queue(self, *numbers: int) -> None:
        """Reports wait from an earlier run."""
        disk = Disk()
        disk.make_folder(self.instance.queue)
        folder = QueueFolder(self.instance.queue, disk, Clock())
        staged = [folder.stage(report_id(number), report_bytes(number)) for number in numbers]
        folder.commit(staged, folder.judge(staged))

    async def status(self) -> GetStatus.Result:
        """What `get_status` answers."""
        return await self.ask(GetStatus(), GetStatus.Result)


class Handed(ControlPlane):
    """Hands the commands in without a socket."""

    def __init__(self, desk: Desk, *args: Any) -> None:
        super().__init__(*args)
        self._desk = desk

    async def serve(self, dispatch: Dispatch) -> None:
        self._desk._dispatch = dispatch
        self.was_tried.set()
        await trio.sleep_forever()


def csv_table(serial_number: str) -> str:
    """A source of the csv converter: one unit with one step."""
    return f"serial number,part number,revision,step,value,low,high\n{serial_number},P1,A,Vcc,3.3,3.2,3.4\n"
