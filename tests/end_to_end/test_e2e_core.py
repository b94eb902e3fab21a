"""The service needs its core dependencies, and nothing else that happens to be installed here."""

import json
import subprocess
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import pywats_client
from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, serials, table


def core() -> set[str]:
    """The distributions that pywats-client needs without any extra, and what these need in turn."""
    found: set[str] = set()
    waiting = ["pywats-client"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            wanted = (Requirement(line) for line in metadata.requires(name) or ())
            waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def core_environment(folder: Path) -> Path:
    """An environment that holds the core alone, linked from this one; its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    asked = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, check=True
    )
    packages = Path(asked.stdout.decode().strip())
    for name in core():
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()}:
            place = Path(str(distribution.locate_file(top)))
            if top not in ("..", "__pycache__") and place.suffix != ".pth" and not (packages / top).exists():
                (packages / top).symlink_to(place)
    (packages / "pywats_client").symlink_to(Path(pywats_client.__file__).parent)
    return python


@pytest.mark.trio
async def test_the_service_converts_and_uploads_with_its_core_dependencies_alone(
    tmp_path: Path, station: Station, server: Emulator
) -> None:
    python = core_environment(tmp_path / "core")
    watched = station.add_converter("csv", "csv", "*.csv")
    (watched / "A.csv").write_text(table("A"))
    async with station.running(python=str(python)):
        await station.until(lambda: station.is_at_rest(1))
    assert await serials(server) == ["A"]
    for extra in ("lxml", "nptdms", "robot", "starlette", "hypercorn", "pytest", "hypothesis", "setuptools"):
        refused = subprocess.run([python, "-c", f"import {extra}"], capture_output=True, check=False)
        assert b"ModuleNotFoundError" in refused.stderr, extra
    listed = subprocess.run(
        [python, "-m", "pywats_client", "formats", "list", "--json"], capture_output=True, check=True, text=True
    )
    faults = {each["name"]: each["fault"] for each in json.loads(listed.stdout)["formats"]}
    assert not any(faults[name] for name in ("auto", "csv", "gr228x", "openhtf", "stdf", "wats_json", "wats_text"))
    assert "pip install 'pywats-client[formats]'" in faults["atml"]
