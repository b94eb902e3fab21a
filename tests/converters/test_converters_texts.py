"""Text of old testers, in whatever encoding and with whatever line ends."""

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from pywats_client.converters.base import Source
from pywats_client.converters.reading.texts import Line, TextArguments, beginning, lines, read, scaled, streamed
from pywats_client.errors import ConversionError


def source(tmp_path: Path, content: bytes) -> Source:
    file = tmp_path / "a.log"
    file.write_bytes(content)
    return Source(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_usual_encodings_without_a_word(tmp_path: Path, encoding: str) -> None:
    assert read(source(tmp_path, "10 µV ±1 %".encode(encoding))) == "10 µV ±1 %"


def test_another_encoding_is_named(tmp_path: Path) -> None:
    assert read(source(tmp_path, "抵抗".encode("shift_jis")), "shift_jis") == "抵抗"
    with pytest.raises(ConversionError, match="line 2: the file is not utf-8 text"):
        read(source(tmp_path, b"a\n\xff"), "utf-8")
    with pytest.raises(ValidationError, match="is not an encoding"):
        TextArguments(encoding="utf-99")


def test_what_holds_zero_bytes_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="line 2: the file is not text: it holds zero bytes"):
        read(source(tmp_path, b"a\nb\0"))


def test_lines_are_numbered_whatever_their_ends_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    found = list(lines(source(tmp_path, b"a\r\n\r\n b \rc\n\x85d")))
    assert found == [Line(1, "a"), Line(3, " b "), Line(4, "c"), Line(5, "…d")]


def test_ends_of_pages_and_files_are_blanks_and_other_control_characters_are_shown(tmp_path: Path) -> None:
    file = source(tmp_path, b"a\x1b\x07\n\x0cb\tc\n\x1a\nd\x1a")
    assert list(lines(file)) == list(streamed(file)) == [Line(1, "a␛␇"), Line(2, " b\tc"), Line(4, "d ")]


def test_the_beginning_is_text_whatever_it_is(tmp_path: Path) -> None:
    assert beginning(source(tmp_path, b"\xef\xbb\xbfSTART\xff")) == "START�"
    assert beginning(source(tmp_path, "START".encode("utf-16"))).endswith("START")
    assert beginning(source(tmp_path, b"")) == ""


@pytest.mark.parametrize(
    ("text", "exponent", "value"),
    [("4.7", 3, 4700.0), ("0.1", -3, 0.0001), ("1.1", 6, 1_100_000.0), ("3e-5", -6, 3e-11), ("-0", 3, 0.0)],
)
def test_a_scaled_number_is_what_a_person_would_write(text: str, exponent: int, value: float) -> None:
    assert scaled(text, exponent) == value


def test_no_number_stays_none_when_it_is_scaled() -> None:
    assert math.isnan(scaled("nan", 3))
    assert math.isinf(scaled("1e400", 3))
    with pytest.raises(ValueError, match="could not convert"):
        scaled("4,7", 3)
