"""An index at an address: whatever comes instead of it is a sentence, and what may pass is told from what stays."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pywats_client.converters.index import Away, Index, IndexFault
from pywats_client.errors import ExitCode


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that gives one client this answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()


def test_an_index_is_not_read_over_plain_http_from_another_machine() -> None:
    with pytest.raises(IndexFault, match="use https"):
        Index("http://example.org/converters")


def test_an_index_leads_to_no_place_that_is_read_over_plain_http() -> None:
    elsewhere = b"HTTP/1.0 302 Found\r\nLocation: http://example.org/index.json\r\n\r\n"
    with answering(elsewhere) as address, pytest.raises(IndexFault, match=r"example\.org/index\.json .* use https"):
        Index(address)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n",
        b"HTTP/1.0 503 Service Unavailable\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
    ],
)
def test_an_answer_that_is_none_or_breaks_off_may_be_tried_again(answer: bytes) -> None:
    with answering(answer) as address, pytest.raises(Away) as away:
        Index(address)
    assert away.value.exit_code is ExitCode.TEMPORARY


def test_an_index_that_is_away_may_be_tried_again() -> None:
    with pytest.raises(Away, match="cannot be reached"):
        Index("http://127.0.0.1:9/converters")


@pytest.mark.parametrize("place", ["http://[bad", "http://127.0.0.1:port", "http://127.0.0.1/a b", "https://[x]y/"])
def test_what_is_no_address_is_told(place: str) -> None:
    with pytest.raises(IndexFault, match="is no address") as fault:
        Index(place)
    assert fault.value.exit_code is ExitCode.FAILED


@pytest.mark.parametrize("place", ["ftp://example.org/x", "/nowhere/at/all", "~nobody-of-this-name/x"])
def test_what_cannot_be_read_is_told(place: str) -> None:
    with pytest.raises(IndexFault, match="cannot be read") as fault:
        Index(place)
    assert fault.value.exit_code is ExitCode.FAILED
