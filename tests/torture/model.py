"""The whole path from a file in a folder to the server, under anything that may happen to it in any order.

Every rule does something to the world, and then lets a little time pass. What is under way then stays under way.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pywats_client.queue.folder import QueueFolder
from pywats_client.queue.name import State
from tests.torture.moody_server import BROKEN, BUSY, REFUSING, REJECTING
from tests.torture.promises import Promises, Source
from tests.torture.scripted_converter import NEVER, Plan
from tests.torture.world import TAKES_ROOM, World

ACTIONS = ("move", "archive", "delete", "keep")
CASE = "model", "anything that may happen, in any order, on the whole path"
INJECTED = (
    "Hypothesis draws: drops, changes, mended converters, every answer of the server, crashes at any step of the disk, "
    "restarts, clock steps, a full or slow disk, hands in the queue, other programs' reports, new settings"
)
PROMISED = (
    "after each step every source is in one place, and every report of a converted one in one legal state; in the end "
    "everything good is delivered once, under one id, with its last bytes"
)
FAR = timedelta(days=20 * 365)
DRAIN_SECONDS = 3600

names = st.sampled_from(["a.txt", "b.txt", "c.txt", "d.txt"])
picks = st.integers(0, 9)
moments = st.sampled_from([2.0, 0.0, 0.5, 15.0])
"""Seconds that pass after a rule; a source is settled after one."""
whiles = st.sampled_from([5.0, 50.0, 200.0])
"""Seconds for which something is not as it should be."""
plans = st.builds(
    Plan,
    number=st.just(0),
    reports=st.sampled_from([1, 1, 2, 3]),
    seconds=st.sampled_from([0.0, 0.0, 0.0, 3.0, 50.0]),
    good_from=st.sampled_from([0, 0, 0, 0, 0, 1, 2, NEVER]),
    not_yet=st.sampled_from([0, 0, 0, 0, 0, 2]),
    dies=st.booleans(),
)


answers = st.sampled_from([REFUSING, BUSY, ("accepted",), BROKEN, REJECTING]).flatmap(st.sampled_from)


class Model(RuleBasedStateMachine):
    post_action: ClassVar[str] = "move"
    examples: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        self.world = World(self.post_action)
        self.promises = Promises(self.world)
        self.world.start()

    def teardown(self) -> None:
        try:
            if sys.exception() is None:
                self.drain()
        finally:
            self.world.close()

    def go_on(self, seconds: float, *, is_told: bool = True) -> None:
        """With the service up. `is_told`: changes are noticed at once; else by the next listing."""
        self.world.start()
        if is_told:
            self.world.hints.ring()
        self.world.pump(seconds)

    # --- sources

    @rule(what=st.lists(st.tuples(names, plans), min_size=1, max_size=4), is_told=st.booleans(), then=moments)
    def drop(self, what: list[tuple[str, Plan]], is_told: bool, then: float) -> None:
        """Also in the place of others that wait, or are being converted."""
        for name, plan in what:
            self.come(name, plan)
        self.go_on(then, is_told=is_told)

    def come(self, name: str, plan: Plan, *, in_place: bool = False) -> None:
        plan = replace(plan, number=len(self.promises.sources) + 1)
        modified_ns = self.world.place(self.world.watched / name, plan.text, in_place=in_place)
        self.promises.expect(Source(plan, name, modified_ns))

    @precondition(lambda self: self.promises.watched)
    @rule(pick=picks, number=st.integers(0, 8), plan=plans, then=moments)
    def write_to_one_that_waits(self, pick: int, number: int, plan: Plan, then: float) -> None:
        """Or is being converted, or put away: in the middle of a slow file call."""
        if number:
            self.wait_into_a_slow_call(number)
            self.promises.check()
        waiting = self.promises.watched
        if waiting:
            self.come(waiting[pick % len(waiting)].name, plan, in_place=True)
        self.go_on(then)

    @precondition(lambda self: self.promises.sources)
    @rule(pick=picks, is_mended=st.booleans(), is_told=st.booleans(), then=moments)
    def drop_the_same_again(self, pick: int, is_mended: bool, is_told: bool, then: float) -> None:
        """The converter may be another by then."""
        self.mend(is_mended)
        count = len(self.promises.sources)
        source = self.promises.sources[count - pick % count]
        self.world.place(self.world.watched / source.name, source.plan.text, source.modified_ns)
        self.promises.expect(source)
        self.go_on(then, is_told=is_told)

    @precondition(lambda self: self.failed())
    @rule(pick=picks, is_mended=st.booleans(), then=moments)
    def move_back_from_the_error_folder(self, pick: int, is_mended: bool, then: float) -> None:
        self.mend(is_mended)
        failed = self.failed()
        path = failed[pick % len(failed)]
        source = self.promises.sources[json.loads(path.read_bytes())["number"]]
        if (self.world.watched / source.name).exists():
            return
        path.rename(self.world.watched / source.name)
        self.promises.expect_again(source.plan.number)
        self.go_on(then)

    def failed(self) -> list[Path]:
        return sorted(self.world.watched.glob("Error/*.txt"))

    @rule(name=names, is_slow=st.booleans(), times=st.integers(1, 2), then=moments)
    def convert_the_same_by_mended_converters(self, name: str, is_slow: bool, times: int, then: float) -> None:
        """While the reports of the one before wait, or are under way: the last bytes must arrive, and arrive last."""
        self.come(name, Plan(0, reports=3))
        self.go_on(15.0)
        if is_slow:
            self.server_gets_slow(30.0, 200.0, 0.0)
        else:
            self.server_goes_away(50.0, 0.0)
        for _ in range(times):
            self.promises.check()
            self.drop_the_same_again(0, True, True, 5.0)
        self.go_on(then)

    def mend(self, is_mended: bool) -> None:
        """The service needs a moment to notice."""
        if is_mended:
            self.world.mend()
            self.world.pump(2.5)
            self.promises.check()

    # --- the server

    @rule(answers=st.lists(answers, min_size=1, max_size=4), then=moments)
    def server_will_answer(self, answers: list[str], then: float) -> None:
        self.world.server.answers.extend(answers)
        self.go_on(then)

    @rule(seconds=whiles, then=moments)
    def server_goes_away(self, seconds: float, then: float) -> None:
        self.world.server.away_until = self.world.time.time + seconds
        self.go_on(then)

    @rule(answer_seconds=st.sampled_from([1.0, 30.0, 90.0]), seconds=whiles, then=moments)
    def server_gets_slow(self, answer_seconds: float, seconds: float, then: float) -> None:
        """Up to not answering in time."""
        self.world.server.seconds = answer_seconds
        self.world.server.slow_until = self.world.time.time + seconds
        self.go_on(then)

    # --- the machine

    @rule(seconds=st.sampled_from([1, 15, 70, 400]))
    def wait(self, seconds: float) -> None:
        self.go_on(seconds)

    @rule(steps=st.integers(0, 40), then=moments)
    def power_is_cut_soon(self, steps: int, then: float) -> None:
        self.world.start()
        self.world.steps.cut_after(steps)
        self.go_on(then)

    @rule(in_a_crash=st.booleans(), steps=st.integers(0, 40))
    def power_is_cut_at_a_start(self, in_a_crash: bool, steps: int) -> None:
        self.come_to_an_end(in_a_crash)
        self.world.steps.cut_after(steps)
        self.world.start()

    @rule(in_a_crash=st.booleans())
    def come_to_an_end(self, in_a_crash: bool) -> None:
        if in_a_crash:
            self.world.crash()
        else:
            self.world.stop()

    @rule(days=st.sampled_from([-4000, -1, 1, 8, 4000]), then=moments)
    def clock_is_set(self, days: int, then: float) -> None:
        wrong_by = self.world.clock.wrong_by + timedelta(days=days)
        self.world.clock.wrong_by = max(-FAR, min(wrong_by, FAR))
        self.world.pump(then)

    @rule(
        after=st.integers(0, 15),
        kinds=st.sampled_from([TAKES_ROOM, ("write",), ("fsync",), ("rename",)]),
        seconds=whiles,
        then=moments,
    )
    def disk_gets_full(self, after: int, kinds: tuple[str, ...], seconds: float, then: float) -> None:
        self.world.fill_disk(after, seconds, kinds)
        self.go_on(then)

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0]), then=moments)
    def disk_takes_its_time(self, seconds: float, then: float) -> None:
        self.world.disk_seconds = seconds
        self.go_on(then)

    @rule(number=st.integers(1, 8))
    def wait_into_a_slow_call(self, number: int) -> None:
        """What is done next is done while a file is synced, copied, or a folder listed."""
        self.world.start()
        self.world.pump_into_slow_call(number)

    # --- hands and other programs

    @rule(in_a_crash=st.booleans(), pick=picks)
    def discard_by_hand(self, in_a_crash: bool, pick: int) -> None:
        self.come_to_an_end(in_a_crash)
        self.promises.check()
        waiting = sorted({report.name.id for report in self.promises.reports() if report.is_undelivered})
        if waiting:
            queue_id = waiting[pick % len(waiting)]
            self.promises.forgive(queue_id)
            self.world.by_hand(lambda queue: queue.discard(queue_id))

    @rule(in_a_crash=st.booleans())
    def retry_all_by_hand(self, in_a_crash: bool) -> None:
        self.come_to_an_end(in_a_crash)
        self.retry_all()

    def retry_all(self) -> None:
        def retry(queue: QueueFolder) -> None:
            for report in self.promises.reports():
                if report.name.state in (State.ERROR, State.REJECTED):
                    queue.retry(report.name.id, self.world.time.time)

        self.world.by_hand(retry)

    @rule(number=st.integers(0, 2), then=moments)
    def another_program_puts(self, number: int, then: float) -> None:
        report = json.dumps({"id": str(uuid5(UUID(int=0), str(number))), "number": 0, "place": number, "version": 0})
        self.world.queue.mkdir(parents=True, exist_ok=True)
        self.world.place(self.world.queue / f"other-{number}.queued", report.encode())
        self.promises.expect_foreign(report.encode())
        self.go_on(then)

    @rule(
        uploads=st.integers(1, 3),
        workers=st.integers(1, 3),
        most=st.sampled_from([0, 0, 2]),
        settle=st.sampled_from([0, 1]),
        host=st.sampled_from(["wats.test", "other.test"]),
        then=moments,
    )
    def configure(self, uploads: int, workers: int, most: int, settle: float, host: str, then: float) -> None:
        self.world.configure(
            f"http://{host}",
            max_concurrent_uploads=uploads,
            max_converter_workers=workers,
            max_queue_size=most,
            settle_seconds=settle,
        )
        self.go_on(then)

    # --- what must be so

    @invariant()
    def all_promises_are_kept(self) -> None:
        self.promises.check()

    def drain(self) -> None:
        """All is well again; a few restarts later, everything good is delivered."""
        world = self.world
        world.server.answers.clear()
        world.server.away_until = world.server.slow_until = world.disk_seconds = 0.0
        world.fill_disk(0, seconds=0.0)
        world.crash()
        world.configure()
        self.retry_all()
        world.start()
        world.pump(1.0)
        world.stop()
        # What waits for another try is due: it counts from when its file was changed last.
        latest = max((path.stat().st_mtime for path in world.queue.glob("*.error")), default=0.0)
        world.clock.wrong_by += timedelta(seconds=max(0.0, latest + 86_400 - world.clock.now().timestamp()))
        world.start()
        for _ in range(0, DRAIN_SECONDS, 20):
            world.pump(20.0)
            if self.promises.are_kept():
                break
        world.stop()
        self.promises.check()
        self.promises.check_end()


def model_of(action: str) -> type[Model]:
    """The model with this post-action."""
    return type(f"Model_{action}", (Model,), {"post_action": action, "examples": 0})
