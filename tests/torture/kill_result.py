"""What a kill loop has done and seen."""

import math
import statistics
from collections import Counter
from dataclasses import dataclass, field

from tests import evidence
from tests.torture.moments import MOMENTS, STORED, STORED_WORDS

READY_SECONDS = 2.0
"""A start is to be ready in less."""


@dataclass
class Kill:
    """One life of the service, and its end. `uploads`, `reports`: being sent, and being written, when it was killed."""

    kind: str
    detail: str = ""
    ready: float | None = None
    """seconds from the start until it said that it runs; None where it was killed before"""
    is_fresh: bool = False
    """started by the command, imports and all"""
    uploads: int = 0
    reports: int = 0
    cases: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        ready = "before it was ready" if self.ready is None else f"ready after {self.ready:.2f} s"
        return f"{self.kind} {self.detail} ({ready}; {self.uploads} uploads, {self.reports} reports being written)"


@dataclass
class KillResult:
    """What `kills` have shown; `faults` says what does not hold, and is empty when all is well."""

    seed: int
    kills: list[Kill] = field(default_factory=list)
    files: int = 0
    reports: int = 0
    extra: int = 0
    lost_replies: int = 0
    workers_killed: int = 0
    suspects: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def cases(self) -> Counter[str]:
        """How often the service was killed at which of MOMENTS, or when a report was STORED."""
        return Counter(case for kill in self.kills for case in kill.cases)

    @property
    def ready(self) -> list[float]:
        """Seconds that each start by the command took, of those that were not killed meanwhile."""
        return [kill.ready for kill in self.kills if kill.ready is not None and kill.is_fresh]

    def record(self) -> None:
        """Add to the evidence of `make torture`."""
        words = {case: moment.words for case, moment in MOMENTS.items()} | {STORED: STORED_WORDS}
        for case, runs in self.cases.items():
            injected = "SIGKILL of the real service under load, in the kill loop"
            promised = "the next start goes on; nothing is lost, nothing doubled"
            evidence.record("torture", case, words[case], injected=injected, promised=promised, runs=runs)
        evidence.record(
            "torture",
            "kill loop",
            "the real service under load is killed again and again",
            injected="SIGKILL at any time, around steps of the disk, while starting and stopping, and of workers",
            promised=f"each report delivered under one id, starts ready under {READY_SECONDS:g} s, no file or "
            "process left behind, suspects sent last and alone",
            runs=len(self.kills),
            figure=self.figure,
        )

    @property
    def figure(self) -> str:
        """What was reached, in a line."""
        ready = self.ready or [math.nan]
        quick = sum(seconds < READY_SECONDS for seconds in self.ready)
        return (
            f"{self.reports:,} reports of {self.files:,} files, each under one id, {self.extra} sent twice "
            f"({self.lost_replies} for a lost reply); {sum(kill.uploads > 0 for kill in self.kills)} kills met uploads "
            f"under way; {quick} of {len(self.ready)} starts ready under {READY_SECONDS:g} s, the median "
            f"{statistics.median(ready):.2f} s, the slowest {max(ready):.2f} s"
        )

    def __str__(self) -> str:
        kinds = Counter(kill.kind for kill in self.kills)
        lines = [
            f"seed {self.seed}: {len(self.kills)} kills ({_counted(kinds)}), and {self.workers_killed} of workers",
            self.figure,
            f"{self.suspects} reports, three times orphaned, were sent last and alone",
            f"around steps, and after an answer: {_counted(self.cases)}",
        ]
        if self.faults:
            lines += ["what happened:", *(f"  {number}: {kill}" for number, kill in enumerate(self.kills, 1))]
            lines += ["what does not hold:", *(f"  {fault}" for fault in self.faults)]
        return "\n".join(lines)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
