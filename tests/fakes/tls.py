"""Certificates for tests, of an authority of their own, and servers that shake hands as real ones do."""

import ssl
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trio
import trustme

from tests.fakes.network import HUNG_UP, Handler

DAY = timedelta(days=1)


class Authority:
    """Signs servers' certificates; `file` is what a `ca_file` names."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def server_context(self, name: str, *, expired: bool = False) -> ssl.SSLContext:
        """A server under this name or address."""
        began = datetime.now(UTC) - 20 * DAY
        certificate = self._ca.issue_cert(name, not_before=began, not_after=began + (10 if expired else 40) * DAY)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context

    def demanding_context(self, name: str) -> ssl.SSLContext:
        """A server that wants to see a client's certificate."""
        context = self.server_context(name)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.file)
        return context

    def old_context(self, name: str) -> ssl.SSLContext:
        """A server that speaks no TLS newer than 1.1."""
        context = self.server_context(name)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        return context


def greeting(context: ssl.SSLContext) -> Handler:
    """Shakes hands as `context` says, and tells the other side why not: Trio's own streams hang up without a word."""

    async def handle(stream: trio.abc.Stream) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        async with trio.open_nursery() as sending:
            while part := await stream.receive_some(65_536):
                incoming.write(part)
                with suppress(ssl.SSLError):
                    tls.do_handshake()
                if outgoing.pending:
                    # The other side may be in the middle of a write.
                    sending.start_soon(_send, stream, outgoing.read())

    return handle


async def _send(stream: trio.abc.Stream, data: bytes) -> None:
    with suppress(*HUNG_UP):
        await stream.send_all(data)


def speaking(context: ssl.SSLContext, handler: Handler) -> Handler:
    """The same handler, over TLS."""

    async def handle(stream: trio.abc.Stream) -> None:
        await handler(trio.SSLStream(stream, context, server_side=True, https_compatible=True))

    return handle
