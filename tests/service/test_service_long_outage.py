"""Days without a server, with reports piling up: see `tests.torture.outage`, which runs a month of 100,000."""

import pytest

from tests.evidence.plugin import Evidence
from tests.torture.outage import run


@pytest.mark.case(
    "F26",
    "two days without a server while 1,000 reports pile up, then it is back",
    injected="server that refuses connections, test clock",
    promised="nothing discarded, no attempt charged, at most 4 requests a minute and 5 log lines; a slow start; "
    "fresh reports go before the backlog",
)
def test_days_without_a_server_lose_and_charge_nothing_and_fresh_reports_do_not_wait_for_the_backlog(
    evidence: Evidence,
) -> None:
    outcome = run(2, 1000)
    assert outcome.is_as_promised, outcome
    evidence(figure=str(outcome))
