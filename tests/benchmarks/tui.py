"""What is measured of the dashboard, which runs in a pseudo-terminal: each function does one run, one figure."""

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import control, station

SIZE = (24, 80)
QUIET_SECONDS = 0.3
"""Nothing is painted for so long: what was asked for is on the screen."""
WALK = (
    ("2", "serial"),
    ("down", "►"),
    ("end", "►"),
    ("home", "►"),
    ("8", "Everywhere"),
    ("4", "error"),
    ("1", "fails"),
)
"""Keys, and what stands on the screen only once each has had its effect."""
BYTES = {"down": b"\x1b[B", "end": b"\x1b[F", "home": b"\x1b[H"}


class Terminal:
    """A dashboard, and what it paints."""

    def __init__(self, home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pywats_client", "tui", "--home", str(home)],
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.costs = station.Service(self._process)

    def until(self, marker: str) -> float:
        """When this was painted, of the performance counter; what was painted before is forgotten."""
        said = b""
        while marker.encode() not in said:
            said += self._read(station.PATIENCE)
            assert said, f"{marker} was never painted"
        return time.perf_counter()

    def press(self, key: str, marker: str) -> float:
        """Milliseconds from the key to what it brings."""
        self.calm()
        began = time.perf_counter()
        os.write(self._master, BYTES.get(key, key.encode()))
        return 1000 * (self.until(marker) - began)

    def calm(self, seconds: float = QUIET_SECONDS) -> None:
        """Take what is painted until nothing more comes, or the clock on the screen alone."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], seconds)
        return os.read(self._master, 65_536) if ready else b""

    def close(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@contextmanager
def shown(home: Path) -> Iterator[Terminal]:
    """A dashboard that has found its service."""
    terminal = Terminal(home)
    try:
        terminal.until("127.0.0.1")
        yield terminal
    finally:
        terminal.close()


def first_paint(home: Path) -> float:
    """Milliseconds from the start of the process to the first picture, which names the instance."""
    terminal = Terminal(home)
    try:
        return 1000 * (terminal.until("STOP  default") - terminal.began)
    finally:
        terminal.close()


def walked(home: Path, rounds: int = 10) -> tuple[float, float]:
    """Milliseconds from key to screen that 95 of 100 stay below, and MiB that the process holds after it all."""
    with shown(home) as terminal:
        for step in WALK:  # a screen that is shown for the first time is made first
            terminal.press(*step)
        took = [terminal.press(*step) for _ in range(rounds) for step in WALK]
        for key in "35678":
            terminal.press(key, "Help")
        return sorted(took)[int(len(took) * 0.95)], terminal.costs.status("VmRSS") / 1024


def idle_share(home: Path, seconds: float = 20.0) -> float:
    """The part of a core that it takes while nothing happens."""
    with shown(home) as terminal:
        terminal.calm(3.0)
        before = terminal.costs.cpu_seconds()
        terminal.calm(seconds)
        return (terminal.costs.cpu_seconds() - before) / seconds


def busy_share(home: Path, seconds: float = 20.0) -> float:
    """The part of a core that 50 events a second take: measured at about that, and scaled to it."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        with station.service(home, sink.url, station.csv_converter(folder)), shown(home) as terminal:

            async def run() -> float:
                async with control.subscribers(home, 1) as (heard,):
                    before, first = terminal.costs.cpu_seconds(), len(heard)
                    for number in range(int(8 * seconds)):  # a file is six events or seven
                        (folder / f"SN{number}.csv").write_text(station.csv_text(number))
                        await asyncio.to_thread(terminal.calm, 1 / 8)
                    events = len(heard) - first
                    return 50 * (terminal.costs.cpu_seconds() - before) / events

            return asyncio.run(run())
