"""What all parts of a report share: names on the wire, moments, verdicts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

Status = Literal["P", "F", "D", "S", "E", "T"]
"""passed, failed, done, skipped, error, terminated"""

Group = Literal["S", "M", "C"]
"""setup, main, cleanup"""

Number = int | float | str
"""A number on the wire. A text only in reports that were read, where some writers send "NaN" or "Infinity"."""

_RANK: Mapping[Status, int] = {"P": 0, "D": 0, "S": 0, "F": 1, "E": 2, "T": 2}


def is_worse(status: Status, than: Status) -> bool:
    """Whether a verdict displaces another further up.

    Done and skipped say nothing against a unit, so they count as passed. Failed displaces these. An error or a
    termination displaces failed, because the test did not come to its end; of these two the first stands, because it
    is what ended the test.
    """
    return _RANK[status] > _RANK[than]


class ReadMoment(datetime):
    """A moment from a report that was read: it is written as it stood there, to the last digit."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "ReadMoment":
        """From ISO 8601; ValueError where it is none."""
        moment = cls.fromisoformat(text)
        moment.text = text
        return moment


def _read_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return ReadMoment.parse(value)
    raise ValueError("a date and time in ISO 8601, such as 2026-01-30T10:49:36.919+01:00, is expected")


Moment = Annotated[datetime, PlainValidator(_read_moment)]


def utc_text(moment: datetime) -> str:
    """The moment in UTC as the wire has it, ending in Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def wire(name: str) -> FieldInfo:
    """Says in an annotation which name a field has on the wire, where that is not its own in camel case."""
    field: FieldInfo = Field(validation_alias=name, serialization_alias=name)
    return field


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` characters; one that was cut ends in "…".

    The model never cuts. An author who does should place the full text in a step's `report_text`.
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


_AS_IT_IS = (str, float, int, bool)
"""Most values of a report; they are looked at first because reports are written by the hundred a second."""


class WireModel(BaseModel):
    """An object of the report: camel case on the wire, plain names in Python; keys it does not know are kept."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, alias_generator=to_camel)

    def to_wire(self) -> dict[str, Any]:
        """The object as JSON types. Left out: what is None, and lists that are empty and were never given."""
        names = wire_names(type(self))
        content: dict[str, Any] = {}
        for field, value in self.__dict__.items():
            if value is None:
                continue
            if value.__class__ in _AS_IT_IS:
                content[names[field]] = value
            elif value.__class__ is not list or value or field in self.model_fields_set:
                content[names[field]] = _plain(value)
        for key, value in (self.model_extra or {}).items():
            if value is not None:
                content[key] = _plain(value)
        return content


@cache
def wire_names(kind: type[WireModel]) -> Mapping[str, str]:
    """The fields' plain names to those on the wire."""
    return {name: field.serialization_alias or name for name, field in kind.model_fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {
            key: item if item.__class__ in _AS_IT_IS else _plain(item)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, WireModel):
        return value.to_wire()
    if isinstance(value, datetime):
        return getattr(value, "text", None) or value.isoformat()
    return value
