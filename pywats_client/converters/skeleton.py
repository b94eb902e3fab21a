"""The beginning of a converter of one's own: its code, a sample with what is expected of it, and its test."""

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import NamedTuple

from pywats_client.converters.base import Source
from pywats_client.converters.reading.texts import beginning
from pywats_client.errors import ConversionError

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
SAMPLES = "samples"


def write(folder: Path, name: str, sample: Path | None = None) -> list[Path]:
    """Write `name`/ below the folder; `sample` is a file to start from, which is copied. The files written.

    Raises ConversionError for a name that is none or another module's, and where the folder is there already.
    """
    if not NAME.fullmatch(name):
        raise ConversionError(f"{name!r} is no name for a converter: small letters, digits and _, a letter first")
    place = folder / name
    if place.exists():
        raise ConversionError(f"{place} is there already: choose another name, or remove it")
    # A test runner puts the folder in front of all others, where the file would stand in for the module.
    if find_spec(name):
        raise ConversionError(f"{name} is the name of a Python module that is installed: choose another name")
    files = _files(name, sample)
    for path, content in files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return [place / path for path in files]


def _files(name: str, sample: Path | None) -> Mapping[str, bytes]:
    kind = _kind(sample) if sample else "lines"
    class_name = "".join(word.title() for word in name.split("_")) + "Converter"
    values = {"name": name, "class_name": class_name, "samples": SAMPLES, **_KINDS[kind]._asdict()}
    code = Template(_CONVERTER).substitute(values)
    files = {f"{name}.py": code.encode(), f"test_{name}.py": Template(_TEST).substitute(values).encode()}
    if sample:
        return {**files, f"{SAMPLES}/{sample.name}": sample.read_bytes()}
    expected = json.dumps(_EXPECTED, indent=2).encode() + b"\n"
    return {**files, f"{SAMPLES}/unit.txt": _SAMPLE, f"{SAMPLES}/unit.txt.expected.json": expected}


def _kind(sample: Path) -> str:
    start = beginning(Source(sample)).lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        return "xml"
    return "json" if start.startswith(("{", "[")) else "lines"


_CONVERTER = '''"""Converts the result files of $name to WATS reports."""

${imports}from pywats_client.converters import $names
${more_imports}from pywats_client.wsjf import UutReport


class $class_name(FileConverter):
    """One unit a file."""

    name = "$name"
    version = "1.0.0"
    description = "Result files of $name"

    class Arguments(Converter.Arguments):
        part_number: str = "PN-1"
        """Part number of the units; the configuration may set it."""
        process_code: int = 10
        """Code of the test operation."""

    def convert(self, source: Source, context: Context) -> UutReport:
        report = UutReport(
            serial_number=source.path.stem,
            part_number=context.arguments.part_number,
            revision="A",
            process_code=context.arguments.process_code,
            start=source.modified,
        )
$reading
        return report
'''


class _Kind(NamedTuple):
    """What differs from one kind of file to another."""

    reading: str
    names: str = "Context, ConversionError, Converter, FileConverter, Source"
    imports: str = ""
    more_imports: str = ""


_LINES = """        for number, line in enumerate(source.read_text().splitlines(), 1):
            name, _, value = line.partition("=")
            try:
                report.numeric(name.strip(), float(value))
            except ValueError:
                raise ConversionError(f"{value.strip()!r} is not a number", line=number) from None"""
_JSON = """        try:
            content = json.loads(source.read_text())
        except ValueError as fault:
            raise ConversionError(f"the file is not JSON: {fault}") from None
        for name, value in content.items():
            report.text(name, str(value))"""
_XML = """        for element in xml.parse(source).iter("*"):
            if len(element) == 0:
                report.text(xml.local(element), element.text or "")"""
_KINDS = {
    "lines": _Kind(_LINES),
    "json": _Kind(_JSON, imports="import json\n\n"),
    "xml": _Kind(
        _XML,
        names="Context, Converter, FileConverter, Source",
        more_imports="from pywats_client.converters.reading import xml\n",
    ),
}
_SAMPLE = b"Supply voltage = 3.31\nCurrent = 0.42\n"
_STEPS = [
    {"name": "Supply voltage", "status": "P", "numericMeas": [{"value": 3.31}]},
    {"name": "Current", "status": "P", "numericMeas": [{"value": 0.42}]},
]
_EXPECTED = {"reports": [{"sn": "unit", "pn": "PN-1", "result": "P", "root": {"steps": _STEPS}}]}
_TEST = '''"""Each file in $samples gives what stands beside it in its .expected.json; drop more files there."""

from pathlib import Path

import pytest

from pywats_client.converters.expected import Sample, check, samples

CONVERTER = Path(__file__).with_name("$name.py")


@pytest.mark.parametrize("sample", samples(CONVERTER.with_name("$samples")), ids=lambda sample: sample.source.name)
def test_a_sample_gives_what_is_expected(sample: Sample) -> None:
    assert check(CONVERTER, sample) == []
'''
