import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywats_client.queue.name import TRANSITIONS, QueueName, SourceKey, State, queue_id

ID = uuid.UUID("3c5d1c1e-5b5f-5c3e-9d1e-0123456789ab")
PLAIN = f"20261122T084143123456Z_{ID}_12288-0badcafe.0.queued"

moments = st.integers(0, 10**16).map(lambda passed: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=passed))
contents = st.binary(max_size=20)


@st.composite
def names(draw: st.DrawFn) -> QueueName:
    plain = QueueName.of(draw(st.uuids()), draw(contents), draw(moments), draw(st.integers(1, 10)))
    counts = st.integers(0, 10**5)
    return replace(plain, attempt=draw(counts), orphaned=draw(counts), state=draw(st.sampled_from(State)))


@given(names())
def test_what_a_name_says_survives_format_and_parse(name: QueueName) -> None:
    assert QueueName.parse(str(name)) == name


@given(
    st.from_regex(r"\d{8}T\d{12}Z_[0-9a-f-]{36}_\d+-[0-9a-f]{8}(-p\d+)?\.\d+(-\d+)?\.(queued|error)", fullmatch=True)
)
def test_a_name_that_is_read_leads_back_to_its_file(text: str) -> None:
    name = QueueName.parse(text)
    assert name is None or str(name) == text


def test_a_usual_name_is_exactly_the_designs() -> None:
    name = QueueName.of(ID, b"x" * 12288, datetime(2026, 11, 22, 8, 41, 43, 123456, UTC), priority=5)
    assert str(name) == PLAIN.replace("0badcafe", f"{name.crc32:08x}")


def test_priority_and_orphan_count_are_marks_in_the_name() -> None:
    name = QueueName.parse(f"20261122T084143123456Z_{ID}_1-0badcafe-p3.4-2.error")
    assert name is not None
    assert (name.priority, name.attempt, name.orphaned, name.state) == (3, 4, 2, State.ERROR)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".lock",
        "x.queued",
        PLAIN + ".tmp",
        "." + PLAIN,
        PLAIN + "\n",
        PLAIN.replace("queued", "QUEUED"),
        PLAIN.replace("queued", "reason"),
        PLAIN.replace("3c5d1c1e", "3C5D1C1E"),
        PLAIN.replace("20261122", "20261322"),
        PLAIN.replace("20261122", "20260230"),
        PLAIN.replace("T08", "T24"),
        PLAIN.replace("20261122", "２０２６１１２２"),
        PLAIN.replace("_12288", "_012288"),
        PLAIN.replace("_12288", "_1２288"),
        PLAIN.replace(".0.", ".00."),
        PLAIN.replace(".0.", ".0-0."),
        PLAIN.replace("cafe.", "cafe-p5."),
        PLAIN.replace("cafe.", "cafe-p0."),
    ],
)
def test_any_other_name_is_not_ours(text: str) -> None:
    assert QueueName.parse(text) is None


def test_names_sort_by_arrival() -> None:
    moments = [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    ]
    texts = [str(QueueName.of(uuid.UUID(int=9 - n), b"", moment, 5)) for n, moment in enumerate(moments)]
    assert texts == sorted(texts)


@given(names(), names())
def test_a_name_made_later_than_another_sorts_behind_it_whatever_the_clock_said(one: QueueName, two: QueueName) -> None:
    later = one.later_than(two)
    assert later.arrived > two.arrived
    assert later == one or one.arrived <= two.arrived
    assert QueueName.parse(str(later)) == later


@pytest.mark.parametrize("target", State)
@pytest.mark.parametrize("state", State)
def test_only_the_transitions_of_the_table_are_possible(state: State, target: State) -> None:
    name = replace(QueueName.of(ID, b"x", datetime(2026, 11, 22, tzinfo=UTC), 5), state=state)
    if target in TRANSITIONS[state]:
        assert name.to(target).state is target
    else:
        with pytest.raises(ValueError, match=f"cannot go from {state} to {target}"):
            name.to(target)


def test_the_table_of_transitions_is_the_designs() -> None:
    legal = {f"{state} {target}" for state, targets in TRANSITIONS.items() for target in targets}
    assert legal == {
        "queued processing",
        "processing completed",
        "processing error",
        "processing queued",
        "processing rejected",
        "error queued",
        "rejected queued",
        "queued discarded",
        "error discarded",
        "rejected discarded",
        "completed discarded",
    }


@given(st.binary(max_size=200), st.data())
def test_torn_and_flipped_content_is_not_what_the_name_describes(content: bytes, data: st.DataObject) -> None:
    name = QueueName.of(ID, content, datetime(2026, 1, 1, tzinfo=UTC), 5)
    assert name.describes(content)
    assert not name.describes(content + b"\0")
    if content:
        place = data.draw(st.integers(0, len(content) - 1))
        bit = 1 << data.draw(st.integers(0, 7))
        assert not name.describes(content[:place])
        assert not name.describes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])


SOURCE = {
    "station": "S1",
    "converter": "csv",
    "name": b"a.csv",
    "size": 10,
    "modified_ns": 1_700_000_000_000_000_001,
    "content_hash": b"h" * 32,
}


def test_the_same_source_has_the_same_ids() -> None:
    assert SourceKey(**SOURCE).seed == SourceKey(**SOURCE).seed
    assert queue_id(SourceKey(**SOURCE).seed, 3) == queue_id(SourceKey(**SOURCE).seed, 3)


def test_an_id_does_not_change_from_version_to_version() -> None:
    made = queue_id(SourceKey(**SOURCE).seed, 0)
    assert made == uuid.UUID("81d281dd-6170-55e0-99da-bf206b349fb5")
    assert (made.version, made.variant) == (5, uuid.RFC_4122)


@pytest.mark.parametrize(
    "other",
    [
        {"station": "S2"},
        {"converter": "json"},
        {"name": b"b.csv"},
        {"name": b"a.csv\xff"},
        {"size": 11},
        {"modified_ns": 1_700_000_000_000_000_002},
        {"content_hash": b"g" * 32},
        {"station": "S1c", "converter": "sv"},
        {"converter": "csva", "name": b".csv"},
        {"size": 101, "modified_ns": 700_000_000_000_000_001},
    ],
    ids=str,
)
def test_another_source_has_another_id(other: dict[str, object]) -> None:
    assert queue_id(SourceKey(**SOURCE).seed, 0) != queue_id(SourceKey(**(SOURCE | other)).seed, 0)


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=20))
def test_the_reports_of_one_source_have_different_ids(places: list[int]) -> None:
    assert len({queue_id(b"seed", place) for place in places}) == len(places)


@given(st.binary())
def test_a_name_that_is_not_utf_8_has_an_id(name: bytes) -> None:
    assert queue_id(SourceKey(**(SOURCE | {"name": name})).seed, 0).version == 5
