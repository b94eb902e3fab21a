import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
MINE = """
from pywats_client.converters import *
from pywats_client.wsjf import UutReport
class Mine(FileConverter):
    def convert(self, source, context):
        print("a line of its own")
        for serial_number in source.read_text().split():
            if serial_number == "raise":
                raise KeyError("no limit")
            report = UutReport(serial_number=serial_number, part_number="P\\u202e", start=source.modified)
            report.numeric("Vcc", 3.7, low=3.2, high=3.4, unit="V")
            yield report
"""


def convert(home: Path, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pywats_client", "convert", "--home", str(home), *map(str, arguments)],
        env=os.environ | {"COLUMNS": "200"} | environ,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_report_is_shown_as_a_tree_with_limits_and_verdicts(tmp_path: Path) -> None:
    result = convert(tmp_path, SAMPLES / "csv" / "seed_defaults.csv")
    assert result.returncode == 0, result.stderr
    assert "seed_defaults.csv is taken for csv, by its content (csv 70%" in result.stderr
    assert "SN-0001  PN-77 rev B  test 10  FAILED" in result.stdout
    assert "│   ├── Icc  0.52 A  ≤ 0.5  FAILED" in result.stdout
    assert "worth a look: location is empty" in result.stderr
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json_is_a_report_or_an_array_of_them(tmp_path: Path) -> None:
    one = convert(tmp_path, SAMPLES / "csv" / "seed_defaults.csv", "--json", "--converter", "csv")
    assert json.loads(one.stdout)["sn"] == "SN-0001"
    two = convert(tmp_path, SAMPLES / "wats_json" / "test_and_repair.json", "--json")
    assert [report["type"] for report in json.loads(two.stdout)] == ["T", "R"]


def test_what_was_good_is_printed_before_what_went_wrong(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.replace("start=", "process_code=10, start="))
    (tmp_path / "a.txt").write_text("A1 raise A2")
    result = convert(tmp_path, "a.txt", "--converter", "mine.py:Mine")
    assert result.returncode == 1
    assert "A1  P\\u202e" in result.stdout
    assert "A2" not in result.stdout
    assert 'raise KeyError("no limit")' in result.stderr
    assert "error: KeyError: 'no limit'" in result.stderr
    assert "a line of its own" in result.stderr


def test_every_fault_that_a_server_refuses_is_printed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "a.txt").write_text("A1")
    result = convert(tmp_path, "a.txt", "--converter", "mine.py")
    assert result.returncode == 1
    assert "processCode is missing" in result.stderr


def test_a_converter_of_the_instance_brings_its_settings(tmp_path: Path) -> None:
    (tmp_path / "converters").mkdir()
    (tmp_path / "converters" / "x.py").write_text(MINE)
    entry = {"name": "Board tester", "watch_folder": "in", "module_path": "x.py", "process_code": 33}
    station = {"name": "Line-4", "location": "Oslo", "purpose": "Production"}
    config = {"version": "2.0", "instance_id": "default", "station": station, "converters": [entry]}
    (tmp_path / "config_default.json").write_text(json.dumps(config))
    (tmp_path / "a.txt").write_text("A1")
    result = convert(tmp_path, "a.txt", "--converter", "Board tester", "--json")
    report = json.loads(result.stdout)
    assert (report["processCode"], report["machineName"], report["location"]) == (33, "Line-4", "Oslo")


def test_arguments_are_given_as_text_or_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Nr;Vcc\n0012;3,3\n")
    result = convert(
        tmp_path, "a.csv", "--converter", "csv", "--json",
        "-a", "mode=unit_per_row", "-a", "decimal_comma=true", "-a", "process_code=10", "-a", "part_number=12",
        "-a", 'columns={"serial_number": "Nr"}', "-a", 'measurements=[{"column": 2, "low": 3.2, "high": 3.4}]',
    )  # fmt: skip
    report = json.loads(result.stdout)
    assert (report["sn"], report["pn"], report["processCode"]) == ("0012", "12", 10)
    assert report["root"]["steps"][0]["numericMeas"][0]["value"] == 3.3


def test_wrong_usage_and_wrong_names_have_their_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    assert convert(tmp_path, "gone.csv").returncode == 2
    assert convert(tmp_path, "a.csv", "-a", "novalue").returncode == 2
    assert convert(tmp_path, "a.csv", "-a", "columns={").returncode == 2
    unknown = convert(tmp_path, "a.csv", "--converter", "cvs")
    assert (unknown.returncode, "did you mean 'csv'" in unknown.stderr) == (1, True)
    nobodys = convert(tmp_path, "a.csv")
    assert nobodys.returncode == 1
    assert "no format is known by the content of a.csv" in nobodys.stderr
    os.mkfifo(tmp_path / "pipe")
    assert "pipe is neither a file nor a folder" in convert(tmp_path, "pipe").stderr
    folder = convert(tmp_path, tmp_path, "--converter", "csv")
    assert "the converter csv takes a file" in folder.stderr


def test_the_first_converter_of_the_examples_works(tmp_path: Path) -> None:
    example = ROOT / "examples" / "first_converter.py"
    result = convert(tmp_path, example.with_suffix(".log"), "--converter", example)
    assert result.returncode == 0, result.stderr
    assert "SN-0001  PN-1 rev A  test 10  passed" in result.stdout
    assert "Vcc  3.52 V  3.2 ≤ … ≤ 3.4  FAILED" in result.stdout


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_converter_in_isolation_is_tried_in_the_same_isolation(tmp_path: Path) -> None:
    for name in ("limits", "modules", "sources"):
        (tmp_path / name).mkdir()
    (tmp_path / "limits/all.csv").touch()
    (tmp_path / "sources/a.txt").write_text("A1")
    module = tmp_path / "modules" / "mine.py"
    reading = f"open({str(tmp_path / 'limits/all.csv')!r})\n            report = UutReport(process_code=10, "
    module.write_text(MINE.replace("report = UutReport(", reading))

    def converted(*allow: str, **environ: str) -> subprocess.CompletedProcess[str]:
        keys = {"name": "mine", "watch_folder": "in", "module_path": str(module), "isolation": "bwrap"}
        config = {"converters": [keys | {"isolation_allow": allow}]}
        (tmp_path / "config_default.json").write_text(json.dumps(config))
        return convert(tmp_path, tmp_path / "sources/a.txt", "--converter", "mine", **environ)

    refused = converted()
    assert refused.returncode == 1
    assert "isolation in force: bwrap" in refused.stderr
    assert f"add `{tmp_path}/limits/all.csv` to isolation_allow" in " ".join(refused.stderr.split())
    allowed = converted(str(tmp_path / "limits"))
    assert (allowed.returncode, allowed.stdout[:2]) == (0, "A1"), allowed.stderr
    missing = converted(PATH=str(tmp_path))
    assert missing.returncode == 78
    assert "sudo apt install bubblewrap" in missing.stderr


def test_a_text_may_begin_with_a_placeholder_and_what_is_worth_a_look_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "LOT7.csv").write_text("Serial,Vcc\nA1,3.1\nA2,3.2\n")
    result = convert(
        tmp_path, "LOT7.csv", "--converter", "csv", "-a", "mode=unit_per_row", "-a", 'measurements=[{"column": "Vcc"}]',
        "-a", "process_code=10", "-a", "part_number={stem}-B", "--json",
    )  # fmt: skip
    assert [report["pn"] for report in json.loads(result.stdout)] == ["LOT7-B", "LOT7-B"]
    assert result.stderr.count("worth a look: rev is empty") == 1
    assert "(2 times)" in result.stderr
