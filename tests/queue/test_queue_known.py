"""A small map is as good as a dict."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from pywats_client.queue.known import LEAST_SLOTS, Known

# Few keys that want the same slots, so that they displace each other.
keys = st.one_of(st.integers(0, 8), st.integers(1, 8).map(lambda number: number * LEAST_SLOTS), st.integers())


@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), keys, st.integers()), max_size=200))
def test_it_knows_what_a_dict_knows(steps: list[tuple[str, int, int]]) -> None:
    known, model = Known(), {}
    for step, key, value in steps:
        slot = key % 2**64 or 1
        if step == "put":
            known.put(key, value)
            model[slot] = value % 2**64
        else:
            known.remove(key)
            model.pop(slot, None)
        assert known.get(key) == model.get(slot)
    assert len(known) == len(model)
    assert {slot: known.get(slot) for slot in model} == model


def test_it_grows_and_takes_little_room() -> None:
    known = Known()
    for number in range(20_000):
        known.put(hash(str(number)), number)
    assert [known.get(hash(str(number))) for number in range(0, 20_000, 100)] == list(range(0, 20_000, 100))
    assert sum(map(sys.getsizeof, vars(known).values())) < 50 * len(known)
    for number in range(20_000):
        known.remove(hash(str(number)))
    assert len(known) == 0
    assert not any(known.get(hash(str(number))) for number in range(20_000))
