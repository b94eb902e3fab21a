"""From nothing to a converter that runs: new, test, an index of converters, and the formats there are."""

import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.converters.test_converters_index import archive, index_at, listed

ROOT = Path(__file__).parents[2]


def pywats(home: Path, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "pywats_client", *map(str, arguments)],
        env=os.environ | {"COLUMNS": "200", "PYWATS_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result


def test_a_new_converter_passes_its_own_test_and_is_told_what_it_takes(tmp_path: Path) -> None:
    written = pywats(tmp_path, "converters", "new", "board_tester")
    assert written.stdout.split() == [
        "board_tester/board_tester.py",
        "board_tester/test_board_tester.py",
        "board_tester/samples/unit.txt",
        "board_tester/samples/unit.txt.expected.json",
    ]
    tested = pywats(tmp_path, "converters", "test", "board_tester/board_tester.py")
    assert "├── Supply voltage  3.31  passed" in tested.stdout
    assert "unit.txt: as expected (1 report in " in tested.stdout
    assert "MB of memory)" in tested.stdout
    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "board_tester"]
    assert subprocess.run(own, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xml", "<r>\n<s><Vcc>3.3</Vcc></s>\n</r>"), ("a.json", '{"Vcc": "3.3"}'), ("a.log", "Vcc = 3.3")],
)
def test_a_new_converter_from_a_real_file_converts_that_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    pywats(tmp_path, "converters", "new", "mine", "--from", name)
    tested = pywats(tmp_path, "converters", "test", "mine/mine.py")
    assert "Vcc  3.3  passed" in tested.stdout
    assert f"{name}: converted; nothing is written down as expected" in tested.stdout
    pywats(tmp_path, "converters", "test", "mine/mine.py", "--accept")
    assert "as expected (" in pywats(tmp_path, "converters", "test", "mine/mine.py").stdout


