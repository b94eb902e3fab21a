"""The samples in tests/samples/stdf: `python tests/converters/stdf_samples.py` writes them anew."""

import bz2
import gzip
import math
from pathlib import Path

from stdf_writer import Writer

SAMPLES = Path(__file__).parents[1] / "samples" / "stdf"
LIMITS = 0x0E, 0, 0, 0
"""OPT_FLAG of a record with both limits, and scales that only print."""


def two_sites() -> bytes:
    """Two sites at a time: limits come once, records of the sites stand among each other, bins come at the end."""
    w = Writer("<")
    w.record(0, 20, "U4 Cn", 1_700_000_100, "merge --sites")
    w.mir(
        node="tester-9", tester="T2000", job="chip5_ft", revision="4.2", sublot="A", operator="åsa", facility="Fab 2",
        test_code="FT1", temperature="25", design_revision="C1", user_text="u" * 110, serial="TS-11",
    )  # fmt: skip
    sdr = "U1 U1 U1 kU1 Cn Cn Cn Cn Cn Cn"
    w.record(1, 80, sdr, 1, 1, 2, [0, 1], "M4841", "H-1", "", "", "LB", "LB-77")
    w.record(1, 60, "U2 U2 Cn Cn Cn U1 U1", 1, 0, "ch1", "", "A0", 1, 0)
    w.record(1, 60, "U2 U2 Cn Cn Cn U1 U1", 1, 0, "ch9", "", "", 1, 1)
    w.record(1, 60, "U2 U2 Cn Cn Cn U1 U1", 2, 0, "ch2", "P2", "", 1, 0)
    w.record(1, 62, "U2 Cn U2 kU2", 32768, "bus", 2, [1, 2])
    w.dtr("board 12 inserted")
    w.pir(0).pir(1)
    w.record(20, 10, "Cn", "DC")
    w.ptr(10, 3.25, *LIMITS, 3.0, 3.5, "V", "", "", "", text="Vcc", parm=0xC0)
    w.ptr(10, 3.5, site=1, text="Vcc", parm=0xC0)
    w.ptr(20, 0.0125, 0x4E, 3, 3, 3, 0.0, 0.02, "A", text="Icc ")
    w.ptr(20, 0.025, site=1, flags=0x80)
    w.ptr(30, -0.5, 0x8E, 0, 0, 0, -0.5, 0.0, "", text="Offset", parm=0x40)
    w.ptr(30, 0.5, 0xCE, site=1)
    w.ptr(40, 0.0625, 0x0E, 2, 2, 2, 0.03125, 0.125, "%", text="Gain error")
    w.ptr(40, 0.0625, 0x3E, 2, 2, 2, 0.0, 0.0, site=1)
    w.record(20, 20, "")
    w.mpr(50, [0.25, 0.5], *LIMITS, 0.0, 0.375, 0.0, 0.0, [1, 2], "V", "", text="Levels", flags=0x80, states=(1, 10))
    w.mpr(50, [0.25, 0.125], site=1)
    w.mpr(60, [1.0, 2.0, 3.0], 0x0C, 0, 0, 0, 0.5, 4.0, 10.0, 5.0, [], "mA", "V", text="Sweep", parm=0xC0)
    w.ftr(
        70, 0xD0, 1024, 16, 2, 3, 0, 0, 0, 1, 1, [1], [3], [2], [4], ([2], 3), "vec1", "ts", "NOP", "Scan", flags=0x80
    )
    w.ftr(70, site=1)
    w.gdr((10, b"\x04kind"), (99, b"?"))
    w.gdr((10, b"\x04note"), (0, b""), (2, b"\x07\x00"), (13, b"\x0f"), (5, b"\xfe\xff"))
    w.prr("1", site=0, flags=0x08, tests=7, hard=4, soft=40, ms=1250, text="reference", repair=b"\x01\xab")
    w.prr("2", site=1, flags=0x08, tests=6, hard=4, soft=41, ms=1500)
    w.dtr("socket cleaned")
    w.pir(1)
    w.ptr(20, 0.01, site=1)
    w.prr("2", site=1, flags=0x01, tests=1, hard=1, soft=1, ms=500)
    w.dtr("board 12 removed")
    w.bin("hard", 1, 1, "P", "Good").bin("hard", 4, 2, "F", "DC").bin("soft", 1, 1, "P", "Good")
    w.bin("soft", 40, 1, "F", site=0).bin("soft", 40, 1, "F", "Icc").bin("soft", 41, 1, "F", "Levels")
    w.record(1, 30, "U1 U1 U4 U4 U4 U4 U4", 255, 0, 2, 1, 0, 1, 1)
    return w.mrr(1_700_003_600, "H", "held", "operator went home").content


