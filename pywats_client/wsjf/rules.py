"""What a single value must be: a rule takes it, and says what is wrong with it, or nothing."""

import base64
import binascii
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from pywats_client.wsjf.findings import Findings, Place, kind_of, number_text, quoted

Rule = Callable[[Any], str | None]

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")


class Field(NamedTuple):
    """A key of an object: its rule, whether it must be there, and whether its absence or its fault is fatal."""

    rule: Rule
    required: bool = False
    fatal_if_missing: bool = True
    fatal: bool = True


class Fields(dict[str, Field]):
    """The known keys of an object."""

    @cached_property
    def required(self) -> tuple[tuple[str, bool], ...]:
        """The keys that must be there, and whether their absence is fatal."""
        return tuple((key, field.fatal_if_missing) for key, field in self.items() if field.required)


def must(rule: Rule, *, fatal_if_missing: bool = True) -> Field:
    """A key that the format requires."""
    return Field(rule, required=True, fatal_if_missing=fatal_if_missing)


def may(rule: Rule, *, fatal: bool = True) -> Field:
    """A key that may be absent."""
    return Field(rule, fatal=fatal)


def check_fields(findings: Findings, place: Place, fields: Fields) -> None:
    """Hold every known key of an object against its rule."""
    content = place.value
    for key, value in content.items():
        if value is not None and (field := fields.get(key)) and (problem := field.rule(value)):
            findings.add(place, key, problem, fatal=field.fatal)
    for key, is_fatal in fields.required:
        if content.get(key) is None:
            findings.add(place, key, "is missing: the format requires it", fatal=is_fatal)


def text(limit: int | None = None, *, may_be_empty: bool = True) -> Rule:
    """Text of at most so many characters."""

    def rule(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"must be text, not {kind_of(value)}"
        if not may_be_empty and not value.strip():
            return "is empty: the format requires a text"
        if limit is not None and len(value) > limit:
            return f"has {len(value)} characters, {limit} are allowed: shorten it"
        return None

    return rule


def one_of(*choices: str) -> Rule:
    """One of a few texts, case and all."""

    def rule(value: Any) -> str | None:
        if isinstance(value, str) and value in choices:
            return None
        return f"is {_shown(value)}: use one of {', '.join(choices)}"

    return rule


def integer(value: Any) -> str | None:
    """A whole number of at most 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        return f"must be a whole number, not {_shown(value)}"
    return None if value.bit_length() < 64 else "is beyond what a whole number on the server can hold"


def number(value: Any) -> str | None:
    """A number that a double can hold; NaN and infinities are looked for elsewhere."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number, not {_shown(value)}"
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return "is beyond what a number on the server can hold: leave it out"
    return None


def boolean(value: Any) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else f"must be true or false, not {kind_of(value)}"


def guid(value: Any) -> str | None:
    """A GUID with hyphens."""
    if isinstance(value, str) and _GUID.fullmatch(value):
        return None
    return f"is {_shown(value)}: give a GUID such as 7b234dbc-3d06-4738-b176-c6d995dacb66"


def moment(value: Any) -> str | None:
    """A date and time in ISO 8601, not before 1970; without an offset it counts as UTC."""
    parsed = parse_moment(value)
    if parsed is None:
        return f"is {_shown(value)}: give date, time and offset in ISO 8601, such as 2026-01-30T10:49:36.919+01:00"
    if parsed.replace(tzinfo=parsed.tzinfo or UTC) < _EPOCH:
        return f"is {quoted(value)}, before 1970: the format does not know such dates"
    return None


def parse_moment(value: Any) -> datetime | None:
    """The moment, naive where no offset stands, or None where the value is none."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def base64_text(value: Any) -> str | None:
    """Base64; white space does not matter."""
    if not isinstance(value, str):
        return f"must be Base64 text, not {kind_of(value)}"
    return None if decoded_size(value) is not None else "is not valid Base64: encode the file's bytes anew"


def decoded_size(value: Any) -> int | None:
    """How many bytes a Base64 text holds, or None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        return len(base64.b64decode("".join(value.split()), validate=True))
    except (binascii.Error, ValueError):
        return None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return kind_of(value)
