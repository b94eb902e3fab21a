"""A station seen from outside: an instance in a folder, its service as a real process, and what lies where.

Nothing here looks into the service. Every wait polls what anybody could see: files, processes, the server.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from pywats_client.emulator import Emulator
from pywats_client.paths import Instance
from pywats_client.queue.name import QueueName
from pywats_client.service.threads import FILE_THREADS

TOKEN = "ZTJlOm5vYm9keS1tYXktc2VlLXRoaXM="
PATIENCE = 60.0
POLL = 0.01
WATCHERS = 2
"""One for folders alone and one for folders with all below; each a thread of ours and one of the library's."""
MOST_THREADS = 1 + FILE_THREADS + 2 * WATCHERS
"""Of a service, whatever it has to do."""


class Process:
    """A process of ours in a group of its own; what it printed is in files."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], output: Path, stdin: str | int = "") -> None:
        """`stdin` is what it reads there, or the descriptor that it gets."""
        output.mkdir(parents=True)
        self._stdout, self._stderr = output / "stdout", output / "stderr"
        source = stdin if isinstance(stdin, int) else os.memfd_create("stdin")
        if isinstance(stdin, str):
            os.pwrite(source, stdin.encode(), 0)
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._popen = subprocess.Popen(
                command, env=environ, stdin=source, stdout=stdout, stderr=stderr, start_new_session=True
            )
        os.close(source)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdout(self) -> str:
        return self._stdout.read_text("utf-8")

    @property
    def stderr(self) -> str:
        return self._stderr.read_text("utf-8")

    @property
    def code(self) -> int | None:
        """The exit code; negative: the signal; None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        with trio.fail_after(PATIENCE):
            while self.code is None:
                await trio.sleep(POLL)
        return self._popen.returncode

    async def stop(self) -> int:
        """SIGTERM, and the exit code that follows."""
        self.send(signal.SIGTERM)
        return await self.ended()

    def children(self) -> set[int]:
        """The processes it has started and not yet seen end."""
        return {
            int(child)
            for thread in Path(f"/proc/{self.pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        }

    def status(self, key: str) -> int:
        """A number of /proc/PID/status, such as Threads."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    async def destroy(self) -> None:
        if self.code is None:
            self._popen.kill()
            await self.ended()


class Station:
    """One instance in `folder`; several may share a `home`."""

    def __init__(self, folder: Path, url: str, *, instance_id: str = "default", home: Path | None = None) -> None:
        self.folder, self.home = folder, home or folder / "home"
        self.instance = Instance.find(instance_id, self.home, {})
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYWATS_API_TOKEN": TOKEN}
        self.config: dict[str, Any] = {
            "version": "2.0",
            "instance_id": instance_id,
            "server": {"url": url},
            "station": {"name": f"Station {instance_id}", "location": "Lab", "purpose": "Test"},
            "service": {"settle_seconds": 0.1},
            "converters": [],
        }
        self._started = 0
        self._service: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.configure()

    def configure(self, **service: Any) -> None:
        """Write the configuration as it is now, with these keys of `service`."""
        self.config["service"].update(service)
        self.instance.config.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.instance.config.with_suffix(".new")
        temporary.write_text(json.dumps(self.config, indent=1))
        temporary.rename(self.instance.config)

    def add_converter(self, name: str, module: str, pattern: str, **keys: Any) -> Path:
        """Configure one more converter; its watched folder, which is made."""
        folder = Path(keys.pop("watch_folder", self.folder / name))
        folder.mkdir(exist_ok=True)
        entry = {"name": name, "module_path": module, "watch_folder": str(folder), "file_patterns": [pattern]}
        self.config["converters"].append({**entry, "process_code": 10, **keys})
        self.configure()
        return folder

    # --- processes

    def start(self, *command: str, stdin: str | int = "", python: str = sys.executable) -> Process:
        """A command of ours, with the arguments that name the instance."""
        self._started += 1
        place = ("--home", str(self.home), "--instance-id", self.instance.id)
        output = self.folder / f"process-{self._started}"
        return Process([python, "-m", "pywats_client", *command, *place], self.environ, output, stdin)

    @asynccontextmanager
    async def running(self, *, stdin: str | int = "", python: str = sys.executable) -> AsyncIterator[Process]:
        """The service while the block runs; stopped at its end, unless the block has ended it."""
        process = self._service = self.start("service", stdin=stdin, python=python)
        try:
            ready = tuple(f"{state} (process {process.pid})" for state in ("Running", "Paused"))
            await self.until(lambda: any(words in process.stderr for words in ready))
            yield process
            if process.code is None:
                assert await process.stop() == 0, process.stderr
        finally:
            await process.destroy()
        assert "Traceback" not in process.stderr, process.stderr
        assert "Traceback" not in self.log()
        assert TOKEN not in process.stderr + process.stdout + self.log()

    async def run(self, *arguments: str, stdin: str = "") -> Process:
        """A command of ours, run to its end."""
        process = self.start(*arguments, stdin=stdin)
        try:
            await process.ended()
        finally:
            await process.destroy()
        assert "Traceback" not in process.stderr, process.stderr
        return process

    # --- what there is

    def log(self) -> str:
        """The log file, as it is."""
        return self.instance.log.read_text("utf-8") if self.instance.log.exists() else ""

    def messages(self) -> list[str]:
        """The log's sentences."""
        return [json.loads(line)["message"] for line in self.log().splitlines()]

    def queue_names(self) -> list[QueueName]:
        """The reports in the queue folder, delivered ones included."""
        places = (self.instance.queue, *self.instance.queue.glob("completed/*"), self.instance.queue / "discarded")
        found = (QueueName.parse(name) for place in places if place.is_dir() for name in os.listdir(place))
        return sorted(filter(None, found), key=str)

    def counts(self) -> dict[str, int]:
        """How many reports stand where."""
        return dict(Counter(str(name.state) for name in self.queue_names()))

    def is_at_rest(self, delivered: int) -> bool:
        """Whether so many reports were delivered, and none waits."""
        return self.counts() == {"completed": delivered}

    def stray_files(self) -> list[Path]:
        """Temporary files, wherever they lie."""
        return [path for path in files_below(self.folder) if path.name.endswith((".tmp", ".part"))]

    async def until(self, is_so: Callable[[], bool | Awaitable[bool]]) -> None:
        """Poll until it is so; otherwise fail, saying what there is."""
        with trio.move_on_after(PATIENCE):
            while True:
                answer = is_so()
                if answer if isinstance(answer, bool) else await answer:
                    return
                if self._service and self._service.code is not None:
                    break
                await trio.sleep(POLL)
        files = "\n".join(repr(str(path.relative_to(self.folder))) for path in files_below(self.folder))
        said = self._service.stderr[-3000:] if self._service else self.log()[-3000:]
        raise AssertionError(f"waited in vain; there are\n{files[-3000:]}\nand the service said\n{said}")


def files_below(folder: Path) -> Iterator[Path]:
    """All files, whatever their names."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def names_in(folder: Path) -> list[str]:
    """The names in a folder; none where it is not there."""
    return sorted(os.listdir(folder)) if folder.is_dir() else []


async def received(server: Emulator) -> dict[str, str]:
    """Serial numbers on the server, by report id."""
    return {header["uuid"]: header["serialNumber"] for header in await server.received()}


async def serials(server: Emulator) -> list[str]:
    """Serial numbers on the server, sorted; one that came under two ids is there twice."""
    return sorted((await received(server)).values())


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def table(serial_number: str, value: str = "3.31") -> str:
    """What the csv converter takes: a unit with one step."""
    return (
        "serial number,part number,revision,step,value,low,high,unit\n"
        f"{serial_number},PN-1,A,Supply voltage,{value},3.2,3.4,V\n"
    )


def wsjf(serial_number: str, **more: Any) -> dict[str, Any]:
    """A report as the server takes it, without an id."""
    sequence = {"path": "p", "name": "n", "version": "1"}
    root = {"id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P", "totTime": 0}
    return {
        "type": "T",
        "pn": "PN-1",
        "sn": serial_number,
        "rev": "A",
        "processCode": 10,
        "result": "P",
        "start": "2026-01-30T10:49:36+01:00",
        "uut": {"user": "me", "execTime": 1},
        "root": {**root, "seqCall": sequence, "steps": []},
        **more,
    }