def wafer() -> bytes:
    """A wafer, big-endian: dies by their coordinates, one of them tested twice; names of tests in TSR."""
    w = Writer(">").mir("W55", job="probe", start=1_600_000_000)
    w.record(1, 70, "U2 kU2", 2, [4, 5])
    w.record(2, 30, "R4 R4 R4 U1 C1 I2 I2 C1 C1", 200.0, 2.5, 3.0, 3, "D", 0, -1, "R", "U")
    w.record(2, 10, "U1 U1 U4 Cn", 1, 255, 1_600_000_030, "W55-03")
    w.pir().ptr(1, 1.5, *LIMITS, 1.0, 2.0, "ohm").prr(x=4, y=-2)
    w.pir().ptr(1, 2.5, flags=0x80).prr(x=5, y=-2, flags=0x08, hard=5)
    w.pir().ptr(1, 1.75).prr(x=5, y=-2, flags=0x02)
    w.record(
        2, 20, "U1 U1 U4 U4 U4 U4 U4 U4 Cn Cn Cn Cn", 1, 255, 1_600_000_900, 3, 1, 0, 2, 2, "W55-03", "F-1", "", "M2"
    )
    w.record(2, 10, "U1 U1 U4 Cn", 1, 255, 1_600_001_000, "04")
    w.pir().ptr(1, 1.25).ptr(2, 7.0).prr("17", x=4, y=-2)
    tsr = "U1 U1 C1 U4 U4 U4 U4 Cn Cn Cn"
    w.record(10, 30, tsr, 255, 0, "P", 1, 4, 1, 0, "Contact", "", "")
    w.record(10, 30, tsr, 255, 0, "P", 2, 1, 0, 0, "", "", "Count")
    return gzip.compress(w.mrr(1_600_002_000).content, mtime=0)


def flags() -> bytes:
    """What flags of tests and parts say beside pass and fail."""
    w = Writer("<").mir("", job="flags")
    volt = (*LIMITS, 1.0, 2.0, "V")
    w.ptr(3, 0.0, *LIMITS, 5.0, 6.0, "kHz", flags=0x10, text="Only default")
    w.pir()
    w.ptr(1, 9.5, *volt, flags=0x02, text="Invalid")
    w.ptr(2, 1.5, *volt, flags=0x05, alarm="OVER-T", parm=0x07, text="Alarm")
    w.ptr(3, 5.5, flags=0x88)
    w.ptr(4, 0.0, *volt, flags=0x10, text="Not executed")
    w.ptr(5, 3.0, *volt, flags=0x40, text="No verdict")
    w.ptr(6, 3.0, *volt, flags=0x60, text="Aborted")
    w.ptr(7, 3.0, *volt, text="Passed above", parm=0x28)
    w.ptr(8, math.nan, *volt, flags=0x80, text="Not a number")
    w.ptr(9, 0.5, 0x0E, 0, 0, 0, -math.inf, math.nan, "V", text="No limits")
    w.ptr(10, 0.5, 0x00, 0, 0, 0, 2.0, 1.0, "V", "", "", "", 0.0, 3.0, text="Low above high", flags=0x80)
    w.ptr(11, 0.5, 0xCE, 0, 0, 0, 0.0, 0.0, "V", flags=0x40, text="Recorded", parm=0x18)
    w.ptr(12, 0.5, text="Same number")
    w.ptr(12, 0.5, *LIMITS, 0.0, 1.0, "A", text="Same number, first")
    w.ptr(12, 0.5, *LIMITS, 0.25, 0.75, "V", text="Same number, second")
    w.ptr(12, 0.5, text="Same number, second")
    w.ftr(13, flags=0x40).ftr(14, flags=0x10).ftr(15, flags=0x61)
    w.mpr(16, [], flags=0x80, text="Nothing").mpr(17, [1.0, 2.0], 0xCE, text="No pins", flags=0x40)
    w.record(15, 30, "B1 U4 U1 U1 U2 B1 Cn Cn", 1, 18, 1, 0, 0, 0x80, "", "Chain")
    w.record(15, 30, "B1 U4 U1 U1 U2 B1 Cn Cn", 0, 18, 1, 0, 0, 0x80, "", "Chain")
    w.ptr(19, 1.0, text="n" * 120)
    w.prr("1", flags=0x04)
    w.pir().ptr(3, 5.5).prr("2", flags=0x10, hard=7)
    w.pir().ptr(3, 6.5, flags=0x80).prr("3", flags=0x10, hard=8)
    w.pir().ptr(3, 5.5).prr("4", hard=7)
    w.pir().ptr(3, 5.5).prr("5", flags=0x0C)
    w.pir().ptr(11, 0.75, flags=0x40).prr("6", flags=0x10)
    return w.bin("hard", 7, 1, "F", "Late").mrr().content


