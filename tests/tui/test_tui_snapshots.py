"""Every screen as text, at two sizes, in five states. PYWATS_UPDATE_SNAPSHOTS=1 writes them anew."""

import os
from pathlib import Path

import pytest
from tui_parts import NARROW, WIDE, ago, dashboard, instance_in, run, service, stable, well

from pywats_client.ipc.events import ConnectionState, Figures, ServiceState, Snapshot
from pywats_tui.screens import PAGES
from pywats_tui.screens.activity import Activity
from pywats_tui.screens.dashboard import Dashboard
from pywats_tui.screens.help import Help
from pywats_tui.screens.instances import Instances

HERE = Path(__file__).with_name("snapshots")
OURS = (Dashboard, Activity, Instances, Help)
STATES = {
    "normal": lambda: well(),
    "empty": lambda: Snapshot(
        service=ServiceState.RUNNING, connection=ConnectionState.ONLINE, connection_reason="", converters={}
    ),
    "offline": lambda: well(connection=ConnectionState.OFFLINE, connection_reason="no connection to acme.wats.com"),
    "refused": lambda: well(connection=ConnectionState.REFUSED, connection_reason="the token is not accepted"),
    "paused": lambda: well(service=ServiceState.PAUSED, paused=("uploads", "intake")),
    "error": lambda: well(service=ServiceState.ERROR, service_reason="the queue folder is gone"),
    "queued": lambda: well(
        reports={"queued": 50_000, "processing": 5, "error": 12_345, "rejected": 1_234},
        figures=Figures(oldest_waiting=ago(hours=50), last_delivered=ago(hours=47, minutes=30)),
    ),
}
WAITS = {Dashboard: "acme", Activity: "0 lines", Instances: "1 instance, 1 running", Help: "Everywhere"}


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_every_screen_looks_as_it_did(
    state: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYWATS_HOME", str(tmp_path))
    instance = instance_in(tmp_path)
    pages = [page for page in PAGES if page in OURS] if state == "normal" else [Dashboard]

    async def look() -> None:
        async with dashboard(instance, size) as seen:
            await seen.sees("acme")
            for page in pages:
                await seen.press(page.KEY)
                await seen.sees("acme", WAITS[page])
                await seen.until(lambda: seen.static("CommandLine"))
                text = stable(seen.text, (str(os.getpid()).ljust(7), "PID    "))
                compare(f"{page.__name__.lower()}-{state}-{size[0]}x{size[1]}.txt", text)

    with service(instance, STATES[state]()):
        run(look())


def compare(name: str, text: str) -> None:
    file = HERE / name
    if os.environ.get("PYWATS_UPDATE_SNAPSHOTS"):
        HERE.mkdir(exist_ok=True)
        file.write_text(text + "\n", "utf-8")
    assert file.read_text("utf-8") == text + "\n", f"{name} differs; see PYWATS_UPDATE_SNAPSHOTS"
