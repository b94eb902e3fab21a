"""The samples in tests/samples/tdms: `python tests/converters/tdms_samples.py` writes them anew."""

import io
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from nptdms import ChannelObject, GroupObject, RootObject, TdmsWriter

SAMPLES = Path(__file__).parents[1] / "samples" / "tdms"


def tdms(*objects: Any, more: Any = (), index: bool = False) -> bytes:
    """A file of one segment, or of two; or the index of it."""
    content = io.BytesIO()
    of_index = io.BytesIO() if index else False
    with TdmsWriter(content, index_file=of_index) as writer:
        writer.write_segment(objects)
        if more:
            writer.write_segment(more)
    return of_index.getvalue() if of_index else content.getvalue()


def channel(name: str, values: Any, group: str = "Signals", **properties: Any) -> ChannelObject:
    values = values if isinstance(values, list) and values and isinstance(values[0], str) else np.array(values)
    return ChannelObject(group, name, values, properties)


def wave(name: str, values: Any, **properties: Any) -> ChannelObject:
    return channel(name, values, **{"wf_start_offset": 0.5, "wf_increment": 0.1, "unit_string": "V", **properties})


def everything() -> bytes:
    """Each kind of channel, and what properties say."""
    start = np.datetime64("2024-05-06T07:08:09.250000")
    scale = {"NI_Number_Of_Scales": 1, "NI_Scale[0]_Scale_Type": "Linear", "NI_Scale[0]_Linear_Slope": 0.5,
             "NI_Scale[0]_Linear_Y_Intercept": 10.0, "NI_Scale[0]_Linear_Input_Source": 0xFFFFFFFF,
             "NI_Scaling_Status": "unscaled"}  # fmt: skip
    root = {"name": "final test", "Serial_Number": "TD-1", "PartNumber": "PN-9", "Operator": "Åse", "Result": "Passed",
            "Temperature": 21.5, "Long": "x" * 120, "empty": ""}  # fmt: skip
    objects = [
        RootObject(root),
        GroupObject("Signals", {"Fixture": "F3"}),
        wave("Current", [1.0, 2.0, 1.5], wf_start_time=start, unit_string="A", description="inrush"),
        wave("Not all", [1.0, float("nan"), float("inf"), 3.0]),
        wave("Spectrum", [0.25, 0.5], wf_xname="Frequency", wf_xunit_string="Hz", wf_increment=50.0),
        channel("By index", np.array([3, -2, 7], dtype="i2")),
        channel("Flags", [True, False, True]),
        channel("Times", np.array([start, start + np.timedelta64(1500, "ms")])),
        channel("Impedance", np.array([1 + 2j, 3 - 4j]), unit_string="ohm"),
        channel("Scaled", np.array([2, 4], dtype="i2"), **scale),
        channel("n" * 110, [1.0, 2.0]),
        channel("Nothing", np.array([], dtype="f8")),
        channel("Vcc", [3.3125], "Numbers", unit_string="V", **{"Low Limit": 3.0, "High Limit": 3.5}),
        channel("Icc", [0.75], "Numbers", unit="A", upper_limit=0.5),
        channel("Count", np.array([12], dtype="u4"), "Numbers", lsl="none"),
        channel("Point", np.array([1 + 1j]), "Numbers"),
        channel("Version", ["1.4.0"], "Texts"),
        channel("Log", ["start", "ünd\x00 end"], "Texts"),
        channel("Much", [f"line {number}" for number in range(103)], "Texts"),
        channel("Ready", [True], "Texts"),
        channel("When", np.array([start]), "Texts"),
        GroupObject("Empty group", {"Reason": "not connected"}),
    ]
    return tdms(*objects)


def long() -> bytes:
    """In two segments, with a lowest and a highest value where every seventh would miss them."""
    values = np.zeros(12_000, dtype="i2")
    values[5_001], values[11_998] = -300, 300
    properties = {"wf_increment": 0.001, "wf_start_time": np.datetime64("1904-01-01T00:00:00")}
    first = ChannelObject("G", "Pulse", values[:7_000], properties)
    return tdms(RootObject({}), first, more=[ChannelObject("G", "Pulse", values[7_000:], {})])


def station() -> bytes:
    objects = [
        RootObject({"Lot": "L7", "datetime": datetime(2024, 1, 2, 3, 4, 5)}),  # noqa: DTZ001 -- TDMS has UTC
        GroupObject("Header", {"Unit": "U-8", "State": "NOK", "Board": "PN-1"}),
        channel("Temp", [20.0, 21.0], "Run 1", Tester="Bo"),
    ]
    return tdms(*objects)


def one_group(**properties: Any) -> bytes:
    return tdms(RootObject({}), GroupObject("Unit", properties), channel("U", [1.0, 2.0], "Unit"))


def handmade() -> bytes:
    """As no writer here writes it: big-endian, the values of two channels in turns."""

    def text(value: str) -> bytes:
        return struct.pack(">I", len(value)) + value.encode()

    index = struct.pack(">IIIQ", 20, 10, 1, 3)  # length, type double, dimension, count
    paths = b"".join(text(f"/'G'/'{name}'") + index + struct.pack(">I", 0) for name in "AB")
    meta = struct.pack(">I", 2) + paths
    data = struct.pack(">6d", 1, -1, 2, -2, 3, -3)
    toc = struct.pack("<I", 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6)
    return b"TDSm" + toc + struct.pack(">IQQ", 4713, len(meta) + len(data), len(meta)) + meta + data


WHOLE = station()
FILES = {
    "everything.tdms": everything(),
    "long.tdms": long(),
    "station.tdms": WHOLE,
    "one_group.tdms": one_group(SN="G-1", Rev="B", Result="failed"),
    "handmade_S9.tdms": handmade(),
    "no_serial.tdms": WHOLE,
    "no_result.tdms": WHOLE,
    "no_word.tdms": WHOLE,
    "no_property.tdms": WHOLE,
    "cut.tdms": WHOLE[:-9],
    "cut_in_lead_in.tdms": WHOLE + b"TDSm\0\0",
    "not_closed.tdms": WHOLE + b"TDSm" + struct.pack("<IIQQ", 0x0E, 4712, (1 << 64) - 1, 0),
    "other_segment.tdms": WHOLE + b"x" * 40,
    "damaged.tdms": WHOLE[:28] + b"\xff" * 8 + WHOLE[36:],
    "index.tdms": tdms(channel("U", [1.0]), index=True),
    "text.tdms": b"Channel;Value",
    "empty.tdms": b"",
}


if __name__ == "__main__":
    for name, content in FILES.items():
        (SAMPLES / name).write_bytes(content)
