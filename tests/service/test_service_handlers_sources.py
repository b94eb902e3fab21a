"""Failed sources as clients see them: what lies in the error folders and why, put back or set aside."""

import os
from pathlib import Path
from typing import Any

import pytest
from service_desk import Desk, csv_table
from service_parts import write_converter

from pywats_client.ipc.commands.service import Pause
from pywats_client.ipc.commands.sources import (
    DiscardSources,
    FailedSource,
    GetFailedSources,
    GetSource,
    RetrySources,
)
from pywats_client.ipc.protocol import Code

NOTE = "line 3: no value\n\nconverter: {converter} (csv)\ntime: 2026-11-22T08:41:43+00:00\n{more}\nTraceback …\n"


def put_failed(desk: Desk, name: str, content: bytes = b"x", *, converter: str = "csv", more: str = "") -> Path:
    """A source in the error folder, with its reason, as the service leaves it."""
    source = desk.watched / "Error" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(content)
    source.with_name(f"{source.name}.reason").write_text(NOTE.format(converter=converter, more=more))
    return source


async def failed(desk: Desk, **wanted: Any) -> list[FailedSource]:
    found = await desk.ask(GetFailedSources(**wanted), GetFailedSources.Result)
    return found.sources


async def ids(desk: Desk, **wanted: Any) -> list[str]:
    return sorted(source.id for source in await failed(desk, **wanted))


@pytest.mark.trio
async def test_a_source_that_could_not_be_converted_is_listed_with_its_reason_and_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.running():
        (desk.watched / "bad.csv").write_text("no,columns,known\n1,2,3\n")
        await desk.until(lambda: desk.hub.snapshot.converter("csv").failed)
        (source,) = await failed(desk)
        shown = await desk.ask(GetSource(id=source.id), GetSource.Result)
    assert (source.id, source.converter, source.name, source.size) == ("csv/bad.csv", "csv", "bad.csv", 23)
    assert source.path == str(desk.watched / "Error" / "bad.csv")
    assert source.reason
    assert shown.source == source
    assert shown.reason.startswith(source.reason)
    assert "converter: csv (pywats_client.converters.formats.csv)" in shown.reason
    assert (shown.head, shown.is_whole) == ("no,columns,known\n1,2,3\n", True)


@pytest.mark.trio
async def test_sources_are_listed_newest_first_and_in_windows(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(5):
        note = put_failed(desk, f"{number}.csv").with_name(f"{number}.csv.reason")
        os.utime(note, (1_000_000 + number, 1_000_000 + number))
    async with desk.running():
        found = await desk.ask(GetFailedSources(offset=1, limit=2), GetFailedSources.Result)
        assert [source.name for source in found.sources] == ["3.csv", "2.csv"]
        assert found.total == 5
        assert await ids(desk, search="CSV/4") == ["csv/4.csv"]
        assert len(await ids(desk, search="no VALUE")) == 5
        assert await ids(desk, search="another reason") == []


@pytest.mark.trio
async def test_only_sources_are_listed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "a.csv", more='files: ["a.dat", "..", "", "../../config_default.json", "no\\u0000name", 7]\n')
    put_failed(desk, "below/b.csv")
    put_failed(desk, "discarded/c.csv")
    error = desk.watched / "Error"
    for name in ("a.dat", "old.reason", ".hidden", "half.tmp"):
        (error / name).touch()
    (error / "link.csv").symlink_to(desk.instance.config)
    (error / "out").symlink_to(tmp_path)
    os.mkfifo(error / "pipe.csv")
    (error / "without reason.csv").touch()
    async with desk.running():
        assert await ids(desk) == ["csv/a.csv", "csv/below/b.csv", "csv/without reason.csv"]


@pytest.mark.trio
async def test_a_name_that_is_not_utf_8_is_shown_and_taken_as_it_is_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, os.fsdecode(b"b\xff\x1b.csv"), csv_table("A1").encode())
    async with desk.running():
        assert await ids(desk) == ["csv/b\\xff\\x1b.csv"]
        shown = await desk.ask(GetSource(id="csv/b\\xff\\x1b.csv"), GetSource.Result)
        assert shown.model_dump_json()
        done = await desk.ask(RetrySources(ids=["csv/b\\xff\\x1b.csv"]), RetrySources.Result)
        assert done.retried == ["csv/b\\xff\\x1b.csv"]
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)


@pytest.mark.trio
async def test_of_a_source_64_kib_are_shown_and_what_is_no_text_as_its_bytes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "binary.csv", b"a\x00\xff\x1b[31m\r\n\tb")
    put_failed(desk, "long.csv", "ü".encode() * 40_000)
    put_failed(desk, "odd.csv", b"x" + "ü".encode() * 32_768)
    async with desk.running():
        shown = [
            await desk.ask(GetSource(id=f"csv/{name}.csv"), GetSource.Result) for name in ("binary", "long", "odd")
        ]
    assert (shown[0].head, shown[0].is_whole) == ("a\\x00\\xff\\x1b[31m\n\tb", True)
    assert (shown[1].head, shown[1].is_whole) == ("ü" * 32_768, False)
    assert (shown[2].head, shown[2].is_whole) == ("x" + "ü" * 32_767, False)


