"""`make bench`: speed and memory, as medians of alternating runs on this machine. The ratios are what to trust.

`python -m tests.benchmarks [drain|convert|wait|idle|control|formats|tui …]` runs only these groups; `RUNS=1` is a quick
look.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import control, formats, measures, station, tui

RUNS = int(os.environ.get("RUNS", "5"))
Line = tuple[str, str, str]
"""Title, figure, aim."""


def _medians(*runs: Callable[[], float]) -> list[float]:
    """The median of each, over alternating runs."""
    figures = [[run() for run in runs] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*figures, strict=True)]


def _draining(home: Path) -> Iterator[Line]:
    ours, bare = _medians(lambda: measures.drained(home), lambda: measures.bare(home))
    yield "drain 2,000 at 0 ms", f"{ours:.0f}/s, {ours / bare:.2f} of bare httpx ({bare:.0f}/s)", ">= 0.65"
    (slow,) = _medians(lambda: measures.drained(home, count=250, delay_ms=200))
    yield "drain at 200 ms", f"{slow:.1f}/s, {slow / (measures.UPLOADS / 0.2):.2f} of concurrency / latency", ">= 0.95"


def _converting(home: Path) -> Iterator[Line]:
    ours, bare = _medians(lambda: measures.converted(home), lambda: measures.bare(home, count=1000))
    yield "1,000 CSV files at once", f"{ours:.0f}/s, {ours / bare:.2f} of bare httpx", ">= 350/s, >= 0.16"
    yield "one file at 5 a second", f"p95 {measures.latency_p95(home) * 1000:.0f} ms", "< 150 ms + settle (0)"
    parallel, serial = _medians(lambda: measures.cpu_bound(home, 2), lambda: measures.cpu_bound(home, 1))
    yield "8 CPU-bound sources", f"{parallel / serial:.2f} of serial time", "<= 0.65"


def _waiting(home: Path) -> Iterator[Line]:
    few, many = _medians(lambda: measures.drained(home, count=500), lambda: measures.drained(home, count=50_000))
    yield "50,000 queued against 500", f"{many / few:.2f} of the speed", "0.85 to 1.15"
    yield "memory of a waiting report", f"{measures.kilobytes_a_report(home):.2f} kB", "< 1 kB"
    yield "one source with 10,000 units", f"{measures.kilobytes_a_unit(home):.2f} kB a unit", "< 8 kB"
    (start,) = _medians(lambda: measures.start_to_first_upload(home))
    yield "first upload with 10,000 queued", f"{start:.2f} s after the start", "< 2 s"


def _idling(home: Path) -> Iterator[Line]:
    figures = measures.idle(home)
    yield "idle memory", f"{figures['rss_mib']:.0f} MiB", "<= 80 MiB"
    yield "idle processor", f"{figures['cpu_percent']:.2f} % of a core", "<= 0.5 %"
    yield "idle threads", f"{figures['threads']:.0f}", "declared"
    yield "stop when idle", f"{figures['stop_seconds']:.2f} s", "< 0.5 s"
    yield "stop under load", f"{measures.loaded_stop(home):.2f} s beyond the grace period", "< 1 s"


def _controlling(home: Path) -> Iterator[Line]:
    with station.sink() as sink, station.service(station.emptied(home), sink.url) as service:
        yield "memory of a client", f"{control.mebibytes_a_client(home, service):.2f} MiB", "< 0.5 MiB"
        ours, bare = _medians(lambda: control.status_as_process(home), control.bare_process)
        yield "status as a process", f"{ours:.0f} ms, {ours / bare:.1f} of a bare Python ({bare:.0f} ms)", "< 250 ms"
        single, many = _medians(lambda: control.one_at_a_time(home), lambda: control.pipelined(home))
        yield "commands one at a time", f"{single:.0f}/s", ">= 2,500/s"
        yield "commands pipelined", f"{many:.0f}/s", ">= 6,000/s"
        (flooded,) = _medians(lambda: control.ping_p99_under_flood(home))
        yield "p99 of a ping under a flood", f"{flooded:.1f} ms", "<= 50 ms"
    (converting,) = _medians(lambda: control.ping_p99_while_converting(home))
    yield "p99 of a ping while 1,000 convert", f"{converting:.1f} ms", "< 20 ms"
    many, one = _medians(
        lambda: control.subscribers_share(home, control.CLIENTS), lambda: control.subscribers_share(home, 1)
    )
    yield "50 subscribers, 20 events a second", f"{100 * (many - one):.1f} % of a core more than one", "< 5 %"
    rate, missing = control.events_heard(home)
    yield "events that one subscriber hears", f"{rate:.0f}/s, {missing} missing", ">= 1,000/s, 0"
    for title, run, aim in (("drain", control.drained, ">= 0.90"), ("CSV", control.converted, ">= 0.90")):
        with_them, without = _medians(partial(run, home, 3), partial(run, home, 0))
        yield f"{title} with 3 subscribers", f"{with_them / without:.2f} of {without:.0f}/s without", aim


def _reading(home: Path) -> Iterator[Line]:
    for name, speed in formats.measured():
        what = f"{speed.size / 1000:,.0f} kB, {speed.reports} report" + ("s" if speed.reports > 1 else "")
        yield f"format {name}", f"{speed.rate:,.1f} files/s of {what}, {speed.peak_mib:.0f} MiB", "memory < 150 MiB"


def _showing(home: Path) -> Iterator[Line]:
    with station.sink() as sink, station.service(station.emptied(home), sink.url):
        paint, bare = _medians(lambda: tui.first_paint(home), control.bare_process)
        yield (
            "first paint of the dashboard",
            f"{paint - bare:.0f} ms on top of a bare Python ({bare:.0f} ms)",
            "< 500 ms",
        )
        (idle,) = _medians(lambda: tui.idle_share(home))
        yield "processor of an idle dashboard", f"{100 * idle:.2f} % of a core", "< 2 %"
    (busy,) = _medians(lambda: tui.busy_share(home))
    yield "processor at 50 events a second", f"{100 * busy:.1f} % of a core", "< 15 %"
    with station.sink() as sink, control.paused(home, sink, 50_000):
        walks = [tui.walked(home) for _ in range(RUNS)]
    p95, mebibytes = (statistics.median(column) for column in zip(*walks, strict=True))
    yield "key to a screen seen before, 50,000 queued", f"p95 {p95:.0f} ms", "< 100 ms"
    yield "memory of a dashboard", f"{mebibytes:.0f} MiB", "< 80 MiB"


GROUPS = {
    "drain": _draining,
    "convert": _converting,
    "wait": _waiting,
    "idle": _idling,
    "control": _controlling,
    "formats": _reading,
    "tui": _showing,
}


def main(words: list[str]) -> None:
    """Run the groups whose name is given, or all."""
    print(f"medians of {RUNS} alternating runs, {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory(prefix="pywats-bench-") as folder:
        for name, group in GROUPS.items():
            if not words or name in words:
                for title, figure, aim in group(Path(folder) / "home"):
                    print(f"{title:<34} {figure:<52} aim {aim}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
