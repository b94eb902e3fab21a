"""What an XML element says of itself, be it in attributes or in elements, of formats that do it either way."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from pywats_client.converters.reading.xml import Element, local


@lru_cache(maxsize=1000)  # the names in a station's files are always the same
def bare(name: str) -> str:
    """A name without case and signs."""
    return re.sub(r"[\W_]", "", name).lower()


class Facts:
    """Names and texts, from attributes, elements with a text, and pairs such as `<Property name="Room" value="2"/>`.

    What elements within say counts as said by the element itself, but for those that are apart.
    """

    def __init__(self, element: Element, is_apart: Callable[[Element], bool]) -> None:
        self._pairs = [pair for pair in _all_said(element, is_apart) if pair[1]]

    def take(self, *names: str, accept: Callable[[str], bool] = bool) -> str:
        """The first acceptable text of these (bare) names, in their order; it is not among the others then."""
        for name in names:
            for place, (said, text) in enumerate(self._pairs):
                if bare(said) == name and accept(text):
                    del self._pairs[place]
                    return text
        return ""

    def has(self, *names: str) -> bool:
        """Whether one of these (bare) names is among what nobody has taken."""
        return any(bare(said) in names for said, _ in self._pairs)

    def others(self) -> list[tuple[str, str]]:
        """What nobody has taken."""
        return self._pairs


def _all_said(element: Element, is_apart: Callable[[Element], bool]) -> Iterator[tuple[str, str]]:
    yield from _attributes(element)
    yield local(element), (element.text or "").strip()
    for inner in element:
        if is_apart(inner):
            continue
        if pair := _pair(inner):
            yield pair
        else:
            yield from _all_said(inner, is_apart)


def _attributes(element: Element) -> list[tuple[str, str]]:
    return [(str(name).rpartition("}")[2], str(text).strip()) for name, text in element.attrib.items()]


def _pair(element: Element) -> tuple[str, str] | None:
    """Of an element that holds nothing but a name and a value."""
    said = {bare(name): text for name, text in _attributes(element)}
    label = said.pop("name", "") or said.pop("key", "")
    value = said.pop("value", "") or (element.text or "").strip()
    return (label, value) if label and value and not said and len(element) == 0 else None
