"""Tables as testers write them: delimiters, rows with their lines, and which column says what."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Self

from pywats_client.errors import ConversionError

Column = str | int | None
"""A column by its header, or by its number from 1; None: by a known header; "": there is none."""
_DELIMITERS = "\t;,|"
_LOOKED_AT_LINES, _LOOKED_AT_CHARACTERS = 20, 10_000


class Row(NamedTuple):
    """The texts of a row, without blanks around them, and the line of the file in which it ends."""

    line: int
    cells: list[str]

    def cell(self, place: int) -> str:
        """The text at a place (from 0); empty where there is none."""
        return self.cells[place] if place < len(self.cells) else ""


def read_rows(lines: Iterable[str], delimiter: str, lines_before: int = 0) -> Iterator[Row]:
    """The rows that are not blank; `lines_before` have been read already.

    Raises ConversionError, with the line, for what is no such table.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for texts in reader:
            cells = [text.strip() for text in texts]
            if any(cells):
                yield Row(lines_before + reader.line_num, cells)
    except csv.Error as fault:
        line = lines_before + reader.line_num
        raise ConversionError(f"the row cannot be read: {fault}", line=line) from None


def find_delimiter(lines: Iterable[str]) -> str | None:
    """The sign that parts the first lines into most columns, as many in most of them; None where none does."""
    first = [line[:_LOOKED_AT_CHARACTERS] for line in lines if line.strip()][:_LOOKED_AT_LINES]
    best, most = None, 0
    for delimiter in filter("".join(first).__contains__, _DELIMITERS):
        counts = [len(cells) - 1 for cells in csv.reader(first, delimiter=delimiter)]
        usual = max(counts, key=lambda count: (counts.count(count), count), default=0)
        if usual > most and counts.count(usual) * 2 >= len(counts):
            best, most = delimiter, usual
    return best


class Layout(NamedTuple):
    """Which column says what."""

    places: Mapping[str, int]
    """of the fields that have a column; from 0"""
    others: Mapping[str, int]
    """the columns that say something else, by their header"""

    def texts(self, row: Row) -> dict[str, str]:
        """What a row says, by field; fields without a text are left out."""
        size = len(row.cells)
        return {field: row.cells[place] for field, place in self.places.items() if place < size and row.cells[place]}

    @classmethod
    def of(cls, chosen: Mapping[str, Column], known: Mapping[str, Sequence[str]], header: Sequence[str] | None) -> Self:
        """Find the columns: those `chosen`, then those whose header is `known` for a field.

        Raises ConversionError for a chosen column that the table does not have.
        """
        places = {
            field: find_column(column, header, f"columns.{field}")
            for field, column in chosen.items()
            if column not in (None, "")
        }
        free = {_bare(text): place for place, text in enumerate(header or ()) if place not in places.values()}
        for field, headers in known.items():
            if chosen.get(field) is None:
                found = next((name for name in map(_bare, headers) if name in free), None)
                if found:
                    places[field] = free.pop(found)
        taken = set(places.values())
        others = {text.strip(): place for place, text in enumerate(header or ()) if place not in taken and text.strip()}
        return cls(places, others)


def find_column(column: Column, header: Sequence[str] | None, argument: str) -> int:
    """The place (from 0) of a column that is named or numbered. Raises ConversionError naming the argument."""
    if isinstance(column, int):
        if column < 1 or (header and column > len(header)):
            raise ConversionError(f"argument {argument}: there is no column {column}; the first is 1")
        return column - 1
    if header is None:
        raise ConversionError(f"argument {argument}: without a header, give the number of the column, not {column!r}")
    bare = _bare(column or "")
    for place, text in enumerate(header):
        if _bare(text) == bare:
            return place
    names = ", ".join(text.strip() for text in header)
    raise ConversionError(f"argument {argument}: the table has no column {column!r}; it has {names}")


@lru_cache(maxsize=1000)  # the headers of a station's files are always the same
def _bare(text: str) -> str:
    """A header without case, blanks and signs."""
    return re.sub(r"[\W_]", "", text).lower() or text.strip()
