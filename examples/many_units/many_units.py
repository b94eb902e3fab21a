"""Many units in one file, each judged for itself: a bad one is told with its line, the others are delivered."""

from collections.abc import Iterator

from pywats_client.converters import Context, ConversionError, FileConverter, Source
from pywats_client.wsjf import UutReport


class ManyUnits(FileConverter):
    """Each line is `serial number, leakage in µA`."""

    name = "many_units"

    def convert(self, source: Source, context: Context) -> Iterator[UutReport | ConversionError]:
        for number, line in enumerate(source.read_text().splitlines(), 1):
            serial_number, _, value = line.partition(",")
            try:
                leakage = float(value)
            except ValueError:
                # Yielded, not raised: the units after this one are converted, too.
                yield ConversionError(f"{value.strip()!r} is not a number", line=number)
                continue
            report = UutReport(
                serial_number=serial_number, part_number="PN-1", revision="A", process_code=10, start=source.modified
            )
            report.numeric("Leakage", leakage, high=5, unit="µA")
            yield report
