"""Two hundred sequences against the model; `make torture` runs as many as its time allows."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.evidence.plugin import Evidence
from tests.torture.model import ACTIONS, CASE, INJECTED, PROMISED, model_of

EXAMPLES = 200


@pytest.mark.case(*CASE, injected=INJECTED, promised=PROMISED)
@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_lost_or_doubled_whatever_happens(action: str, evidence: Evidence) -> None:
    model = model_of(action)
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=EXAMPLES // len(ACTIONS),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    evidence(runs=model.examples)
