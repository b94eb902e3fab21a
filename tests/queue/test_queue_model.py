"""The queue alone, under anything that may happen to it in any order.

The model knows of each report which bytes were promised to be kept (`put` has returned), and what became of them.
After every step the disk must agree with it, and memory with the disk; at the end everything good is delivered.
"""

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pywats_client.queue.folder import Damaged, Put
from pywats_client.queue.name import QueueName, State
from tests.fakes.disk import PowerCut
from tests.fakes.queue import QueueRun, some_id

numbers = st.integers(0, 5)
contents = st.sampled_from([b"good", b"mended", b"damaged on its way"])
UNDELIVERED = {State.QUEUED, State.PROCESSING, State.ERROR, State.REJECTED}


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp(prefix="queue-"))
        self.run = QueueRun(self.path).start()
        self.claimed: list[QueueName] = []
        self.kept: dict[int, bytes] = {}
        """the bytes that each id must deliver; not those that hands have discarded"""
        self.delivered: dict[int, bytes] = {}
        """what the server holds: a report of the same id replaces"""
        self.flipped: set[int] = set()
        """ids of which a file was damaged, so that its name promises more than it holds"""

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            shutil.rmtree(self.path)

    # --- the process

    @contextlib.contextmanager
    def power(self) -> Iterator[None]:
        """What is done here may be cut off; then the next run begins."""
        try:
            yield
        except PowerCut:
            self.run = self.run.again()
            self.claimed.clear()

    @rule(steps=st.integers(0, 8))
    def cut_the_power_soon(self, steps: int) -> None:
        self.run.steps.cut_after(steps)

    @rule()
    def restart(self) -> None:
        self.run = self.run.again()
        self.claimed.clear()

    @rule(days=st.sampled_from([-4000, -1, 1, 8, 4000]))
    def step_the_clock(self, days: int) -> None:
        self.run.clock.step(days=days)

    @rule(seconds=st.sampled_from([1, 300, 20_000]))
    def wait(self, seconds: float) -> None:
        self.run.now += seconds
        self.run.clock.step(seconds=seconds)

    # --- coming in

    @rule(reports=st.dictionaries(numbers, contents, min_size=1, max_size=3), priority=st.sampled_from([1, 5]))
    def put(self, reports: dict[int, bytes], priority: int) -> None:
        with self.power():
            self.convert(reports, priority)
            return
        self.convert(reports, priority)

    def convert(self, reports: dict[int, bytes], priority: int = 5) -> None:
        puts = self.run.put_all(*reports.items(), priority=priority)
        for (number, content), put in zip(reports.items(), puts, strict=True):
            if put is not Put.KNOWN or (content in self.waits(number) and number not in self.flipped):
                self.kept[number] = content
            else:
                assert number in self.flipped or content in self.sent(number)

    def waits(self, number: int) -> set[bytes]:
        return {path.read_bytes() for path in self.path.glob(f"*_{some_id(number)}_*")}

    def sent(self, number: int) -> set[bytes]:
        return {path.read_bytes() for path in self.path.glob(f"completed/*/*_{some_id(number)}_*")}

    @rule(number=numbers)
    def another_program_puts(self, number: int) -> None:
        (self.path / f"{number}.queued").write_bytes(b"foreign %d" % number)

    # --- going out

    @rule()
    def claim(self) -> None:
        with self.power():
            name = self.run.folder.claim(self.run.now)
            if name is None:
                return
            assert name.id not in {other.id for other in self.claimed}
            self.claimed.append(name)

    @precondition(lambda self: self.claimed)
    @rule(outcome=st.sampled_from(["accepted", "accepted", "busy", "unreachable", "rejected"]), data=st.data())
    def answer(self, outcome: str, data: st.DataObject) -> None:
        name = self.claimed.pop(data.draw(st.integers(0, len(self.claimed) - 1)))
        folder, now = self.run.folder, self.run.now
        with self.power():
            try:
                content = folder.read(name)
            except Damaged:
                folder.reject(name, "damaged", now)
                return
            match outcome:
                case "accepted":
                    self.accept(name, content)
                    folder.complete(name, now)
                case "busy":
                    folder.fail(name, "busy", now)
                case "unreachable":
                    folder.release(name, now)
                case "rejected":
                    folder.reject(name, "no", now)

    def accept(self, name: QueueName, content: bytes) -> None:
        if (number := self.number_of(name)) is not None:
            self.delivered[number] = content

    def number_of(self, name: QueueName) -> int | None:
        return next((number for number in range(6) if some_id(number) == name.id), None)

    # --- hands

    @rule(number=numbers)
    def retry(self, number: int) -> None:
        with self.power():
            self.run.folder.retry(some_id(number), self.run.now)

    @rule(number=numbers)
    def discard(self, number: int) -> None:
        before = self.waiting(number)
        with self.power():
            self.run.folder.discard(some_id(number))
        if before and not self.waiting(number):
            self.kept.pop(number, None)

    def waiting(self, number: int) -> set[State]:
        return {state for state in self.run.states(number) if state in UNDELIVERED - {State.PROCESSING}}

    @rule(data=st.data())
    def flip_a_bit(self, data: st.DataObject) -> None:
        names = [name for name in self.run.on_disk() if name.state in UNDELIVERED and self.number_of(name) is not None]
        if not names:
            return
        path = self.run.file(data.draw(st.sampled_from(names)))
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        number = self.number_of(QueueName.parse(path.name))  # type: ignore[arg-type]
        if number is not None:
            self.flipped.add(number)
            self.kept.pop(number, None)

    # --- looking

    @rule()
    def look(self) -> None:
        with self.power():
            assert self.run.look(*(name.id for name in self.claimed)) == 0
            self.run.folder.adopt_settled(self.run.now)

    @rule(when=st.sampled_from(["before", "after"]))
    def claim_during_a_look(self, when: str) -> None:
        with self.power():
            folder = self.run.folder
            folder.begin_look()
            listing = folder.names() if when == "before" else []
            self.claim_now()
            listing = listing or folder.names()
            folder.finish_look(listing, self.run.now, [name.id for name in self.claimed])

    def claim_now(self) -> None:
        if name := self.run.folder.claim(self.run.now):
            self.claimed.append(name)

    @rule(days=st.sampled_from([0, 7]))
    def expire(self, days: float) -> None:
        with self.power():
            self.run.folder.forget_completed(self.run.folder.sweep_expired(days))

    # --- what must always be so

    @invariant()
    def memory_is_what_a_listing_tells(self) -> None:
        assert self.run.in_memory() == self.run.in_listing()

    @invariant()
    def nothing_undelivered_is_lost_or_doubled(self) -> None:
        on_disk = self.run.on_disk()
        for number, content in self.kept.items():
            files = [name for name in on_disk if name.id == some_id(number) and name.describes(content)]
            open_ones = [name for name in files if name.state in UNDELIVERED]
            assert open_ones or self.delivered.get(number) == content, (number, content, on_disk)
        for queue_id, names in itertools.groupby(sorted(on_disk, key=lambda name: name.id), lambda name: name.id):
            states = [name.state for name in names if name.state in UNDELIVERED]
            assert len(states) <= 1 or (len(states) == 2 and states.count(State.PROCESSING) == 1), (queue_id, states)

    @invariant()
    def only_delivered_files_ever_go(self) -> None:
        contents = {content for name in self.run.on_disk() for content in [self.run.file(name).read_bytes()]}
        for number, content in self.kept.items():
            assert content in contents or self.delivered.get(number) == content

    def drain(self) -> None:
        """With a working server, everything good is delivered, and its last bytes count."""
        run = self.run = self.run.again()
        for number in range(6):
            run.folder.retry(some_id(number), run.now)
        while (name := run.folder.claim(run.now)) is not None or run.folder.index.next_due() is not None:
            if name is None:
                run.now = max(run.now, run.folder.index.next_due() or 0.0)
                continue
            try:
                self.accept(name, run.folder.read(name))
            except Damaged:
                run.folder.reject(name, "damaged", run.now)
                continue
            run.folder.complete(name, run.now)
        for number, content in self.kept.items():
            assert self.delivered[number] == content
        assert {name.state for name in run.on_disk()} <= {State.COMPLETED, State.DISCARDED, State.REJECTED}
        assert not list(self.path.glob(".*.tmp"))


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
