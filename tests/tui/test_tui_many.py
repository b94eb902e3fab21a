"""Many who look at one service at the same time are told the same."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from station_parts import running, station_in
from tui_parts import dashboard, run

from pywats_client.ipc.async_client import AsyncIPCClient
from pywats_client.ipc.commands.service import GetStatus
from pywats_client.ipc.events import Snapshot
from pywats_client.paths import Instance
from pywats_tui.picture import KINDS
from tests.end_to_end.station import table

DASHBOARDS, CLIENTS, FILES = 5, 20, 30


def _client(instance: Instance) -> AsyncIPCClient:
    return AsyncIPCClient(instance.id, home=instance.home)


async def _counted(client: AsyncIPCClient) -> tuple[int, int, int, int]:
    """Waiting, converted, failed as a plain client folds them, and waiting as the service answers, at the end."""
    snapshot = Snapshot()
    async for told in client.events():
        if told.name == "snapshot":
            snapshot = Snapshot.model_validate(told.data)
        else:
            snapshot = snapshot.after(KINDS[told.name].model_validate(told.data))
        csv = snapshot.converters["csv"]
        if csv.converted == FILES and csv.failed == 1 and snapshot.reports.get("queued") == FILES:
            status = await client.call(GetStatus())
            assert isinstance(status, GetStatus.Result)
            return snapshot.reports["queued"], csv.converted, csv.failed, status.queue_size
    raise AssertionError("the service has ended")


def test_five_dashboards_and_twenty_plain_clients_see_the_same_counters(tmp_path: Path) -> None:
    station = station_in(tmp_path / "station")

    async def look() -> None:
        async with AsyncExitStack() as stack:
            shown = [await stack.enter_async_context(dashboard(station.instance)) for _ in range(DASHBOARDS)]
            clients = [await stack.enter_async_context(_client(station.instance)) for _ in range(CLIENTS)]
            counted = [asyncio.create_task(_counted(client)) for client in clients]
            for number in range(FILES):
                (station.folder / "csv" / f"{number}.csv").write_text(table(f"SN-{number}"))
            (station.folder / "csv" / "bad.csv").write_text("nothing of use\n")
            assert set(await asyncio.gather(*counted)) == {(FILES, FILES, 1, FILES)}
            for seen in shown:
                await seen.sees(f"waiting {FILES} ", f"► running        0       {FILES}       1  bad.csv")

    with running(station):
        run(look())
