"""One worker process, seen from the service: started, asked, ended with everything it has started."""

import contextlib
import math
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from pywats_client.converters.isolation import NOT_PERMITTED, bubblewrap
from pywats_client.converters.messages import BadFrame, Frames, Message, pack
from pywats_client.converters.output import Output
from pywats_client.converters.process_tree import family_size, innermost, kill_tree
from pywats_client.converters.setup import Setup
from pywats_client.errors import (
    ConfigError,
    ConversionError,
    ConverterDied,
    ConverterTimedOut,
    NotMine,
    NotYet,
    PartlyConverted,
)

ENVIRONMENT = ("PATH", "HOME", "TZ", "LANG", "TMPDIR")
"""What of our environment a converter sees; never more, because secrets may stand there."""
NO_ANSWER = "the converter's process sent something that is no answer"
DEFAULT_DELAY = 60.0
MAX_PROCESSES = 128
"""That one converter may have at a time, its own included."""
COUNT_SECONDS = 0.5
"""Between two counts of them while it is at work; for all workers at the same moments, that we wake up once."""
_CHUNK = 65_536
_REAP_SECONDS = 5
_FAREWELL_SECONDS = 0.5


class WorkerProcess:
    """A process that serves one setup. After a call that was broken off it is not `reusable`."""

    def __init__(self, setup: Setup, nursery: trio.Nursery) -> None:
        """Start it. On the thread that runs Trio: the kernel ends it when *that* thread does."""
        self.setup = setup
        self.idle_since = 0.0
        self._stamp = setup.isolation and setup.isolation.stamp
        self._popen = subprocess.Popen(
            _command(setup),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        try:
            self._requests = _stream(self._popen.stdin)
            self._replies = _stream(self._popen.stdout)
            self._output = Output(_stream(self._popen.stderr), setup.name)
        except OSError:
            self._popen.kill()
            self._popen.wait()
            raise
        self._frames = Frames()
        self._in_call = self._has_loaded = False
        nursery.start_soon(self._output.read)

    def __repr__(self) -> str:
        return f"<worker {self.pid} of {self.setup.name}{', in a call' if self._in_call else ''}>"

    @property
    def pid(self) -> int:
        """The process's id, and that of its group and session."""
        return self._popen.pid

    @property
    def reusable(self) -> bool:
        """Whether it waits for the next call."""
        return not self._in_call and not self._has_ended() and self._sees_the_same()

    async def call(
        self,
        request: dict[str, Any],
        seconds: float,
        on_report: Callable[[Message], Awaitable[None]] | None = None,
    ) -> Message:
        """The last reply to a request; `on_report` is awaited for each report before it.

        `seconds` bound the waiting for the worker; the time that `on_report` takes is not counted.
        Raises what the converter raised, ConverterTimedOut, ConverterDied.
        """
        self._in_call = True
        self._output.forget()
        left = seconds
        while True:
            began = trio.current_time()
            with trio.move_on_after(max(0.0, left)) as limit:
                if request:
                    await self._send(request)
                    request = {}
                limit.deadline = min(limit.deadline, _next_count())
                reply = await self._receive()
            left -= trio.current_time() - began
            if limit.cancelled_caught:
                if request or left <= 0:
                    raise await self._timed_out(seconds)
                self._count_family()
                continue
            if reply.kind != "report":
                self._has_loaded = True
                self._in_call = bool(reply.header.get("spent"))
                return _checked(reply)
            if on_report is None:
                raise ConverterDied(NO_ANSWER)
            await on_report(reply)

    async def end(self) -> None:
        """Kill it with all it has started, and wait until it is gone; also while we are being cancelled."""
        if not self._has_ended():
            kill_tree(self.pid)
        with trio.move_on_after(_REAP_SECONDS, shield=True):
            await self._gone()
        with trio.move_on_after(_FAREWELL_SECONDS, shield=True):
            await self._output.ended.wait()
        self._output.close()
        self._requests.close()
        self._replies.close()

    async def _send(self, request: dict[str, Any]) -> None:
        try:
            await self._requests.send_all(pack(request))
        except trio.BrokenResourceError:
            raise await self._died() from None

    async def _receive(self) -> Message:
        try:
            while (message := self._frames.take()) is None:
                chunk = await self._replies.receive_some(_CHUNK)
                if not chunk:
                    raise await self._died()
                self._frames.feed(chunk)
        except BadFrame:
            raise ConverterDied(NO_ANSWER) from None
        return message

    def _sees_the_same(self) -> bool:
        """Whether the folders that were shown to it are those that are there now: it would not see new ones."""
        try:
            return self._stamp == (self.setup.isolation and self.setup.isolation.stamp)
        except (OSError, ConfigError):
            return False

    def _count_family(self) -> None:
        """The kernel's own limit counts per user and does not bind root, so the family is counted."""
        if family_size(self.pid) > MAX_PROCESSES:
            raise ConverterDied(f"the converter started more than {MAX_PROCESSES} processes")

    def _has_ended(self) -> bool:
        if self._popen.returncode is None and self._popen.poll() is not None:
            kill_tree(self.pid)  # at once: the group's id is free for others when its last member is gone
            sweep()
        return self._popen.returncode is not None

    async def _gone(self) -> None:
        pause = 0.0005
        while not self._has_ended():
            await trio.sleep(pause)
            pause = min(pause * 2, 0.05)

    async def _died(self) -> ConverterDied | ConfigError:
        with trio.move_on_after(_FAREWELL_SECONDS):
            await self._gone()
            await self._output.ended.wait()
        if self.setup.isolation and not self._has_loaded and self._output.tail.startswith("bwrap: "):
            fault = self._output.tail.removeprefix("bwrap: ").splitlines()[0]
            return ConfigError("isolation", NOT_PERMITTED.format(fault=fault))
        return ConverterDied(_last_words(self._popen.returncode, self.setup), details=self._output.tail)

    async def _timed_out(self, seconds: float) -> ConverterTimedOut:
        if hasattr(signal, "SIGUSR1") and not self._has_ended():
            with contextlib.suppress(ProcessLookupError):  # the worker prints where it is
                os.kill(innermost(self.pid) if self.setup.isolation else self.pid, signal.SIGUSR1)
            await trio.sleep(0.05)
        return ConverterTimedOut(f"the converter did not finish within {seconds:g} seconds", details=self._output.tail)


def _next_count() -> float:
    return (trio.current_time() // COUNT_SECONDS + 1) * COUNT_SECONDS


def sweep() -> None:
    """Kill what workers that are gone have left behind, where the system can tell."""
    if sys.platform == "linux":
        from pywats_client.converters.orphans import kill_orphans

        kill_orphans()


def _stream(file: Any) -> trio.lowlevel.FdStream:
    """The pipe as a stream of Trio, which closes it."""
    number = os.dup(file.fileno())
    file.close()
    return trio.lowlevel.FdStream(number)


def _seconds(value: Any) -> float:
    return value if isinstance(value, int | float) and 0 <= value < math.inf else DEFAULT_DELAY


def _command(setup: Setup) -> list[str]:
    # In namespaces of its own, the worker is the child of their first process.
    start = f"from pywats_client.converters.worker import main; main({1 if setup.isolation else os.getpid()})"
    # No -I, which would hide an installation for the user alone; the environment holds nothing of Python's.
    command = [sys.executable, "-E", "-P", "-u", "-X", "utf8", "-c", start]
    if setup.isolation is None:
        return command
    return bubblewrap(command, setup.isolation, setup.module, setup.memory_limit_mb)


def _last_words(code: int | None, setup: Setup) -> str:
    """Why the process is no more."""
    if setup.isolation and code is not None and code - 128 in signal.valid_signals():
        code = 128 - code  # bubblewrap tells it as a shell does
    if code is None:
        return "the converter closed the connection of its process to the service"
    if code >= 0:
        return f"the converter ended its process with exit code {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    reason = {
        "SIGXCPU": f": it used more than its {setup.timeout_seconds:g} seconds of processor time",
        "SIGKILL": ": by another program, or by the kernel for lack of memory",
    }.get(name, "")
    return f"the converter's process was killed by {name}{reason}"


def _checked(reply: Message) -> Message:
    """The reply, unless it says that the call failed: then that is raised."""
    header = reply.header
    message, details = str(header.get("message", "")), str(header.get("details", ""))
    line, delay = header.get("line"), header.get("delay")
    match reply.kind:
        case "failed":
            raise ConversionError(message, line=line if isinstance(line, int) else None, details=details)
        case "partly":
            raise PartlyConverted(message, details=details)
        case "not_yet":
            raise NotYet(message, delay=_seconds(delay))
        case "not_mine":
            raise NotMine(message)
    return reply
