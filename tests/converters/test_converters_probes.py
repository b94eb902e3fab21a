"""Converters that misbehave in every way: each is held, told truly, and disturbs nobody."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from probes import MODULES, PROBES, Probe
from worker_fixtures import convert, deliveries, processes_at, setup_for, until, write_converter

from pywats_client.converters.isolation import Isolation
from pywats_client.converters.process import Setup, Workers, open_workers
from pywats_client.errors import ConversionError

needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
SECRET = "e7a1-the-token"


def case(what: str, fault: str = "F31") -> pytest.MarkDecorator:
    promised = "contained, its true reason told, the next sources of it and of others converted"
    return pytest.mark.case(fault, f"a converter: {what}", injected="probe in a real worker", promised=promised)


def cases() -> Iterator[object]:
    for name, probe in PROBES.items():
        yield pytest.param(probe, "limits", id=name, marks=case(name))
        if probe.both:
            yield pytest.param(probe, "bwrap", id=f"{name}, in bwrap", marks=[case(name), needs_bubblewrap])


def untouchable() -> tuple[object, ...]:
    """What of the service's own process a converter could wish to change."""
    mask = os.umask(0)
    os.umask(mask)
    return Path.cwd(), mask, dict(os.environ), os.getpgid(0), os.getsid(0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Marks the processes of this test; a secret stands in the environment of the service."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYWATS_API_TOKEN", SECRET)
    return folder


def good_or(body: str, folder: Path) -> Path:
    """A converter that is good to a source that is, and otherwise does as the body says."""
    good = "yield report('good')\n    return" if "yield" in body else "return report('good')"
    return write_converter(folder, f"import tempfile\nif source.read_text() == 'good':\n    {good}\n{body}")


async def serial_number(workers: Workers, setup: Setup, folder: Path) -> str:
    file = folder / "good.txt"
    file.write_text("good")
    (report,) = await convert(workers, setup, file)
    return str(report["sn"])


@pytest.mark.parametrize(("probe", "isolation"), list(cases()))
@pytest.mark.trio
async def test_a_probe_is_held_and_told_and_nobody_else_notices(
    tmp_path: Path, home: Path, source: Path, probe: Probe, isolation: str
) -> None:
    sealed = Isolation(folder=tmp_path) if isolation == "bwrap" else None
    bounds = {"timeout_seconds": probe.timeout_seconds, "memory_limit_mb": probe.memory_limit_mb}
    setup = setup_for(good_or(probe.body, tmp_path), isolation=sealed, **bounds)
    other = setup_for(write_converter(tmp_path, "return report('other')", name="other.py"), name="other")
    with trio.fail_after(120):
        async with open_workers(trio.CapacityLimiter(2)) as workers:
            assert await serial_number(workers, other, tmp_path) == "other"
            others, service = processes_at(home), untouchable()
            if probe.told:
                with pytest.raises(ConversionError, match=probe.told):
                    await deliveries(workers, setup, source)
            else:
                (report,) = await deliveries(workers, setup, source)
                assert SECRET.encode() not in report.content
            if not probe.worker_stays:
                await until(lambda: processes_at(home) <= others)
            assert untouchable() == service
            assert await serial_number(workers, setup, tmp_path) == "good"
            assert await serial_number(workers, other, tmp_path) == "other"
            assert others <= processes_at(home), "the other converter's worker was ended"
    await until(lambda: not processes_at(home))


@pytest.mark.parametrize(
    ("code", "told"), [pytest.param(*each, id=name, marks=case(name, "F33")) for name, each in MODULES.items()]
)
@pytest.mark.trio
async def test_a_module_that_misbehaves_while_it_is_loaded_is_held_and_told(
    tmp_path: Path, home: Path, code: str, told: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    other = setup_for(write_converter(tmp_path, "return report('other')", name="other.py"), name="other")
    patience = 3 if told == "did not finish" else 60
    with trio.fail_after(120):
        async with open_workers(trio.CapacityLimiter(2), load_seconds=patience) as workers:
            assert await serial_number(workers, other, tmp_path) == "other"
            others = processes_at(home)
            with pytest.raises(ConversionError, match=told):
                await workers.describe(setup_for(file))
            await until(lambda: processes_at(home) == others)
            assert await serial_number(workers, other, tmp_path) == "other"
    await until(lambda: not processes_at(home))
