"""What the examples show is so."""

from pathlib import Path

import pytest

from pywats_client.converters.expected import Sample, check, samples

EXAMPLES = Path(__file__).parents[1] / "examples"
SAMPLES = [(file, sample) for file in sorted(EXAMPLES.glob("*/*.py")) for sample in samples(file.with_name("samples"))]


@pytest.mark.parametrize(
    ("converter", "sample"), SAMPLES, ids=[f"{file.stem}-{sample.source.name}" for file, sample in SAMPLES]
)
def test_an_example_gives_what_is_expected_beside_its_samples(converter: Path, sample: Sample) -> None:
    assert sample.expected is not None
    assert check(converter, sample) == []


def test_there_is_an_example_of_each_kind() -> None:
    kinds = {file.stem for file, _ in SAMPLES}
    assert kinds == {"chart", "companions", "folder", "many_units", "not_yet", "repair"}
