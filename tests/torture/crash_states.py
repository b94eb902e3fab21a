"""Every disk that a power cut may leave, at every step of every scenario: the next start must make all good."""

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.recording import Recording, Step
from tests.torture import files, scenarios
from tests.torture.plant import repeat_scheduling
from tests.torture.power_cut import State, Volume, clear, lay_out
from tests.torture.scenarios import Past, Scenario

WINDOW = 8
"""So many of the last changes of names that are not synced may be lost, in any combination."""
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Thousands of small folders are made and removed: where there is such a place, no disk is worn for that."""
KILLS = 5
Case = Scenario | files.FileScenario


@dataclass
class Result:
    """What one scenario has shown. `failures` say scenario, step, fault and what was on the disk."""

    name: str
    prefixes: int = 0
    states: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{len(self.failures)} FAILED" if self.failures else "all valid"
        return f"{self.name:40} {self.prefixes:5} prefixes {self.states:6} states  {verdict}"


class Enumeration:
    """The crash states of one scenario, none looked at twice."""

    def __init__(
        self, case: Case, home: Path, window: int, *, seed: int = 0, recorder: type[Recording] = Recording
    ) -> None:
        repeat_scheduling(seed)
        self.case, self._home, self._window, self._recorder = case, home, window, recorder
        self.result = Result(case.name)
        self._seen: set[tuple[State, tuple[bytes, ...], int]] = set()
        self._recover = case.recovery(home)

    def run(self, killed_after: int | None = None) -> int:
        """Record the scenario, and try each state of each prefix; the number of steps there were."""
        home = self._home
        clear(home)
        self.case.prepare(home)
        volume, past = Volume(home), Past(list(self.case.sources.items()))
        recording = self._recorder(*self.case.devices(home))
        self.case.record(home, recording, killed_after)
        self._try_all(volume, past, "nothing")
        for number, step in enumerate(recording.trace):
            _note(step, past)
            volume.take(step)
            self._try_all(volume, past, f"step {number}, {step.kind} {step.path.name}")
        return recording.count

    def _try_all(self, volume: Volume, past: Past, after: str) -> None:
        self.result.prefixes += 1
        for state in volume.states(self._window):
            key = state, tuple(past.stored), len(past.sources)
            if key not in self._seen:
                self._seen.add(key)
                self._try(state, past, after)

    def _try(self, state: State, past: Past, after: str) -> None:
        self.result.states += 1
        lay_out(state, self._home)
        if faults := list(self._recover(past)):
            there = [f"{path} ({len(content or b'')})" for path, _, content, _ in state]
            self.result.failures.append(f"{self.case.name}, after {after}: {'; '.join(faults)}\n  on {there}")


def _note(step: Step, past: Past) -> None:
    match step.kind:
        case "stored":
            past.stored.append(step.args[0])
        case "given":
            past.sources.append((step.path.name, step.args[0].decode()))


def enumerate_case(case: Case, window: int, seed: int = 0, kills: int = 0) -> Result:
    """One scenario; then again, so many times killed at some step and started anew before the power is cut."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="crash-states-", dir=IN_MEMORY) as home:
        enumeration = Enumeration(case, Path(home), window, seed=seed)
        steps = enumeration.run()
        for killed_after in chance.sample(range(steps), min(kills if case.can_be_killed else 0, steps)):
            enumeration.run(killed_after)
        return enumeration.result


def enumerate_all(seed: int, kills: int = KILLS, tell: Callable[[str], object] = print) -> list[Result]:
    """Every scenario in full. `seed` picks where processes are killed, and the order in which tasks run."""
    tell(f"crash states, seed {seed}")
    results = []
    for case in ALL:
        result = enumerate_case(case, WINDOW, seed, kills)
        tell("\n".join([str(result), *result.failures]))
        results.append(result)
    prefixes, states = sum(result.prefixes for result in results), sum(result.states for result in results)
    tell(f"{len(results)} scenarios, {prefixes} prefixes, {states} states")
    return results


ALL: tuple[Case, ...] = (*scenarios.ALL, *files.ALL)
