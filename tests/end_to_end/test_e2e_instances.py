"""Several services on one machine: one an instance, one a watched folder, and nothing between them."""

from pathlib import Path

import pytest

from pywats_client.emulator import Emulator
from tests.end_to_end.station import Station, names_in, serials, table

EACH = 40


@pytest.mark.case(
    "F36",
    "two services on an instance, two on a folder",
    injected="started twice",
    promised="exit 9 with the owner's process, exit 78 with the folder",
)
@pytest.mark.trio
async def test_a_second_service_on_an_instance_or_its_folder_is_refused_and_told_why(
    station: Station, server: Emulator
) -> None:
    watched = station.add_converter("csv", "csv", "*.csv")
    thief = Station(station.folder / "thief", server.url, instance_id="thief", home=station.home)
    thief.add_converter("csv", "csv", "*.csv", watch_folder=str(watched))
    async with station.running() as first:
        await station.until(lambda: "converter csv: running" in station.log())
        second = await station.run("service")
        assert second.code == 9
        assert str(first.pid) in second.stderr
        assert len(second.stderr.splitlines()) == 1
        robbing = await thief.run("service")
        assert robbing.code == 78
        assert str(watched) in robbing.stderr
        assert "another instance" in robbing.stderr
        (watched / "A.csv").write_text(table("A"))
        await station.until(lambda: station.is_at_rest(1))
    assert await serials(server) == ["A"]


@pytest.mark.trio
async def test_two_instances_under_load_do_not_see_each_other(tmp_path: Path, server: Emulator) -> None:
    stations = {
        name: Station(tmp_path / name, server.url, instance_id=name, home=tmp_path / "home") for name in ("one", "two")
    }
    numbers = {name: [f"{name}-{number:02}" for number in range(EACH)] for name in stations}
    for name, station in stations.items():
        watched = station.add_converter("csv", "csv", "*.csv")
        for number in numbers[name]:
            (watched / f"{number}.csv").write_text(table(number))
    one, two = stations.values()
    async with one.running(), two.running():
        await one.until(lambda: one.is_at_rest(EACH))
        await two.until(lambda: two.is_at_rest(EACH))
    for name, station in stations.items():
        assert names_in(station.folder / "csv" / "Done") == [f"{number}.csv" for number in numbers[name]]
    by_station = {(header["station"], header["serialNumber"]) for header in await server.received()}
    assert by_station == {(f"Station {name}", number) for name in stations for number in numbers[name]}
    assert len(await server.received()) == 2 * EACH
