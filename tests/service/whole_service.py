"""The whole service in virtual time, with sources and what is promised for them."""

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.torture.promises import Promises, Source
from tests.torture.scripted_converter import Plan
from tests.torture.world import TAKES_ROOM, World

DELIVERED_SECONDS = 130
"""What could not be written down after an upload is found by a look, each minute, and paused for as long."""


class Life:
    """A station that runs, and the sources it was given."""

    def __init__(self, world: World) -> None:
        self.world, self.promises = world, Promises(world)
        self.world.start()
        self.world.pump(1.0)

    def drop(self, count: int = 1, *, reports: int = 1, modified: timedelta | None = None) -> list[Path]:
        """So many more sources; `modified` is how far from now their time of change lies."""
        dropped = []
        for _ in range(count):
            number = len(self.promises.sources) + 1
            plan, path = Plan(number=number, reports=reports), self.world.watched / f"{number}.txt"
            when = self.world.clock.now() + (modified or timedelta())
            modified_ns = self.world.place(path, plan.text, int(when.timestamp() * 1_000_000) * 1_000)
            self.promises.expect(Source(plan, path.name, modified_ns))
            dropped.append(path)
        self.world.hints.ring()
        return dropped

    def fill_disk(self, after: int) -> None:
        """After so many steps there is no room any more."""
        self.world.steps.fail(lambda number, step, _: number >= after and step in TAKES_ROOM, errno.ENOSPC)

    def mend_disk(self) -> None:
        """There is room, and nothing errs."""
        self.world.steps.fail(lambda *_: False)

    def server_goes(self) -> None:
        """No connection to it, until `server_comes`."""
        self.world.server.away_until = math.inf

    def server_comes(self) -> None:
        """It takes reports again."""
        self.world.server.away_until = 0.0

    def go_on(self, seconds: float) -> None:
        """Afterwards all that is visible must be whole, and nothing lost."""
        self.world.pump(seconds)
        self.promises.check()

    @property
    def degraded(self) -> dict[str, str]:
        """What the service says is not well, by its parts."""
        return self.world._hub.snapshot.degraded

    def is_converted(self) -> bool:
        """Whether no source waits."""
        return not list(self.world.watched.glob("*.txt"))

    def seconds_until(self, *, converted: bool = False, most: int = DELIVERED_SECONDS) -> int:
        """Until all is delivered, or at least converted."""
        for seconds in range(most + 1):
            if self.is_converted() if converted else self.promises.are_kept():
                return seconds
            self.go_on(1.0)
        raise AssertionError(f"it does not go on: {[str(report.name) for report in self.promises.reports()]}")


@contextmanager
def life(post_action: str = "move") -> Iterator[Life]:
    """A station, for as long as the block runs."""
    world = World(post_action)
    try:
        yield Life(world)
    finally:
        world.close()
