"""The attributes of an XML element, read into the fields of an object of WSJF; what nobody asked for is told."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pywats_client.converters.reading.measured import number, whole
from pywats_client.converters.reading.xml import Element, line_of, local
from pywats_client.errors import ConversionError

Read = Callable[[str], Any]
"""A value from its text; ValueError, with a sentence, where it says none."""
_OF_PLACE_OR_FORM = ("index", "idx", "stepid", "orderno", "ordernumber", "format")
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


class Field(NamedTuple):
    """A field of WSJF, how its text is read, and the attributes that hold it: the first that is there."""

    key: str
    read: Read
    names: tuple[str, ...]


def field(key: str, *names: str, read: Read = str) -> Field:
    """The attributes are compared without case and underscores."""
    return Field(key, read, tuple(map(_bare, names or (key,))))


def amount(text: str) -> float:
    """A number with a form on the wire."""
    value = number(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def truth(text: str) -> bool:
    """As XML Schema has it."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def one_of(words: Mapping[str, str]) -> Read:
    """A word, in any case, for a value; also the value itself."""

    def read(text: str) -> str:
        found = words.get(text.lower()) or next((value for value in words.values() if value == text), None)
        if found is None:
            raise ValueError(f"known are {', '.join(words)}")
        return found

    return read


_KINDS: Mapping[Read, str] = {whole: "a whole number", truth: "true or false", amount: "a number"}


def read_fields(element: Element, fields: Iterable[Field]) -> dict[str, Any]:
    """The fields that the element has, but for empty ones that are no texts. ConversionError names what is wrong."""
    texts = {_bare(name): text for name, text in attributes(element).items()}
    values: dict[str, Any] = {}
    for key, read, names in fields:
        text = next((texts[name] for name in names if name in texts), None)
        if text is None or (read is not str and not text.strip()):
            continue
        try:
            values[key] = text if read is str else read(text.strip())
        except (ValueError, OverflowError) as fault:
            why = f"is not {_KINDS[read]}" if read in _KINDS else f"is not known; {fault}"
            raise ConversionError(f"{local(element)}: {key} {text!r} {why}", line=line_of(element)) from None
    return values


def others(element: Element, fields: Iterable[Field], unsaid: Iterable[str] = ()) -> dict[str, str]:
    """The attributes that no field reads, and that say something; `unsaid` are known to say nothing more.

    Nor do those that say where something stands among its like, or how a number is to be shown.
    """
    known = {name for each in fields for name in each.names} | set(map(_bare, unsaid))
    return {
        name: text
        for name, text in attributes(element).items()
        if text and _bare(name) not in known and not _bare(name).endswith(_OF_PLACE_OR_FORM)
    }


def attributes(element: Element) -> dict[str, str]:
    """Names without namespace, and texts; those of XML Schema itself are left out."""
    return {
        str(name).rpartition("}")[2]: str(text)
        for name, text in element.attrib.items()
        if not str(name).startswith(_INSTANCE)
    }


@lru_cache(maxsize=1000)  # a format has a few dozen names
def _bare(name: str) -> str:
    return re.sub("[_-]", "", name).lower()
