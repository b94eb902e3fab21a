"""The dashboard in a real pseudo-terminal: how it ends, what it survives, and that it harms nobody."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from pywats_client.emulator import Emulator
from tests.end_to_end.station import PATIENCE, POLL, Station, is_alive, received, table

LEAVES_ALTERNATE_SCREEN, SHOWS_CURSOR, MOUSE_OFF = b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"
RUNS = 20


class Terminal:
    """A pseudo-terminal of 80x24 with a dashboard in it."""

    def __init__(self, station: Station, *options: str, **environ: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self.master, False)
        self.said = b""
        self.before = termios.tcgetattr(slave)
        place = ("--home", str(station.home), "--instance-id", station.instance.id)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pywats_client", "tui", *place, *options],
            env={**station.environ, "TERM": "xterm-256color", "PYTHONPATH": ":".join(sys.path), **environ},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._slave = slave

    def read(self) -> bytes:
        """All that it has said so far."""
        try:
            while more := os.read(self.master, 65_536):
                self.said += more
        except (BlockingIOError, OSError):
            pass
        return self.said

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    @property
    def is_usable(self) -> bool:
        """As it was before: echo and lines, the main screen, a cursor, no mouse."""
        tail = self.read()
        marks = (LEAVES_ALTERNATE_SCREEN, SHOWS_CURSOR, MOUSE_OFF)
        return termios.tcgetattr(self._slave)[:4] == self.before[:4] and all(mark in tail for mark in marks)

    async def says(self, text: str) -> None:
        """Until it has said this since the last time; texts with spaces may be drawn in parts."""
        await self.until(lambda: text.encode() in self.read())
        self.said = self.said[self.said.rindex(text.encode()) + len(text.encode()) :]

    async def until(self, is_so: Callable[[], object]) -> None:
        with trio.move_on_after(PATIENCE):
            while not is_so():
                self.read()
                await trio.sleep(POLL)
            return
        raise AssertionError(f"waited in vain; it said {self.said[-3000:]!r}")

    async def ended(self) -> int:
        await self.until(lambda: self.process.poll() is not None)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    def hang_up(self) -> None:
        """As a lost connection does: the kernel sends SIGHUP, and nothing can be written any more."""
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1


@asynccontextmanager
async def shown(station: Station, *options: str, **environ: str) -> AsyncIterator[Terminal]:
    terminal = Terminal(station, *options, **environ)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.trio
async def test_a_signal_leaves_the_terminal_usable_and_a_true_exit_code(
    station: Station, number: signal.Signals
) -> None:
    async with station.running(), shown(station) as terminal:
        await terminal.says("online")
        terminal.process.send_signal(number)
        assert await terminal.ended() == 128 + number
        assert terminal.is_usable
        assert b"Traceback" not in terminal.said


@pytest.mark.trio
async def test_q_leaves_it_with_zero(station: Station) -> None:
    async with station.running(), shown(station, "--view-only", "--theme", "contrast") as terminal:
        await terminal.says("online")
        terminal.press(b"q")
        assert await terminal.ended() == 0
        assert terminal.is_usable


@pytest.mark.trio
async def test_a_terminal_that_is_gone_ends_it_with_the_code_of_sighup(station: Station) -> None:
    async with station.running(), shown(station) as terminal:
        await terminal.says("online")
        terminal.hang_up()
        with trio.fail_after(PATIENCE):
            while terminal.process.poll() is None:
                await trio.sleep(POLL)
        assert terminal.process.returncode == 128 + signal.SIGHUP


@pytest.mark.parametrize("environ", [{"TERM": "linux"}, {"NO_COLOR": "1"}, {"TERM": "screen", "COLORTERM": ""}])
@pytest.mark.trio
async def test_it_says_the_same_on_poor_terminals(station: Station, environ: dict[str, str]) -> None:
    async with station.running(), shown(station, **environ) as terminal:
        await terminal.says("RUN")
        terminal.press(b"q")
        assert await terminal.ended() == 0


@pytest.mark.trio
async def test_a_service_that_is_killed_and_started_again_is_found_each_time(station: Station) -> None:
    async with shown(station) as terminal:
        await terminal.says("Start it?")
        terminal.press(b"n")
        for _ in range(RUNS):
            service = station.start("service")
            await terminal.says("online")
            service.send(signal.SIGKILL)
            await service.ended()
            await terminal.says("stale")
        terminal.press(b"q")
        assert await terminal.ended() == 0


@pytest.mark.trio
async def test_a_service_that_is_stopped_by_a_signal_does_not_freeze_it(station: Station) -> None:
    async with station.running() as service, shown(station) as terminal:
        await terminal.says("online")
        service.send(signal.SIGSTOP)
        try:
            await terminal.says("stale")
            terminal.press(b"8")
            await terminal.says("Everywhere")
        finally:
            service.send(signal.SIGCONT)
        await terminal.says("online")
        terminal.press(b"q")
        assert await terminal.ended() == 0


@pytest.mark.trio
async def test_dashboards_that_are_killed_while_files_flow_cost_no_report(station: Station, server: Emulator) -> None:
    files = 1000
    folder = station.add_converter("csv", "csv", "*.csv")
    async with station.running() as service:
        for number in range(RUNS):
            async with shown(station) as terminal:
                for item in range(files // RUNS):
                    serial = f"SN-{number}-{item}"
                    (folder / f"{serial}.csv").write_text(table(serial))
                await terminal.says("online")
                terminal.process.kill()
        await station.until(lambda: station.is_at_rest(files))
        assert is_alive(service.pid)
    assert len(await received(server)) == files


@pytest.mark.trio
async def test_without_a_terminal_it_says_what_to_use_instead(station: Station) -> None:
    station.environ["PYTHONPATH"] = ":".join(sys.path)
    for name in ("tui", "gui"):
        process = await station.run(name)
        assert process.code == 2
        assert process.stderr.startswith("error: the dashboard needs a terminal; `pywats-client status`")


@pytest.mark.trio
async def test_without_textual_it_says_how_to_install_it(station: Station) -> None:
    hidden = station.folder / "hidden" / "textual"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('none here', name='textual')\n")
    station.environ["PYTHONPATH"] = ":".join([str(hidden.parent), *sys.path])
    process = await station.run("tui")
    assert process.code == 1
    assert process.stderr == "error: the dashboard is not installed: pip install 'pywats-client[tui]'\n"
