"""Whether the service can do its work, for probes: in words that tell a stranger no more than that."""

from collections.abc import Iterator

from pywats_client.ipc.commands.service import CONVERTER_STATES, GetStatus
from pywats_client.ipc.events import ConnectionState, ConverterState, ServiceState

REACHED = (ConnectionState.ONLINE, ConnectionState.BUSY)
RUNNING, DISABLED = CONVERTER_STATES[ConverterState.RUNNING], CONVERTER_STATES[ConverterState.DISABLED]


def obstacles(status: GetStatus.Result) -> Iterator[str]:
    """Why no work is accepted for now, a sentence each; none where the service is ready."""
    if status.status is not ServiceState.RUNNING:
        yield f"the service is {status.status}"
    if status.paused:
        yield f"{' and '.join(status.paused)} paused by a person"
    if status.connection not in REACHED:
        yield f"the server is not reached: {status.connection}"
    if status.disk and status.disk.free_bytes < status.disk.min_free_bytes:
        yield "the disk of the queue is full"
    enabled = [converter for converter in status.converters if converter.state != DISABLED]
    if enabled and not any(converter.state == RUNNING for converter in enabled):
        yield "no converter can work"
    for component in status.components:
        if component.state == "error":
            yield f"the part `{component.name}` fails again and again"
