"""Ask a running service how it is, with nothing but a socket and JSON.

python examples/plain_socket.py "$(pywats-client paths --json | jq -r .endpoint)"
"""

import json
import socket
import struct
import sys
from pathlib import Path
from typing import IO, Any

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def message(stream: IO[bytes]) -> Any:
    """One websocket text message: two bytes, a longer length where there is one, and JSON."""
    length = stream.read(2)[1]
    if length > 125:
        length = int.from_bytes(stream.read(2 if length == 126 else 8))
    return json.loads(stream.read(length))


def main(endpoint_file: str) -> None:
    with socket.socket(socket.AF_UNIX) as service:
        service.connect(json.loads(Path(endpoint_file).read_text())["path"])
        service.sendall(HANDSHAKE)
        stream = service.makefile("rb")
        while stream.readline().strip():
            pass  # the answer to the handshake
        print(message(stream))  # hello
        request = json.dumps({"command": "get_status", "request_id": "1", "protocol_version": "2.0"}).encode()
        service.sendall(struct.pack("!BB4x", 0x81, 0x80 | len(request)) + request)  # masked with zeros
        print(message(stream))


if __name__ == "__main__":
    main(sys.argv[1])
