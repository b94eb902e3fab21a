"""What a start refuses although the configuration files are without a fault."""

import contextlib
import logging
import sys

from pywats_client.config.model import Config
from pywats_client.disk import is_on_network
from pywats_client.errors import ConfigError
from pywats_client.logs import LOGGER, LogFile
from pywats_client.paths import Instance
from pywats_client.service.running import FolderLocks


def require_local_queue(config: Config, instance: Instance) -> None:
    """Raises ConfigError where the queue lies on a network share, and that is not allowed."""
    if is_on_network(instance.queue) and not config.queue.allow_network:
        raise ConfigError(
            "queue.allow_network", f"{instance.queue} is on a network file system; set this key to use it"
        )


def require_own_folders(config: Config, instance: Instance, locks: FolderLocks) -> None:
    """Raises ConfigError where another instance watches a folder; those that `locks` holds are ours."""
    for converter in config.converters:
        folder = converter.folders(instance.data).watch
        if converter.enabled and not converter.folder_fault():
            # One that is not there, or may not be read, is the converter's trouble, and told as its state.
            with contextlib.suppress(OSError):
                if folder.is_dir():
                    with locks.holding(folder):
                        pass


def leave_in_log(instance: Instance, error: Exception) -> None:
    """Write why a start failed where the log lies already: one that runs in the background has no other place."""
    with contextlib.suppress(OSError), contextlib.closing(_log_of(instance)) as log:
        log.handle(
            logging.makeLogRecord(
                {
                    "name": f"{LOGGER}.service",
                    "levelno": logging.ERROR,
                    "levelname": "ERROR",
                    "msg": "the service cannot start: %s",
                    "args": (error,),
                }
            )
        )


def _log_of(instance: Instance) -> LogFile:
    """Never turned over from here: it may be another process that writes it."""
    return LogFile(instance.log, max_mb=sys.maxsize, backups=0)
