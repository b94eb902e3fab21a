"""Sends one report to a WATS server: no service, no configuration, no queue.

    PYWATS_SERVER_URL=https://wats.example.com PYWATS_API_TOKEN=... python examples/submit_one_report.py

Without a server at hand, start `pywats-client emulator` and use http://127.0.0.1:8080 (any token will do).
"""

import json
import os
import sys
from datetime import UTC, datetime
from uuid import uuid4

import trio

from pywats_client.errors import PywatsError, ReportRejected
from pywats_client.wats import WatsClient
from pywats_client.wsjf import UutReport


def make_report() -> UutReport:
    report = UutReport(
        id=str(uuid4()),
        part_number="PCB-1",
        serial_number="SN-0001",
        revision="A",
        process_code=10,
        station="Bench 1",
        location="Laboratory",
        purpose="Example",
        operator="Kari",
        start=datetime.now(UTC),
    )
    with report.sequence("Power") as power:
        power.numeric("3.3 V rail", 3.31, low=3.2, high=3.4, unit="V")
        power.numeric("Current", 0.42, high=0.5, unit="A")
    report.passed("Button", True)
    return report


async def main() -> int:
    content = json.dumps(make_report().to_wsjf()).encode()
    try:
        url, token = os.environ["PYWATS_SERVER_URL"], os.environ["PYWATS_API_TOKEN"]
        async with WatsClient(url, token) as client:
            print("the server's version is", await client.version())
            accepted = await client.submit(content)
    except KeyError as error:
        print(f"set {error.args[0]} in the environment", file=sys.stderr)
        return 2
    except ReportRejected as error:
        print("rejected:", *error.lines, sep="\n  ", file=sys.stderr)
        return error.exit_code
    except PywatsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("accepted as", accepted.report_id)
    return 0


if __name__ == "__main__":
    sys.exit(trio.run(main))
