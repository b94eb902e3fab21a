"""What bare httpx does: post the files of a folder at a concurrency, and print the reports a second.

`python -m tests.benchmarks.bare URL FOLDER CONCURRENCY`
"""

import sys
import time
from pathlib import Path

import httpx
import trio


async def main(url: str, folder: Path, concurrency: int) -> None:
    """Post everything once."""
    bodies = [file.read_bytes() for file in sorted(folder.iterdir())]
    count = len(bodies)

    async def post(client: httpx.AsyncClient) -> None:
        while bodies:
            answer = await client.post(url, content=bodies.pop(), headers={"Content-Type": "application/json"})
            answer.raise_for_status()

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=concurrency)) as client:
        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(concurrency):
                nursery.start_soon(post, client)
        print(count / (time.perf_counter() - began))


if __name__ == "__main__":
    trio.run(main, f"{sys.argv[1]}/api/Report/WSJF", Path(sys.argv[2]), int(sys.argv[3]))
