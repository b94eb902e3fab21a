"""Converters by command: seen, described, switched, and tried on a file that goes nowhere."""

import os
from pathlib import Path
from typing import Any

import pytest
from service_desk import Desk, csv_table
from service_parts import write_converter

from pywats_client.ipc.commands.config import (
    DescribeConverters,
    GetConverters,
    StartConverter,
    StopConverter,
    TryFile,
)
from pywats_client.ipc.protocol import Code


def known(tmp_path: Path, **keys: Any) -> dict[str, Any]:
    return {"name": "csv", "module_path": "csv", "watch_folder": str(tmp_path / "in"), "process_code": 10, **keys}


def is_empty(desk: Desk) -> bool:
    return not list(desk.instance.queue.rglob("*.queued")) and not desk.server.reports


@pytest.mark.trio
async def test_the_configured_converters_are_shown_with_folders_and_masked_settings(tmp_path: Path) -> None:
    converter = known(tmp_path, arguments={"password": "hush"}, priority=2, file_patterns=["*.csv"], enabled=False)
    desk = Desk(tmp_path, converters=[converter])
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("csv").state == "disabled")
        (shown,) = (await desk.ask(GetConverters(), GetConverters.Result)).converters
    assert (shown.name, shown.module, shown.priority, shown.enabled) == ("csv", "csv", 2, False)
    assert (shown.state, shown.file_patterns, shown.post_action) == ("Disabled", ["*.csv"], "move")
    assert shown.watch_folder == str(tmp_path / "in")
    assert shown.error_folder == str(tmp_path / "in" / "Error")
    assert shown.arguments == {"password": "********"}


@pytest.mark.trio
async def test_a_converter_is_described_with_its_settings_and_one_that_does_not_load_with_the_reason(
    tmp_path: Path,
) -> None:
    broken = known(tmp_path, name="broken", module_path=str(tmp_path / "broken.py"), enabled=False)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    desk = Desk(tmp_path, converters=[known(tmp_path), broken])
    async with desk.running():
        both = (await desk.ask(DescribeConverters(), DescribeConverters.Result)).converters
        code, why = await desk.refused(DescribeConverters(names=["cvs"]))
    assert [(item.name, bool(item.fault)) for item in both] == [("csv", False), ("broken", True)]
    assert "delimiter" in both[0].arguments_schema["properties"]
    assert "nothing_of_that_name" in both[1].fault
    assert (code, "did you mean csv" in why) == (Code.NOT_FOUND, True)


@pytest.mark.trio
async def test_a_stopped_converter_leaves_its_files_and_a_started_one_takes_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        await desk.ask(StopConverter(converter="csv"), StopConverter.Result)
        assert desk.stored()["converters"][0]["enabled"] is False
        await desk.until(lambda: desk.hub.snapshot.converter("csv").state == "disabled")
        (desk.watched / "A.csv").write_text(csv_table("A"))
        code, _ = await desk.refused(StartConverter(converter="json"))
        assert code is Code.NOT_FOUND
        assert (desk.watched / "A.csv").exists()
        await desk.ask(StartConverter(converter="csv"), StartConverter.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
    assert desk.stored()["converters"][0]["enabled"] is True


@pytest.mark.trio
async def test_a_tried_file_gives_its_reports_and_stays_where_it_is(tmp_path: Path) -> None:
    desk, file = Desk(tmp_path), tmp_path / "A.csv"
    file.write_text(csv_table("A"))
    async with desk.running():
        result = await desk.ask(TryFile(converter="csv", path=str(file)), TryFile.Result)
        assert [report["sn"] for report in result.reports] == ["A"]
        assert (result.error, result.seconds > 0) == ("", True)
        assert file.exists()
        assert is_empty(desk)


@pytest.mark.trio
async def test_what_is_only_worth_a_look_in_a_tried_file_is_not_fatal(tmp_path: Path) -> None:
    desk, file = Desk(tmp_path), tmp_path / "A.csv"
    file.write_text(csv_table("A"))
    async with desk.running():
        result = await desk.ask(TryFile(converter="csv", path=str(file)), TryFile.Result)
    assert {fault.fatal for fault in result.faults} == {False}
    assert any("location is empty" in fault.text for fault in result.faults)


@pytest.mark.trio
async def test_a_tried_file_that_fails_tells_why_with_the_converters_traceback(tmp_path: Path) -> None:
    write_converter(tmp_path / "mine.py", "raise KeyError('serial')")
    desk = Desk(tmp_path, converters=[known(tmp_path, module_path=str(tmp_path / "mine.py"))])
    (tmp_path / "A.txt").write_text("A")
    async with desk.running():
        result = await desk.ask(TryFile(converter="csv", path=str(tmp_path / "A.txt")), TryFile.Result)
        assert is_empty(desk)
    assert "serial" in result.error
    assert "Traceback" in result.details
    assert result.reports == []


@pytest.mark.trio
async def test_a_file_that_a_converter_asks_for_beside_the_tried_one_must_be_open_too(tmp_path: Path) -> None:
    head = "def companions(self, source):\n    return [source.path.with_name('B.txt')]"
    write_converter(tmp_path / "mine.py", "return report(source.companions[0].read_text())", head=head)
    desk = Desk(tmp_path, converters=[known(tmp_path, module_path=str(tmp_path / "mine.py"))])
    (tmp_path / "A.txt").write_text("A")
    (tmp_path / "B.txt").write_text("B")
    async with desk.running():
        command = TryFile(converter="csv", path=str(tmp_path / "A.txt"))
        opened = await desk.ask(command, TryFile.Result)
        (tmp_path / "B.txt").chmod(0o600)
        code, _ = await desk.refused(command)
    assert [report["sn"] for report in opened.reports] == ["B"]
    assert code is Code.FORBIDDEN


@pytest.mark.trio
async def test_what_is_no_file_for_trying_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    secret = tmp_path / "link.csv"
    secret.symlink_to(desk.instance.config)
    (tmp_path / "other.csv").hardlink_to(desk.instance.config)
    (tmp_path / "folder").mkdir()
    refused = {
        "A.csv": Code.INVALID,
        "/dev/zero": Code.INVALID,
        "/proc/self/environ": Code.FORBIDDEN,
        str(tmp_path / "pipe"): Code.INVALID,
        str(tmp_path / "none.csv"): Code.NOT_FOUND,
        f"{tmp_path}/a\0b": Code.NOT_FOUND,
        str(desk.instance.config): Code.FORBIDDEN,
        str(secret): Code.FORBIDDEN,
        str(tmp_path / "other.csv"): Code.FORBIDDEN,
        str(tmp_path): Code.FORBIDDEN,
        f"{tmp_path}/in/../config_default.json": Code.FORBIDDEN,
    }
    async with desk.running():
        for path, expected in refused.items():
            code, _ = await desk.refused(TryFile(converter="csv", path=path))
            assert (path, code) == (path, expected)
        folder = await desk.ask(TryFile(converter="csv", path=str(tmp_path / "folder")), TryFile.Result)
        assert "takes a file" in folder.error
        code, _ = await desk.refused(TryFile(converter="none", path=str(secret)))
        assert code is Code.NOT_FOUND
