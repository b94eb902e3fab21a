"""A queue folder with its clock, its steps and the server's side played by the test."""

import random
import uuid
from pathlib import Path

from pywats_client.disk import Disk
from pywats_client.queue.folder import Put, QueueFolder
from pywats_client.queue.name import DEFAULT_PRIORITY, QueueName, State, queue_id
from tests.fakes.disk import CuttingSteps, RecordedSteps, SetClock


def some_id(number: int) -> uuid.UUID:
    return queue_id(b"a source", number)


class QueueRun:
    """One run of the queue over a folder: from opening it to the end of the process."""

    def __init__(self, path: Path, *, steps: RecordedSteps | None = None, clock: SetClock | None = None) -> None:
        self.path = path
        self.steps = steps or CuttingSteps()
        self.clock = clock or SetClock()
        self.now = 1000.0
        self.folder = QueueFolder(path, Disk(self.steps), self.clock, jitter=random.Random(1))

    def start(self) -> "QueueRun":
        """As the service starts."""
        self.folder.start(self.now)
        return self

    def again(self, steps: RecordedSteps | None = None) -> "QueueRun":
        """The next run over the same folder, started; the clock goes on."""
        return QueueRun(self.path, steps=steps, clock=self.clock).start()

    def put_all(self, *reports: tuple[int, bytes], priority: int = DEFAULT_PRIORITY) -> list[Put]:
        """The reports of one source, each as the number of its id and its content."""
        stage = self.folder.stage
        staged = [stage(some_id(number), content, priority, i) for i, (number, content) in enumerate(reports)]
        puts = self.folder.judge(staged)
        self.folder.commit(staged, puts)
        self.folder.enter(staged, puts, self.now)
        return puts

    def put(self, number: int, content: bytes = b"{}", priority: int = DEFAULT_PRIORITY) -> Put:
        """One report."""
        return self.put_all((number, content), priority=priority)[0]

    def claim(self) -> QueueName:
        """The report whose turn it is; there must be one."""
        name = self.folder.claim(self.now)
        assert name is not None
        return name

    def claim_all(self) -> list[uuid.UUID]:
        """Claim and deliver until nothing is due; the ids in the order of their turns."""
        turns = []
        while (name := self.folder.claim(self.now)) is not None:
            turns.append(name.id)
            self.folder.complete(name, self.now)
        return turns

    def look(self, *held: uuid.UUID) -> int:
        """List the folder, and follow it."""
        self.folder.begin_look()
        return self.folder.finish_look(self.folder.names(), self.now, held)

    def on_disk(self) -> list[QueueName]:
        """Every report in the folder and those below it, by its name."""
        return sorted(filter(None, (QueueName.parse(path.name) for path in self.path.rglob("*"))), key=str)

    def states(self, number: int) -> list[State]:
        """Where the files of one id stand."""
        return [name.state for name in self.on_disk() if name.id == some_id(number)]

    def file(self, name: QueueName) -> Path:
        """Where the report lies."""
        return next(self.path.rglob(str(name)))

    def in_memory(self) -> set[str]:
        """What the folder knows without looking."""
        return self.folder.index.names()

    def in_listing(self) -> set[str]:
        """What a run would know that had only the listing; orphans left as they are."""
        other = QueueRun(self.path, clock=self.clock)
        names = filter(None, map(QueueName.parse, other.folder.names()))
        other.look(*(name.id for name in names))
        return other.in_memory()
