"""`pywats-client converters new` and `test`: for those who write a converter of their own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pywats_client.cli.convert import parse_argument
from pywats_client.cli.options import AsJson
from pywats_client.cli.output import painted, print_answer, safe, say
from pywats_client.cli.words import several, size
from pywats_client.errors import ConversionError, ExitCode

if TYPE_CHECKING:
    from pywats_client.converters.expected import Sample
    from pywats_client.converters.trial import Trial

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name: small letters, digits and _.")]
From = Annotated[Path | None, typer.Option("--from", metavar="FILE", exists=True, dir_okay=False, help="A real file.")]
Into = Annotated[Path, typer.Option("--into", metavar="DIR", help="Where its folder is made.")]
Module = Annotated[str, typer.Argument(metavar="PATH", help="x.py, x.py:Class, a format, or an installed converter.")]
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE…", exists=True, help="Files; none: all in `samples` beside it.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Run again whenever the converter or a file is saved.")]
Accept = Annotated[bool, typer.Option("--accept", help="Write down what comes as what is expected from now on.")]
Given = Annotated[
    list[str] | None, typer.Option("-a", "--argument", metavar="KEY=VALUE", help="A setting, as for `convert`.")
]


def new(name: Name, from_file: From = None, into: Into = Path()) -> None:
    """Write the beginning of a converter: its code, a sample with what is expected of it, and its test."""
    from pywats_client.converters.skeleton import write

    for file in write(into, name, from_file):
        print(file)
    say(f"next: `pywats-client converters test {into / name / name}.py --watch`, and change it until it fits")


def test(
    module: Module,
    files: Files = None,
    argument: Given = None,
    watch: Watch = False,
    accept: Accept = False,
    as_json: AsJson = False,
) -> None:
    """Run a converter as the service would, in a process with limits, and compare what comes with what is expected.

    What is expected of FILE stands in FILE.expected.json. The exit code is 1 where anything is not as expected.
    """
    arguments = dict(parse_argument(text) for text in argument or ())
    show = _print_json if as_json else _print_trials

    def run() -> bool:
        return show([_run(module, sample, arguments, accept) for sample in _samples(module, files)])

    if watch:
        _watch(run, [*_file_of(module), *(files or [_samples_of(module)])])
    elif not run():
        raise typer.Exit(ExitCode.FAILED)


Tried = tuple["Sample", "Trial", list[str]]


def _samples(module: str, files: Sequence[Path] | None) -> "list[Sample]":
    from pywats_client.converters.expected import sample, samples

    if files:
        return [sample(file.absolute()) for file in files]
    folder = _samples_of(module)
    found = samples(folder)
    if not found:
        raise ConversionError(f"there is nothing to convert: name files, or put some into {folder}")
    return found


def _file_of(module: str) -> list[Path]:
    """The converter's file, where it is one of its own. Raises ConversionError where there is no such converter."""
    from pywats_client.converters.registry import file_in, resolve

    file = file_in(resolve(module, Path())[0])
    return [file] if file else []


def _samples_of(module: str) -> Path:
    from pywats_client.converters.skeleton import SAMPLES

    for file in _file_of(module):
        return file.with_name(SAMPLES)
    raise ConversionError(f"there is nothing to convert: name files for {module}")


def _run(module: str, sample: "Sample", arguments: dict[str, Any], accept: bool) -> Tried:
    from pywats_client.converters.expected import accepted, differences, expected_file, setup_of
    from pywats_client.converters.trial import run

    trial = run(setup_of(module, {**sample.arguments, **arguments}, Path()), sample.source)
    if accept:
        file, text = expected_file(sample.source), accepted(sample, trial)
        if not file.exists() or file.read_text("utf-8") != text:  # a save would be noticed by --watch
            file.write_text(text, "utf-8")
        return sample._replace(expected={}), trial, []
    return sample, trial, differences(sample, trial)


def _print_trials(tried: Iterable[Tried]) -> bool:
    """Whether all is as expected."""
    from pywats_client.cli.report_tree import print_report

    bad = 0
    for sample, trial, lines in tried:
        for report in trial.reports:
            print_report(report)
        _print_findings(trial)
        verdict = painted("not as expected", "red") if lines else painted("as expected", "green")
        if not lines and sample.expected is None:
            verdict = "converted; nothing is written down as expected"
        memory = f", {size(trial.peak_bytes)} of memory" if trial.peak_bytes else ""
        reports = several(len(trial.reports), "report")
        print(f"{safe(sample.source.name)}: {verdict} ({reports} in {trial.seconds * 1000:.0f} ms{memory})")
        for line in lines:
            print(f"    {safe(line)}")
        bad += bool(lines)
    return not bad


def _print_findings(trial: "Trial") -> None:
    from pywats_client.converters.results import sentence
    from pywats_client.wsjf.check import check

    for report in trial.reports:
        for fault in check(report):
            say(f"worth a look: {sentence(fault)}")
    if trial.error:
        say(f"error: {trial.error}")
        if isinstance(trial.error, ConversionError) and trial.error.details:
            say(trial.error.details.rstrip())


def _print_json(tried: Iterable[Tried]) -> bool:
    results = [
        {
            "file": str(sample.source),
            "reports": trial.reports,
            "error": str(trial.error or ""),
            "differences": lines,
            "seconds": round(trial.seconds, 6),
            "peak_bytes": trial.peak_bytes,
        }
        for sample, trial, lines in tried
    ]
    print_answer({"files": results})
    return not any(result["differences"] for result in results)


def _watch(run: Callable[[], bool], places: Iterable[Path]) -> None:
    """Once, and again after each save, until Ctrl-C."""
    from watchfiles import watch

    folders = {str((place if place.is_dir() else place.parent).absolute()) for place in places if place.parent.exists()}
    _run_once(run)
    for _ in watch(*folders, raise_interrupt=True):
        print()
        _run_once(run)


def _run_once(run: Callable[[], bool]) -> None:
    """What is wrong with a converter that is being written ends nothing."""
    try:
        run()
    except (ConversionError, OSError) as error:
        say(f"error: {error}")
    say("waiting for the next save; Ctrl-C ends this")
