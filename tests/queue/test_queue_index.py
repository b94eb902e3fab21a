"""The queue in memory: what has waited longest is known at once, however much passes it by."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pywats_client.queue.index import BACKLOG, Arrivals, Index
from pywats_client.queue.name import DEFAULT_PRIORITY, QueueName, State

START = datetime(2026, 11, 22, tzinfo=UTC)
STATES = [State.QUEUED, State.PROCESSING, State.ERROR, State.REJECTED]


def name_of(number: int, state: State = State.QUEUED) -> QueueName:
    name = QueueName.of(UUID(int=number), b"{}", START + timedelta(seconds=number), DEFAULT_PRIORITY)
    parsed = QueueName.parse(f"{name.stem}.0.{state}")
    assert parsed
    return parsed


def naive(index: Index) -> str | None:
    return min((name.arrived for name in index.all() if name.state is not State.REJECTED), default=None)


def entries(index: Index) -> int:
    return len(index._arrivals._texts)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.sampled_from(STATES), st.booleans()), max_size=200))
def test_the_oldest_that_waits_is_what_a_look_at_all_of_them_finds(
    steps: list[tuple[bool, int, State, bool]],
) -> None:
    index = Index()
    for is_added, number, state, is_asked in steps:
        if is_added:
            index.add(name_of(number, state), 0.0)
        else:
            index.remove(name_of(number, state))
        if is_asked:
            assert index.oldest_waiting() == naive(index)
    assert index.oldest_waiting() == naive(index)


def test_one_that_waits_for_weeks_costs_no_memory_for_each_that_passes() -> None:
    index = Index()
    index.add(name_of(0), 0.0)
    for number in range(1, 5000):
        for state in (State.QUEUED, State.PROCESSING):
            index.add(name_of(number, state), 0.0)
            assert index.oldest_waiting() == name_of(0).arrived
            index.remove(name_of(number, state))
    assert entries(index) <= BACKLOG + 10


def test_the_oldest_is_found_without_a_look_at_the_others() -> None:
    asked = []

    class Known(dict[str, QueueName]):
        def get(self, text: str, default: object = None) -> QueueName | None:  # type: ignore[override]
            asked.append(text)
            return super().get(text)

    known, arrivals = Known(), Arrivals()
    for number in range(1000):
        name = name_of(number)
        known[str(name)] = name
        arrivals.push(str(name), known)
    for _ in range(100):
        assert arrivals.oldest(known) == name_of(0)
    for number in range(500):
        del known[str(name_of(number))]
    assert arrivals.oldest(known) == name_of(500)
    assert len(asked) == 100 + 501
