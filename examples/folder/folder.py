"""A folder is the source: the tester writes its files into it, and `COMPLETE.marker` when it is done."""

from pywats_client.converters import Context, ConversionError, FolderConverter, Source
from pywats_client.wsjf import UutReport


class RunFolder(FolderConverter):
    """`unit.txt` says serial and part number, each `*.result` is a step with the values of its lines."""

    name = "run_folder"
    ready_marker = "COMPLETE.marker"

    def convert(self, source: Source, context: Context) -> UutReport:
        unit = source.path / "unit.txt"
        if not unit.is_file():
            raise ConversionError("the folder holds no unit.txt")
        serial_number, part_number = unit.read_text().split()
        report = UutReport(
            serial_number=serial_number, part_number=part_number, revision="A", process_code=10, start=source.modified
        )
        for file in source.files("*.result"):
            with report.sequence(file.stem) as sequence:
                for line in file.read_text().splitlines():
                    name, value = line.split("=")
                    sequence.numeric(name.strip(), float(value))
        return report
