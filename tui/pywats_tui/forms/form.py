"""What a person has typed so far, against what is in force. No Textual here."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pywats_tui.forms.field import MASK, Field

UNKNOWN = object()


class Form:
    """The fields of one section. A field is dirty while its text is another than that of the value in force."""

    def __init__(self, root: str, fields: Iterable[Field], values: Mapping[str, Any]) -> None:
        self.root = root
        """what the keys lie in: `server`, `converters[CSV]`"""
        self.fields = {field.key: field for field in fields}
        self.texts: dict[str, str] = {}
        """what is typed in, by key"""
        self.faults: dict[str, str] = {}
        """a sentence beside a field; under a key without a field: about the whole"""
        self.stored: set[str] = set()
        """secrets that have a value"""
        self._in_force: dict[str, str] = {}
        self.refresh(values)

    def refresh(self, values: Mapping[str, Any]) -> None:
        """Other values are in force: what is not dirty shows them."""
        dirty = self.dirty
        for key, field in self.fields.items():
            value = value_at(values, key)
            self._in_force[key] = field.text(field.default if value is UNKNOWN else value)
            if key not in dirty:
                self.texts[key] = self._in_force[key]
        self.stored = {key for key, field in self.fields.items() if field.is_secret and value_at(values, key) == MASK}

    @property
    def dirty(self) -> set[str]:
        """The keys of changed fields."""
        return {key for key, text in self.texts.items() if text != self._in_force[key]}

    def typed(self, key: str, text: str) -> None:
        """A person changes a field; what was wrong with the old text is forgotten."""
        if self.texts[key] != text:
            self.texts[key] = text
            self.faults.pop(key, None)

    def changes(self) -> dict[str, Any]:
        """The values of the dirty fields by whole key; those that mean nothing become faults instead."""
        found, self.faults = {}, {}
        dirty = self.dirty
        for key in (key for key in self.fields if key in dirty):
            try:
                found[f"{self.root}.{key}"] = self._value(key)
            except ValueError as error:
                self.faults[key] = str(error)
        return found

    def _value(self, key: str) -> Any:
        value = self.fields[key].value(self.texts[key])
        if MASK in json.dumps(value):
            raise ValueError(f"{MASK} stands for what is not shown; write all of it")
        return value

    def told(self, faults: Mapping[str, str]) -> None:
        """What the service says is wrong, by whole key; of other sections nothing is noted."""
        for whole, why in faults.items():
            if whole == self.root or whole.startswith(f"{self.root}."):
                self.faults[self._nearest(whole[len(self.root) + 1 :])] = why

    def revert(self) -> None:
        """Back to what is in force."""
        self.texts, self.faults = dict(self._in_force), {}

    def saved(self, keys: Iterable[str]) -> None:
        """What is typed into the fields of these whole keys is in force; secrets are forgotten."""
        for key in (whole.removeprefix(f"{self.root}.") for whole in keys):
            if key in self.fields:
                self.texts[key] = "" if self.fields[key].is_secret else self.texts[key]
                self._in_force[key] = self.texts[key]

    def _nearest(self, key: str) -> str:
        """The field of a fault's key: itself, or what holds it, such as a list."""
        holders = [known for known in self.fields if key == known or key.startswith((f"{known}.", f"{known}["))]
        return max(holders, key=len, default=key)


def value_at(values: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key; UNKNOWN where it is not set."""
    value: Any = values
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return UNKNOWN
        value = value[part]
    return value
