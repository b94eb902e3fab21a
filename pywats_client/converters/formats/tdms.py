"""NI TDMS, what LabVIEW and DIAdem measure: groups of channels, each of them a chart, a number or texts."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.fields import Fields, FormatArguments
from pywats_client.converters.reading.measured import VERDICTS, moment
from pywats_client.converters.reading.named_facts import NamedFacts
from pywats_client.converters.reading.tdms_channels import add_channel, note_properties
from pywats_client.converters.reading.tdms_content import TAG, bare, moment_of, opened, placeholders, text
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport, shorten
from pywats_client.wsjf.model import Status

_MAX_POINTS, _MAX_POINTS_OF_ALL = 10_000, 300_000
_MAX_NAME, _MAX_SEQUENCE = 100, 200
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""LabVIEW's own zero, in 1904, stands for no time."""
_START = ("starttime", "startdatetime", "datetime")
_VERDICT = ("result", "testresult", "uutresult", "overallresult", "verdict", "passfail")
_OF_UNIT = ("P", "F", "E", "T")


class Tdms(FileConverter):
    """Read with npTDMS; the properties that charts use are those of LabVIEW's waveforms and of DIAdem.

    A group is a sequence. A channel of numbers is a chart over its time, or over the index where it has none; of a
    single number it is a numeric step, with limits where it has properties of such names (Low Limit, USL); of texts it
    is text steps. A long channel is thinned to 10,000 points that keep its extremes. DAQmx data come scaled.
    TDMS knows no unit and no verdict: properties of the file such as SerialNumber, Part Number or Result say them, or
    arguments, whose texts may hold any property: {SerialNumber}, {Group.Property}, {Group.Channel.Property}.
    """

    name = "tdms"
    description = "NI TDMS of LabVIEW and DIAdem: channels as charts"

    class Arguments(FormatArguments):
        """Where the verdict stands."""

        verdict: str = ""
        """The verdict, made of properties such as {Status} or {Results.Overall}: passed, ok, failed, …
        Empty: the file's property Result, else the argument result."""

    def matches(self, source: Source) -> float:
        """A file of data begins with its tag; one of an index has another."""
        with source.open() as stream:
            return 1.0 if stream.read(len(TAG)) == TAG else 0.0

    def companions(self, source: Source) -> Iterable[Path]:
        """The index that LabVIEW writes beside it: not needed, but nothing without the file."""
        index = source.path.with_name(source.name + "_index")
        return [index] if index.is_file() else []

    def convert(self, source: Source, context: Context) -> UutReport:
        """One report a file."""
        with opened(source) as content:
            return _Unit(source, context.arguments, content).report()


class _Unit:
    """The one unit of a file."""

    def __init__(self, source: Source, arguments: Tdms.Arguments, content: Any) -> None:
        self._content = content
        self._fields = Fields(source, arguments, placeholders(content))
        self._facts = NamedFacts()
        groups = content.groups()
        self._said: dict[str, str] = {}
        for holder in (content, *(groups if len(groups) == 1 else ())):
            for name, value in holder.properties.items():
                self._facts.gather(text(name), text(value))
                self._said.setdefault(bare(name), text(value))

    def report(self) -> UutReport:
        """Raises ConversionError for what no argument says."""
        properties = self._content.properties
        report = self._facts.report(self._fields, start=self._start())
        title = text(properties.get("title") or properties.get("name") or "")
        report.sequence_name = shorten(title, _MAX_SEQUENCE) or report.sequence_name
        for name, value in properties.items():
            self._facts.tell(report, text(name), text(value), report.root)
        has_limits = self._add_groups(report)
        verdict = self._verdict()
        return self._fields.settle(report, verdict if has_limits else self._fields.require_result(verdict))

    def _add_groups(self, report: UutReport) -> bool:
        """Whether any step has limits."""
        groups = self._content.groups()
        max_points = min(_MAX_POINTS, _MAX_POINTS_OF_ALL // (1 + sum(len(group.channels()) for group in groups)))
        has_limits = False
        for group in groups:
            sequence = report.sequence(shorten(text(group.name) or "Group", _MAX_NAME))
            note_properties(sequence, group)
            for channel in group.channels():
                has_limits |= add_channel(sequence, channel, max_points)
        return has_limits

    def _start(self) -> datetime | None:
        """The file's own time, else when its first channel began."""
        said = next((self._said[name] for name in _START if self._said.get(name)), "")
        with suppress(ValueError):
            return moment(said)
        channels = (channel for group in self._content.groups() for channel in group.channels())
        starts = [moment_of(channel.properties.get("wf_start_time")) for channel in channels]
        return min((start for start in starts if start and start >= _EARLIEST), default=None)

    def _verdict(self) -> Status | None:
        if chosen := self._fields.fill("verdict"):
            if VERDICTS.get(chosen.lower()) not in _OF_UNIT:
                raise ConversionError(f"argument verdict: {chosen!r} is no verdict of a unit, such as passed or failed")
            return VERDICTS[chosen.lower()]
        said = next((self._said[name] for name in _VERDICT if self._said.get(name)), "")
        verdict = None if said.isdecimal() else VERDICTS.get(said.lower())  # 0 may be a count of errors
        return verdict if verdict in _OF_UNIT else None
