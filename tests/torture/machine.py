"""`python -m tests.torture.machine FILES=20000`: the service is stopped by a signal while many files come."""

import os
import random
import signal
import sys
import tempfile
from pathlib import Path

import trio

from tests import evidence
from tests.end_to_end.station import Station, table
from tests.torture.counting_server import CountingServer, Mood

ID, CASE = "F16", "stopped while files come"
INJECTED = "SIGSTOP, files dropped meanwhile, SIGCONT"
PROMISED = "all delivered once, nothing left lying, no part started anew"


async def stop_and_go_on(folder: Path, files: int) -> str:
    """Drop so many files while a service stands still; the figure. Asserts what is promised."""
    server = CountingServer(random.Random(1), Mood(0.0))
    async with trio.open_nursery() as nursery:
        await nursery.start(server.keep_listening)
        station = Station(folder / "station", server.url)
        watched = station.add_converter("csv", "csv", "*.csv", settle_seconds=0)
        async with station.running() as process:
            await station.until(lambda: "converter csv: running" in process.stderr)
            process.send(signal.SIGSTOP)
            await station.until(lambda: _is_stopped(process.pid))
            for number in range(files):
                (watched / f"{number}.csv").write_text(table(f"N{number}"))
            process.send(signal.SIGCONT)
            while not station.is_at_rest(files):
                assert process.code is None, process.stderr
                await trio.sleep(0.2)
        nursery.cancel_scope.cancel()
    done, anew = len(os.listdir(watched / "Done")), station.log().count("is started anew")
    assert (done, len(server.stored), anew, station.stray_files()) == (files, files, 0, [])
    assert server.doubled() == []
    return f"{done:,} of {files:,} files delivered once, {anew} parts started anew"


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def sigstop(files: int) -> str:
    """The same in a folder of its own; the figure."""
    with tempfile.TemporaryDirectory() as folder:
        return trio.run(stop_and_go_on, Path(folder), files)


def main(arguments: list[str]) -> None:
    """Run, and write down what was reached."""
    files = int(dict(argument.split("=") for argument in arguments).get("FILES", "20000"))
    figure = sigstop(files)
    print(figure)
    evidence.record("torture", ID, CASE, injected=INJECTED, promised=PROMISED, runs=1, figure=figure)


if __name__ == "__main__":
    main(sys.argv[1:])
