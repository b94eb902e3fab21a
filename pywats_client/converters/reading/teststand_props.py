"""TestStand's property tree in XML: <Prop Name Type> holds a Value, values with an ID each, or further properties."""

import re
from collections.abc import Iterator

from pywats_client.converters.reading.property_tree import Array, Group, Scalar, Value, scalar
from pywats_client.converters.reading.xml import Element

_INDEXES = re.compile(r"-?\d+")


class Props(dict[str, Element]):
    """The properties directly below an element, by their names."""

    def __init__(self, holder: Element | None) -> None:
        children = () if holder is None else holder.iterchildren("Prop")
        super().__init__([(attribute(child, "Name"), child) for child in children])

    def below(self, name: str) -> "Props":
        """Those of a property; none where there is no such property."""
        return Props(self.get(name))

    def text(self, name: str) -> str:
        """The value of a property as text; empty where it has none."""
        prop = self.get(name)
        return "" if prop is None else text_of(prop)

    def number(self, name: str) -> float | None:
        """The value of a property as a number; None where it says none."""
        return scalar(self.text(name)).number


def attribute(element: Element, name: str) -> str:
    """The text of an attribute; empty where it is missing."""
    return str(element.get(name) or "").strip()


def text_of(prop: Element) -> str:
    """The text of the first Value below."""
    return (prop.findtext("Value") or "").strip()


def items(array: Element) -> Iterator[tuple[tuple[int, ...], Element]]:
    """The elements of an array with their places, which an ID such as [0][3] says."""
    for count, child in enumerate(array.iterchildren("Value")):
        place = tuple(int(index) for index in _INDEXES.findall(attribute(child, "ID")))
        yield place or (count,), child


def inner(item: Element) -> Element | None:
    """The property that an element of an array is; None for a plain value."""
    return item.find("Prop")


def value_of(prop: Element) -> Value:
    """All that a property holds; references to objects say nothing in a file."""
    kind = attribute(prop, "Type")
    if kind == "Array":
        return _array(prop)
    members = Props(prop)
    if members or kind in ("Obj", "TEResult"):
        return Group([(name, value_of(member)) for name, member in members.items()])
    if kind == "Number":
        return scalar(text_of(prop))
    return Scalar("" if kind == "Reference" else text_of(prop))


def _array(prop: Element) -> Value:
    """An array; one whose elements have names is a group."""
    is_number = attribute(prop, "ElementType") == "Number"
    found: list[tuple[tuple[int, ...], Value]] = []
    names = []
    for place, item in items(prop):
        member = inner(item)
        if member is not None:
            names.append(attribute(member, "Name"))
            found.append((place, value_of(member)))
        else:
            text = (item.text or "").strip()
            found.append((place, scalar(text) if is_number else Scalar(text)))
    if names and all(names):
        return Group([(name, value) for name, (_, value) in zip(names, found, strict=False)])
    return Array(found, layout=_layout(prop))


def _layout(prop: Element) -> str:
    """How the array is to be drawn, which attributes of the property may say."""
    for each in prop.iterfind("Attributes//Prop"):
        if attribute(each, "Name").endswith("DataLayout"):
            return text_of(each)
    return ""
