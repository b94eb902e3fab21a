"""Reads the log of a bench that writes `serial number, measurement, value, low, high` on each line."""

import csv
from collections.abc import Iterator

from pywats_client.converters import Context, ConversionError, Converter, FileConverter, Source
from pywats_client.wsjf import UutReport


class BenchLog(FileConverter):
    """One report for each serial number, with all its lines as steps."""

    name = "bench_log"
    version = "1.0.0"
    description = "Bench log: serial number, measurement, value, low, high on each line"

    class Arguments(Converter.Arguments):
        part_number: str
        """Part number of the units: the log does not say it."""
        process_code: int = 10
        """Code of the test operation."""

    def convert(self, source: Source, context: Context) -> Iterator[UutReport]:
        """The reports, in the order in which the units come first."""
        reports: dict[str, UutReport] = {}
        for number, row in enumerate(csv.reader(source.read_text().splitlines()), 1):
            try:
                serial_number, name, *figures = (cell.strip() for cell in row)
                value, low, high = map(float, figures)
            except ValueError:
                raise ConversionError("expected serial number, measurement, value, low, high", line=number) from None
            report = reports.get(serial_number)
            if report is None:
                report = reports[serial_number] = UutReport(
                    serial_number=serial_number,
                    part_number=context.arguments.part_number,
                    process_code=context.arguments.process_code,
                    revision="A",
                    start=source.modified,
                )
            report.numeric(name, value, low=low, high=high)
        yield from reports.values()
