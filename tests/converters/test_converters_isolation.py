"""What bubblewrap holds and limits cannot: other files, the network, other processes."""

import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from worker_fixtures import convert, processes_at, setup_for, until, write_converter

from pywats_client.converters.isolation import Isolation
from pywats_client.converters.process import Setup, Workers, open_workers
from pywats_client.errors import ConfigError, ConversionError

pytestmark = [
    pytest.mark.trio,
    pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed"),
]
SECRET = "e7a1-the-token"


def case(what: str) -> pytest.MarkDecorator:
    promised = "refused; the error names path or network and says how to allow it"
    return pytest.mark.case("F31", f"a converter: {what}", injected="probe in bubblewrap", promised=promised)


@dataclass(frozen=True)
class Place:
    """A station in small: the folder of modules, that of sources, and what neither should see."""

    home: Path

    @property
    def isolation(self) -> Isolation:
        return Isolation(folder=self.home / "in")

    @property
    def source(self) -> Path:
        return self.home / "in" / "source.txt"

    def setup(self, body: str, *allow: str, **more: Any) -> Setup:
        module = write_converter(self.home / "modules", body)
        return setup_for(module, isolation=replace(self.isolation, allow=allow), **more)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("in", "modules", "config", "data", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "in/source.txt").write_text("A1")
    for name in ("config/config.json", "data/token.key", "elsewhere/file"):
        (tmp_path / name).write_text(SECRET)
    return Place(tmp_path)


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, list[object]]]:
    """The port of something that listens on this machine, and who has come."""
    came: list[object] = []

    async def meet(stream: trio.SocketStream) -> None:
        came.append(stream)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        (server,) = await nursery.start(partial(trio.serve_tcp, meet, 0, host="127.0.0.1"))
        yield server.socket.getsockname()[1], came
        nursery.cancel_scope.cancel()


async def test_a_source_is_converted_as_ever(workers: Workers, place: Place) -> None:
    body = "return report(source.read_text(), ids=[os.getpid(), os.getppid()], home=os.listdir('/'))"
    (report,) = await convert(workers, place.setup(body), place.source)
    assert (report["sn"], report["ids"]) == ("A1", [2, 1])


REFUSED = {
    "read the key of the token": ("open('{home}/data/token.key')", "does not show {home}/data/token.key"),
    "read the configuration": ("open('{home}/config/config.json')", "does not show {home}/config/config.json"),
    "read the files of others": ("os.listdir('{home}/elsewhere')", "does not show {home}/elsewhere"),
    "read the machine's passwords": ("open('/etc/shadow')", "does not show /etc/shadow"),
    "follow a link to what is not shown": (
        "os.symlink('{home}/elsewhere/file', os.environ['TMPDIR'] + '/a'); open(os.environ['TMPDIR'] + '/a')",
        "does not show {home}/elsewhere/file",
    ),
    "write to the folder of sources": ("open('{home}/in/new', 'w')", "keeps {home}/in/new from being written"),
    "delete its source": ("source.path.unlink()", "keeps {home}/in/source.txt from being written"),
    "alter its module": ("open(__file__, 'a')", "keeps {home}/modules/mine.py from being written"),
    "write elsewhere": ("open('{home}/new', 'w')", "keeps {home}/new from being written"),
    "write to the system": ("open('/usr/lib/new', 'w')", "keeps /usr/lib/new from being written"),
    "start what is not shown": ("subprocess.run(['{home}/elsewhere/file'])", "does not show {home}/elsewhere/file"),
}


@pytest.mark.parametrize(
    ("body", "told"), [pytest.param(*each, id=name, marks=case(name)) for name, each in REFUSED.items()]
)
async def test_a_refusal_names_the_path_and_the_cure(workers: Workers, place: Place, body: str, told: str) -> None:
    before = {path: path.read_bytes() for path in place.home.rglob("*") if path.is_file()}
    setup = place.setup(body.format(home=place.home) + "\nreturn report()")
    with pytest.raises(ConversionError) as caught:
        await convert(workers, setup, place.source)
    assert told.format(home=place.home) in str(caught.value)
    assert "to isolation_allow" in str(caught.value)
    assert SECRET not in str(caught.value) + caught.value.details
    after = {path: path.read_bytes() for path in place.home.rglob("*") if path.is_file()}
    assert before | {place.home / "modules/mine.py": after[place.home / "modules/mine.py"]} == after


