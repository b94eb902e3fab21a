"""Worker processes as the service sees them: what a converter may do, and what becomes of it."""

import logging
import os
from pathlib import Path

import pytest
import trio
from worker_fixtures import convert, deliveries, is_alive, job_for, setup_for, until, write_converter

from pywats_client.converters.messages import MAX_REPORT_BYTES
from pywats_client.converters.process import Delivered, Workers, open_workers
from pywats_client.errors import ConversionError, ConverterDied, ConverterTimedOut, NotMine, NotYet
from pywats_client.queue.name import queue_id

pytestmark = pytest.mark.trio


async def test_a_report_is_completed_from_station_and_defaults(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "return report(processCode=None, location='', uut={'execTime': 1})"
    defaults = {"process_code": 20, "operator": "kim", "purpose": "Repair"}
    setup = setup_for(write_converter(tmp_path, body), defaults=defaults)
    (report,) = await convert(workers, setup, source)
    assert report["processCode"] == 20
    assert report["machineName"] == "Station-1"
    assert report["location"] == "Lab"
    assert report["purpose"] == "Repair"
    assert report["uut"]["user"] == "kim"


async def test_what_a_report_says_itself_stays(workers: Workers, tmp_path: Path, source: Path) -> None:
    own = "11111111-2222-3333-4444-555555555555"
    body = f"return report(id='{own}', machineName='Own')"
    setup = setup_for(write_converter(tmp_path, body), defaults={"process_code": 20})
    (report,) = await convert(workers, setup, source)
    assert (report["id"], report["machineName"], report["processCode"]) == (own, "Own", 10)


async def test_a_report_without_an_id_takes_its_queue_id(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(write_converter(tmp_path, "return [report('A1'), report('A2')]"))
    reports = await deliveries(workers, setup, source)
    assert [found.queue_id for found in reports] == [queue_id(b"seed", 0), queue_id(b"seed", 1)]
    assert all(str(found.queue_id).encode() in found.content for found in reports)


@pytest.mark.case("F32", "output twice", injected="two reports of one id", promised="refused")
async def test_two_reports_of_one_id_are_refused(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "return [report(id='11111111-2222-3333-4444-555555555555')] * 2"
    with pytest.raises(ConversionError, match="reports 1 and 2 have the same id"):
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)


async def test_a_report_without_a_start_takes_the_time_of_its_file(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    os.utime(source, (1_700_000_000, 1_700_000_000))
    setup = setup_for(write_converter(tmp_path, "return report(start=None)"))
    (report,) = await convert(workers, setup, source)
    (again,) = await convert(workers, setup, source)
    assert report["startUTC"] == "2023-11-14T22:13:20Z"
    assert report["start"] == again["start"]


async def test_faults_of_a_report_are_listed_with_their_paths(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(write_converter(tmp_path, "return report(sn='', result='X')"))
    with pytest.raises(ConversionError) as caught:
        await convert(workers, setup, source)
    lines = str(caught.value).splitlines()
    assert lines[0] == "report 1 has 2 faults that a server refuses:"
    assert {line.partition(" ")[0] for line in lines[1:]} == {"sn", "result"}


REASONS = {
    "return None": "the converter produced no report",
    "return []": "the converter produced no report",
    "return iter(())": "the converter produced no report",
    "return 'text'": "the converter returned a str",
    "return [1]": "the converter returned a int",
    "return report(extra={1, 2})": "report 1 cannot be written as JSON: .* set",
    "return report(extra='\\ud800')": "report 1 ",
    "raise ValueError('bad\\ttext')": r"ValueError: bad\ttext \(<string>:2\)",
    "def again(): again()\nagain()": "nested too deeply: maximum recursion depth",
    "deep = []\nfor _ in range(100000): deep = [deep]\nreturn report(extra=deep)": "nested too deeply",
    "Path('/nonexistent/x').read_text()": "FileNotFoundError",
    "return report(huge='x' * 60_000_000)": r"report 1 has 60\.0 MB; more than 50 MB are refused",
    "sys.exit(3)": r"the converter called sys\.exit\(3\)",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
}


async def test_whatever_is_raised_becomes_one_error_with_the_true_reason(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    body = """
        code = "def convert():\\n" + "\\n".join("  " + line for line in source.read_text().splitlines())
        exec(code, globals())
        return globals()["convert"]()
    """
    setup = setup_for(write_converter(tmp_path, body))
    for code, reason in REASONS.items():
        source.write_text(code)
        with pytest.raises(ConversionError, match=reason):
            await convert(workers, setup, source)
        assert workers.statistics.busy == 0
    # Only what ends a program ended its worker.
    assert workers.statistics.retired == 2


async def test_an_exception_that_cannot_be_shown_still_has_its_type(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    body = """
        class Strange(Exception):
            def __str__(self):
                sys.exit("never")
            __repr__ = __str__
        raise Strange
    """
    with pytest.raises(ConversionError, match="Strange"):
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)


async def test_the_traceback_is_of_the_converters_own_code(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = """
        def inner():
            return {}["key"]
        try:
            inner()
        except KeyError as cause:
            raise RuntimeError("outer") from cause
    """
    with pytest.raises(ConversionError) as caught:
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    assert 'return {}["key"]' in caught.value.details
    assert 'raise RuntimeError("outer")' in caught.value.details
    assert "pywats_client" not in caught.value.details


async def test_a_conversion_error_keeps_its_line(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "raise ConversionError('no such unit', line=7)"
    with pytest.raises(ConversionError) as caught:
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    assert (str(caught.value), caught.value.line) == ("line 7: no such unit", 7)


async def test_not_yet_and_not_mine_come_as_they_are(workers: Workers, tmp_path: Path, source: Path) -> None:
    with pytest.raises(NotYet) as not_yet:
        await convert(workers, setup_for(write_converter(tmp_path, "raise NotYet(delay=7.5)")), source)
    assert not_yet.value.delay == 7.5
    with pytest.raises(NotMine):
        await convert(workers, setup_for(write_converter(tmp_path, "raise NotMine('other')", name="b.py")), source)


async def test_reports_made_before_a_failure_were_delivered(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = """
        yield report("A1")
        yield report("A2")
        raise ValueError("third")
    """
    found: list[Delivered] = []

    async def deliver(report: Delivered) -> None:
        found.append(report)

    with pytest.raises(ConversionError, match="ValueError: third"):
        await workers.convert(setup_for(write_converter(tmp_path, body)), job_for(source), deliver)
    assert len(found) == 2


async def test_reports_are_made_only_as_fast_as_they_are_taken(workers: Workers, tmp_path: Path, source: Path) -> None:
    made = tmp_path / "made"
    body = f"""
        for number in range(100):
            with open({str(made)!r}, "a") as file: file.write(".")
            yield report(padding="x" * 1_000_000)
    """
    lead: list[int] = []

    async def deliver(report: Delivered) -> None:
        lead.append(made.stat().st_size - len(lead))

    await workers.convert(setup_for(write_converter(tmp_path, body)), job_for(source), deliver)
    assert len(lead) == 100
    assert max(lead) <= 2


async def test_the_largest_report_allowed_arrives_whole(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = f"return report(huge='x' * ({MAX_REPORT_BYTES} - 2_000))"
    (report,) = await deliveries(workers, setup_for(write_converter(tmp_path, body)), source)
    assert MAX_REPORT_BYTES - 2_000 < len(report.content) <= MAX_REPORT_BYTES


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("ctypes.string_at(0)", "was killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL: by another program, or by the kernel"),
        ("os.abort()", "was killed by SIGABRT"),
        ("os._exit(0)", "ended its process with exit code 0"),
        ("os._exit(4)", "ended its process with exit code 4"),
        (
            "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 5))\nwhile True: pass",
            "was killed by SIGXCPU: it used more than its 120 seconds of processor time",
        ),
        ("os.closerange(3, 1000)", "ended its process with exit code 1"),
        ("for n in range(3, 100):\n  try: os.write(n, b'x' * 64)\n  except OSError: pass", "sent something that is no"),
    ],
)
async def test_the_death_of_a_process_is_told_with_its_cause(
    workers: Workers, tmp_path: Path, source: Path, body: str, words: str
) -> None:
    setup = setup_for(write_converter(tmp_path, body))
    with pytest.raises(ConverterDied, match=words):
        await convert(workers, setup, source)
    assert workers.statistics.alive == 0


@pytest.mark.case(
    "F32",
    "a segmentation fault with something printed before",
    injected="probe in a real worker",
    promised="the signal, the place and what was printed are told",
)
async def test_the_last_words_of_a_process_are_kept(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "print('adjusting the fixture')\nctypes.string_at(0)"
    with pytest.raises(ConverterDied) as caught:
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    assert "adjusting the fixture" in caught.value.details
    assert "mine.py" in caught.value.details


async def test_many_large_reports_of_one_source_do_not_pile_up_in_memory(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    body = """
        from pywats_client.wsjf import UutReport
        for number in range(20):
            made = UutReport(
                part_number="P", serial_number=str(number), revision="1", process_code=10, operator="me",
                start=source.modified,
            )
            made.attach("picture", bytes(6_000_000))
            yield made
    """
    setup = setup_for(write_converter(tmp_path, body), memory_limit_mb=220)
    taken: list[object] = []

    async def deliver(report: Delivered) -> None:
        taken.append(report.queue_id)

    await workers.convert(setup, job_for(source), deliver)
    assert len(taken) == 20


@pytest.mark.parametrize(
    "body",
    ["a = []\nwhile True: a.append(bytearray(10_000_000))", "return report(huge=list(range(100_000_000)))"],
)
async def test_memory_is_bounded(workers: Workers, tmp_path: Path, source: Path, body: str) -> None:
    setup = setup_for(write_converter(tmp_path, body), memory_limit_mb=300)
    with pytest.raises(ConversionError, match="out of memory: the limit is 300 MB"):
        await convert(workers, setup, source)
    assert workers.statistics.alive == 0


async def test_a_written_file_is_bounded(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = f"os.truncate(os.open({str(tmp_path / 'big')!r}, os.O_CREAT | os.O_WRONLY), 10 << 30)"
    with pytest.raises(ConversionError, match="File too large"):
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)


async def test_an_endless_loop_ends_with_its_time_and_shows_where_it_was(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    setup = setup_for(write_converter(tmp_path, "while True: pass"), timeout_seconds=0.3)
    with pytest.raises(ConverterTimedOut, match=r"did not finish within 0\.3 seconds") as caught:
        await convert(workers, setup, source)
    assert "mine.py" in caught.value.details
    assert workers.statistics.alive == 0


async def test_the_time_in_which_reports_are_stored_is_not_the_converters(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    setup = setup_for(write_converter(tmp_path, "for n in range(2): yield report()"), timeout_seconds=0.5)

    async def deliver(report: Delivered) -> None:
        await trio.sleep(0.6)

    await workers.convert(setup, job_for(source), deliver)


async def test_reports_without_end_end_with_the_time(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "while True:\n    time.sleep(0.02)\n    yield report()"
    setup = setup_for(write_converter(tmp_path, body), timeout_seconds=0.4)
    with pytest.raises(ConverterTimedOut):
        await convert(workers, setup, source)


FAMILY = """
    children = [
        subprocess.Popen(["sleep", "1000"]).pid,
        subprocess.Popen(["sleep", "1000"], start_new_session=True).pid,
    ]
    daemon = os.fork()
    if daemon == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        Path({daemon!r}).write_text(str(os.getpid()))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
    os.waitpid(daemon, 0)
    while not (Path({daemon!r}).exists() and Path({daemon!r}).read_text()):
        time.sleep(0.01)
    children += [int(Path({daemon!r}).read_text()), os.getpid()]
    yield report(str(children))
    time.sleep(1000)
"""


@pytest.mark.case(
    "F31",
    "children, daemons and setsid",
    injected="a time-out, a cancellation, the end of the service",
    promised="no process left",
)
@pytest.mark.parametrize("how", ["time-out", "cancellation", "end of the service"])
async def test_children_end_with_the_converter(tmp_path: Path, source: Path, how: str) -> None:
    timeout = 2 if how == "time-out" else 100
    body = FAMILY.format(daemon=str(tmp_path / "daemon"))
    setup = setup_for(write_converter(tmp_path, body), timeout_seconds=timeout)
    family: list[int] = []
    started = trio.Event()

    async def deliver(report: Delivered) -> None:
        text = report.content.decode().partition('"sn":"[')[2].partition("]")[0]
        family.extend(map(int, text.split(",")))
        assert all(map(is_alive, family))
        started.set()

    async def run(workers: Workers) -> None:
        if how == "time-out":
            with pytest.raises(ConverterTimedOut):
                await workers.convert(setup, job_for(source), deliver)
        else:
            await workers.convert(setup, job_for(source), deliver)

    with trio.fail_after(30):
        async with trio.open_nursery() as outer, open_workers(trio.CapacityLimiter(1)) as workers:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run, workers)
                await started.wait()
                if how == "cancellation":
                    nursery.cancel_scope.cancel()
                elif how == "end of the service":
                    outer.cancel_scope.cancel()
            assert workers.statistics.alive == 0
        await until(lambda: not any(map(is_alive, family)))
    assert len(family) == 4
    assert not Path(f"/proc/{family[-1]}").exists()  # nor does the worker wait to be reaped


async def test_prints_go_to_the_log_and_do_not_disturb_the_answers(
    workers: Workers, tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = """
        print("with print")
        os.write(1, b"with write\\n")
        sys.__stderr__.write("on stderr\\n")
        subprocess.run(["echo", "by a child"])
        context.log.warning("by the %s", "logger")
        assert sys.stdin.read() == ""
        return report()
    """
    caplog.set_level(logging.DEBUG, "pywats_client")
    assert len(await convert(workers, setup_for(write_converter(tmp_path, body)), source)) == 1
    expected = {"mine: with print", "mine: with write", "mine: on stderr", "mine: by a child", "mine: by the logger"}
    await until(lambda: expected <= set(caplog.messages))
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == "mine: by the logger"


@pytest.mark.case("F32", "a flood on stdout", injected="20,000 lines", promised="cut, counted, the report is made")
async def test_a_flood_of_prints_is_cut_and_counted(
    workers: Workers, tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = "for n in range(20_000): print('line', n)\nreturn report()"
    caplog.set_level(logging.DEBUG, "pywats_client")
    assert len(await convert(workers, setup_for(write_converter(tmp_path, body)), source)) == 1
    with trio.fail_after(20):
        while not any("printed too fast" in message for message in caplog.messages):
            await convert(workers, setup_for(tmp_path / "mine.py"), source)
    assert len(caplog.messages) < 5_000


async def test_a_converter_sees_five_names_of_the_environment(
    workers: Workers, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PATH", "HOME", "TZ", "LANG", "TMPDIR"):
        monkeypatch.setenv(name, os.environ.get(name, "/tmp"))
    monkeypatch.setenv("TZ", "Europe/Oslo")
    monkeypatch.setenv("PYWATS_API_TOKEN", "secret")
    body = "return report(environment=sorted(os.environ), time=time.tzname)"
    (report,) = await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    assert report["environment"] == ["HOME", "LANG", "PATH", "TMPDIR", "TZ"]
    assert report["time"] == ["CET", "CEST"]


async def test_a_worker_leads_a_session_of_its_own(workers: Workers, tmp_path: Path, source: Path) -> None:
    body = "return report(ids=[os.getpid(), os.getpgid(0), os.getsid(0)])"
    (report,) = await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    assert len(set(report["ids"])) == 1
    assert report["ids"][0] != os.getpid()


async def test_odd_names_reach_the_converter(workers: Workers, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\xc3\xa6 .txt"))
    odd.write_text("A7")
    setup = setup_for(write_converter(tmp_path, "return report(source.read_text())"))
    (report,) = await convert(workers, setup, odd)
    assert report["sn"] == "A7"


async def test_a_fork_that_returns_answers_nothing(workers: Workers, tmp_path: Path, source: Path) -> None:
    setup = setup_for(write_converter(tmp_path, "os.fork()\nreturn report()"))
    for _ in range(2):
        assert len(await convert(workers, setup, source)) == 1


async def test_what_a_finished_conversion_leaves_behind_ends_with_its_worker(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    body = """
        if not os.fork():
            os.setsid()
            if os.fork():
                os._exit(0)
            time.sleep(1000)
        child = subprocess.Popen(["sleep", "1000"])
        return report(child=child.pid, children=[os.getpid()])
    """
    (report,) = await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    await until(lambda: not is_alive(report["child"]))
    assert workers.statistics.alive == 0


async def test_an_orphan_that_left_the_group_ends_and_does_not_delay_the_news_of_a_death(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    pid = tmp_path / "pid"
    body = f"""
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        Path({str(pid)!r}).write_text(str(child.pid))
        os._exit(3)
    """
    with trio.fail_after(4), pytest.raises(ConverterDied, match="exit code 3"):
        await convert(workers, setup_for(write_converter(tmp_path, body)), source)
    await until(lambda: not is_alive(int(pid.read_text())))


async def test_the_service_ends_a_process_that_its_own_code_has_stopped(
    workers: Workers, tmp_path: Path, source: Path
) -> None:
    setup = setup_for(write_converter(tmp_path, "os.kill(os.getpid(), signal.SIGSTOP)"), timeout_seconds=0.3)
    with pytest.raises(ConverterTimedOut):
        await convert(workers, setup, source)
    assert workers.statistics.alive == 0


@pytest.mark.case(
    "F29",
    "companions with .., absolute, through links, or a pipe",
    injected="a converter that names them",
    promised="refused with the name; nothing outside is read or moved",
)
async def test_a_companion_outside_the_folder_is_refused(workers: Workers, tmp_path: Path, source: Path) -> None:
    file = write_converter(tmp_path, "return report()")
    file.write_text(file.read_text() + "\n    def companions(self, source): return eval(source.read_text())\n")
    setup = setup_for(file)
    source.write_text("['b.txt', source.path.parent / 'sub/c.txt', 'b.txt', source.path]")
    assert await workers.companions(setup, source) == (tmp_path / "b.txt", tmp_path / "sub" / "c.txt")
    (tmp_path / "away").symlink_to("/usr/lib")
    (tmp_path / "link.txt").symlink_to("b.txt")
    os.mkfifo(tmp_path / "pipe")
    for outside in ("['../b.txt']", "['/etc/passwd']", "['.']", "[3]", "['away/x']", "['link.txt']", "['pipe']"):
        source.write_text(outside)
        with pytest.raises(ConversionError):
            await workers.companions(setup, source)
