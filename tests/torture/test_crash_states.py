"""A power cut at any step of anything loses no report, sends no torn one, and stops no start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywats_client.queue.name import QueueName, State
from tests.evidence.plugin import Evidence
from tests.fakes.recording import Recording, Unsynced
from tests.torture import crash_states, files, scenarios
from tests.torture.crash_states import Case, Enumeration, Result, enumerate_case
from tests.torture.plant import KeepingServer, Plant, Run
from tests.torture.scenarios import Scenario, waiting

QUICK_WINDOW = 3
"""The last so many changes; `make torture` takes more."""
PROMISED = "every report is on disk or on the server, once; no torn one is sent; the next start needs no hand"


def shown(results: list[Result], evidence: Evidence) -> None:
    """All states are valid, or the first that is not."""
    failures = [failure for result in results for failure in result.failures]
    states = sum(result.states for result in results)
    assert not failures, f"{len(failures)} of {states} states, {failures[0]}"
    evidence(runs=states, figure="all states valid")


def named(name: str) -> Scenario:
    return next(scenario for scenario in scenarios.ALL if scenario.name == name)


@pytest.mark.case(
    "F09", "power cut", injected=f"every crash state of every step of {len(scenarios.ALL)} scenarios", promised=PROMISED
)
@pytest.mark.parametrize("case", scenarios.ALL, ids=lambda case: case.name)
def test_whatever_a_power_cut_leaves_is_made_good_at_the_next_start(case: Case, evidence: Evidence) -> None:
    shown([enumerate_case(case, QUICK_WINDOW)], evidence)


@pytest.mark.case(
    "F03",
    "killed before the folder is synced, then power cut",
    injected="SIGKILL's effect at a step, a start, and every crash state of the steps after it",
    promised=PROMISED,
)
@pytest.mark.parametrize("name", ["one report", "move across disks"])
def test_a_power_cut_after_a_kill_finds_nothing_that_was_left_half_durable(name: str, evidence: Evidence) -> None:
    shown([enumerate_case(named(name), 2, kills=6)], evidence)


@pytest.mark.case(
    "F37",
    "power cut while configuration or token are stored",
    injected="every crash state of every step",
    promised="the old file or the new one loads, and what it says of the token can be read",
)
def test_configuration_and_exported_files_are_old_or_new_after_a_power_cut(evidence: Evidence) -> None:
    shown([enumerate_case(case, crash_states.WINDOW) for case in files.ALL], evidence)


# --- the enumeration can fail


class Forgetting(Recording):
    """As if the steps that `forgets` picks were not in the product."""

    forgets: Callable[[str, Path], bool]

    def _record(self, step: str, take: Callable[..., Any], *args: Any) -> Any:
        result = super()._record(step, take, *args)
        if self.forgets(step, self.trace[-1].path):
            del self.trace[-1]
        return result


class WithoutFileSync(Forgetting):
    forgets = staticmethod(lambda step, path: step == "fsync" and path.suffix == ".tmp")


class WithoutFolderSync(Forgetting):
    forgets = staticmethod(lambda step, path: step == "fsync" and path.name == "queue")


@pytest.mark.parametrize(
    ("recorder", "fault"), [(WithoutFileSync, "A1 is lost"), (WithoutFolderSync, "A1 is lost")], ids=["file", "folder"]
)
def test_a_sync_that_is_missing_is_found(tmp_path: Path, recorder: type[Recording], fault: str) -> None:
    enumeration = Enumeration(named("one report"), tmp_path, 4, recorder=recorder)
    enumeration.run()
    assert any(fault in failure for failure in enumeration.result.failures)


def test_a_key_that_is_not_durable_is_found(tmp_path: Path) -> None:
    class WithoutKeySync(Forgetting):
        forgets = staticmethod(lambda step, path: step == "fsync" and path.name == "default")

    case = next(case for case in files.ALL if case.name == "token")
    enumeration = Enumeration(case, tmp_path, crash_states.WINDOW, recorder=WithoutKeySync)
    enumeration.run()
    assert any("cannot be decrypted" in failure for failure in enumeration.result.failures)


# --- damage without a crash

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "byte in the middle": lambda content: content[:650] + bytes([content[650] ^ 0x80]) + content[651:],
    "last byte": lambda content: content[:-1] + bytes([content[-1] ^ 4]),
    "cut by one": lambda content: content[:-1],
    "torn": lambda content: content[:512],
    "zeros": lambda content: bytes(len(content)),
    "nothing left": lambda content: b"",
    "one more byte": lambda content: content + b"\n",
}


def after_a_start(home: Path, queue: dict[str, bytes]) -> tuple[Plant, KeepingServer]:
    server = KeepingServer()
    scenario = Scenario("damage", queue=queue)
    scenario.prepare(home)
    plant = scenario.plant(home, server)
    plant.run(Run.settled, Unsynced())
    return plant, server


@pytest.mark.case(
    "F40",
    "a damaged file in the queue",
    injected=f"{', '.join(DAMAGES)}; of a queued, a failed and a claimed report",
    promised="set aside alone, with the reason; never sent; its neighbour is delivered",
)
@pytest.mark.parametrize("state", [State.QUEUED, State.ERROR, State.PROCESSING])
def test_a_damaged_report_is_set_aside_with_the_reason_and_never_sent(
    tmp_path: Path, state: State, evidence: Evidence
) -> None:
    for damage, spoil in DAMAGES.items():
        home = tmp_path / damage
        good, bad = waiting("good"), waiting("bad", state, attempt=int(state is State.ERROR))
        plant, server = after_a_start(home, good | {name: spoil(content) for name, content in bad.items()})
        assert server.stored == list(good.values()), damage
        (name,) = [name for path in plant.instance.queue.iterdir() if (name := QueueName.parse(path.name))]
        assert name.state is State.REJECTED, damage
        reason = (plant.instance.queue / f"{name.stem}.reason").read_text("utf-8")
        assert "is damaged" in reason, damage
        assert "convert its source again" in reason, damage
    evidence(runs=len(DAMAGES), figure="one file set aside each")


@pytest.mark.parametrize("left", [b"", bytes(40), b"the server sa", "é".encode()[:1]])
def test_a_note_that_a_power_cut_has_torn_stops_nothing(tmp_path: Path, left: bytes) -> None:
    failed = waiting("failed", State.ERROR, attempt=1)
    note = f"{next(iter(failed)).partition('.')[0]}.reason"
    plant, server = after_a_start(tmp_path, failed | {note: left})
    assert server.stored == list(failed.values())
    assert not (plant.instance.queue / note).exists()
