"""An emulator on loopback, a plain HTTP client to it, and a report it takes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from pywats_client.emulator import Emulator, open_emulator
from pywats_client.wsjf import UutReport


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with open_emulator() as running:
        yield running


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=emulator.url, trust_env=False) as client:
        yield client


@pytest.fixture
def report() -> dict[str, Any]:
    uut = UutReport(
        part_number="PCB-1",
        serial_number="SN-001",
        revision="A",
        process_code=10,
        station="ST-1",
        location="Line 1",
        purpose="Production",
        operator="ola",
        start=datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
    )
    with uut.sequence("Power") as power:
        power.numeric("Vcc", 3.31, low=3.2, high=3.4, unit="V")
        power.numeric("Icc", 0.61, high=0.5, unit="A")
        power.text("Version", "1.2", expected="1.2")
        power.passed("Button", True)
    return uut.to_wsjf() | {"id": "6f1c1f5e-0f0b-4c0e-9a53-0b6a0e4a9c11"}
