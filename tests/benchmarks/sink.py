"""The least server that takes reports: what it costs is not what is measured.

Run as a process of its own: `python -m tests.benchmarks.sink [DELAY_MS]` prints its port, then answers until killed.
`GET /count` tells how many reports came, `GET /times` when: monotonic seconds of this machine.
"""

import json
import re
import sys
import time
from functools import partial

import trio

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"id": *"([^"]+)"')


async def _serve(delay: float, times: list[float], stream: trio.SocketStream) -> None:
    buffer = b""
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            chunk = await stream.receive_some(65536)
            if not chunk:
                return
            buffer += chunk
        found = _LENGTH.search(buffer, 0, end)
        whole = end + 4 + (int(found[1]) if found else 0)
        while len(buffer) < whole:
            buffer += await stream.receive_some(65536)
        request, buffer = buffer[:whole], buffer[whole:]
        if request.startswith(b"POST"):
            if delay:
                await trio.sleep(delay)
            times.append(time.monotonic())
            found = _ID.search(request, end)
            answer = json.dumps({"ID": found[1].decode() if found else "unknown"})
        elif request.startswith(b"GET /count "):
            answer = str(len(times))
        elif request.startswith(b"GET /times "):
            answer = json.dumps(times)
        else:
            answer = '"1.0"'
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        await stream.send_all((head + answer).encode())


async def main(delay: float) -> None:
    """Listen on loopback, say where, and serve."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(partial(_serve, delay, []), listeners)


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0)
