"""`make soak`, `python -m tests.torture.soak SECONDS=600 FILES=20000 SEED=1`: the real service for a long time.

Files come evenly; meanwhile the server goes away, is busy or slow, workers are killed, files are torn, folders vanish
and the configuration changes. After a warm-up, and then after each fifth of the time, all rests and is measured: it
must be as it was.
"""

import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

import trio

from tests import evidence
from tests.end_to_end.processes import living_in
from tests.end_to_end.station import MOST_THREADS, Process, Station
from tests.torture.counting_server import CountingServer, Mood
from tests.torture.observed_service import tasks
from tests.torture.workload import Workload

WARM_UP, PARTS = 0.1, 5
"""The share of the files that come before the first measurement, with faults, too; how many parts follow it."""
REST_SECONDS, LOOK_SECONDS = 12.0, 5.0
"""Threads that have nothing to do end after ten; then the least counts of so long a look: now and then it works."""
CONNECTIONS = 6
"""Most connections that may be kept open to the server, by uploads and the ping: those in use lately."""
MOST_GROWTH = 0.10
PATIENCE = 120.0
CALM = Mood(0.05)


@dataclass(frozen=True)
class Sample:
    """A service at rest. `descriptors` and `tasks` without those of its workers, whose number follows the work."""

    rss_kb: int
    descriptors: int
    """sockets not counted"""
    sockets: int
    threads: int
    tasks: int
    workers: int
    delivered: int
    cpu_seconds: float

    def least(self, other: "Sample") -> "Sample":
        """The lower figure of each: what lasts."""
        return Sample(*map(min, astuple(self), astuple(other)))