@pytest.mark.trio
@pytest.mark.parametrize(
    "wanted",
    [
        "csv/../a.csv",
        "csv/../../config_default.json",
        "csv//etc/passwd",
        "/etc/passwd",
        "csv/link.csv",
        "csv/out/config_default.json",
        "csv/a.csv.reason",
        "csv/discarded/old.csv",
        "csv/a.csv\x00",
        "csv/",
        "csv",
        "",
        "nobody/a.csv",
    ],
)
async def test_an_id_opens_and_moves_nothing_but_what_is_listed(tmp_path: Path, wanted: str) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "a.csv")
    put_failed(desk, "discarded/old.csv")
    (desk.watched / "Error" / "link.csv").symlink_to(desk.instance.config)
    (desk.watched / "Error" / "out").symlink_to(tmp_path)
    async with desk.running():
        before = sorted(map(str, tmp_path.rglob("*.*")))
        assert (await desk.refused(GetSource(id=wanted)))[0] == Code.NOT_FOUND
        back = await desk.ask(RetrySources(ids=[wanted]), RetrySources.Result)
        away = await desk.ask(DiscardSources(ids=[wanted]), DiscardSources.Result)
        assert before == sorted(map(str, tmp_path.rglob("*.*")))
    assert [item.code for item in (*back.untouched, *away.untouched)] == [Code.NOT_FOUND] * 2
    assert {item.why for item in (*back.untouched, *away.untouched)} == {"no error folder holds it"}


@pytest.mark.trio
async def test_a_source_put_back_is_converted_again_and_its_reason_is_gone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "a.csv", csv_table("A1").encode())
    async with desk.running():
        done = await desk.ask(RetrySources(ids=["csv/a.csv"]), RetrySources.Result)
        assert (done.retried, done.untouched) == (["csv/a.csv"], [])
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
        assert await ids(desk) == []
    assert list((desk.watched / "Error").iterdir()) == []


@pytest.mark.trio
async def test_a_source_put_back_overwrites_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "a.csv", csv_table("A1").encode())
    async with desk.running():
        await desk.ask(Pause(what="intake"), Pause.Result)
        (desk.watched / "a.csv").write_text("the newer one")
        await desk.ask(RetrySources(ids=["csv/a.csv"]), RetrySources.Result)
        assert (desk.watched / "a.csv").read_text() == "the newer one"
        assert (desk.watched / "a-1.csv").read_text() == csv_table("A1")


@pytest.mark.trio
async def test_all_failed_sources_of_one_converter_go_back_to_where_they_were(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shared = str(tmp_path / "in" / "Error")
    known = {"module_path": "csv", "process_code": 10, "error_folder": shared, "recursive": True}
    folders = {"csv": str(tmp_path / "in"), "a/b": str(tmp_path / "other")}
    desk = Desk(
        tmp_path, converters=[{"name": name, "watch_folder": folder, **known} for name, folder in folders.items()]
    )
    put_failed(desk, "below/1.csv")
    put_failed(desk, "2.csv", converter="a/b")
    async with desk.running():
        await desk.ask(Pause(what="intake"), Pause.Result)
        assert await ids(desk) == ["a/b/2.csv", "csv/below/1.csv"]
        assert await ids(desk, converter="a/b") == ["a/b/2.csv"]
        done = await desk.ask(RetrySources(converter="csv"), RetrySources.Result)
        assert done.retried == ["csv/below/1.csv"]
        assert (desk.watched / "below" / "1.csv").exists()
        await desk.ask(RetrySources(ids=["a/b/2.csv"]), RetrySources.Result)
        assert (tmp_path / "other" / "2.csv").exists()
        assert (await desk.refused(RetrySources()))[0] == Code.INVALID
        assert (await desk.refused(RetrySources(converter="nobody")))[0] == Code.NOT_FOUND
        assert (await desk.refused(GetFailedSources(converter="nobody")))[0] == Code.NOT_FOUND


WITH_COMPANION = """
def companions(self, source):
    return [source.path.with_suffix(".dat")]
"""


@pytest.mark.trio
async def test_what_belongs_to_a_source_goes_with_it_both_ways(tmp_path: Path) -> None:
    module = write_converter(
        tmp_path / "mine.py",
        """
        if not (source.path.parent.parent / "mended").exists():
            raise ValueError("not yet")
        return report(source.companions[0].read_text())
        """,
        head=WITH_COMPANION,
    )
    keys = {
        "name": "mine",
        "module_path": str(module),
        "watch_folder": str(tmp_path / "in"),
        "file_patterns": ["*.txt"],
    }
    desk = Desk(tmp_path, converters=[keys])
    error = desk.watched / "Error"
    (desk.watched / "a.dat").write_text("A1")
    (desk.watched / "a.txt").touch()
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("mine").failed)
        assert await ids(desk) == ["mine/a.txt"]
        assert sorted(os.listdir(error)) == ["a.dat", "a.txt", "a.txt.reason"]
        (desk.watched / "a.dat").write_text("another one")
        refused = await desk.ask(RetrySources(ids=["mine/a.txt"]), RetrySources.Result)
        assert (refused.retried, refused.untouched[0].code) == ([], Code.TEMPORARY)
        assert "a.dat is in the watched folder already" in refused.untouched[0].why
        (desk.watched / "a.dat").unlink()
        (tmp_path / "mended").touch()
        await desk.ask(RetrySources(ids=["mine/a.txt"]), RetrySources.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
    assert os.listdir(error) == []


@pytest.mark.trio
async def test_a_folder_that_belongs_to_a_source_goes_with_it_both_ways(tmp_path: Path) -> None:
    module = write_converter(
        tmp_path / "mine.py",
        """
        if not (source.path.parent.parent / "mended").exists():
            raise ValueError("not yet")
        return report((source.companions[0] / "value.txt").read_text())
        """,
        head="def companions(self, source):\n    return [source.path.with_suffix('')]",
    )
    keys = {
        "name": "mine",
        "module_path": str(module),
        "watch_folder": str(tmp_path / "in"),
        "file_patterns": ["*.txt"],
    }
    desk = Desk(tmp_path, converters=[keys])
    (desk.watched / "a").mkdir()
    (desk.watched / "a" / "value.txt").write_text("A1")
    (desk.watched / "a.txt").touch()
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("mine").failed)
        assert await ids(desk) == ["mine/a.txt"]
        assert sorted(os.listdir(desk.watched / "Error")) == ["a", "a.txt", "a.txt.reason"]
        (tmp_path / "mended").touch()
        await desk.ask(RetrySources(ids=["mine/a.txt"]), RetrySources.Result)
        await desk.until(lambda: desk.hub.snapshot.delivered == 1)
        await desk.until((desk.watched / "Done" / "a" / "value.txt").exists)  # what belongs to a source goes last
    assert os.listdir(desk.watched / "Error") == []
    assert (desk.watched / "Done" / "a" / "value.txt").read_text() == "A1"


