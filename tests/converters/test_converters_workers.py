"""Which worker serves whom, how many there are, and when they go."""

import os
import signal
import sys
from pathlib import Path

import pytest
import trio
from worker_fixtures import convert, is_alive, job_for, setup_for, until, write_converter

from pywats_client.converters.process import Delivered, Setup, Workers, open_workers
from pywats_client.errors import ConversionError, ConverterDied

pytestmark = pytest.mark.trio

PID = "return report(pid=os.getpid())"
IMPORT = "from pywats_client.converters import *\n"


def gated(folder: Path, name: str = "mine.py") -> Path:
    """A converter that says that it has begun, and goes on when there is a gate."""
    body = f"""
        Path({str(folder)!r}, f"begun-{{os.getpid()}}").touch()
        while not Path({str(folder)!r}, "gate").exists():
            time.sleep(0.005)
        return report(pid=os.getpid())
    """
    return write_converter(folder, body, name=name)


def begun(folder: Path) -> int:
    return len(list(folder.glob("begun-*")))


async def pid_of(workers: Workers, setup: Setup, source: Path) -> int:
    (report,) = await convert(workers, setup, source)
    return int(report["pid"])


async def until_gone(*pids: int) -> None:
    await until(lambda: not any(map(is_alive, pids)))


async def test_an_idle_worker_serves_the_next_call_of_an_equal_setup(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    file = write_converter(tmp_path, PID)
    first = await pid_of(workers, setup_for(file, arguments={}), source)
    assert await pid_of(workers, setup_for(file, arguments={}), source) == first
    assert (workers.statistics.alive, workers.statistics.busy, workers.statistics.retired) == (1, 0, 0)


async def test_another_setup_has_another_worker(workers: Workers, tmp_path: Path, source: Path) -> None:
    file = write_converter(tmp_path, PID)
    first = await pid_of(workers, setup_for(file, name="one"), source)
    assert await pid_of(workers, setup_for(file, name="two"), source) != first
    assert workers.statistics.alive == 2


@pytest.mark.case(
    "F33",
    "a module replaced by one of the same size and time",
    injected="the file replaced",
    promised="the new one is loaded",
)
async def test_a_changed_module_is_loaded_anew_and_the_old_worker_goes(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    file = write_converter(tmp_path, "return report('old1', pid=os.getpid())")
    (old,) = await convert(workers, setup_for(file), source)
    times = file.stat()
    write_converter(tmp_path, "return report('new2', pid=os.getpid())", name="next.py").replace(file)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # same size, same time: still another file
    (new,) = await convert(workers, setup_for(file), source)
    assert (old["sn"], new["sn"]) == ("old1", "new2")
    assert not is_alive(old["pid"])
    assert workers.statistics.alive == 1


async def test_no_bytecode_is_left_beside_the_module(workers: Workers, tmp_path: Path, source: Path) -> None:
    await convert(workers, setup_for(write_converter(tmp_path, PID)), source)
    assert not (tmp_path / "__pycache__").exists()


async def test_a_worker_that_died_is_replaced(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(write_converter(tmp_path, PID))
    first = await pid_of(workers, setup, source)
    os.kill(first, signal.SIGKILL)
    await until_gone(first)
    assert await pid_of(workers, setup, source) != first


async def test_there_are_never_more_workers_than_tokens(tmp_path: Path, source: Path) -> None:
    limiter = trio.CapacityLimiter(2)
    setups = [setup_for(write_converter(tmp_path, PID, name=f"c{n}.py"), name=f"c{n}") for n in range(3)]
    alive: list[int] = []

    async def one(setup: Setup) -> None:
        async with limiter:
            await convert(workers, setup, source)
            alive.append(workers.statistics.alive)

    with trio.fail_after(30):
        async with open_workers(limiter) as workers, trio.open_nursery() as nursery:
            for setup in setups * 3:
                nursery.start_soon(one, setup)
    assert len(alive) == 9
    assert max(alive) == 2


async def test_who_holds_no_token_waits_for_room(tmp_path: Path, source: Path) -> None:
    busy = setup_for(gated(tmp_path))
    other = setup_for(write_converter(tmp_path, PID, name="other.py"), name="other")
    with trio.fail_after(30):
        async with open_workers(trio.CapacityLimiter(1)) as workers, trio.open_nursery() as nursery:
            nursery.start_soon(convert, workers, busy, source)
            await until(lambda: begun(tmp_path))
            with trio.move_on_after(0.5) as patience:
                await workers.describe(other)
            assert patience.cancelled_caught
            assert workers.statistics.alive == 1
            (tmp_path / "gate").touch()
            await workers.describe(other)


async def test_the_longest_idle_worker_makes_room(tmp_path: Path, source: Path) -> None:
    setups = [setup_for(write_converter(tmp_path, PID, name=f"c{n}.py"), name=f"c{n}") for n in range(3)]
    with trio.fail_after(30):
        async with open_workers(trio.CapacityLimiter(2)) as workers:
            first, second, third = [await pid_of(workers, setup, source) for setup in setups]
            assert [is_alive(pid) for pid in (first, second, third)] == [False, True, True]
            assert await pid_of(workers, setups[1], source) == second


async def test_fewer_tokens_end_a_worker_after_its_call(tmp_path: Path, source: Path) -> None:
    limiter = trio.CapacityLimiter(2)
    setups = [setup_for(write_converter(tmp_path, PID, name=f"c{n}.py"), name=f"c{n}") for n in range(2)]
    with trio.fail_after(30):
        async with open_workers(limiter) as workers:
            for setup in setups:
                await convert(workers, setup, source)
            limiter.total_tokens = 1
            await convert(workers, setups[0], source)
            assert workers.statistics.alive == 1


async def test_an_idle_worker_retires(tmp_path: Path, source: Path) -> None:
    with trio.fail_after(30):
        async with open_workers(trio.CapacityLimiter(2), idle_seconds=0.1) as workers:
            pid = await pid_of(workers, setup_for(write_converter(tmp_path, PID)), source)
            await until_gone(pid)
            await until(lambda: not workers.statistics.alive)
            assert workers.statistics.retired == 1


async def test_long_calls_get_as_many_workers_as_there_are_tokens(tmp_path: Path, source: Path) -> None:
    limiter = trio.CapacityLimiter(5)
    setup = setup_for(gated(tmp_path))
    with trio.fail_after(30):
        async with open_workers(limiter) as workers, trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(convert, workers, setup, source)
            await until(lambda: begun(tmp_path) == 5)
            assert workers.statistics.busy == 5
            (tmp_path / "gate").touch()


async def test_short_calls_wait_for_the_workers_that_are_there(tmp_path: Path, source: Path) -> None:
    limiter = trio.CapacityLimiter(20)
    setup = setup_for(write_converter(tmp_path, "time.sleep(0.002)\nreturn report()"))

    async def one() -> None:
        async with limiter:
            await convert(workers, setup, source)

    with trio.fail_after(30):
        async with open_workers(limiter) as workers:
            await convert(workers, setup, source)
            async with trio.open_nursery() as nursery:
                for _ in range(400):
                    nursery.start_soon(one)
            assert workers.statistics.alive <= (os.cpu_count() or 1)


async def test_who_is_called_off_while_waiting_takes_no_worker_along(tmp_path: Path, source: Path) -> None:
    setup = setup_for(gated(tmp_path))
    with trio.fail_after(30):
        async with open_workers(trio.CapacityLimiter(1)) as workers, trio.open_nursery() as nursery:
            nursery.start_soon(convert, workers, setup, source)
            await until(lambda: begun(tmp_path))
            async with trio.open_nursery() as waiting:
                for _ in range(3):
                    waiting.start_soon(convert, workers, setup, source)
                await trio.testing.wait_all_tasks_blocked()
                waiting.cancel_scope.cancel()
            (tmp_path / "gate").touch()
            await convert(workers, setup, source)
            assert workers.statistics.alive == 1


async def test_a_worker_handed_to_who_is_called_off_is_not_lost(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(write_converter(tmp_path, PID))
    async with trio.open_nursery() as waiting, workers._borrowed(setup):
        waiting.start_soon(convert, workers, setup, source)
        await trio.testing.wait_all_tasks_blocked()
        waiting.cancel_scope.cancel()
    assert (workers.statistics.alive, workers.statistics.busy) == (1, 0)


async def test_a_call_that_was_called_off_ends_its_worker(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(gated(tmp_path))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(convert, workers, setup, source)
        await until(lambda: begun(tmp_path))
        nursery.cancel_scope.cancel()
    assert workers.statistics.alive == 0
    (tmp_path / "gate").touch()
    assert len(await convert(workers, setup, source)) == 1


async def test_what_the_storing_raises_comes_through(workers: Workers, tmp_path: Path, source: Path) -> None:
    async def deliver(report: Delivered) -> None:
        raise OSError("no space left on device")

    setup = setup_for(write_converter(tmp_path, PID))
    with pytest.raises(OSError, match="no space left"):
        await workers.convert(setup, job_for(source), deliver)
    assert workers.statistics.alive == 0


async def test_describe_says_what_the_converter_is(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "folder.py"
    file.write_text(
        "from pywats_client.converters import *\n"
        "class Boards(FolderConverter):\n"
        "    name = 'boards'\n    version = '3.1'\n    min_file_count = 2\n"
        "    class Arguments(FolderConverter.Arguments):\n        side: int = 1\n        'Which side.'\n"
        "    def companions(self, source): return []\n"
        "    def convert(self, source, context): return None\n"
    )
    info = await workers.describe(setup_for(file))
    assert (info.name, info.version, info.is_folder, info.has_companions) == ("boards", "3.1", True, True)
    assert (info.ready_marker, info.min_file_count) == ("COMPLETE.marker", 2)
    assert info.arguments_schema["properties"]["side"]["description"] == "Which side."


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def broken(:", r"syntax error: .* \(/.*mine\.py:1\)"),
        ("x = 1\nimport not_there", r"ModuleNotFoundError: No module named 'not_there' \(/.*mine\.py:2\)"),
        ("raise SystemExit(2)", r"sys\.exit\(2\)"),
        ("import os; os.abort()", "killed by SIGABRT"),
        ("x = 1", "has no class that is derived from Converter"),
        (
            IMPORT + "class A(Converter):\n  def convert(self, s, c): ...\nclass B(A): ...",
            r"has several converters \(A, B\): say which, as /.*mine\.py:A",
        ),
        (IMPORT + "class A(Converter): ...", "A in .* has no method convert"),
        (
            IMPORT + "class A(Converter):\n  Arguments = dict\n  def convert(s, x, c): ...",
            r"A\.Arguments in .* is not a pydantic model",
        ),
    ],
)
async def test_a_module_that_is_no_converter_is_told_with_its_reason(
    workers: Workers, tmp_path: Path, code: str, words: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    with pytest.raises(ConversionError, match=words):
        await workers.describe(setup_for(file))
    assert workers.statistics.alive == 0


async def test_a_module_that_hangs_while_it_is_loaded_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("while True: pass")
    async with open_workers(trio.CapacityLimiter(1), load_seconds=0.5) as workers:
        with pytest.raises(ConversionError, match="did not finish"):
            await workers.describe(setup_for(file))
        assert workers.statistics.alive == 0


async def test_wrong_arguments_are_named(workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        await workers.describe(setup_for("csv", arguments={"delimeter": ",", "has_header": "perhaps"}))
    lines = str(caught.value).splitlines()
    assert lines[0] == "argument delimeter: there is none of that name; did you mean delimiter?"
    assert lines[1].startswith("argument has_header: ")


async def test_kill_9_of_the_service_ends_its_workers(tmp_path: Path, source: Path) -> None:
    setup = gated(tmp_path)
    service = tmp_path / "service.py"
    service.write_text(
        f"import sys, trio\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\nfrom worker_fixtures import *\n"
        "from pywats_client.converters.process import open_workers\n"
        "async def main():\n"
        "    async with open_workers(trio.CapacityLimiter(2)) as workers:\n"
        f"        await convert(workers, setup_for({str(setup)!r}), Path({str(source)!r}))\n"
        "trio.run(main)\n"
    )
    process = await trio.lowlevel.open_process([sys.executable, service])
    with trio.fail_after(30):
        await until(lambda: begun(tmp_path))
        (mark,) = tmp_path.glob("begun-*")
        worker = int(mark.name.partition("-")[2])
        assert is_alive(worker)
        process.kill()
        await process.wait()
        await until_gone(worker)


async def test_an_answer_that_is_none_ends_the_worker(workers: Workers, tmp_path: Path, source: Path) -> None:
    file = write_converter(tmp_path, "return report()")
    file.write_text(file.read_text() + "\n    version = [1]\n    description = 3\n")
    lie = "import pywats_client.converters.worker as w\nw.Worker.answer = lambda self, request: {'kind': 'description'}"
    file.write_text(lie + file.read_text())
    with pytest.raises(ConverterDied, match="no answer"):
        await workers.describe(setup_for(file))
