from pathlib import Path

import pytest

from pywats_client.converters.base import Source
from pywats_client.errors import ConversionError


def source(tmp_path: Path, content: bytes) -> Source:
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    return Source(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_is_not_text(tmp_path: Path, encoding: str) -> None:
    made = source(tmp_path, "Ω 3\r\n".encode(encoding))
    assert made.read_text() == "Ω 3\r\n"
    assert made.read_text("latin-1") == "Ω 3\r\n" or encoding == "utf-8"
    with made.open_text() as stream:
        assert stream.read() == "Ω 3\r\n"


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        source(tmp_path, b"one\ntwo \xff").read_text()
    assert str(caught.value) == "line 2: the file is not utf-8 text: byte 8 is 0xff"


def test_the_files_of_a_folder_come_by_name(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.bin"):
        (tmp_path / name).touch()
    (tmp_path / "d.txt").mkdir()
    assert [path.name for path in Source(tmp_path).files("*.txt")] == ["a.txt", "b.txt"]


def test_when_a_source_was_written_has_an_offset(tmp_path: Path) -> None:
    assert source(tmp_path, b"").modified.utcoffset() is not None
