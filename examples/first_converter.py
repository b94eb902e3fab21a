"""A converter: `pywats-client convert examples/first_converter.log --converter examples/first_converter.py`."""

from collections.abc import Iterator

from pywats_client.converters import Context, FileConverter, Source
from pywats_client.wsjf import UutReport


class FirstConverter(FileConverter):
    name = "first"

    def convert(self, source: Source, context: Context) -> Iterator[UutReport]:
        for line in source.read_text().splitlines():
            serial_number, voltage = line.split()
            report = UutReport(
                serial_number=serial_number, part_number="PN-1", revision="A", process_code=10, start=source.modified
            )
            report.numeric("Vcc", float(voltage), low=3.2, high=3.4, unit="V")
            yield report
