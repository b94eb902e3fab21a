"""The figures of the service in the text format of OpenMetrics 1.0."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from pywats_client.ipc.commands.service import GetStatus
from pywats_client.ipc.events import ConnectionState, ServiceState
from pywats_client.rest.figures import Figures

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True)
class Moment:
    """The metrics of one moment, in the form that prometheus-client calls a registry."""

    status: GetStatus.Result
    figures: Figures

    def collect(self) -> Iterator[Metric]:
        """Every family, also those that have no sample for now."""
        yield from _about_the_service(self.status)
        yield from _about_reports(self.status)
        yield from _durations(self.figures)
        yield from _about_the_machine(self.status)


def openmetrics(status: GetStatus.Result, figures: Figures) -> bytes:
    """What a scraper reads."""
    found: bytes = generate_latest(Moment(status, figures))  # type: ignore[no-untyped-call]
    return found


def markdown_table(families: Iterable[Metric]) -> str:
    """The metrics, one a row."""
    rows = ["| metric | type | what it says |", "|---|---|---|"]
    for family in families:
        ending = {"counter": "_total", "info": "_info"}.get(family.type, "")
        rows.append(f"| `{family.name}{ending}` | {family.type} | {family.documentation} |")
    return "\n".join(rows)


def _about_the_service(status: GetStatus.Result) -> Iterator[Metric]:
    known = {"version": status.version, "instance": status.instance_id}
    yield InfoMetricFamily("pywats_client", "Version and instance of the service.", known)
    states = {str(state): state is status.status for state in ServiceState}
    yield StateSetMetricFamily("pywats_service_state", "1 at the state of the service.", states)
    relations = {str(state): state is status.connection for state in ConnectionState}
    yield StateSetMetricFamily("pywats_connection_state", "1 at the relation to the server.", relations)
    since = "Seconds since the start of the service."
    yield GaugeMetricFamily("pywats_uptime_seconds", since, status.uptime_seconds, unit="seconds")
    health = GaugeMetricFamily("pywats_part_degraded", "1 for each `part` that is not well.", labels=["part"])
    for part in sorted(status.degraded):
        health.add_metric([part], 1)
    yield health


def _about_reports(status: GetStatus.Result) -> Iterator[Metric]:
    reports = GaugeMetricFamily(
        "pywats_reports", "Reports on disk that are not delivered, by `state`.", labels=["state"]
    )
    for state in ("queued", "processing", "error", "rejected"):
        reports.add_metric([state], getattr(status.queue, state))
    yield reports
    age = "How long the oldest report has waited; 0: none waits."
    waited = status.oldest_waiting_seconds or 0.0
    yield GaugeMetricFamily("pywats_oldest_waiting_seconds", age, waited, unit="seconds")
    delivered = "Reports delivered since the start of the service."
    yield CounterMetricFamily("pywats_reports_delivered", delivered, status.queue.delivered)
    sources = GaugeMetricFamily(
        "pywats_sources_waiting", "Settled sources that wait for a worker, by `converter`.", labels=["converter"]
    )
    for converter in status.converters:
        sources.add_metric([converter.name], converter.pending_count)
    yield sources


def _durations(figures: Figures) -> Iterator[Metric]:
    conversions = HistogramMetricFamily(
        "pywats_conversion_seconds",
        "Conversions by `converter` and `result` (converted, failed), and how long they took.",
        labels=["converter", "result"],
        unit="seconds",
    )
    for (converter, result), seen in figures.conversions.items():
        conversions.add_metric([converter, result], seen.buckets, seen.seconds)
    yield conversions
    uploads = HistogramMetricFamily(
        "pywats_upload_seconds",
        "Uploads by `result`, the state they left the report in, and how long they took.",
        labels=["result"],
        unit="seconds",
    )
    for result, seen in figures.uploads.items():
        uploads.add_metric([result], seen.buckets, seen.seconds)
    yield uploads


def _about_the_machine(status: GetStatus.Result) -> Iterator[Metric]:
    free = GaugeMetricFamily("pywats_disk_free_bytes", "Room where the queue lies.", unit="bytes", labels=[])
    least = GaugeMetricFamily(
        "pywats_disk_min_free_bytes", "Room below which converting stops.", unit="bytes", labels=[]
    )
    if status.disk:
        free.add_metric([], status.disk.free_bytes)
        least.add_metric([], status.disk.min_free_bytes)
    yield from (free, least)
    workers = GaugeMetricFamily("pywats_worker_processes", "Processes of converters, by `state`.", labels=["state"])
    workers.add_metric(["busy"], status.workers.busy)
    workers.add_metric(["idle"], status.workers.alive - status.workers.busy)
    yield workers
