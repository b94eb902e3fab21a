"""XJTAG boundary scan: a log that is a ZIP archive, with an XML file for each run of the tests."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath

from pywats_client.converters.base import Context, FileConverter, Source
from pywats_client.converters.reading.archives import Archive
from pywats_client.converters.reading.fields import Fields, tell
from pywats_client.converters.reading.nested import bounded
from pywats_client.converters.reading.programs import ProductArguments, Program
from pywats_client.converters.reading.xjtag_run import Run
from pywats_client.converters.reading.xml import Element, local, read
from pywats_client.errors import ConversionError
from pywats_client.wsjf import UutReport

_LOOKED_AT = 16_384
_RUN = re.compile(r"Run (\d{1,9})\.xml", re.IGNORECASE | re.ASCII)
_RUN_BYTES = re.compile(rb"Run \d{1,9}\.xml")
_INFO, _CHECKSUM = "Info.xml", ".checksum"


class Xjtag(FileConverter):
    """From two real logs of XJTAG 3; the maker's specification is not public.

    A run is a report: its groups are sequences, their functions steps with all they wrote as report text. Times and
    skipped functions stand only in the summary that a run holds as HTML. What a test measured is in its words, and
    stays there. The log does not name the product: see `program_pattern`.
    """

    name = "xjtag"
    description = "XJTAG boundary scan log (.xjlog, .zip): one report a run"

    class Arguments(ProductArguments):
        """The texts of the arguments may also hold {description}, that of the project."""

        program_pattern: str = ""
        """Regular expression found in the name of the project; its groups part_number and revision are used where
        the file's name and the arguments do not say them. The texts of the arguments may also hold {program}."""

    def matches(self, source: Source) -> float:
        """The names of its files, which stand at the beginning and the end of an archive."""
        with source.open() as stream:
            start = stream.read(_LOOKED_AT)
            if not start.startswith(b"PK\x03\x04"):
                return 0.0
            stream.seek(max(0, source.path.stat().st_size - _LOOKED_AT))
            names = start + stream.read(_LOOKED_AT)
        if not _RUN_BYTES.search(names):
            return 0.0
        return 0.95 if _INFO.encode() in names else 0.6

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        """A report a run, in their order."""
        with Archive.open(source) as archive:
            runs = sorted((int(found[1]), name) for name in archive.names if (found := _RUN.fullmatch(_base(name))))
            if not runs:
                raise ConversionError("the archive holds no runs, which are files such as Run 1.xml")
            info: dict[str, str] = {}
            try:
                info = _info(archive)
            except ConversionError as fault:
                yield fault
            for _, name in runs:
                try:
                    report = _report(source, context.arguments, archive, name, info)
                except ConversionError as fault:
                    yield ConversionError(f"{name}: {fault}")
                    continue
                if name == runs[-1][1]:
                    _tell_others(report, archive)
                yield report
        if info.get("TestRunCount", "0").isdecimal() and int(info.get("TestRunCount", "0")) > len(runs):
            yield ConversionError(f"{_INFO} says {info['TestRunCount']} runs, the archive holds {len(runs)}")


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _is_known(name: str) -> bool:
    """Whether it is a file that every log has."""
    base = _base(name)
    return base == _INFO or base.endswith(_CHECKSUM) or _RUN.fullmatch(base) is not None


def _parsed(archive: Archive, name: str) -> Element:
    return read(BytesIO(archive.read(name)))


def _info(archive: Archive) -> dict[str, str]:
    """What the archive says of all runs. ConversionError where that cannot be read."""
    name = next((name for name in archive.names if _base(name) == _INFO), None)
    try:
        return {local(child): (child.text or "").strip() for child in _parsed(archive, name)} if name else {}
    except ConversionError as fault:
        raise ConversionError(f"{name}: {fault}") from None


def _report(source: Source, arguments: Xjtag.Arguments, archive: Archive, name: str, info: dict[str, str]) -> UutReport:
    run = Run(_parsed(archive, name), archive)
    program = Program(info.get("ProjectPath", ""))
    more = {"program": program.name, "description": run.about.get("project-description", "")}
    fields = Fields(source, arguments, more)
    report = fields.report(
        serial_number=run.about.get("serial"),
        **program.product(fields, arguments),
        operator=run.about.get("user"),
        start=run.start,
        execution_time=run.seconds,
    )
    program.describe(report)
    if info.get("ExportedFromOutput", "false").lower() != "false":
        tell(report, "Exported from output", info["ExportedFromOutput"])
    run.add_to(report)
    tell(report, "Run", PurePosixPath(name).stem.partition(" ")[2])
    return fields.judge(report, run.verdict)


def _tell_others(report: UutReport, archive: Archive) -> None:
    """Files of which no run knows."""
    if others := [name for name in archive.unread if not _is_known(name)]:
        report.root.note(f"The archive also holds: {bounded(', '.join(others))}")
