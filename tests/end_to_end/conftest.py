"""A server on loopback that asks for the token, and a station beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pywats_client.emulator import Emulator, open_emulator
from tests.end_to_end.station import TOKEN, Station


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with open_emulator(token=TOKEN) as running:
        yield running


@pytest.fixture
async def station(tmp_path: Path, server: Emulator) -> Station:
    return Station(tmp_path / "station", server.url)
