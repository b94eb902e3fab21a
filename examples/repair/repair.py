"""A repair: what failed on which component, and what was done."""

import json

from pywats_client.converters import Context, ConversionError, FileConverter, Source
from pywats_client.wsjf import UurReport


class Repair(FileConverter):
    """JSON of a repair bench. Categories and codes must be those that the server's repair process defines."""

    name = "repair"

    def convert(self, source: Source, context: Context) -> UurReport:
        try:
            content = json.loads(source.read_text())
            report = UurReport(
                serial_number=content["serial"],
                part_number=content["part"],
                revision=content["revision"],
                process_code=500,
                test_process_code=content["failed in"],
                operator=content["by"],
                comment=content.get("comment", ""),
                start=source.modified,
            )
            for found in content["found"]:
                report.failure(
                    found["category"], found["code"], component=found.get("component"), comment=found.get("done")
                )
        except (ValueError, KeyError, TypeError) as fault:
            raise ConversionError(f"this is no repair record: {fault!r}") from None
        return report