async def test_a_refusal_is_seen_behind_the_error_that_a_converter_makes_of_it(workers: Workers, place: Place) -> None:
    body = f"""
        try:
            open({str(place.home / "elsewhere/file")!r})
        except OSError as fault:
            raise ConversionError("there are no limits", line=3) from fault
    """
    told = r"line 3: there are no limits; the isolation .* does not show /"
    with pytest.raises(ConversionError, match=told) as caught:
        await convert(workers, place.setup(body), place.source)
    assert caught.value.line == 3


async def test_what_is_allowed_is_there_to_read_or_to_write(workers: Workers, place: Place) -> None:
    body = f"""
        Path({str(place.home / "data/new")!r}).write_text("written")
        return report(Path({str(place.home / "elsewhere/file")!r}).read_text())
    """
    allow = (f"{place.home}/elsewhere", f"{place.home}/data:rw")
    (report,) = await convert(workers, place.setup(body, *allow), place.source)
    assert report["sn"] == SECRET
    assert (place.home / "data/new").read_text() == "written"


async def test_an_allowed_path_may_hold_or_be_a_link_or_lie_in_another(workers: Workers, place: Place) -> None:
    (place.home / "linked").symlink_to("elsewhere")
    (place.home / "in/nested").mkdir()
    body = f"""
        (source.path.parent / "nested/new").write_text("1")
        return report(Path({str(place.home / "linked/file")!r}).read_text())
    """
    allow = (f"{place.home}/linked", f"{place.home}/in/nested:rw", "/etc", "/etc/localtime")
    (report,) = await convert(workers, place.setup(body, *allow), place.source)
    assert report["sn"] == SECRET


@pytest.mark.parametrize("folder", ["config", "linked"])
async def test_configuration_and_key_stay_hidden_where_the_module_lies_beside_them(
    workers: Workers, place: Place, folder: str
) -> None:
    (place.home / "linked").symlink_to("config")
    body = f"return report(Path({str(place.home)!r}, source.read_text()).read_text())"
    module = write_converter(place.home / folder, body)
    hidden = (place.home / "config/config.json", place.home / "data", place.home / "config/not there")
    (place.home / "config/beside").write_text("beside")
    shown = replace(place.isolation, hidden=hidden, allow=(str(place.home / "elsewhere"), f"{place.home}/data/allowed"))
    (place.home / "data/allowed").write_text("allowed")
    for name, told in ((f"{folder}/config.json", "Permission denied"), ("data/token.key", "No such file")):
        place.source.write_text(name)
        with pytest.raises(ConversionError, match=told):
            await convert(workers, setup_for(module, isolation=shown), place.source)
    for name in (f"{folder}/beside", "data/allowed"):
        place.source.write_text(name)
        (report,) = await convert(workers, setup_for(module, isolation=shown), place.source)
        assert report["sn"] == name.rpartition("/")[2]


CONNECT = "import socket\nsocket.create_connection(('127.0.0.1', {port}), 5).close()\nreturn report()"


@case("connect to a service of this machine")
async def test_there_is_no_network(workers: Workers, place: Place, listener: tuple[int, list[object]]) -> None:
    port, came = listener
    with pytest.raises(ConversionError, match="has no network: to allow it, add `network` to isolation_allow"):
        await convert(workers, place.setup(CONNECT.format(port=port)), place.source)
    assert came == []


async def test_there_is_a_network_where_it_is_allowed(
    workers: Workers, place: Place, listener: tuple[int, list[object]]
) -> None:
    port, came = listener
    assert await convert(workers, place.setup(CONNECT.format(port=port), "network"), place.source)
    await until(lambda: len(came) == 1)


@case("ask for a name on the network")
async def test_names_are_not_asked_for(workers: Workers, place: Place) -> None:
    body = "import socket\nsocket.getaddrinfo('localhost.example', 443)"
    with pytest.raises(ConversionError, match="has no network"):
        await convert(workers, place.setup(body), place.source)


