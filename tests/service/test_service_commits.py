"""Many sources on their way into the queue at once: they share commits, and nothing else."""

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from service_parts import report_bytes, report_id

from pywats_client.clock import Clock
from pywats_client.disk import Disk, FileSystem
from pywats_client.queue.folder import QueueFolder
from pywats_client.service.commits import Commits


class Steps(FileSystem):
    """Counts the syncs of the folder, and fails where it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.syncs = folder, 0
        self.full = self.sync_fails = False
        self._descriptor = -1

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        descriptor = super().open(path, flags, mode)
        if path == self.folder:
            self._descriptor = descriptor
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        if self.full and b"SN-2" in data:
            raise OSError(errno.ENOSPC, "no space left")
        super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if descriptor == self._descriptor:
            self._descriptor = -1
            self.syncs += 1
            if self.sync_fails:
                raise OSError(errno.EIO, "the disk errs")
        super().fsync(descriptor)


class Bench:
    """A queue folder whose slow calls wait for `go`."""

    def __init__(self, folder: Path) -> None:
        self.steps, self.go = Steps(folder), trio.Event()
        self.queue = QueueFolder(folder, Disk(self.steps), Clock())
        self.commits = Commits(self.queue, self._call)
        self.thread_fault: Exception | None = None
        self.outcomes: dict[int, Exception | None] = {}

    async def _call(self, call: Callable[..., Any], *args: Any) -> Any:
        await self.go.wait()
        if self.thread_fault:
            raise self.thread_fault
        return call(*args)

    async def put(self, number: int) -> None:
        """Commit one source, and note how that ended."""
        staged = [self.queue.stage(report_id(number), report_bytes(number))]
        try:
            await self.commits.commit(staged, self.queue.judge(staged))
        except (OSError, RuntimeError) as error:
            self.outcomes[number] = error
        else:
            self.outcomes[number] = None

    async def put_all(self, *numbers: int) -> None:
        """All at once: the first is on its way while the others come."""
        async with trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(self.put, number)
                await trio.testing.wait_all_tasks_blocked()
            self.go.set()

    def queued(self) -> list[str]:
        """What the folder itself says."""
        return sorted(json.loads(file.read_bytes())["sn"] for file in self.queue.path.glob("*.queued"))

    def taken(self) -> list[int]:
        """Those that were told to be durable."""
        return sorted(number for number, fault in self.outcomes.items() if fault is None)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield Bench(tmp_path)


@pytest.mark.trio
async def test_sources_that_come_while_a_commit_runs_share_the_next_one(bench: Bench) -> None:
    await bench.put_all(1, 2, 3, 4)
    assert bench.queued() == ["SN-1", "SN-2", "SN-3", "SN-4"]
    assert bench.taken() == [1, 2, 3, 4]
    assert bench.steps.syncs == 2


@pytest.mark.trio
async def test_a_source_that_cannot_be_written_does_not_keep_those_beside_it_out_of_the_queue(bench: Bench) -> None:
    bench.steps.full = True
    await bench.put_all(1, 2, 3)
    assert bench.queued() == ["SN-1", "SN-3"]
    assert bench.taken() == [1, 3]
    fault = bench.outcomes[2]
    assert isinstance(fault, OSError)
    assert fault.errno == errno.ENOSPC


@pytest.mark.trio
async def test_no_source_of_a_commit_counts_as_durable_when_the_folder_cannot_be_synced(bench: Bench) -> None:
    bench.steps.sync_fails = True
    await bench.put_all(1, 2, 3)
    assert bench.taken() == []
    faults = [fault for fault in bench.outcomes.values() if isinstance(fault, OSError)]
    assert [fault.errno for fault in faults] == [errno.EIO] * 3, "each is told what was wrong with the disk"


@pytest.mark.trio
async def test_no_source_counts_as_durable_when_the_commit_never_began(bench: Bench) -> None:
    bench.thread_fault = RuntimeError("can't start new thread")
    await bench.put_all(1, 2, 3)
    assert bench.taken() == []
    assert len(bench.outcomes) == 3


@pytest.mark.trio
async def test_after_a_commit_that_failed_the_next_one_goes_through(bench: Bench) -> None:
    bench.thread_fault = RuntimeError("can't start new thread")
    await bench.put_all(1, 2)
    bench.thread_fault = None
    await bench.put_all(3)
    assert bench.queued() == ["SN-3"]
    assert bench.taken() == [3]


@pytest.mark.trio
async def test_a_source_is_not_called_off_while_it_is_committed_so_that_it_is_in_the_queue_or_not(
    bench: Bench,
) -> None:
    async with trio.open_nursery() as outer, trio.open_nursery() as sources:
        sources.start_soon(bench.put, 1)
        sources.start_soon(bench.put, 2)
        await trio.testing.wait_all_tasks_blocked()
        outer.start_soon(_set_once_blocked, bench.go)
        sources.cancel_scope.cancel()
    assert bench.queued() == ["SN-1", "SN-2"]
    assert bench.taken() == [1, 2]


async def _set_once_blocked(event: trio.Event) -> None:
    await trio.testing.wait_all_tasks_blocked()
    event.set()
