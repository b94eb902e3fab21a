"""What the HTTP face shows, and to whom."""

from dataclasses import dataclass

import trio

from pywats_client.ipc.answering import Client, Dispatch
from pywats_client.ipc.connection import Feed
from pywats_client.ipc.keys import Keys
from pywats_client.ipc.protocol import Scope
from pywats_client.rest.figures import Figures

ITSELF = Client(0, Scope.VIEW)
"""Who asks for the status that health and metrics are made of."""

STRANGER_SECONDS = 5.0
"""How long a connection lasts on which nobody has shown a key, since it began or since its last question of health."""
PATIENCE = "patience"
"""Where the state of a connection has the cancel scope that ends it."""


@dataclass(frozen=True)
class Served:
    """Handed to the application by who runs it."""

    dispatch: Dispatch
    feed: Feed
    keys: Keys
    figures: Figures
    is_local: bool
    """whether it listens for this machine alone: then only its names are accepted as the host of a request"""
    ending: trio.Event
    """set when the face closes: no more connections, and a goodbye to those that there are"""