def one_part(w: Writer, part: str = "1") -> Writer:
    return w.pir().ptr(1, 1.5, *LIMITS, 1.0, 2.0, "V", text="Vcc").prr(part)


def broken_off() -> bytes:
    w = one_part(Writer("<").mir())
    return w.pir().ptr(1, 1.25).ptr(1, 1.75).content[:-5]


def broken_records() -> bytes:
    """A test whose text is longer than its record, two that end too early, and good parts around them."""
    w = one_part(Writer("<").mir())
    w.pir().raw(15, 10, w.field("U4", 1) + b"\x01\x00\x00\x00" + w.field("R4", 1.0) + b"\x20Vcc").prr("2")
    w.pir().raw(15, 10, w.field("U4", 1)).prr("3")
    w.pir().raw(5, 20, b"\x01\x00\x00")
    w.raw(5, 10, b"\x01").pir().pir().ptr(1, 1.5).prr("5")
    w.raw(77, 1, b"unknown").raw(1, 40, b"\xff\x00")
    w.ptr(1, 1.25).prr("6").ptr(1, 1.25, site=3)
    return w.mrr().content


def padded() -> bytes:
    """With the zeros that fill a tape up."""
    return one_part(Writer(">").mir()).mrr().content + bytes(9)


def no_part_id() -> bytes:
    return Writer("<").mir().pir().ptr(1, 1.5, text="Vcc").prr("", site=0).mrr().content


def nothing_said() -> bytes:
    w = Writer("<").mir()
    return w.pir().ptr(1, 1.5, 0xCE, text="Vcc", flags=0x40).prr("1", flags=0x10).mrr().content


def latin() -> bytes:
    w = Writer("<").mir(job="Prüfung".encode("latin-1"))  # type: ignore[arg-type]
    return one_part(w).mrr().content


def long_names() -> bytes:
    """Texts that are longer than a report's fields, and what TSR says of tests outside of program sections."""
    w = Writer("<").mir("L" * 60, node="n" * 101, job="j" * 201, revision="r" * 31, operator="o" * 101)
    w.pir().ptr(1, 1.5).ptr(2, 1.5, text="Vdd").prr("1")
    tsr = "U1 U1 C1 U4 U4 U4 U4 Cn Cn Cn"
    w.record(10, 30, tsr, 255, 0, "P", 1, 1, 0, 0, "Vcc", "Main", "supply")
    return w.record(10, 30, tsr, 255, 0, "P", 2, 1, 0, 0, "Vdd", "", "Vdd").mrr().content


FILES = {
    "two_sites.stdf": two_sites(),
    "wafer.stdf.gz": wafer(),
    "flags.std": flags(),
    "padded.stdf": padded(),
    "packed.stdf.bz2": bz2.compress(padded()),
    "latin.stdf": latin(),
    "serial_form.stdf": padded(),
    "long_names.stdf": long_names(),
    "two_lots.stdf": padded().rstrip(b"\0") + padded()[6:],
    "broken_off.stdf": broken_off(),
    "broken_off.stdf.gz": gzip.compress(two_sites(), mtime=0)[:-200],
    "broken_records.stdf": broken_records(),
    "no_end.stdf": one_part(Writer("<").mir()).content,
    "no_part_id.stdf": no_part_id(),
    "no_part_id_named_S7.stdf": no_part_id(),
    "nothing_said.stdf": nothing_said(),
    "no_parts.stdf": Writer("<").mir().mrr().content,
    "no_lot.stdf": Writer("<").raw(1, 10, b"\x01\x02\x03").mrr().content,
    "version_3.stdf": Writer("<", version=3).content,
    "vax.stdf": Writer("<", cpu=0).mir().mrr().content,
    "text.stdf": b"FAR, MIR, PIR",
    "empty.stdf": b"",
}


if __name__ == "__main__":
    for name, content in FILES.items():
        (SAMPLES / name).write_bytes(content)
