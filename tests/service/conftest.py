import pytest
from trio.testing import MockClock


@pytest.fixture
def fast_clock() -> MockClock:
    """Runs on by itself, and so may stand beside processes; what is due in 15 seconds is due in a quarter of one."""
    return MockClock(rate=60)
