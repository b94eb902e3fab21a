"""What a converter says of itself can be read before anybody has configured it."""

from pathlib import Path

import pytest

from pywats_client.converters.process import Setup, Workers
from pywats_client.converters.registry import AUTO, resolve

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin" / "src" / "pywats_bench_log" / "__init__.py"


@pytest.mark.trio
async def test_a_converter_is_described_whose_arguments_nobody_has_set_yet(workers: Workers) -> None:
    anything = Setup(name="x", module=resolve(AUTO, Path())[0])
    info = await workers.describe(anything, str(PLUGIN))
    assert (info.name, info.arguments_schema["required"]) == ("bench_log", ["part_number"])
    assert (await workers.describe(anything)).name == AUTO
