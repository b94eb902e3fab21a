"""A file that is not complete although nobody writes to it: the tester adds its last line hours later."""

from pywats_client.converters import Context, FileConverter, NotYet, Source
from pywats_client.wsjf import UutReport


class BurnIn(FileConverter):
    """Lines `hour temperature`, and at the end `END`. Until that is there the file stays, and is tried again."""

    name = "burn_in"

    def convert(self, source: Source, context: Context) -> UutReport:
        *lines, last = source.read_text().splitlines() or [""]
        if last != "END":
            raise NotYet("the burn-in goes on", delay=600)
        report = UutReport(
            serial_number=source.path.stem, part_number="PN-1", revision="A", process_code=60, start=source.modified
        )
        for line in lines:
            hour, temperature = line.split()
            report.numeric(f"Hour {hour}", float(temperature), low=80, high=90, unit="°C")
        return report
