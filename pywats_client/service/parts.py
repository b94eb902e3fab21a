"""What the service is made of: given to its nursery tree, and to the handlers of commands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pywats_client.clock import Clock
from pywats_client.config.model import Service
from pywats_client.disk import Disk
from pywats_client.paths import Instance
from pywats_client.service.activity import Activity
from pywats_client.service.clients import Clients
from pywats_client.service.connection import Connection
from pywats_client.service.control import Control
from pywats_client.service.control_plane import ControlPlane
from pywats_client.service.converter_pool import ConverterPool
from pywats_client.service.disk_space import DiskSpace
from pywats_client.service.failed_sources import FailedSources
from pywats_client.service.hints import Hints
from pywats_client.service.http_face import HttpFace
from pywats_client.service.hub import Hub
from pywats_client.service.intake import Intake
from pywats_client.service.journal import Journal
from pywats_client.service.pending_queue import PendingQueue
from pywats_client.service.report_list import ReportList
from pywats_client.service.settings import Settings
from pywats_client.service.threads import InThread


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the tree is made of."""

    instance: Instance
    environ: Mapping[str, str]
    clock: Clock
    disk: Disk
    disk_space: DiskSpace
    settings: Settings
    hub: Hub
    hints: Hints
    connection: Connection
    clients: Clients
    queue: PendingQueue
    pool: ConverterPool
    intake: Intake
    activity: Activity
    journal: Journal
    reports: ReportList
    failed_sources: FailedSources
    control: Control
    control_plane: ControlPlane
    http_face: HttpFace
    in_thread: InThread
    set_up_log: Callable[[Service], None]