@case("read environment and memory of the service")
async def test_other_processes_are_not_there(workers: Workers, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYWATS_API_TOKEN", SECRET)
    body = """
        return report(found=[
            (path / name).read_bytes().hex()
            for path in Path("/proc").glob("[0-9]*") for name in ("environ", "cmdline")
        ], parents=[path.name for path in Path("/proc").glob("[0-9]*")])
    """
    (report,) = await convert(workers, place.setup(body), place.source)
    assert sorted(report["parents"]) == ["1", "2"]
    assert SECRET.encode().hex() not in str(report["found"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("os.kill(os.getppid(), signal.SIGKILL)", marks=case("kill its parent")),
        pytest.param("try: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass", marks=case("kill everything it can")),
    ],
)
async def test_a_signal_reaches_nobody_outside(workers: Workers, place: Place, body: str) -> None:
    (report,) = await convert(workers, place.setup(body + "\nreturn report()"), place.source)
    assert report["sn"] == "A1"
    assert workers.statistics.alive == 1


@case("fill the scratch folder")
async def test_the_scratch_folder_is_bounded_and_empty_for_the_next(workers: Workers, place: Place) -> None:
    body = """
        import tempfile
        place = Path(tempfile.gettempdir())
        assert not list(place.iterdir())
        with (place / "rest").open("wb") as file:
            for _ in range(int(source.read_text())):
                file.write(bytes(1_000_000))
        return report(place=str(place))
    """
    setup = place.setup(body, memory_limit_mb=200)
    place.source.write_text("300")
    with pytest.raises(ConversionError, match="No space left on device"):
        await convert(workers, setup, place.source)
    place.source.write_text("1")
    (report,) = await convert(workers, setup, place.source)
    assert report["place"] == "/dev/shm"


async def test_a_worker_that_sees_a_folder_which_is_another_now_is_replaced(workers: Workers, place: Place) -> None:
    setup = place.setup("return report(source.read_text())")
    (report,) = await convert(workers, setup, place.source)
    place.source.parent.rename(place.home / "old")
    place.source.parent.mkdir()
    place.source.write_text("A2")
    (report,) = await convert(workers, setup, place.source)
    assert report["sn"] == "A2"
    assert (workers.statistics.alive, workers.statistics.retired) == (1, 1)


async def test_where_it_hangs_is_shown(workers: Workers, place: Place) -> None:
    with pytest.raises(ConversionError, match="did not finish") as caught:
        await convert(workers, place.setup("while True: pass", timeout_seconds=1), place.source)
    assert "mine.py" in caught.value.details


async def test_an_allowed_path_that_is_not_there_is_named(workers: Workers, place: Place) -> None:
    with pytest.raises(ConfigError, match="isolation_allow: /nowhere/else cannot be shown: No such file"):
        await workers.describe(place.setup("return report()", "/nowhere/else"))
    assert workers.statistics.alive == 0


async def test_without_bubblewrap_nothing_is_run_and_the_cure_is_told(
    workers: Workers, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(place.home))
    setup = place.setup(f"Path({str(place.home / 'ran')!r}).touch()")
    with pytest.raises(ConfigError, match=r"not installed.*sudo apt install bubblewrap"):
        await convert(workers, setup, place.source)
    (place.home / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    (place.home / "bwrap").chmod(0o755)
    with pytest.raises(ConfigError, match=r"does not start here \(setting up uid map: Permission denied\)"):
        await convert(workers, setup, place.source)
    assert not (place.home / "ran").exists()
    assert workers.statistics.alive == 0


@pytest.mark.case(
    "F31",
    "a converter's daemon, and kill -9 of the service",
    injected="SIGKILL to a process with real workers",
    promised="in bubblewrap nothing is left at once; with limits, nothing after the next start",
)
@pytest.mark.parametrize("isolation", ["bwrap", "limits"])
async def test_kill_9_of_the_service_leaves_no_daemon_of_a_converter(
    place: Place, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    monkeypatch.setenv("HOME", str(place.home))
    began = place.home / "elsewhere/began"
    module = write_converter(place.home / "modules", DAEMON.format(began=str(began)))
    process = await trio.lowlevel.open_process([sys.executable, "-c", SERVICE, isolation, module, place.source, began])
    with trio.fail_after(60):
        await until(began.exists)
        process.kill()
        await process.wait()
        if isolation == "limits":
            await until(lambda: len(processes_at(place.home)) <= 1)
            async with open_workers(trio.CapacityLimiter(1)):
                pass
        await until(lambda: not processes_at(place.home))


DAEMON = """
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    Path({began!r}).touch()
    time.sleep(1000)
time.sleep(1000)
"""
SERVICE = f"""
import sys, trio
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from worker_fixtures import *
from pywats_client.converters.isolation import Isolation
from pywats_client.converters.process import open_workers
async def main(isolation, module, source, began):
    shown = Isolation(folder=Path(source).parent, allow=(str(Path(began).parent) + ":rw",))
    async with open_workers(trio.CapacityLimiter(2)) as workers:
        await convert(workers, setup_for(module, isolation=shown if isolation == "bwrap" else None), Path(source))
trio.run(main, *sys.argv[1:])
"""
