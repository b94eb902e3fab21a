"""The WATS server: reports go out, its answers come back as what to do next."""

from pywats_client.wats.answers import Accepted
from pywats_client.wats.client import WatsClient, ssl_context

__all__ = ["Accepted", "WatsClient", "ssl_context"]
