"""The kill loop: the real service under load, killed again and again, and started anew on what that has left.

`run(kills, seed)`. The choices follow from the seed; what a kill meets does not, as real processes race. Each kill
is one of KINDS. Meanwhile files are dropped all the time, and the server is slow, busy, or loses replies. At the end
the server is well, and what must hold then, and after each kill, is in `KillResult.faults` where it does not.
"""

import os
import random
import re
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from pywats_client.queue.index import SUSPECT
from pywats_client.queue.name import QueueName, State
from tests.end_to_end.processes import Nest, command_of, is_there, living_in
from tests.end_to_end.station import PATIENCE, POLL, Station, names_in
from tests.torture.counting_server import CountingServer, Mood, Post
from tests.torture.kill_result import Kill, KillResult
from tests.torture.moments import MOMENTS, STORED
from tests.torture.workload import Workload, age_failed

KINDS = {"any time": 8, "around a step": 9, "while starting": 3, "workers first": 3, "while stopping": 2}
"""How the service is killed, and how often so."""
MOODS = (Mood(0.1), Mood(0.3), Mood(0.6), Mood(0.2, fail=0.05), Mood(0.2, lose=0.05), Mood(0.1, fail=0.2, lose=0.1))
LAST_STEPS = (30, 300)
"""The last step of the disk around which the service is killed: while it starts, or while it works."""
OUTSTANDING = 100
"""So many reports are under way, from the folder to the server, all the time."""
POISONED = SUSPECT
"""The last kills: always while one and the same report is sent."""
WORKERS_GONE = 15.0
"""Seconds after which no worker may be left; it takes milliseconds, and longer where the machine is busy."""


