"""The 25 files of the demo: results as test equipment writes them, one of them damaged, one that WATS refuses."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

UNKNOWN_PROCESS = 9999
DAMAGED, REFUSED = "board-0019.csv", "unit-0005.json"


class Way(Enum):
    """How a file comes into the watched folder."""

    AT_ONCE = auto()
    SLOWLY = auto()
    RENAMED_IN = auto()
    WHILE_OFFLINE = auto()


@dataclass(frozen=True)
class DemoFile:
    """A file to drop: into the folder of that name, in that way."""

    folder: str
    name: str
    text: str
    way: Way = Way.AT_ONCE

    @property
    def is_good(self) -> bool:
        """Whether it is to arrive at the server."""
        return self.name not in (DAMAGED, REFUSED)


def demo_files() -> Iterator[DemoFile]:
    """All of them, in the order in which they are dropped."""
    ways = {1: Way.SLOWLY, 2: Way.RENAMED_IN} | dict.fromkeys(range(14, 19), Way.WHILE_OFFLINE)
    for number in range(1, 21):
        yield DemoFile("csv", f"board-{number:04}.csv", _table(number), ways.get(number, Way.AT_ONCE))
    for number in range(1, 6):
        yield DemoFile("wsjf", f"unit-{number:04}.json", _report(number))


def _table(number: int) -> str:
    voltage = 3.30 + (number % 7 - 3) * 0.02
    current = 0.410 + number % 5 * 0.012
    damaged = f"board-{number:04}.csv" == DAMAGED
    return "\n".join(
        (
            "serial number,part number,revision,step,value,low,high,unit",
            f"B-{number:04},DEMO-BOARD,A,Supply voltage,{voltage:.3f},3.2,3.35,V",
            f"B-{number:04},DEMO-BOARD,A,Supply current,{current:.3f},0.3,0.5,A",
            f"B-{number:04},DEMO-BOARD,A,Clock,{'7.99x' if damaged else '7.999'},7.9,8.1,MHz",
            "",
        )
    )


def _report(number: int) -> str:
    level = -3.0 - number * 0.1
    step = {
        "id": 2,
        "group": "M",
        "stepType": "ET_NLT",
        "name": "Output level",
        "status": "P",
        "numericMeas": [
            {"compOp": "GELE", "status": "P", "value": level, "unit": "dBm", "lowLimit": -6, "highLimit": 0}
        ],
    }
    return json.dumps(
        {
            "type": "T",
            "pn": "DEMO-UNIT",
            "sn": f"U-{number:04}",
            "rev": "A",
            "processCode": UNKNOWN_PROCESS if f"unit-{number:04}.json" == REFUSED else 10,
            "result": "P",
            "uut": {"user": "demo", "execTime": 1.5},
            "root": {
                "id": 1,
                "group": "M",
                "stepType": "SequenceCall",
                "name": "MainSequence Callback",
                "status": "P",
                "totTime": 1.5,
                "seqCall": {"path": "demo.seq", "name": "demo", "version": "1.0"},
                "steps": [step],
            },
        },
        indent=1,
    )
