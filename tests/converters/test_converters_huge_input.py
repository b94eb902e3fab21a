"""Sources that are too large, too deep or too long: the built-in formats say so, and the service does not notice."""

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from worker_fixtures import convert, setup_for

from pywats_client.converters.process import Workers
from pywats_client.converters.registry import built_in_names
from pywats_client.errors import ConversionError
from tests.evidence.plugin import Evidence

GOOD = Path(__file__).parents[1] / "samples" / "csv" / "seed_defaults.csv"
ROOM = 20 << 20
"""Bytes by which the service may grow; /proc counts in kB."""


def sparse(file: Path) -> None:
    file.touch()
    os.truncate(file, 10 << 30)


def deep(file: Path) -> None:
    file.write_text("[" * 10_000 + "]" * 10_000)


def many(file: Path) -> None:
    file.write_text(json.dumps([1] * 1_000_000))


def long_number(file: Path) -> None:
    file.write_text('{"pn": ' + "9" * 1_000_000 + "}")


def zeros(file: Path) -> None:
    file.write_bytes(bytes(1_000_000))


def wide(file: Path) -> None:
    file.write_text(",".join(["column"] * 1_000_000) + "\n" + ",".join(["1"] * 1_000_000) + "\n")


INPUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "JSON 10,000 levels deep": ("wats_json", deep),
    "JSON of a million elements": ("wats_json", many),
    "a number of a million digits": ("wats_json", long_number),
    "a megabyte of NUL as a table": ("csv", zeros),
    "a megabyte of NUL as JSON": ("wats_json", zeros),
    "a table of a million columns": ("csv", wide),
}
INPUTS |= {f"a sparse file of 10 GB as {name}": (name, sparse) for name in built_in_names()}


def case(what: str) -> pytest.MarkDecorator:
    promised = "an error with its reason, the service grows by 20 MiB at most, the next source is converted"
    return pytest.mark.case("F30", what, injected="source of a built-in format", promised=promised)


@pytest.mark.parametrize(
    ("module", "make"), [pytest.param(*each, id=name, marks=case(name)) for name, each in INPUTS.items()]
)
@pytest.mark.trio
async def test_an_input_that_is_too_much_is_told_and_the_next_one_converted(
    workers: Workers, tmp_path: Path, module: str, make: Callable[[Path], None], evidence: Evidence
) -> None:
    source = tmp_path / "source"
    make(source)
    setup = setup_for(module, memory_limit_mb=400)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConversionError) as caught:
        await convert(workers, setup, source)
    assert str(caught.value)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown <= ROOM
    evidence(figure=f"service grew by {grown / (1 << 20):.0f} MiB")
    assert await convert(workers, setup_for("csv", name="other"), GOOD)
