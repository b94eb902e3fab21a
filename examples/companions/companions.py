"""Files that belong together: the report names a picture beside it, which settles, converts and moves with it."""

from collections.abc import Iterator
from pathlib import Path

from pywats_client.converters import Context, FileConverter, Source
from pywats_client.wsjf import UutReport


class WithPicture(FileConverter):
    """Lines `key = value`; `picture` is the name of a file below the report's folder."""

    name = "with_picture"

    def companions(self, source: Source) -> Iterator[Path]:
        picture = _read(source).get("picture")
        if picture:
            yield source.path.parent / picture

    def convert(self, source: Source, context: Context) -> UutReport:
        values = _read(source)
        report = UutReport(
            serial_number=values["serial"],
            part_number=values["part"],
            revision="A",
            process_code=10,
            start=source.modified,
        )
        report.passed("Optical inspection", values["verdict"] == "ok")
        for picture in source.companions:
            report.attach(picture.name, picture.read_bytes(), "image/png")
        return report


def _read(source: Source) -> dict[str, str]:
    pairs = (line.partition("=") for line in source.read_text().splitlines() if line.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}
