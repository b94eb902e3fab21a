"""Converters that do what no converter should; each says what the service must tell of it."""

from dataclasses import dataclass

from pywats_client.converters.messages import MAX_REPORT_BYTES

TIMED_OUT = "did not finish within 1.5 seconds"
MAKES_A_REPORT = ""


@dataclass(frozen=True)
class Probe:
    """The body of a `convert`, and what comes of it."""

    body: str
    told: str = MAKES_A_REPORT
    """pattern of the error's sentence; empty: there is a report nevertheless"""
    worker_stays: bool = False
    """whether the worker may go on, because nothing of it was harmed"""
    memory_limit_mb: int = 1024

    @property
    def timeout_seconds(self) -> float:
        """Short only where it is the time that ends the probe: the machine may have more to do than this."""
        return 1.5 if self.told == TIMED_OUT else 60

    both: bool = False
    """whether it is tried in bubblewrap, too, where processes are counted and killed in another way"""


DAEMON = """
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
os.wait()
"""
BOMB = """
for _ in range(9):
    os.fork()
time.sleep(1000)
"""
THREAD = """
import threading
threading.Thread(target=time.sleep, args=[1000]).start()
"""

PROBES = {
    "read the environment": Probe("return report(found=dict(os.environ))", worker_stays=True),
    "fork, and return twice": Probe("os.fork()\nreturn report()"),
    "fork without end": Probe(BOMB, "started more than 128 processes", both=True),
    "allocate memory": Probe(
        "hold = []\nwhile True: hold.append(bytearray(10_000_000))",
        "out of memory: the limit is 300 MB",
        memory_limit_mb=300,
        both=True,
    ),
    "write 10 GB": Probe(
        "with tempfile.TemporaryFile() as file: file.truncate(10 << 30)", "File too large", worker_stays=True, both=True
    ),
    "leave a daemon behind and return": Probe(DAEMON + "return report()", both=True),
    "leave a daemon behind and die": Probe(DAEMON + "os._exit(3)", "exit code 3", both=True),
    "leave children of every kind behind and die": Probe(
        "subprocess.Popen(['sleep', '1000'], start_new_session=True)\nsubprocess.Popen(['sleep', '1000'])\nos._exit(3)",
        "exit code 3",
        both=True,
    ),
    "close stdout": Probe("sys.stdout.close()\nos.close(1)\nos.close(0)\nreturn report()", worker_stays=True),
    "close all descriptors": Probe("os.closerange(0, 1000)\nreturn report()", "exit code 1"),
    "write garbage to the answers": Probe(
        "for number in range(3, 100):\n  try: os.write(number, b'x' * 64)\n  except OSError: pass",
        "sent something that is no answer",
    ),
    "print without end": Probe("while True: print('again and again')", TIMED_OUT),
    "print errors without end": Probe("while True: sys.stderr.write('again and again' * 1000)", TIMED_OUT),
    "exit code 0": Probe("os._exit(0)", "ended its process with exit code 0"),
    "exit code 1": Probe("os._exit(1)", "ended its process with exit code 1", both=True),
    "exit code 3": Probe("os._exit(3)", "ended its process with exit code 3"),
    "sys.exit": Probe("sys.exit(3)", r"called sys\.exit\(3\)"),
    "SIGTERM": Probe("os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(1000)", "killed by SIGTERM"),
    "SIGSEGV": Probe("ctypes.string_at(0)", "killed by SIGSEGV", both=True),
    "SIGABRT": Probe("os.abort()", "killed by SIGABRT"),
    "SIGKILL": Probe("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
    "SIGKILL to its group": Probe("os.killpg(0, signal.SIGKILL)", "killed by SIGKILL", both=True),
    "SIGSTOP": Probe("os.kill(os.getpid(), signal.SIGSTOP)", TIMED_OUT, both=True),
    "recursion": Probe("def again(): again()\nagain()", "nested too deeply", worker_stays=True),
    "a result 10,000 levels deep": Probe(
        "deep = []\nfor _ in range(10_000): deep = [deep]\nreturn report(extra=deep)", "nested too deeply", True
    ),
    "a result of a million elements": Probe("return report(extra=list(range(10**6)))", worker_stays=True),
    "a result of 60 MB": Probe(
        "return report(extra='x' * 60_000_000)", rf"more than {MAX_REPORT_BYTES // 10**6} MB are refused", True
    ),
    "a result that is no report": Probe("return 42", "returned a int", worker_stays=True),
    "no result": Probe("return None", "produced no report", worker_stays=True),
    "reports without end": Probe("while True:\n    time.sleep(0.01)\n    yield report()", TIMED_OUT),
    "an error of 10 MB": Probe("raise ValueError('x' * 10_000_000)", "ValueError: xxx", worker_stays=True),
    "ignore SIGTERM": Probe("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", TIMED_OUT),
    "ignore every signal": Probe(
        "for n in set(signal.Signals) - {9, 19}: signal.signal(n, signal.SIG_IGN)\ntime.sleep(1000)", TIMED_OUT
    ),
    "sleep in C": Probe("ctypes.PyDLL(None).sleep(1000)", TIMED_OUT, both=True),
    "leave a thread behind": Probe(THREAD + "return report()", worker_stays=True),
    "hang at the exit": Probe(
        "import atexit\natexit.register(time.sleep, 1000)\nsys.exit(3)", r"called sys\.exit\(3\)"
    ),
    "change folder, umask and time zone": Probe(
        "os.chdir('/usr')\nos.umask(0o777)\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()\nreturn report()",
        worker_stays=True,
    ),
    "patch sys.exit and print": Probe(
        "import builtins\nsys.exit = builtins.print = lambda *a: None\nreturn report()", worker_stays=True
    ),
    "patch what the worker lives on": Probe("import json\njson.dumps = None\nreturn report()", "exit code 1"),
    "read from the keyboard": Probe("input()", "EOFError", worker_stays=True),
    "delete the source": Probe("source.path.unlink()\nreturn report()", worker_stays=True),
    "alter the source": Probe("source.path.write_text('altered')\nreturn report()", worker_stays=True),
}

MODULES = {
    "a syntax error": ("def broken(:", "syntax error"),
    "an import without end": ("while True: pass", "did not finish"),
    "an import that exits": ("raise SystemExit(2)", r"sys\.exit\(2\)"),
    "an import that ends the process": ("import os; os._exit(5)", "exit code 5"),
    "an import that leaves a daemon behind": (
        "import os, signal, time\n" + DAEMON + "os._exit(6)",
        "exit code 6",
    ),
    "an import that prints without end": ("while True: print('again and again')", "did not finish"),
}
