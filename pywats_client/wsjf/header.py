"""The header that tests and repairs share."""

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from pywats_client.wsjf.model import Moment, Status, WireModel, utc_text, wire, wire_names
from pywats_client.wsjf.parts import Asset, MiscInfo, SubUnit

READING = "a report that was read may have keys unknown here; one being built may not"
"""The validation context of a report that is read."""


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("a start needs its UTC offset: moment.astimezone() takes it as the station's local time")
    return moment


class Report(WireModel):
    """The header that tests and repairs share. Texts at most 100 characters.

    `station`, `location`, `purpose`, `process_code` and `operator` may stay empty: the service fills them from the
    configuration. An `id` too: the service gives one that stays the same when the source is converted again.
    """

    type: str
    id: str | None = None
    part_number: Annotated[str, wire("pn")]
    serial_number: Annotated[str, wire("sn")]
    revision: Annotated[str, wire("rev")] = ""
    process_code: int | None = None
    process_name: str | None = None
    result: Status = "P"
    station: Annotated[str | None, wire("machineName")] = None
    location: str | None = None
    purpose: str | None = None
    start: Annotated[Moment, AfterValidator(_aware)]
    start_utc: Annotated[Moment | None, wire("startUTC")] = None
    misc_infos: list[MiscInfo] = Field(default_factory=list)
    sub_units: list[SubUnit] = Field(default_factory=list)
    assets: list[Asset] = Field(default_factory=list)

    _inner: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, data: Any, info: ValidationInfo) -> Any:
        """Lift the keys of the inner object (`uut` or `uur`) to fields; refuse misspelt names when building."""
        if not isinstance(data, Mapping):
            return data
        if info.context != READING:
            cls._refuse_unknown(data)
        outer = dict(data)
        inner = outer.pop(cls._inner, None)
        if inner is None:
            return outer
        if not isinstance(inner, Mapping):
            raise PydanticCustomError("inner_object", f"{cls._inner} must be an object")
        return outer | {f"{cls._inner}.{key}": value for key, value in inner.items()}

    @classmethod
    def _refuse_unknown(cls, data: Mapping[str, Any]) -> None:
        names = wire_names(cls)
        for key in data:
            if key not in names and key not in names.values() and key != cls._inner:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"a {cls.__name__} has no field {key}{hint}")

    def to_wsjf(self) -> dict[str, Any]:
        """The report as WSJF, ready for json.dumps: camel case, absent values left out.

        What the format demands and nobody gave is completed: `startUTC`, an empty `user`, and in a test the times
        and the step ids, depth first from 1.
        """
        content: dict[str, Any] = {}
        inner: dict[str, Any] = {}
        prefix = self._inner + "."
        for key, value in self.to_wire().items():
            if key.startswith(prefix):
                inner[key.removeprefix(prefix)] = value
            else:
                content[key] = value
        content.setdefault("startUTC", utc_text(self.start))
        inner.setdefault("user", "")
        return content | {self._inner: inner}

    def misc(self, description: str, text: object) -> MiscInfo:
        """A searchable fact; at most 100 characters each."""
        info = MiscInfo(description=description, text=str(text))
        self.misc_infos.append(info)
        return info

    def asset(self, serial_number: str, *, usage_count: int = 1) -> Asset:
        """A tool or fixture used, and how many times."""
        asset = Asset(serial_number=serial_number, usage_count=usage_count)
        self.assets.append(asset)
        return asset
