"""XML of strangers: nothing is expanded, nothing is fetched, and a fault has its line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywats_client.converters.base import Source
from pywats_client.converters.reading import xml
from pywats_client.errors import ConversionError

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'


def source(tmp_path: Path, content: str | bytes) -> Source:
    file = tmp_path / "a.xml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(file)


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><unit/></a>',
        '<!DOCTYPE a SYSTEM "https://example.org/a.dtd"><a>&x;</a>',
    ],
)
def test_entities_are_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConversionError, match="has entities of its own"):
        xml.parse(source(tmp_path, content))


def test_entities_are_refused_where_the_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="has entities of its own"):
        list(xml.elements(source(tmp_path, BOMB), "a"))


def test_a_document_type_alone_is_no_harm(tmp_path: Path) -> None:
    root = xml.parse(source(tmp_path, '<!DOCTYPE a SYSTEM "https://example.org/a.dtd"><a>1 &lt; 2</a>'))
    assert root.text == "1 < 2"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "holds no element"),
        (b"  \n", "the file is not XML"),
        (b"<a>\n<b></a>", "line 2: the file is not XML: Opening and ending tag mismatch"),
        (b"<a>\n<b>", "line 2: the file is not XML: Premature end"),
        (b"<a>\n\xe9</a>", "line 2: the file is not XML: "),
        (b"<a>" * 300, "Excessive depth"),
    ],
)
def test_what_is_no_xml_is_told_with_its_line(tmp_path: Path, content: bytes, fault: str) -> None:
    with pytest.raises(ConversionError, match=fault):
        xml.parse(source(tmp_path, content))


def test_elements_come_one_by_one_before_the_file_breaks_off(tmp_path: Path) -> None:
    content = '<n:all xmlns:n="urn:x"><n:unit id="1"><unit>in it</unit></n:unit>\n<unit id="2"/>\n<unit id="3">'
    found = []
    with pytest.raises(ConversionError, match="line 3"):
        found.extend(element.get("id") for element in xml.elements(source(tmp_path, content), "unit"))
    elements = xml.elements(source(tmp_path, content), "unit")
    first = next(elements)
    assert (first.get("id"), first[0].text, xml.local(first), xml.namespace(first)) == ("1", "in it", "unit", "urn:x")
    second = next(elements)
    assert (second.get("id"), xml.line_of(second), len(first)) == ("2", 2, 0)


def test_the_root_is_known_from_the_beginning_alone(tmp_path: Path) -> None:
    root = xml.root_of(
        source(tmp_path, '<?xml version="1.0"?><!-- x --><r:Reports xmlns:r="urn:y" v="2"><a/>' + "x" * 99)
    )
    assert root is not None
    assert (xml.local(root), xml.namespace(root), root.get("v")) == ("Reports", "urn:y", "2")
    for content in (b"", b"no XML", b"{}", b"\0\0\0", b"<"):
        assert xml.root_of(source(tmp_path, content)) is None


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.text("<>a/&;\"'=!-[]? \n\0é", max_size=60).map(str.encode) | st.binary(max_size=60))
def test_any_bytes_are_xml_or_are_not(tmp_path: Path, content: bytes) -> None:
    file = source(tmp_path, content)
    xml.root_of(file)
    try:
        assert xml.local(xml.parse(file))
    except ConversionError as error:
        assert "XML" in str(error) or "entities" in str(error)
