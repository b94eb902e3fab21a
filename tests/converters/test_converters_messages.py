import pytest

from pywats_client.converters.messages import BadFrame, Frames, Message, pack


def test_messages_survive_any_cut() -> None:
    whole = pack({"kind": "report", "name": "\udcff\n"}, b"\x00body") + pack({"kind": "done"})
    for cut in range(len(whole)):
        frames = Frames()
        frames.feed(whole[:cut])
        found = list(iter(frames.take, None))
        frames.feed(whole[cut:])
        found += iter(frames.take, None)
        assert found == [Message({"kind": "report", "name": "\udcff\n"}, b"\x00body"), Message({"kind": "done"})]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 8,
        b"\x00\x00\x00\x02\xff\xff\xff\xff",
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{}",
        b"\x00\x00\x00\x02\x00\x00\x00\x00\xff\xff",
        b"\x00\x01\x00\x00\x00\x00\x00\x00" + b"[" * 65536,
    ],
)
def test_what_is_no_message_is_refused(garbage: bytes) -> None:
    frames = Frames()
    frames.feed(garbage)
    with pytest.raises(BadFrame):
        frames.take()
