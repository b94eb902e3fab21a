"""What is measured of the control plane: each function does one run, and returns one figure."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pywats_client.ipc.async_client import AsyncIPCClient
from pywats_client.paths import Instance
from tests.benchmarks import station

IN_FLIGHT = 32
CLIENTS = 50
PATIENCE = 60.0
Measure = Callable[[AsyncIPCClient], Awaitable[float]]


def status_as_process(home: Path) -> float:
    """Milliseconds of `pywats-client status`, from its start to its end."""
    return _milliseconds("-m", "pywats_client", "status", "--home", str(home))


def bare_process() -> float:
    """Milliseconds of a Python that does nothing."""
    return _milliseconds("-c", "pass")


def _milliseconds(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=False, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - began)


def one_at_a_time(home: Path, count: int = 4000) -> float:
    """Commands a second of a client that waits for each answer."""

    async def run(client: AsyncIPCClient) -> float:
        began = time.perf_counter()
        for _ in range(count):
            await client.ping()
        return count / (time.perf_counter() - began)

    return _asked(home, run)


def pipelined(home: Path, count: int = 8000) -> float:
    """Commands a second of a client that always has so many under way."""

    async def run(client: AsyncIPCClient) -> float:
        began = time.perf_counter()
        await flood(client, count)
        return count / (time.perf_counter() - began)

    return _asked(home, run)


async def flood(client: AsyncIPCClient, count: int) -> None:
    """So many pings, one behind the other in the socket, without a look at what is in them."""
    left = iter(range(count))

    async def lane() -> None:
        for _ in left:
            await client.ping()

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))


def ping_p99(home: Path, is_over: Callable[[], bool]) -> float:
    """Milliseconds that 99 of 100 pings stay below, one every 5 ms for as long as something else goes on."""

    async def run(client: AsyncIPCClient) -> float:
        took = []
        while not is_over():
            began = time.perf_counter()
            await client.ping()
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.005)
        return sorted(took)[int(len(took) * 0.99)]

    return _asked(home, run)


def ping_p99_while_converting(home: Path, count: int = 1000) -> float:
    """While so many files are converted and delivered."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        with station.service(home, sink.url, station.csv_converter(folder)):
            for number in range(count):
                (folder / f"SN{number}.csv").write_text(station.csv_text(number))
            return ping_p99(home, lambda: sink.count() >= count)


def ping_p99_under_flood(home: Path, seconds: float = 5.0) -> float:
    """While another client, a process of its own, sends as much as it can."""
    command = [sys.executable, "-m", "tests.benchmarks.control", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout
            other.stdout.readline()
            until = time.monotonic() + seconds
            return ping_p99(home, lambda: time.monotonic() > until)
        finally:
            other.kill()


def subscribers_share(home: Path, clients: int, seconds: float = 10.0) -> float:
    """Seconds of processor time that the service takes for 20 events with so many subscribers.

    Three files a second are some twenty events a second; the share is scaled to that.
    """
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        with station.service(home, sink.url, station.csv_converter(folder)) as service:

            async def run() -> float:
                async with subscribers(home, clients) as heard:
                    before, first = service.cpu_seconds(), len(heard[0])
                    for number in range(int(3 * seconds)):
                        (folder / f"SN{number}.csv").write_text(station.csv_text(number))
                        await asyncio.sleep(1 / 3)
                    return 20 * (service.cpu_seconds() - before) / (len(heard[0]) - first)

            return asyncio.run(run())


@asynccontextmanager
async def subscribers(home: Path, clients: int) -> AsyncIterator[list[list[tuple[int, str]]]]:
    """Clients that hear everything: for each the number and name of what it has heard."""
    heard: list[list[tuple[int, str]]] = [[] for _ in range(clients)]

    async def listen(client: AsyncIPCClient, mine: list[tuple[int, str]]) -> None:
        async for told in client.events():
            mine.append((told.seq, told.name))

    async with AsyncExitStack() as stack:
        listening = []
        for mine in heard:
            client = await stack.enter_async_context(AsyncIPCClient(home=home, timeout=PATIENCE))
            listening.append(asyncio.create_task(listen(client, mine)))
        while not all(heard):
            await asyncio.sleep(0.01)
        try:
            yield heard
        finally:
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)