class Soak:
    """One run."""

    def __init__(self, folder: Path, server: CountingServer, seconds: float, files: int, seed: int) -> None:
        self._random, self._server = random.Random(seed), server
        self._seconds, self._files = seconds, files
        self._station = Station(folder / "station", server.url)
        self._station.configure(settle_seconds=0, rescan_seconds=5, log_max_mb=1000)
        self._workload = Workload(self._station, self._random, folder / "elsewhere")
        self._process = self._start()
        self.injected: Counter[str] = Counter()
        self.samples: list[Sample] = []
        self.faults: list[str] = []

    def _start(self) -> Process:
        command = [sys.executable, "-m", "tests.torture.observed_service", str(self._station.home)]
        return Process(command, self._station.environ, self._station.folder / "service")

    async def run(self) -> None:
        """All of it; `faults` says what does not hold."""
        self._server.mood = CALM
        try:
            await self._station.until(lambda: "Running" in self._process.stderr)
            await self._work(int(self._files * WARM_UP), self._seconds * WARM_UP)
            await self._measure()
            for part in range(PARTS):
                print(f"part {part + 1} of {PARTS}, {self._workload.count} files so far", flush=True)
                await self._work(int(self._files * (1 - WARM_UP) / PARTS), self._seconds * (1 - WARM_UP) / PARTS)
                await self._measure()
            if await self._process.stop() != 0:
                self.faults.append("the service did not stop in order")
        finally:
            await self._process.destroy()
        self._check()

    # --- load and faults

    async def _work(self, files: int, seconds: float) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._disturb)
            await self._drop(files, seconds)
            nursery.cancel_scope.cancel()

    async def _drop(self, files: int, seconds: float) -> None:
        """So many files, evenly over the time; more slowly where they do not fit into it."""
        began = trio.current_time()
        for number in range(files):
            await trio.sleep_until(began + seconds * number / files)
            while not self._may_drop():
                await trio.sleep(0.05)

    def _may_drop(self) -> bool:
        with suppress(FileNotFoundError):
            self._workload.drop()
            return True
        return False

    async def _disturb(self) -> None:
        """One fault after another, each made good before the next."""
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "server away": self._server_away,
            "busy server": lambda: self._moody(Mood(0.05, fail=1.0)),
            "flaky server": lambda: self._moody(Mood(0.05, fail=0.1, lose=0.1)),
            "slow server": lambda: self._moody(Mood(1.0)),
            "worker killed": self._kill_worker,
            "new configuration": self._reconfigure,
            "broken configuration": self._break_configuration,
            "folder gone": self._take_folder_away,
        }
        while True:
            await trio.sleep(self._random.uniform(0.5, 2.0))
            name = self._random.choice(sorted(faults))
            self.injected[name] += 1
            with trio.CancelScope(shield=True):
                await faults[name]()

    async def _server_away(self) -> None:
        await self._server.be_away(self._random.uniform(0.1, 3.0))

    async def _moody(self, mood: Mood) -> None:
        self._server.mood = mood
        await trio.sleep(self._random.uniform(0.5, 3.0))
        self._server.mood = CALM

    async def _kill_worker(self) -> None:
        if workers := sorted(self._workers()):
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(workers), signal.SIGKILL)

    async def _reconfigure(self) -> None:
        converter = self._random.choice(self._station.config["converters"])
        converter["priority"] = self._random.randint(1, 9)
        self._station.configure(ping_interval=self._random.randint(100, 300))

    async def _break_configuration(self) -> None:
        whole = self._station.instance.config.read_text()
        self._station.instance.config.write_text(whole[: len(whole) // 2])
        await trio.sleep(0.5)
        self._station.configure()

    async def _take_folder_away(self) -> None:
        folder = self._station.folder / self._random.choice(("in", "slow", "zip"))
        folder.rename(folder.with_suffix(".away"))
        await trio.sleep(self._random.uniform(0.1, 3.0))
        if folder.exists():  # made again, by whom?
            self.faults.append(f"{folder.name} was made anew while it was away")
            return
        folder.with_suffix(".away").rename(folder)

    # --- rest

    async def _measure(self) -> None:
        """Help as a person would, wait until nothing is left to do, and look."""
        with trio.move_on_after(PATIENCE + self._seconds) as patience:
            while not self._is_at_rest():
                await trio.sleep(0.5)
        if patience.cancelled_caught:
            self.faults.append(f"not at rest: {self._station.counts()}, {self._workload.faults()[:5]}")
        for _ in range(30):  # the last work before each measurement is the same
            self._workload.drop("in")
        await trio.sleep(REST_SECONDS)
        least = self._sample()
        until = trio.current_time() + LOOK_SECONDS
        while trio.current_time() < until:
            await trio.sleep(0.1)
            least = least.least(self._sample())
        self.samples.append(least)

    def _is_at_rest(self) -> bool:
        self._workload.put_back()
        for path in self._station.instance.queue.glob("*.error"):  # as `queue retry` does, when their time is far
            path.rename(path.with_suffix(".queued"))
        if len(self._server.stored) < len(self._workload.expected):
            return False
        return set(self._station.counts()) == {"completed"} and not self._workload.faults()

    def _workers(self) -> set[int]:
        return living_in(self._station.folder) - {self._process.pid}

    def _sample(self) -> Sample:
        workers, process = len(self._workers()), self._process
        sockets = _sockets(process.pid)
        return Sample(
            rss_kb=process.status("VmRSS"),
            descriptors=process.descriptors() - sockets - 3 * workers,
            sockets=sockets,
            threads=process.status("Threads"),
            tasks=tasks(self._station.home / "tasks") - workers,
            workers=workers,
            delivered=len(self._server.stored),
            cpu_seconds=_cpu_seconds(process.pid),
        )

    # --- what must hold

    def _check(self) -> None:
        self.faults += self._grown()
        said = self._process.stderr
        self.faults += [line for line in said.splitlines() if "is started anew" in line or "Traceback" in line]
        if said.count("Running (process") != 1:
            self.faults.append("the service was started more than once")
        expected, stored = self._workload.expected, self._server.stored
        self.faults += [f"the report {serial} is not on the server" for serial in sorted(expected - stored.keys())]
        self.faults += [f"nobody has made the report {serial}" for serial in sorted(stored.keys() - expected)]
        self.faults += [*self._server.doubled(), *self._workload.faults()]
        if left := self._workers():
            self.faults.append(f"{len(left)} processes are left behind")

    def _grown(self) -> Iterator[str]:
        first = self.samples[0]
        for number, sample in enumerate(self.samples[1:], 1):
            if sample.rss_kb > first.rss_kb * (1 + MOST_GROWTH):
                yield f"memory grew from {first.rss_kb} kB to {sample.rss_kb} kB in part {number}"
            if sample.sockets > first.sockets + CONNECTIONS:
                yield f"sockets grew from {first.sockets} to {sample.sockets} in part {number}"
            if sample.threads > MOST_THREADS:
                yield f"{sample.threads} threads, and {MOST_THREADS} are declared, in part {number}"
            for name in ("descriptors", "tasks"):
                before, after = getattr(first, name), getattr(sample, name)
                if after > before:
                    yield f"{name} grew from {before} to {after} in part {number}"

    def __str__(self) -> str:
        head = "  part  delivered      RSS  descriptors  sockets  threads  tasks  workers   CPU"
        rows = [
            f"{number:>6} {sample.delivered:>10,} {sample.rss_kb / 1024:>6.1f} M {sample.descriptors:>12} "
            f"{sample.sockets:>8} {sample.threads:>8} {sample.tasks:>6} {sample.workers:>8} {sample.cpu_seconds:>4.0f}s"
            for number, sample in enumerate(self.samples)
        ]
        faults = ["what does not hold:", *(f"  {fault}" for fault in self.faults[:50])] if self.faults else []
        injected = ", ".join(f"{count} x {name}" for name, count in sorted(self.injected.items()))
        return "\n".join([head, *rows, f"injected: {injected}", self.figure, *faults])

    @property
    def figure(self) -> str:
        """What was reached, in a line."""
        first, last = self.samples[0], self.samples[-1]
        return (
            f"{self._workload.count:,} files, {len(self._workload.expected):,} reports delivered under one id each, "
            f"{self._server.extra_posts()} sent twice ({self._server.lost_replies()} for a lost reply); "
            f"RSS {first.rss_kb / 1024:.1f} to {last.rss_kb / 1024:.1f} MiB, {last.descriptors} descriptors, "
            f"{last.threads} threads, {last.tasks} tasks"
        )

    def record(self) -> None:
        """Add to the evidence of `make soak`."""
        evidence.record(
            "soak",
            "soak",
            "the real service for a long time, under load",
            injected="; ".join(sorted(self.injected)) + "; torn files and failing converters",
            promised=f"RSS grows by less than {MOST_GROWTH:.0%}; descriptors and tasks stay as they were, "
            "threads at the declared number; no part is started anew; each report is delivered under one id",
            runs=self._workload.count,
            figure=self.figure,
        )


def _sockets(pid: int) -> int:
    """How many of a process's descriptors are sockets."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _soak(folder: Path, seconds: float, files: int, seed: int) -> Soak:
    server = CountingServer(random.Random(seed))
    async with trio.open_nursery() as nursery:
        await nursery.start(server.keep_listening)
        soak = Soak(folder, server, seconds, files, seed)
        await soak.run()
        nursery.cancel_scope.cancel()
    return soak


def main(*arguments: str) -> int:
    """Soak with these arguments, `SECONDS=60` and the like; the exit code."""
    given = {**os.environ, **dict(argument.split("=", 1) for argument in arguments)}
    seconds, files, seed = (
        int(given.get(name) or usual) for name, usual in (("SECONDS", 600), ("FILES", 20_000), ("SEED", 1))
    )
    print(f"soak: {files:,} files in {seconds} s, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = trio.run(_soak, Path(folder), seconds, files, seed)
    print(soak)
    if not soak.faults:
        soak.record()
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