@pytest.mark.parametrize("name", ["Mine", "1x", "a-b", "../x", ""])
def test_what_is_no_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    assert "is no name for a converter" in pywats(tmp_path, "converters", "new", name, code=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["json", "xml", "pytest"])
def test_a_name_that_would_hide_a_module_from_the_converters_own_test_is_refused(tmp_path: Path, name: str) -> None:
    assert "choose another name" in pywats(tmp_path, "converters", "new", name, code=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none", "uut_report", "class"])
def test_a_new_converter_of_any_name_runs(tmp_path: Path, name: str) -> None:
    pywats(tmp_path, "converters", "new", name)
    assert "as expected" in pywats(tmp_path, "converters", "test", f"{name}/{name}.py").stdout


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    pywats(tmp_path, "converters", "new", "mine")
    assert "is there already" in pywats(tmp_path, "converters", "new", "mine", code=1).stderr


def test_what_is_not_as_expected_is_told_and_fails(tmp_path: Path) -> None:
    pywats(tmp_path, "converters", "new", "mine")
    (tmp_path / "mine/samples/unit.txt").write_text("Supply voltage = 9\nCurrent = x\n")
    result = pywats(tmp_path, "converters", "test", "mine/mine.py", code=1)
    assert "error: expected none, found \"line 2: 'x' is not a number\"" in result.stdout
    answer = json.loads(pywats(tmp_path, "converters", "test", "mine/mine.py", "--json", code=1).stdout)
    assert answer["files"][0]["error"] == "line 2: 'x' is not a number"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nosuch.py"], 1, "the converter nosuch.py is not there"),
        (["mine"], 1, "there is no converter 'mine'"),
        (["csv"], 1, "there is nothing to convert: name files for csv"),
        (["mine.py"], 1, "there is nothing to convert: name files, or put some into"),
        (["csv", "nosuch.csv"], 2, "'nosuch.csv' does not exist"),
    ],
)
def test_what_is_not_there_to_be_tested_is_told(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    (tmp_path / "mine.py").write_text("")
    assert words in pywats(tmp_path, "converters", "test", *arguments, code=code).stderr


def test_what_was_converted_before_a_unit_was_bad_is_told_with_its_time(tmp_path: Path) -> None:
    example = ROOT / "examples" / "many_units" / "many_units.py"
    answer = json.loads(pywats(tmp_path, "converters", "test", example, "--json").stdout)
    assert answer["files"][0]["error"]
    assert answer["files"][0]["seconds"] > 0


def test_with_watch_a_save_runs_it_again(tmp_path: Path) -> None:
    pywats(tmp_path, "converters", "new", "mine")
    command = [sys.executable, "-u", "-m", "pywats_client", "converters", "test", "mine/mine.py", "--watch"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as watching:
        assert watching.stdout
        try:
            seen = iter(watching.stdout)
            assert any("as expected (" in line for line in seen)
            assert any("waiting for the next save" in line for line in seen)
            code = tmp_path / "mine/mine.py"
            changed = threading.Timer(1.0, lambda: code.write_text(code.read_text().replace("PN-1", "PN-2")))
            changed.start()
            assert any("not as expected" in line for line in seen)
            assert any('reports[0].pn: expected "PN-1", found "PN-2"' in line for line in seen)
        finally:
            watching.kill()


def test_a_converter_from_an_index_is_installed_and_converts(tmp_path: Path) -> None:
    first = archive(**{"x.py": (ROOT / "examples" / "first_converter.py").read_text()})
    index_at(tmp_path / "index", listed(first), **{"x-1.0.zip": first})
    assert "x  1.0  Flying probe (*.fp)" in pywats(tmp_path, "converters", "search", "probe", "--index", "index").stdout
    pywats(tmp_path, "converters", "install", "x", "--index", "index")
    log = ROOT / "examples" / "first_converter.log"
    converted = pywats(tmp_path, "convert", log, "--converter", "x/x.py", "--json")
    assert [report["sn"] for report in json.loads(converted.stdout)] == ["SN-0001", "SN-0002"]
    second = archive(**{"x.py": "# changed\n"})
    index_at(tmp_path / "index", listed(second, version="1.1"), **{"x-1.0.zip": second})
    assert pywats(tmp_path, "converters", "update").stdout == "x 1.0 -> 1.1\n"
    assert pywats(tmp_path, "converters", "update").stdout == ""
    pywats(tmp_path, "converters", "remove", "x")
    assert "is not there" in pywats(tmp_path, "convert", log, "--converter", "x/x.py", code=1).stderr


def test_a_changed_archive_is_refused_with_exit_code_6(tmp_path: Path) -> None:
    good = archive(**{"x.py": ""})
    index_at(tmp_path / "index", listed(good), **{"x-1.0.zip": good + b"!"})
    refused = pywats(tmp_path, "converters", "install", "x", "--index", "index", code=6)
    assert "its checksum is another; not installed" in refused.stderr
    assert not (tmp_path / "converters" / "x").exists()


def test_an_index_may_be_an_address(tmp_path: Path) -> None:
    good = archive(**{"x.py": ""})
    index_at(tmp_path / "index", listed(good), **{"x-1.0.zip": good})

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "index"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            pywats(tmp_path, "converters", "install", "x", "--index", address)
            missing = pywats(tmp_path, "converters", "search", "--index", f"{address}/nowhere", code=1)
            assert "answers 404" in missing.stderr
        finally:
            server.shutdown()
            thread.join()
    assert (tmp_path / "converters" / "x" / "x.py").exists()


def test_a_converter_that_the_configuration_uses_is_not_removed_by_the_way(tmp_path: Path) -> None:
    good = archive(**{"x.py": ""})
    index_at(tmp_path / "index", listed(good), **{"x-1.0.zip": good})
    pywats(tmp_path, "converters", "install", "x", "--index", "index")
    entry = {"name": "Line 1", "module_path": "x/x.py", "watch_folder": "in"}
    config = {"version": "2.0", "instance_id": "default", "server": {"url": "https://a.b"}, "converters": [entry]}
    (tmp_path / "config_default.json").write_text(json.dumps(config))
    assert "x is used by Line 1" in pywats(tmp_path, "converters", "remove", "x", code=1).stderr
    pywats(tmp_path, "converters", "remove", "x", "--yes")


def test_without_a_word_about_the_index_it_is_asked_for(tmp_path: Path) -> None:
    assert "--index" in pywats(tmp_path, "converters", "search", code=2).stderr


def test_the_formats_are_listed_with_a_plug_in_that_is_installed(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    shutil.copytree(ROOT / "examples" / "plugin", plugin)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(plugin)], check=True, capture_output=True)
    listing = subprocess.run(
        [sys.executable, "-m", "pywats_client", "formats", "list", "--json"],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    formats = {each["name"]: each for each in json.loads(listing.stdout)["formats"]}
    assert formats["csv"]["origin"] == "built in"
    assert formats["bench_log"]["origin"].startswith("from pywats-bench-log 1.0")


def test_a_format_is_described_with_its_arguments_and_an_entry(tmp_path: Path) -> None:
    shown = pywats(tmp_path, "formats", "describe", "csv").stdout
    assert "  columns.serial_number: text or a whole number or null; default null" in shown
    assert '"module_path": "csv"' in shown
    for more in ("csv", "--json"):
        refused = pywats(tmp_path, "formats", "describe", "--markdown", more, code=2)
        assert "--markdown writes the page of all formats" in refused.stderr
    assert "did you mean csv?" in pywats(tmp_path, "formats", "describe", "cvs", code=1).stderr
