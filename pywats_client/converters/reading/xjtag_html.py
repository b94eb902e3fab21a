"""The pieces of HTML in an XJTAG log: what a reader sees of them, and the tables that sum up the run."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from lxml import etree

from pywats_client.converters.reading.in_circuit import seconds
from pywats_client.converters.reading.xml import Element

_BREAKS = frozenset(("br", "tr", "p", "div", "li", "h1", "h2", "h3", "h4", "pre"))
_CELLS = ("td", "th")
_ANCHOR = re.compile(r"startoftest[\w:.-]+")


def elements(html: str) -> Iterator[Element]:
    """All elements; none where there is no HTML."""
    root = etree.fromstring(html, etree.HTMLParser(no_network=True)) if html.strip() else None
    return root.iter() if root is not None else iter(())


def text_of(html: str) -> str:
    """What a reader sees: lines, and tabs between cells."""
    root = next(elements(html), None)
    lines = "".join(_pieces(root)).split("\n") if root is not None else []
    return "\n".join(line.strip() for line in lines).strip("\n")


def _pieces(element: Element) -> Iterator[str]:
    yield " ".join((element.text or "").split("\n"))
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        yield " ".join((child.tail or "").split("\n"))
    if element.tag in _BREAKS:
        yield "\n"
    elif element.tag in _CELLS:
        yield "\t"


def anchor_of(html: str) -> str:
    """The name of the place in the log that a function begins with, or that a row leads to."""
    found = _ANCHOR.search(html)
    return found[0] if found else ""


class Row(NamedTuple):
    """A line of the summary: a group, a function, or the total."""

    id: str
    name: str
    result: str
    seconds: float | None
    anchor: str

    @classmethod
    def all_of(cls, html: str) -> list[Self]:
        """Those of a table; its cells are name, result, a link, time."""
        rows = []
        for element in elements(html):
            cells = [" ".join("".join(map(str, cell.itertext())).split()) for cell in element if cell.tag in _CELLS]
            if element.tag == "tr" and len(cells) > 1:
                links = " ".join(link.get("href", "") for link in element.iter("a"))
                rows.append(cls(element.get("id", ""), cells[0], cells[1], seconds(cells[-1]), anchor_of(links)))
        return rows


class Rows:
    """The rows of a table, in the order in which the log comes to what they sum up."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: Sequence[Row] = list(rows)
        self._next = 0

    def take(self, name: str, anchor: str = "") -> tuple[Sequence[Row], Row | None]:
        """The next row of that name, and those before it, which the log has passed over."""
        for place in range(self._next, len(self._rows)):
            row = self._rows[place]
            if row.name == name and (not anchor or row.anchor == anchor):
                passed_over, self._next = self._rows[self._next : place], place + 1
                return passed_over, row
        return (), None

    def rest(self) -> Sequence[Row]:
        """What has not been taken."""
        rest, self._next = self._rows[self._next :], len(self._rows)
        return rest
