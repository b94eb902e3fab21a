"""What is measured: each function does one run, and returns one figure."""

import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks import station

UPLOADS = 5


def drained(home: Path, count: int = 2000, delay_ms: float = 0.0) -> float:
    """Queued reports that reach the server, a second."""
    with station.sink(delay_ms) as sink:
        station.fill_queue(station.emptied(home), count)
        with station.service(home, sink.url, max_concurrent_uploads=UPLOADS):
            times = sink.wait_for(count)
    return (count - 1) / (times[-1] - times[0])


def bare(home: Path, count: int = 2000, concurrency: int = UPLOADS) -> float:
    """The same with nothing but httpx."""
    folder = station.emptied(home) / "reports"
    station.fill_folder(folder, count)
    with station.sink() as sink:
        command = [sys.executable, "-m", "tests.benchmarks.bare", sink.url, str(folder), str(concurrency)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def converted(home: Path, count: int = 1000) -> float:
    """Files dropped at once that reach the server, a second, first arrival to last."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        converter = station.csv_converter(folder)
        (staging := home / "staging").mkdir()
        for number in range(count):
            (staging / f"SN{number}.csv").write_text(station.csv_text(number))
        with station.service(home, sink.url, converter):
            for file in staging.iterdir():
                file.rename(folder / file.name)
            times = sink.wait_for(count)
    return (count - 1) / (times[-1] - times[0])


def latency_p95(home: Path, count: int = 100, rate: float = 5.0) -> float:
    """Seconds from closing a file to its report on the server, at a steady rate: the 95th percentile."""
    closed = []
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        with station.service(home, sink.url, station.csv_converter(folder)):
            for number in range(count):
                (folder / f"SN{number}.csv").write_text(station.csv_text(number))
                closed.append(time.monotonic())
                time.sleep(1 / rate)
            times = sink.wait_for(count)
    return sorted(after - before for before, after in zip(closed, times, strict=True))[int(count * 0.95)]


_BUSY_CONVERTER = """
import hashlib
from pywats_client.converters import FileConverter

class Busy(FileConverter):
    def convert(self, source, context):
        for _ in range(40):
            hashlib.pbkdf2_hmac("sha256", source.read_bytes(), b"salt", 25_000)
        yield {"type": "T", "pn": "P", "sn": source.name, "rev": "A", "result": "P", "uut": {"user": "x"},
               "root": {"id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P",
                        "steps": [], "seqCall": {"path": "a", "name": "b", "version": "1"}}}
"""


def cpu_bound(home: Path, workers: int, count: int = 8) -> float:
    """Seconds for so many sources whose conversion needs nothing but the processor."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        folder.mkdir(parents=True)
        (home / "busy.py").write_text(_BUSY_CONVERTER)
        converter = {
            "name": "busy",
            "module_path": str(home / "busy.py"),
            "watch_folder": str(folder),
            "process_code": 10,
        }
        with station.service(home, sink.url, converter, max_converter_workers=workers):
            (home / "first").write_text("first")
            (home / "first").rename(folder / "first")
            sink.wait_for(1)
            began = time.monotonic()
            for number in range(count):
                (folder / f"unit{number}").write_text(str(number))
            return sink.wait_for(count + 1)[-1] - began


def kilobytes_a_report(home: Path, count: int = 50_000) -> float:
    """How much the service's memory grows with each report that waits for a server that is away."""
    sizes = []
    for waiting in (0, count):
        station.fill_queue(station.emptied(home), waiting)
        with station.service(home, "http://127.0.0.1:9") as service:
            sizes.append(service.status("VmRSS"))
    return (sizes[1] - sizes[0]) / count


def kilobytes_a_unit(home: Path, count: int = 10_000) -> float:
    """How much the service's memory rises at most with each unit of one source with many, until all are delivered."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        converter = station.csv_converter(folder) | {
            "arguments": {"mode": "unit_per_row", "measurements": [{"column": "Vcc", "low": 3, "high": 4}]}
        }
        table = ["Serial,Part,Vcc", *(f"SN-{number},PN,3.{number:05d}" for number in range(count))]
        (home / "lot.csv").write_text("\n".join(table))
        with station.service(home, sink.url, converter) as service:
            before = service.status("VmRSS")
            (home / "lot.csv").rename(folder / "lot.csv")
            sink.wait_for(count)
            return (service.status("VmHWM") - before) / count


def start_to_first_upload(home: Path, count: int = 10_000) -> float:
    """Seconds from the start of the process to the first report on the server, with so many queued."""
    station.fill_queue(station.emptied(home), count)
    with station.sink() as sink:
        began = time.monotonic()
        with station.service(home, sink.url):
            return sink.wait_for(1)[0] - began


def idle(home: Path, seconds: float = 20.0) -> dict[str, float]:
    """A service with one converter and nothing to do: memory in MiB, share of a core, threads, seconds to stop."""
    with station.sink() as sink:
        converter = station.csv_converter(station.emptied(home) / "in")
        with station.service(home, sink.url, converter) as service:
            time.sleep(3)
            before, threads = service.cpu_seconds(), service.status("Threads")
            time.sleep(seconds)
            share = (service.cpu_seconds() - before) / seconds
            return {
                "rss_mib": service.status("VmRSS") / 1024,
                "cpu_percent": 100 * share,
                "threads": threads,
                "stop_seconds": service.stop(),
            }


def loaded_stop(home: Path) -> float:
    """Seconds that SIGTERM takes under load, beyond `grace_seconds`."""
    grace = 2.0
    with station.sink(delay_ms=200) as sink:
        station.fill_queue(station.emptied(home), 500)
        with station.service(home, sink.url, grace_seconds=grace) as service:
            sink.wait_for(5)
            return max(0.0, service.stop() - grace)
