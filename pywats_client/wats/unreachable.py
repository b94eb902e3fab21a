"""Why a server cannot be reached: TLS, names and sockets in words that a person can act on."""

import socket
import ssl
from collections.abc import Iterator

import httpx

CERTIFICATE_FAULTS = {
    9: "its certificate is not valid yet: check the clock of this machine",
    10: "its certificate has expired: renew it on the server",
    18: "its certificate is signed by itself: name it in server.ca_file to trust it",
    19: "its certificate is from an authority unknown here: name that authority in server.ca_file",
    20: "its certificate is from an authority unknown here: name that authority in server.ca_file",
    21: "its certificate is from an authority unknown here: name that authority in server.ca_file",
    62: "its certificate is for another name: check server.url",
    64: "its certificate is for another address: use the server's name in server.url",
}
"""By the verify codes of OpenSSL (X509_V_ERR_…)."""

TLS_FAULTS = {
    "WRONG_VERSION_NUMBER": "it answers without TLS: use http:// or another port in server.url",
    "RECORD_LAYER_FAILURE": "it answers without TLS: use http:// or another port in server.url",
    "UNSUPPORTED_PROTOCOL": "it speaks only an outdated TLS: it must offer TLS 1.2 or newer",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no TLS version that we do: it must offer TLS 1.2 or newer",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it demands a client certificate, and we have none to show",
}
"""By the reasons of OpenSSL."""

NO_HTTP = "illegal request line"
"""What h11 says of a reply that begins with a control character, as TLS does."""


def reason(error: BaseException) -> str:
    """Why there is no connection: the first cause below `error` that we have words for, else its own words."""
    for cause in _causes(error):
        if words := _words(cause):
            return words
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    if below := error.__cause__ or error.__context__:
        yield from _causes(below)


def _words(error: BaseException) -> str | None:
    match error:
        case ssl.SSLCertVerificationError():
            return CERTIFICATE_FAULTS.get(error.verify_code, f"its certificate: {error.verify_message}")
        case ssl.SSLError(reason=str(code)):
            return TLS_FAULTS.get(code, f"TLS failed: {code.lower().replace('_', ' ')}")
        case socket.gaierror():
            return f"its name has no address ({error.strerror}): check server.url, and the network"
        case ConnectionRefusedError():
            return "nothing listens there"
        case httpx.ConnectTimeout():
            return "nobody answers there"
        case httpx.RemoteProtocolError() if NO_HTTP in str(error):
            return "it does not answer in HTTP: where it expects TLS, use https:// in server.url"
        case OSError(strerror=str(text)):
            return text.lower()
    return None
