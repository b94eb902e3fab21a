"""A sink and a service, each a process of its own, in a scratch folder; and what the system says of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from pywats_client.paths import Instance
from pywats_client.queue.name import DEFAULT_PRIORITY, QueueName

REPORT_BYTES = 12_000
PATIENCE = 180.0


class Sink:
    """The server's side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.url = f"http://127.0.0.1:{int(process.stdout.readline())}"

    def wait_for(self, count: int) -> list[float]:
        """When each report came, monotonic seconds, once `count` of them have."""
        wait_until(lambda: self.count() >= count)
        times: list[float] = self._ask("times")
        return times

    def count(self) -> int:
        """How many reports have come."""
        return int(self._ask("count"))

    def _ask(self, what: str) -> Any:
        with urlopen(f"{self.url}/{what}", timeout=10) as answer:
            return json.load(answer)


class Service:
    """A running service."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def status(self, key: str) -> int:
        """A number of /proc/PID/status, such as VmRSS in kB or Threads."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - began


@contextmanager
def sink(delay_ms: float = 0.0) -> Iterator[Sink]:
    """A sink that answers after `delay_ms`."""
    command = [sys.executable, "-m", "tests.benchmarks.sink", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sink(process)
        finally:
            process.kill()


@contextmanager
def service(home: Path, url: str, *converters: dict[str, Any], **keys: Any) -> Iterator[Service]:
    """A service that says that it runs; `keys` are those of the section `service`."""
    instance = Instance.find("default", home)
    config = {
        "version": "2.0",
        "server": {"url": url},
        "station": {"name": "Bench", "location": "Here", "purpose": "Bench"},
        "service": {"settle_seconds": 0, **keys},
        "converters": list(converters),
    }
    instance.config.parent.mkdir(parents=True, exist_ok=True)
    instance.config.write_text(json.dumps(config))
    environ = {**os.environ, "PYWATS_API_TOKEN": "bench"}
    command = [sys.executable, "-m", "pywats_client", "service", "--home", str(home)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: instance.log.exists() and _is_up(instance.log.read_text()))
            yield Service(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


def _is_up(log: str) -> bool:
    """Also one that was paused before it was started."""
    return "Running (process" in log or "Paused (process" in log


def wait_until(is_so: Callable[[], bool]) -> None:
    """Poll from outside: what is measured is noted by others, with times of their own."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the bench waited in vain")
        time.sleep(0.02)


def report() -> bytes:
    """A report of usual size, each with an id of its own."""
    filler = "x" * (REPORT_BYTES - 100)
    return json.dumps({"id": str(uuid.uuid4()), "type": "T", "comment": filler}).encode()


def fill_folder(folder: Path, count: int) -> None:
    """Reports as plain files."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:06}").write_bytes(report())


def fill_queue(home: Path, count: int) -> None:
    """Reports as they lie in a queue after a long outage."""
    queue = Instance.find("default", home).queue
    queue.mkdir(parents=True)
    now = datetime.now(UTC)
    for number in range(count):
        content = report()
        name = QueueName.of(uuid.uuid4(), content, now + timedelta(microseconds=number), DEFAULT_PRIORITY)
        (queue / str(name)).write_bytes(content)


def csv_converter(folder: Path) -> dict[str, Any]:
    """A csv converter that takes what `csv_text` writes."""
    folder.mkdir(parents=True)
    arguments = {"name_pattern": r"(?P<serial_number>[^.]+)\.csv", "part_number": "PN-1", "revision": "A"}
    return {
        "name": "csv",
        "module_path": "csv",
        "watch_folder": str(folder),
        "file_patterns": ["*.csv"],
        "process_code": 10,
        "arguments": arguments,
    }


def csv_text(number: int, rows: int = 30) -> str:
    """A result file of one unit."""
    lines = (f"Step {row},{3.3 + row * 0.001 + number * 1e-6:.6f},3.0,3.6,V" for row in range(rows))
    return "step,value,low,high,unit\n" + "\n".join(lines) + "\n"


def emptied(folder: Path) -> Path:
    """The folder, gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder
