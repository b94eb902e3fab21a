"""A user's own converters."""

from pathlib import Path

from tests.end_to_end.station import Station

HESITANT = """
import time
from pathlib import Path
from pywats_client.converters.formats.wats_json import WatsJson

class Hesitant(WatsJson):
    name = "hesitant"

    def convert(self, source, context):
        for place, report in enumerate(super().convert(source, context)):
            yield report
            while place > 0 and not Path(GO).exists():
                time.sleep(0.01)
"""
"""Makes two reports, of which the service has written one, and goes on when the file GO is there."""

TALKATIVE = """
import os
from pywats_client.converters.formats.wats_json import WatsJson

class Talkative(WatsJson):
    name = "talkative"

    def convert(self, source, context):
        print("the environment is", dict(os.environ), flush=True)
        context.log.info("I have %s", os.environ)
        return super().convert(source, context)
"""
"""Tells what it sees."""


def add_hesitant(station: Station) -> tuple[Path, Path]:
    """A converter that hesitates: its watched folder, and the file that lets it go on."""
    module, go = station.folder / "hesitant.py", station.folder / "go"
    module.write_text(HESITANT.replace("GO", repr(str(go))))
    return station.add_converter("in", str(module), "*.json"), go


def add_talkative(station: Station) -> Path:
    """A converter that tells what it sees; its watched folder."""
    module = station.folder / "talkative.py"
    module.write_text(TALKATIVE)
    return station.add_converter("talk", str(module), "*.json")
