"""XML from strangers: no entities, nothing fetched, a line for every fault, and files of any size in little memory."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from pywats_client.converters.base import Source
from pywats_client.errors import ConversionError

_LOOKED_AT = 16_384
_ENTITIES = "the file has entities of its own, which are not taken: have them written out"
_SAFE: Any = {"resolve_entities": False, "load_dtd": False, "no_network": True}
Element = etree._Element


def parse(source: Source) -> Element:
    """The root of the whole file. Raises ConversionError, with the line, for what is no XML or declares entities."""
    with source.open() as stream:
        return read(stream)


def read(stream: BinaryIO) -> Element:
    """As `parse`, from an open file such as a member of an archive."""
    try:
        root = etree.fromstring(stream.read(), etree.XMLParser(remove_comments=True, remove_pis=True, **_SAFE))
    except etree.XMLSyntaxError as fault:
        raise _no_xml(fault) from None
    _refuse_entities(root)
    return root


def elements(source: Source, *names: str) -> Iterator[Element]:
    """Each element of these local names, whole, as soon as it is read; it is emptied when the next is asked for.

    One that lies in another of them is part of it. What stands around them is kept as far as it was read.
    Raises as `parse`, after the elements before the fault.
    """
    tags = [f"{{*}}{name}" for name in names]
    with source.open() as stream:
        parser = etree.iterparse(stream, events=("end",), tag=tags, remove_comments=True, remove_pis=True, **_SAFE)
        try:
            for _, element in parser:
                if not any(local(above) in names for above in element.iterancestors()):
                    _refuse_entities(element)
                    yield element
                    element.clear(keep_tail=False)
        except etree.XMLSyntaxError as fault:
            raise _no_xml(fault) from None


def _refuse_entities(element: Element) -> None:
    """A declared entity may stand for gigabytes, or for a file of this machine."""
    document = element.getroottree().docinfo.internalDTD
    declared = document is not None and bool(document.entities())  # type: ignore[attr-defined]
    if declared or next(element.iter(etree.Entity), None) is not None:
        raise ConversionError(_ENTITIES, line=1)


def _no_xml(fault: etree.XMLSyntaxError) -> ConversionError:
    if (fault.msg or "").startswith(("no element found", "Document is empty")):
        return ConversionError("the file is not XML: it holds no element")
    if re.search(r"entity(?!ref)", fault.msg or "", re.IGNORECASE):  # EntityRef: a lone &, or one that breaks off
        return ConversionError(_ENTITIES, line=fault.lineno)
    message = re.sub(r", line \d+, column", ", column", fault.msg or "")
    return ConversionError(f"the file is not XML: {message}", line=fault.lineno)


def local(element: Element) -> str:
    """The name of an element without its namespace; empty for what is no element.

    A prefix that is not declared, which libxml2 lets pass, is left out as well.
    """
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    """The namespace of an element; empty where it has none."""
    return element.tag[1:].partition("}")[0] if isinstance(element.tag, str) and element.tag[:1] == "{" else ""


def told(element: Element) -> str:
    """All that an element says, for a report text: a line for each element in it."""
    said = [f"{name!s}={str(text).strip()}" for name, text in element.attrib.items() if str(text).strip()]
    text = (element.text or "").strip()
    line = " ".join([f"{local(element)}:", *said, *([text] if text else [])])
    return "\n".join([line, *(told(child) for child in element)])


def line_of(element: Element) -> int | None:
    """The line of the file in which an element begins, for a fault."""
    line = element.sourceline
    return line if isinstance(line, int) else None


def root_of(source: Source) -> Element | None:
    """The root with its attributes and the first of what it holds, read from the first 16 kB; None if it is no XML."""
    with source.open() as stream:
        start = stream.read(_LOOKED_AT)
    if not start.lstrip(b"\xef\xbb\xbf\xff\xfe\xfe\x00 \t\r\n").startswith((b"<", b"\x00<")):
        return None
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    with contextlib.suppress(etree.XMLSyntaxError):  # what comes before the fault is enough
        parser.feed(start)
    with contextlib.suppress(etree.XMLSyntaxError):
        for _, element in parser.read_events():
            return element if isinstance(element, Element) else None
    return None