@pytest.mark.trio
async def test_a_discarded_source_is_kept_with_its_reason_and_listed_no_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "below/a.csv", more='files: ["a.dat"]\n')
    (desk.watched / "Error" / "below" / "a.dat").touch()
    discarded = desk.watched / "Error" / "discarded" / "below"
    discarded.mkdir(parents=True)
    (discarded / "a.csv").write_text("an earlier one")
    async with desk.running():
        done = await desk.ask(DiscardSources(ids=["csv/below/a.csv"]), DiscardSources.Result)
        assert done.discarded == ["csv/below/a.csv"]
        assert await ids(desk) == []
    assert sorted(os.listdir(discarded)) == ["a-1.csv", "a-1.csv.reason", "a.csv", "a.dat"]
    assert (discarded / "a.csv").read_text() == "an earlier one"


@pytest.mark.trio
async def test_a_folder_that_failed_is_one_source(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    folder = desk.watched / "Error" / "panel"
    folder.mkdir(parents=True)
    (folder / "1.txt").write_text("12345")
    (folder / "2.txt").write_text("67")
    folder.with_name("panel.reason").write_text(NOTE.format(converter="csv", more=""))
    async with desk.running():
        (source,) = await failed(desk)
        shown = await desk.ask(GetSource(id=source.id), GetSource.Result)
    assert (source.id, source.size) == ("csv/panel", 7)
    assert (shown.head, shown.is_whole) == ("1.txt\n2.txt", True)


@pytest.mark.trio
async def test_a_watched_folder_that_is_away_is_not_made_by_a_retry(tmp_path: Path) -> None:
    away = tmp_path / "share"
    keys = {"name": "csv", "module_path": "csv", "watch_folder": str(away), "process_code": 10}
    desk = Desk(tmp_path, converters=[{**keys, "error_folder": str(tmp_path / "in" / "Error")}])
    put_failed(desk, "a.csv")
    async with desk.running():
        done = await desk.ask(RetrySources(converter="csv"), RetrySources.Result)
        assert await ids(desk) == ["csv/a.csv"]
    assert f"the watched folder {away} is not there" in done.untouched[0].why
    assert not away.exists()


@pytest.mark.trio
async def test_sources_in_the_error_folder_are_counted_over_restarts_and_less_when_they_are_set_aside(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    put_failed(desk, "one.csv")
    put_failed(desk, "two.csv")
    async with desk.running():
        await desk.until(lambda: desk.hub.snapshot.converter("csv").in_error_folder == 2)
        report = (await desk.status()).converters[0]
        assert (report.failed, report.in_error_folder) == (0, 2)
        await desk.ask(DiscardSources(ids=["csv/one.csv"]), DiscardSources.Result)
        await desk.until(lambda: desk.hub.snapshot.converter("csv").in_error_folder == 1)
