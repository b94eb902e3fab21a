from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from pywats_client.converters.process import Workers, open_workers


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    with trio.fail_after(60):
        async with open_workers(trio.CapacityLimiter(4)) as workers:
            yield workers


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.txt"
    file.write_text("A1")
    return file