def run(kills: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> KillResult:
    """Kill the service so often; `tell` hears of each kill."""
    with tempfile.TemporaryDirectory(prefix="kill-loop-") as folder:
        elsewhere = Path(tempfile.mkdtemp(prefix="kill-loop-", dir=_other_disk()))
        try:
            return trio.run(_loop, Path(folder), elsewhere, kills, seed, tell)
        finally:
            shutil.rmtree(elsewhere)


def _other_disk() -> Path | None:
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


async def _loop(folder: Path, elsewhere: Path, kills: int, seed: int, tell: Callable[[str], None]) -> KillResult:
    server = CountingServer(random.Random(seed))
    async with trio.open_nursery() as nursery:
        await nursery.start(server.keep_listening)
        loop = KillLoop(folder, elsewhere, server, seed)
        try:
            feeding = trio.CancelScope()
            nursery.start_soon(loop.feed, feeding)
            for number in range(kills):
                kind = "same report" if number >= kills - POISONED else loop.choose_kind()
                tell(f"{number + 1}/{kills}: {await loop.kill_once(kind)}")
            feeding.cancel()
            await loop.finish()
        finally:
            loop.close()
            nursery.cancel_scope.cancel()
    return loop.result


@dataclass
class _Service:
    """A service as it is seen from outside."""

    pid: int
    began: float
    said: Path
    offset: int

    def words(self) -> str:
        """What this life of it has said so far."""
        with self.said.open("rb") as file:
            file.seek(self.offset)
            return file.read().decode("utf-8", "replace")


class KillLoop:
    """A station whose service is killed."""

    def __init__(self, folder: Path, elsewhere: Path, server: CountingServer, seed: int) -> None:
        self._random, self._server, self.result = random.Random(seed), server, KillResult(seed)
        self._station = Station(folder / "station", server.url)
        self._station.configure(settle_seconds=0, rescan_seconds=1)
        self._said = self._station.home / "stderr"
        self._said.touch()
        self._workload = Workload(self._station, self._random, elsewhere)
        self._nest = Nest(self._station.environ)
        self._poison = ""
        self._delivered: dict[str, int] = {}
        """the reports marked as delivered, and the run after which they were found so"""
        self._cut_off: Counter[str] = Counter()
        """how often a kill came while a report was being sent"""

    def close(self) -> None:
        """Leave no process behind, whatever has happened."""
        for pid in self._left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._nest.close()

    def choose_kind(self) -> str:
        """How to kill it next."""
        return self._random.choices(list(KINDS), list(KINDS.values()))[0]

    async def feed(self, scope: trio.CancelScope) -> None:
        """Drop files, as many as keeps OUTSTANDING reports under way. Two conversions are stuck all the time."""
        for _ in range(2):
            self._workload.drop("stuck")
        with scope:
            while True:
                if len(self._workload.expected) - len(self._server.stored) < OUTSTANDING:
                    self._workload.drop()
                await trio.sleep(0.005)

    # --- one life

    async def kill_once(self, kind: str) -> Kill:
        """Start the service, kill it, and look at what is left."""
        kill = Kill(kind, is_fresh=kind != "around a step" and self._random.random() < 0.3)
        self._server.mood = self._random.choice(MOODS)
        step, moment = self._choose_step() if kind == "around a step" else (0, "fresh" if kill.is_fresh else "")
        service = self._start(step, moment)
        match kind:
            case "around a step":
                await self._die_at(service, kill, step, moment)
            case "while starting":
                await self._look_on(service, kill, self._random.uniform(0, 0.8 if kill.is_fresh else 0.15))
            case "same report":
                await self._send_poison(service, kill)
            case _:
                await self._until_ready(service, kill)
                await self._until_sent(service, kill, self._random.choice((0, 1, 5, 20)))
                await self._look_on(service, kill, self._random.uniform(0, 0.3))
                await self._before_the_kill(kind, service, kill)
        await self._kill(service, kill)
        self.result.kills.append(kill)
        return kill

    def _choose_step(self) -> tuple[int | str, str]:
        """A number, or the form of one of MOMENTS; and whether before or after it."""
        if self._random.random() < 0.5:
            moment = self._random.choice(list(MOMENTS.values()))
            return moment.form, moment.side
        return self._random.randint(1, self._random.choice(LAST_STEPS)), self._random.choice(("before", "after"))

    def _start(self, step: int | str = 0, moment: str = "") -> _Service:
        self._server.run += 1
        age_failed(self._station.instance.queue)
        self._workload.put_back()
        (self._station.home / "steps").unlink(missing_ok=True)
        offset, began = self._said.stat().st_size, trio.current_time()
        return _Service(self._nest.start(self._station, step, moment), began, self._said, offset)

    async def _look_on(self, service: _Service, kill: Kill, seconds: float) -> None:
        """Note when the service is ready, for so long or until it has ended."""
        with trio.move_on_after(seconds):
            while is_there(service.pid):
                if kill.ready is None and f"Running (process {service.pid})" in service.words():
                    kill.ready = trio.current_time() - service.began
                await trio.sleep(POLL)

    async def _until_ready(self, service: _Service, kill: Kill) -> None:
        with trio.move_on_after(PATIENCE):
            while kill.ready is None and is_there(service.pid):
                await self._look_on(service, kill, POLL)
        if kill.ready is None:
            self._blame(f"the service did not start:\n{service.words()[-3000:]}")

    async def _until_sent(self, service: _Service, kill: Kill, count: int) -> None:
        """Wait until the server has seen so many posts, if that does not take too long."""
        with trio.move_on_after(3.0):
            while len(self._posts()) < count:
                await self._look_on(service, kill, POLL)

    def _posts(self) -> list[Post]:
        """What this life of the service has sent."""
        return [post for post in self._server.posts if post.run == self._server.run]

    async def _die_at(self, service: _Service, kill: Kill, step: int | str, side: str) -> None:
        await self._look_on(service, kill, 4.0)
        if is_there(service.pid):
            kill.detail = f"{step}, which did not come in time"
            return
        # Not always the last one noted: other threads go on until the kernel has ended them.
        form = rf"{step} (.*)" if isinstance(step, int) else rf"\d+ ({step}.*)"
        taken = (self._station.home / "steps").read_text()
        found = re.search(f"^{form}$", taken, re.MULTILINE)
        if not found:
            self._blame(f"the service ended by itself:\n{service.words()[-3000:]}")
            return
        kill.detail = f"{side} {found[1]:.200}"
        kill.cases = {case for case, moment in MOMENTS.items() if moment.fits(side, found[1])}

    async def _send_poison(self, service: _Service, kill: Kill) -> None:
        """Wait until a report is being sent that the server keeps without an answer."""
        if not self._poison:
            self._server.mood = Mood()
            (self._poison, *_) = self._workload.drop("in").serials
            self._server.held.add(self._poison)
        with trio.move_on_after(PATIENCE) as patience:
            while not any(post.serial == self._poison for post in self._posts()):
                await self._look_on(service, kill, POLL)
        if patience.cancelled_caught:
            self._blame(f"the report {self._poison} was not sent:\n{service.words()[-3000:]}")

    async def _before_the_kill(self, kind: str, service: _Service, kill: Kill) -> None:
        if kind == "while stopping":
            os.kill(service.pid, signal.SIGTERM)
            await trio.sleep(self._random.uniform(0, 0.4))
            return
        if not is_there(service.pid):
            self._blame(f"the service ended by itself:\n{service.words()[-3000:]}")
        while kind == "workers first" and self._random.random() < 0.8:
            workers = sorted(self._left() - {service.pid})
            kill.detail = f"{kill.detail} {len(workers)}".strip()
            for worker in workers[: self._random.randint(1, 2)]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                self.result.workers_killed += 1
            await trio.sleep(self._random.choice((0, 0.05, 0.3)))

    async def _kill(self, service: _Service, kill: Kill) -> None:
        with suppress(ProcessLookupError):
            os.kill(service.pid, signal.SIGKILL)
        with trio.move_on_after(WORKERS_GONE):
            while is_there(service.pid) or self._left():
                await trio.sleep(POLL)
        for pid in self._left():
            self._blame(f"process {pid} is left behind: {command_of(pid)}")
        self._check_after_kill(service, kill)

    def _left(self) -> set[int]:
        return living_in(self._station.folder) - {self._nest.process.pid}

    # --- what must hold

    def _blame(self, fault: str) -> None:
        self.result.faults.append(f"kill {len(self.result.kills) + 1}: {fault}")

    def _check_after_kill(self, service: _Service, kill: Kill) -> None:
        if "Traceback" in (words := service.words()):
            self._blame(f"a traceback:\n{words[words.index('Traceback') :][:3000]}")
        queue = self._station.instance.queue
        names = [name for name in map(QueueName.parse, names_in(queue)) if name]
        under_way = {str(name.id) for name in names if name.state is State.PROCESSING}
        self._cut_off.update(under_way)
        for text in (text for day in queue.glob("completed/*") for text in os.listdir(day)):
            self._delivered.setdefault(text.split("_")[1], self._server.run)
        kill.uploads = len(under_way)
        kill.reports = sum(name.endswith(".tmp") for name in names_in(queue))
        if any(post.report_id in under_way and post.is_stored for post in self._server.posts[-100:]):
            kill.cases.add(STORED)
        for name in names:
            if name.state in (State.REJECTED, State.DISCARDED):
                self._blame(f"{name} is neither delivered nor waiting")

    async def finish(self) -> None:
        """The server is well, and nobody kills any more: everything is delivered, once; suspects last and alone."""
        self._server.mood = Mood()
        self._server.held.clear()
        self._workload.let_go()
        kill = Kill("last run", is_fresh=True)
        service = self._start(moment="fresh")
        waiting = [name for name in self._station.queue_names() if name.state in (State.QUEUED, State.PROCESSING)]
        await self._until_ready(service, kill)
        with trio.move_on_after(PATIENCE):
            while is_there(service.pid) and not self._is_at_rest():
                await trio.sleep(0.1)
        with suppress(ProcessLookupError):
            os.kill(service.pid, signal.SIGTERM)
        with trio.move_on_after(PATIENCE):
            while is_there(service.pid):
                await trio.sleep(POLL)
        await self._kill(service, kill)
        suspects = {str(name.id) for name in waiting if _will_be_suspect(name.orphaned, name.state)}
        self._check_suspects(suspects, {str(name.id) for name in waiting} - suspects)
        self._check_all()

    def _is_at_rest(self) -> bool:
        delivered = len(self._server.stored) >= len(self._workload.expected)
        return delivered and not self._workload.faults() and set(self._station.counts()) == {"completed"}

    def _check_all(self) -> None:
        result, server, expected = self.result, self._server, self._workload.expected
        result.files, result.reports = self._workload.count, len(expected)
        result.extra, result.lost_replies = server.extra_posts(), server.lost_replies()
        counts = self._station.counts()
        if counts != {"completed": len(expected)}:
            self._blame(f"{len(expected)} reports should be delivered, and none wait; the queue folder has {counts}")
        for serial in sorted(expected - server.stored.keys()):
            self._blame(f"the report {serial} is not on the server")
        for serial in sorted(server.stored.keys() - expected):
            self._blame(f"nobody has made the report {serial}")
        for fault in (*server.doubled(self._delivered, self._cut_off), *self._workload.faults()):
            self._blame(fault)

    def _check_suspects(self, suspects: set[str], others: set[str]) -> None:
        """Suspects, by id, go when no other report is being sent, after all that waited at the start."""
        self.result.suspects = len(suspects)
        posts = self._posts()
        for post in posts:
            if post.report_id not in suspects:
                continue
            beside = [
                other for other in posts if other is not post and other.began < post.ended and other.ended > post.began
            ]
            if beside:
                self._blame(f"{post.serial}, three times orphaned, was sent beside {beside[0].serial}")
            if later := [other for other in posts if other.report_id in others and other.began > post.ended]:
                self._blame(f"{post.serial}, three times orphaned, was sent before {later[0].serial}")
        if not suspects:
            self._blame(f"{self._poison} was orphaned {POISONED} times, and is no suspect")


def _will_be_suspect(orphaned: int, state: State) -> bool:
    """After the next start, which puts back what was being sent."""
    return orphaned + (state is State.PROCESSING) >= SUSPECT
