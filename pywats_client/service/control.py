"""What people ask of the service as a whole: to pause, to stop, to start anew."""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Literal, NoReturn

import trio

from pywats_client.disk import Disk
from pywats_client.ipc.events import ServiceState, ServiceStateChanged
from pywats_client.paths import Instance
from pywats_client.service.hub import PAUSE, Gate, Hub
from pywats_client.service.threads import InThread

log = logging.getLogger(__name__)

Work = Literal["uploads", "intake"]
WORKS: tuple[Work, ...] = ("uploads", "intake")
Change = Callable[[set[Work]], set[Work]]


class Control:
    """Pauses the works whose gates it has, and remembers that on disk; holds the event that stops everything."""

    def __init__(
        self,
        instance: Instance,
        disk: Disk,
        hub: Hub,
        gates: Mapping[Work, Gate],
        in_thread: InThread,
        stop: trio.Event,
    ) -> None:
        self._instance, self._file = instance, instance.data / "paused.json"
        self._disk, self._hub, self._gates, self._in_thread = disk, hub, gates, in_thread
        self._writing = trio.Lock()
        self.stop = stop
        self.paused: tuple[Work, ...] = ()
        self.wants_restart = False
        """whether the program is to be executed anew after the stop"""

    def restore(self) -> None:
        """Pause what was paused when an earlier run ended. A file that tells nothing pauses nothing."""
        try:
            found = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            found = []
        except (OSError, ValueError) as error:
            log.warning("%s does not tell what is paused, so nothing is: %s", self._file, error)
            found = []
        self._shut(tuple(work for work in WORKS if isinstance(found, list) and work in found))

    async def pause(self, *works: Work) -> tuple[Work, ...]:
        """Begin no more of these; what is paused now. Raises OSError where that cannot be remembered."""
        return await self._change(lambda paused: paused | set(works))

    async def resume(self, *works: Work) -> tuple[Work, ...]:
        """Go on with these; what is still paused. Raises OSError where that cannot be remembered."""
        return await self._change(lambda paused: paused - set(works))

    async def _change(self, change: Change) -> tuple[Work, ...]:
        async with self._writing:
            wanted = change(set(self.paused))
            paused = tuple(work for work in WORKS if work in wanted)
            if paused != self.paused:
                await self._in_thread(self._remember, paused)
                self._shut(paused)
                log.info("paused: %s", ", ".join(paused) or "nothing any more")
                if not self.stop.is_set():
                    self.tell_running()
        return self.paused

    def _remember(self, paused: tuple[Work, ...]) -> None:
        if paused:
            self._disk.replace(self._file, json.dumps(paused).encode())
        else:
            self._disk.remove(self._file)

    def _shut(self, paused: tuple[Work, ...]) -> None:
        self.paused = paused
        for work, gate in self._gates.items():
            gate.set(PAUSE, f"{work} paused by a person" if work in paused else "")

    def tell_running(self) -> None:
        """Say that the service runs, or that it is paused: any pause makes it so, and the reason names what rests."""
        state = ServiceState.PAUSED if self.paused else ServiceState.RUNNING
        self.tell(state, f"paused: {' and '.join(self.paused)}" if self.paused else "")

    def tell(self, state: ServiceState, reason: str = "") -> None:
        """Publish and log the state of the service."""
        why = f": {reason}" if reason else ""
        log.info("instance %s: %s (process %d)%s", self._instance.id, state, os.getpid(), why)
        self._hub.publish(ServiceStateChanged(state=state, reason=reason, paused=self.paused))

    @property
    def is_ending(self) -> bool:
        """Whether it stops for good."""
        return self.stop.is_set() and not self.wants_restart

    def end(self, *, restart: bool) -> None:
        """Stop, and let who runs the service know whether it is to start anew. The last wish counts."""
        self.wants_restart = restart
        self.stop.set()


def execute_anew() -> NoReturn:
    """Replace this process by the same program with the same arguments, environment and process id."""
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- what runs already
