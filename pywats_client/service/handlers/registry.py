"""The one table of handlers; each module beside this one adds its own to it."""

from pywats_client.ipc.dispatch import Handlers
from pywats_client.service.parts import Parts

handlers: Handlers[Parts] = Handlers()
