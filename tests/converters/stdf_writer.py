"""Writes STDF V4 for tests, from the specification and not from the reader's tables."""

import struct
from typing import Any

NUMBERS = {"U1": "B", "B1": "B", "U2": "H", "U4": "I", "I1": "b", "I2": "h", "I4": "i", "R4": "f", "R8": "d"}

# fmt: off
TEXTS_OF_MIR = (
    "node", "tester", "job", "revision", "sublot", "operator", "executive", "executive_version", "test_code",
    "temperature", "user_text", "aux_file", "package", "family", "date_code", "facility", "floor", "process",
    "frequency", "spec", "spec_version", "flow", "setup", "design_revision", "engineering_lot", "rom_code", "serial",
    "supervisor",
)
# fmt: on


class Writer:
    """Collects records: `w.mir("L1", …)`, or any other as `w.record(50, 30, "Cn", "text")`. `w.content` is the file."""

    def __init__(self, order: str = "<", version: int = 4, cpu: int | None = None) -> None:
        self.order, self.content = order, b""
        self.record(0, 10, "U1 U1", cpu if cpu is not None else {"<": 2, ">": 1}[order], version)

    def record(self, kind: int, sub: int, types: str, *values: Any) -> "Writer":
        """A record of fields of these types; where there are fewer values than types, it ends before the others."""
        return self.raw(kind, sub, b"".join(map(self.field, types.split(), values)))

    def raw(self, kind: int, sub: int, body: bytes, length: int | None = None) -> "Writer":
        self.content += struct.pack(f"{self.order}HBB", len(body) if length is None else length, kind, sub) + body
        return self

    def field(self, kind: str, value: Any) -> bytes:
        if kind in NUMBERS:
            return struct.pack(self.order + NUMBERS[kind], value)
        if kind == "C1":
            return value.encode() or b" "
        if kind == "Cn":
            text = value if isinstance(value, bytes) else value.encode()
            return bytes([len(text)]) + text
        if kind == "Bn":
            return bytes([len(value)]) + value
        if kind == "Dn":  # the bits that are set, and how many bits there are
            bits, count = value
            content = sum(1 << bit for bit in bits).to_bytes((count + 7) // 8, "little")
            return self.field("U2", count) + content
        if kind == "kN1":
            low_first = [*value, 0][: len(value) + len(value) % 2]
            return bytes(low | high << 4 for low, high in zip(low_first[::2], low_first[1::2], strict=True))
        return b"".join(self.field(kind.removeprefix("k"), item) for item in value)

    def mir(self, lot: str = "LOT7", part_type: str = "CHIP-5", start: int = 1_700_000_000, **texts: str) -> "Writer":
        names = TEXTS_OF_MIR
        assert set(texts) <= set(names), texts
        numbers = [start - 60, start, 3, "P", " ", " ", 0xFFFF, " "]
        types = "U4 U4 U1 C1 C1 C1 U2 C1" + " Cn" * (len(names) + 2)
        return self.record(1, 10, types, *numbers, lot, part_type, *(texts.get(name, "") for name in names))

    def mrr(self, finish: int = 1_700_003_600, *more: str) -> "Writer":
        return self.record(1, 20, "U4 C1 Cn Cn", finish, *more)

    def bin(self, kind: str, number: int, count: int, verdict: str, name: str = "", site: int = 255) -> "Writer":
        sub = {"hard": 40, "soft": 50}[kind]
        return self.record(1, sub, "U1 U1 U2 U4 C1 Cn", 255 if site == 255 else 1, site, number, count, verdict, name)

    def pir(self, site: int = 0, head: int = 1) -> "Writer":
        return self.record(5, 10, "U1 U1", head, site)

    def prr(
        self,
        part: str = "",
        *,
        site: int = 0,
        head: int = 1,
        flags: int = 0,
        tests: int = 1,
        hard: int = 1,
        soft: int = 0xFFFF,
        x: int = -32768,
        y: int = -32768,
        ms: int = 0,
        text: str = "",
        repair: bytes = b"",
    ) -> "Writer":
        types = "U1 U1 B1 U2 U2 U2 I2 I2 U4 Cn Cn Bn"
        return self.record(5, 20, types, head, site, flags, tests, hard, soft, x, y, ms, part, text, repair)

    def ptr(
        self,
        number: int,
        result: float,
        *limits: Any,
        text: str = "",
        flags: int = 0,
        parm: int = 0,
        alarm: str = "",
        site: int = 0,
        head: int = 1,
    ) -> "Writer":
        """`limits`: OPT_FLAG, RES_SCAL, LLM_SCAL, HLM_SCAL, LO_LIMIT, HI_LIMIT, UNITS, three formats, two specs."""
        types = "U4 U1 U1 B1 B1 R4 Cn Cn B1 I1 I1 I1 R4 R4 Cn Cn Cn Cn R4 R4"
        texts = (text, alarm) if text or alarm or limits else ()
        return self.record(15, 10, types, number, head, site, flags, parm, result, *texts, *limits)

    def mpr(
        self,
        number: int,
        results: list[float],
        *limits: Any,
        text: str = "",
        flags: int = 0,
        parm: int = 0,
        states: tuple[int, ...] = (),
        site: int = 0,
    ) -> "Writer":
        """`limits`: as of `ptr` up to HI_LIMIT, then START_IN, INCR_IN, RTN_INDX, UNITS, UNITS_IN."""
        types = "U4 U1 U1 B1 B1 U2 U2 kN1 kR4 Cn Cn B1 I1 I1 I1 R4 R4 R4 R4 kU2 Cn Cn"
        head = (number, 1, site, flags, parm, len(states), len(results), states, results)
        return self.record(15, 15, types, *head, text, "", *limits)

    def ftr(self, number: int, *more: Any, flags: int = 0, site: int = 0) -> "Writer":
        """`more`: OPT_FLAG, six numbers and VECT_OFF, two counts, four arrays, FAIL_PIN, eight texts, …"""
        types = "U4 U1 U1 B1 B1 U4 U4 U4 U4 I4 I4 I2 U2 U2 kU2 kN1 kU2 kN1 Dn Cn Cn Cn Cn Cn Cn Cn U1 Dn"
        return self.record(15, 20, types, number, 1, site, flags, *more)

    def dtr(self, text: str) -> "Writer":
        return self.record(50, 30, "Cn", text)

    def gdr(self, *typed: tuple[int, bytes]) -> "Writer":
        """Fields as `(type code, bytes)`."""
        body = b"".join(bytes([code]) + content for code, content in typed)
        return self.raw(50, 10, self.field("U2", len(typed)) + body)
