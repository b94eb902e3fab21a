"""Where a check is in the report, and what it found there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

_SHOWN = 60


@dataclass(frozen=True)
class Fault:
    """One fault: where, such as `root.steps[3].numericMeas[0].lowLimit`, and a sentence: what, where, what to do.

    `fatal`: a server would refuse the report, or quarantine it. Otherwise it is worth a look.
    """

    path: str
    message: str
    fatal: bool = True


class Place(NamedTuple):
    """An object or array in the report, and the way to it."""

    parent: "Place | None"
    key: str | int
    value: Any
    is_step: bool = False

    def below(self, key: str | int, value: Any, *, is_step: bool = False) -> "Place":
        """What stands under a key."""
        return Place(self, key, value, is_step)

    def route(self) -> list["Place"]:
        """The places from the report down to here, without the report itself."""
        places: list[Place] = []
        place: Place | None = self
        while place is not None and place.parent is not None:
            places.append(place)
            place = place.parent
        return places[::-1]


def quoted(text: object) -> str:
    """A value from the report, fit for a sentence: short, and printable in any encoding."""
    shown = str(text)
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    return f'"{shown}"' if shown.isprintable() else f'"{ascii(shown)[1:-1]}"'


def number_text(value: float) -> str:
    """A number for a sentence; Python itself refuses to spell out the very long ones."""
    return "a very large number" if isinstance(value, int) and value.bit_length() > 64 else str(value)


def _joined(keys: list[str | int]) -> str:
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        else:
            path += ("." if path else "") + (key if key.isprintable() else ascii(key)[1:-1])
    return path


class Findings:
    """Collects the faults, and reaches into what a report claims to be."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, place: Place, key: str | int | None, problem: str, *, fatal: bool = True) -> None:
        """Note a fault; `problem` goes on after the name of the place, as in "pn" + "is missing: …"."""
        route = place.route()
        tail = [] if key is None else [key]
        step = max((i for i, at in enumerate(route) if at.is_step), default=-1)
        here = _joined([at.key for at in route[step + 1 :]] + tail)
        if step >= 0:
            subject = f"step {quoted(route[step].value.get('name'))}" + (f": {here}" if here else "")
        else:
            subject = here or "the report"
        path = _joined([at.key for at in route] + tail)
        self.faults.append(Fault(path, f"{subject} {problem}", fatal))

    def object(self, place: Place, key: str, *, required: bool = False, is_step: bool = False) -> Place | None:
        """The object under a key, or None where there is none."""
        value = place.value.get(key)
        if isinstance(value, dict):
            return place.below(key, value, is_step=is_step)
        if value is not None:
            self.add(place, key, f"must be an object, not {kind_of(value)}")
        elif required:
            self.add(place, key, "is missing: the format requires it")
        return None

    def objects(self, place: Place, key: str, *, are_steps: bool = False) -> Iterator[Place]:
        """The objects in the array under a key; those that are none are faults."""
        value = place.value.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.add(place, key, f"must be an array, not {kind_of(value)}")
            return
        array = place.below(key, value)
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield array.below(index, item, is_step=are_steps)
            else:
                self.add(array, index, f"must be an object, not {kind_of(item)}")


def kind_of(value: Any) -> str:
    """The JSON type of a value, as a reader calls it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an array" if isinstance(value, list) else "an object"
