"""`python -m tests.end_to_end.killed_service`: the real service, killed around a chosen step of its disk.

Each line of standard input is JSON, `[home, step, moment]`, as `Killing` has them; step 0 never comes. For each a
process is forked that runs the service of that home, and its id is printed: what takes longest of a start, the
imports, is done once. The moment `fresh` runs the command instead: such a start takes as long as any.
"""

import json
import os
import signal
import sys
from pathlib import Path

from pywats_client.disk import Disk
from pywats_client.service.client_service import ClientService
from tests.fakes.killing import Killing


def run(home: Path, step: int | str, moment: str) -> None:
    """The service of this home in this process, as the command line runs it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(home / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    if moment == "fresh":
        os.execv(sys.executable, [sys.executable, "-m", "pywats_client", "service", "--home", str(home)])
    ClientService(home=home, disk=Disk(Killing(home / "steps", step, moment))).start()


def main() -> None:
    """Fork a service a line, until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        home, step, moment = json.loads(line)
        if (pid := os.fork()) == 0:
            run(Path(home), step, moment)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
