"""One worker process, seen from the service: started, asked, ended with everything it has started."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from pywats_client.converters.messages import BadFrame, Frames, Message, pack
from pywats_client.converters.output import Output
from pywats_client.converters.process_tree import kill_tree
from pywats_client.converters.setup import Setup
from pywats_client.errors import ConversionError, ConverterDied, ConverterTimedOut, NotMine, NotYet

ENVIRONMENT = ("PATH", "HOME", "TZ", "LANG", "TMPDIR")
"""What of our environment a converter sees; never more, because secrets may stand there."""
NO_ANSWER = "the converter's process sent something that is no answer"
DEFAULT_DELAY = 60.0
_CHUNK = 65_536
_REAP_SECONDS = 5
_FAREWELL_SECONDS = 0.5


class WorkerProcess:
    """A process that serves one setup. After a call that was broken off it is not `reusable`."""

    def __init__(self, setup: Setup, nursery: trio.Nursery) -> None:
        """Start it. On the thread that runs Trio: the kernel ends it when *that* thread does."""
        self.setup = setup
        self.idle_since = 0.0
        # No -I, which would hide an installation for the user alone; the environment holds nothing of Python's.
        start = f"from pywats_client.converters.worker import main; main({os.getpid()})"
        self._popen = subprocess.Popen(
            [sys.executable, "-E", "-P", "-u", "-X", "utf8", "-c", start],
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
        self._in_call = False
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
        return not self._in_call and not self._has_ended()

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
                reply = await self._receive()
            if limit.cancelled_caught:
                raise await self._timed_out(seconds)
            left -= trio.current_time() - began
            if reply.kind != "report":
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

    def _has_ended(self) -> bool:
        if self._popen.returncode is None and self._popen.poll() is not None:
            kill_tree(self.pid)  # at once: the group's id is free for others when its last member is gone
        return self._popen.returncode is not None

    async def _gone(self) -> None:
        pause = 0.0005
        while not self._has_ended():
            await trio.sleep(pause)
            pause = min(pause * 2, 0.05)

    async def _died(self) -> ConverterDied:
        with trio.move_on_after(_FAREWELL_SECONDS):
            await self._gone()
            await self._output.ended.wait()
        return ConverterDied(_last_words(self._popen.returncode, self.setup), details=self._output.tail)

    async def _timed_out(self, seconds: float) -> ConverterTimedOut:
        if hasattr(signal, "SIGUSR1") and not self._has_ended():
            self._popen.send_signal(signal.SIGUSR1)  # the worker prints where it is
            await trio.sleep(0.05)
        return ConverterTimedOut(f"the converter did not finish within {seconds:g} seconds", details=self._output.tail)


def _stream(file: Any) -> trio.lowlevel.FdStream:
    """The pipe as a stream of Trio, which closes it."""
    number = os.dup(file.fileno())
    file.close()
    return trio.lowlevel.FdStream(number)


def _seconds(value: Any) -> float:
    return value if isinstance(value, int | float) and 0 <= value < math.inf else DEFAULT_DELAY


def _last_words(code: int | None, setup: Setup) -> str:
    """Why the process is no more."""
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
        case "not_yet":
            raise NotYet(message, delay=_seconds(delay))
        case "not_mine":
            raise NotMine(message)
    return reply
