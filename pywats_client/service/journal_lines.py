"""One line of the journal: what happened, as JSON that a person reads with `jq`."""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from pywats_client.ipc.events import (
    Event,
    ReportKnown,
    ReportMoved,
    SourceConverted,
    SourceConverting,
    SourceFailed,
    SourceHeld,
)

KINDS: Mapping[str, type[Event]] = {
    kind.name: kind for kind in (SourceConverting, SourceConverted, SourceFailed, SourceHeld, ReportMoved, ReportKnown)
}
"""What the journal keeps, by its name in a line."""
# The serializers themselves: a model's own way to them costs as much as they do.
_TO_JSON = {kind: TypeAdapter(kind).serializer.to_json for kind in KINDS.values()}

Moment = tuple[datetime, Event]
"""When something happened, in UTC, and what. A plain tuple, as five are made for each report."""


def to_line(moment: Moment) -> str:
    """`{"time": …, "event": …, …}`; what has its usual value is left out."""
    when, event = moment
    fields = _TO_JSON[type(event)](event, exclude_defaults=True)
    return f'{{"time":"{when.isoformat()}","event":"{event.name}",{fields[1:].decode()}\n'


def from_line(line: bytes) -> Moment | None:
    """None for a line that is damaged, or of a kind that we do not know."""
    try:
        fields = json.loads(line)
        when = datetime.fromisoformat(fields.pop("time"))
        if when.tzinfo is None:
            return None
        return when, KINDS[fields.pop("event")].model_validate(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError):
        return None
