"""What an author expects of a converter: beside a sample `x`, the file `x.expected.json` with what it must give.

It holds `reports` (WSJF; every key in it must be so in the report, others may be there), `error` (a part of the
sentence with which the conversion must end) and `arguments` of the converter. What differs from run to run or
from station to station need not stand in it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pywats_client.converters.base import Source
from pywats_client.converters.process import Setup
from pywats_client.converters.registry import resolve
from pywats_client.converters.templates import with_template
from pywats_client.converters.trial import Trial, run
from pywats_client.errors import ConversionError

SUFFIX = ".expected.json"
STATION = {"name": "Station-1", "location": "Lab", "purpose": "Test"}
_OF_THE_STATION = ("id", "startUTC", "machineName", "location", "purpose")
_ABSENT = object()
_KEYS = {"reports": list, "error": str, "arguments": dict}


class Sample(NamedTuple):
    """An input, and what is expected of it; None where nothing is written down."""

    source: Path
    expected: Mapping[str, Any] | None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The converter's arguments for this sample."""
        given: Mapping[str, Any] = (self.expected or {}).get("arguments", {})
        return given


def samples(folder: Path) -> list[Sample]:
    """Every sample of a folder, by name: its files, and those folders of which something is expected.

    Raises ConversionError where what is expected cannot be understood.
    """
    names = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    found = [sample(path) for path in names if not path.name.endswith(SUFFIX)]
    return [each for each in found if each.expected is not None or not each.source.is_dir()]


def sample(source: Path) -> Sample:
    """A source with what is expected of it. Raises as `samples`."""
    file = expected_file(source)
    if not file.exists():
        return Sample(source, None)
    try:
        expected = json.loads(file.read_text("utf-8"))
    except ValueError as fault:
        raise ConversionError(f"{file} is not JSON: {fault}") from None
    if not (isinstance(expected, dict) and all(isinstance(expected[key], _KEYS.get(key, ())) for key in expected)):
        raise ConversionError(
            f"{file} must hold a JSON object with a list of reports, a text error or an object arguments, nothing else"
        )
    return Sample(source, expected)


def expected_file(source: Path) -> Path:
    """Where it is written down what is expected of a source."""
    return source.with_name(source.name + SUFFIX)


def setup_of(converter: str, arguments: Mapping[str, Any], folder: Path = Path()) -> Setup:
    """What the service would tell a worker of a converter with these arguments, with the limits that are usual.

    `converter` as `module_path` in the configuration; relative files lie in `folder`.
    """
    module, stamp = resolve(converter, folder)
    given, template_stamp = with_template(converter, arguments, folder)
    return Setup(name="test", module=module, module_stamp=stamp + template_stamp, arguments=given, station=STATION)


def check(converter: Path | str, sample: Sample) -> list[str]:
    """Convert a sample, and say what is not as expected, a line each; for tests of a converter's author."""
    return differences(sample, run(setup_of(str(converter), sample.arguments), sample.source))


def differences(sample: Sample, trial: Trial) -> list[str]:
    """What is not as expected; a conversion of which nothing is expected must only succeed."""
    expected = sample.expected or {}
    wanted, found = expected.get("error", ""), str(trial.error or "")
    lines = []
    if wanted not in found or (found and not wanted):
        lines.append(f"error: expected {_quoted(wanted)}, found {_quoted(found)}")
    if "reports" in expected:
        lines += _differences(expected["reports"], trial.reports, "reports")
    return lines


def _quoted(error: str) -> str:
    return repr(error) if error else "none"


def accepted(sample: Sample, trial: Trial) -> str:
    """The text of the file that expects just what came."""
    content: dict[str, Any] = {"arguments": dict(sample.arguments)} if sample.arguments else {}
    if trial.error:
        content["error"] = str(trial.error)
    content["reports"] = [_stable(report, sample.source) for report in trial.reports]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _stable(report: Mapping[str, Any], source: Path) -> dict[str, Any]:
    of_the_file = report.get("start") == Source(source).modified.isoformat()
    left_out = {*_OF_THE_STATION, *(["start"] if of_the_file else [])}
    return {key: value for key, value in report.items() if key not in left_out}


def _differences(expected: Any, found: Any, place: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            yield from _differences(value, found.get(key, _ABSENT), f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        yield from _of_lists(expected, found, place)
    elif expected != found or isinstance(expected, bool) != isinstance(found, bool):
        shown = "nothing" if found is _ABSENT else json.dumps(found, ensure_ascii=False)
        yield f"{place}: expected {json.dumps(expected, ensure_ascii=False)}, found {shown}"


def _of_lists(expected: Sequence[Any], found: Sequence[Any], place: str) -> Iterator[str]:
    if len(expected) != len(found):
        yield f"{place}: expected {len(expected)} items, found {len(found)}"
    for index, (wanted, item) in enumerate(zip(expected, found, strict=False)):
        yield from _differences(wanted, item, f"{place}[{index}]")
