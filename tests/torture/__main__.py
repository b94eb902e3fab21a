"""`make torture`: the model for SECONDS, every crash state, a month offline, and KILLS kills, all from one SEED.

What fails is printed with its seed and what led there, and the exit code is 1. What passes is added to the evidence.
"""

import itertools
import os
import sys
import time
import traceback

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import evidence
from tests.torture import crash_states, kill_loop, outage
from tests.torture.model import ACTIONS, CASE, INJECTED, PROMISED, model_of

DAYS, REPORTS = 30, 100_000
BATCH = 10
"""Sequences from one seed, of each post-action; the next batch has the next seed."""


def run_model(seconds: float, first_seed: int) -> bool:
    """As many sequences as the time allows; whether they all kept what is promised."""
    print(f"model: {seconds:g} s, from SEED={first_seed} on", flush=True)
    end, examples = time.monotonic() + seconds, 0
    for batch, action in ((batch, action) for batch in itertools.count(first_seed) for action in ACTIONS):
        if time.monotonic() >= end:
            break
        try:
            examples += _run_batch(batch, action)
            print(f"model: {examples} sequences, SEED={batch}, {action}", flush=True)
        except Exception as failure:
            print(f"\nthe model fails with post_action {action}, SEED={batch}:", flush=True)
            traceback.print_exception(failure)
            return False
    print(f"model: {examples} sequences, nothing lost and nothing doubled", flush=True)
    evidence.record("torture", *CASE, injected=INJECTED, promised=PROMISED, runs=examples)
    return True


def _run_batch(batch: int, action: str) -> int:
    model = seed(batch)(model_of(action))
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=BATCH,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return model.examples


def run_crash_states(chosen_seed: int) -> bool:
    """All of them; whether every next start made all good."""
    results = crash_states.enumerate_all(chosen_seed)
    states, scenarios = sum(result.states for result in results), len(results)
    if any(result.failures for result in results):
        print(f"crash states: see above; SEED={chosen_seed}", flush=True)
        return False
    evidence.record(
        "torture",
        "F09",
        "power cut, every subset of the last changes lost, the last write torn",
        injected=f"every crash state of every step of {scenarios} recorded scenarios",
        promised="every report is on disk or on the server, once; no torn one is sent; the next start needs no hand",
        runs=states,
        figure="all states valid",
    )
    return True


def run_outage(chosen_seed: int) -> bool:
    """A month without a server, and 100,000 reports; whether nothing was lost, charged, or told too often."""
    print(f"outage: {DAYS} days, {REPORTS:,} reports, SEED={chosen_seed}", flush=True)
    outcome = outage.run(DAYS, REPORTS, seed=chosen_seed)
    print(outcome, flush=True)
    if outcome.is_as_promised:
        evidence.record(
            "torture",
            "F26",
            f"{DAYS} days without a server while {REPORTS:,} reports pile up, then it is back",
            injected="server that refuses connections, test clock",
            promised="nothing discarded, no attempt charged, a bounded number of requests and log lines",
            runs=1,
            figure=str(outcome),
        )
    return outcome.is_as_promised


def run_kills(kills: int, chosen_seed: int) -> bool:
    """The real service; whether what must hold after each kill, and in the end, held."""
    print(f"kill loop: {kills} kills, SEED={chosen_seed}", flush=True)
    result = kill_loop.run(kills, chosen_seed, tell=lambda line: print(line, flush=True))
    print(result, flush=True)
    if not result.faults:
        result.record()
    return not result.faults


def main(*arguments: str) -> int:
    """Torture with these arguments, `SECONDS=60` and the like, or those of the environment; the exit code."""
    given = {**os.environ, **dict(argument.split("=", 1) for argument in arguments)}
    seconds, kills, chosen_seed = (
        int(given.get(name) or usual) for name, usual in (("SECONDS", 600), ("KILLS", 200), ("SEED", 1))
    )
    passed = [
        run_model(seconds, chosen_seed),
        run_crash_states(chosen_seed),
        run_outage(chosen_seed),
        run_kills(kills, chosen_seed),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
