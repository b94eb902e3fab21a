"""A curve and what is derived from it: one step with a chart and its measurements."""

from pywats_client.converters import Context, FileConverter, Source
from pywats_client.wsjf import UutReport


class Response(FileConverter):
    """Lines `frequency level`: a frequency response, of which the level at 1 kHz is judged."""

    name = "response"

    def convert(self, source: Source, context: Context) -> UutReport:
        points = [tuple(map(float, line.split())) for line in source.read_text().splitlines()]
        frequencies, levels = [x for x, _ in points], [y for _, y in points]
        report = UutReport(
            serial_number=source.path.stem, part_number="PN-1", revision="A", process_code=50, start=source.modified
        )
        step = report.chart(
            "Frequency response",
            series=[("measured", frequencies, levels)],
            x_label="Frequency",
            x_unit="Hz",
            y_label="Level",
            y_unit="dB",
            chart_type="LineLogX",
        )
        step.add("Level at 1 kHz", dict(points)[1000.0], low=85, high=95, unit="dB")
        step.add("Highest level", max(levels), high=100, unit="dB")
        return report