def events_heard(home: Path, count: int = 3000) -> tuple[float, int]:
    """Events a second that one subscriber heard while a queue drained, and how many it missed.

    Each report moves twice, and each of that is an event; what else is told comes on top.
    """
    with station.sink() as sink, paused(home, sink, count):

        async def run() -> tuple[float, int]:
            async with subscribers(home, 1) as (heard,):
                await _resume(home)
                began, first = time.monotonic(), len(heard)
                while sink.count() < count:
                    await asyncio.sleep(0.05)
                rate = (len(heard) - first) / (time.monotonic() - began)
                await asyncio.sleep(1.0)
                return rate, heard[-1][0] - len(heard) + 1  # the snapshot is number 0

        return asyncio.run(run())


@contextmanager
def paused(home: Path, sink: station.Sink, count: int) -> Iterator[None]:
    """A service with so many reports in its queue, that uploads none until `_resume`."""
    station.fill_queue(station.emptied(home), count)
    (Instance.find("default", home).data / "paused.json").write_text('["uploads"]')
    with station.service(home, sink.url):
        yield


async def _resume(home: Path) -> None:
    async with AsyncIPCClient(home=home, timeout=PATIENCE) as client:
        await client.request("resume")


def drained(home: Path, clients: int, count: int = 2000) -> float:
    """Queued reports that reach the server, a second, with so many subscribers."""
    with station.sink() as sink, paused(home, sink, count), watched(home, clients):
        asyncio.run(_resume(home))
        times = sink.wait_for(count)
    return (count - 1) / (times[-1] - times[0])


def converted(home: Path, clients: int, count: int = 1000) -> float:
    """Files dropped at once that reach the server, a second, first arrival to last, with so many subscribers."""
    with station.sink() as sink:
        folder = station.emptied(home) / "in"
        converter = station.csv_converter(folder)
        (staging := home / "staging").mkdir()
        for number in range(count):
            (staging / f"SN{number}.csv").write_text(station.csv_text(number))
        with station.service(home, sink.url, converter), watched(home, clients):
            for file in staging.iterdir():
                file.rename(folder / file.name)
            times = sink.wait_for(count)
    return (count - 1) / (times[-1] - times[0])


def mebibytes_a_client(home: Path, service: station.Service) -> float:
    """How much the service's memory grows with each client that is connected and subscribed."""

    async def run() -> float:
        async with AsyncIPCClient(home=home) as client:
            await client.ping()
        before = service.status("VmRSS")
        async with subscribers(home, CLIENTS):
            return (service.status("VmRSS") - before) / 1024 / CLIENTS

    return asyncio.run(run())


@contextmanager
def watched(home: Path, clients: int) -> Iterator[None]:
    """So many subscribers, in a process of their own, for as long as this runs."""
    if not clients:
        yield
        return
    command = [sys.executable, "-m", "tests.benchmarks.control", str(home), str(clients)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout
            other.stdout.readline()
            yield
        finally:
            other.kill()


def _asked(home: Path, run: Measure) -> float:
    async def ask() -> float:
        async with AsyncIPCClient(home=home, timeout=PATIENCE) as client:
            return await run(client)

    return asyncio.run(ask())


async def _main(home: Path, clients: int) -> None:
    """Flood without end, or subscribe so often; a line says that it has begun."""
    if clients:
        async with subscribers(home, clients):
            print("subscribed", flush=True)
            await asyncio.Event().wait()
    async with AsyncIPCClient(home=home, timeout=PATIENCE) as client:
        print("begun", flush=True)
        while True:
            await flood(client, 10_000)


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    asyncio.run(_main(Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0))
