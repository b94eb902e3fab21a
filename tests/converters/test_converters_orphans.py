"""Whose child a process is shows in a limit that it cannot raise; no other limit passes for one of ours."""

import os
import subprocess
import sys

import pytest

from pywats_client.converters.limits import worker_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
MB, KB = 1 << 20, 1 << 10


def test_a_worker_is_known_by_the_limit_that_it_hands_down() -> None:
    code = (
        "import os, resource; from pywats_client.converters.limits import limit; limit(4096);"
        "print(os.getpid(), resource.getrlimit(resource.RLIMIT_FSIZE)[1])"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    process, limit = map(int, output.split())
    assert worker_of(limit) == process


@pytest.mark.parametrize("limit", [-1, 0, 1 << 30, 1025 * MB, 1027 * MB, 1_050_000 * KB, (1 << 30) + 4242, 1 << 60])
def test_a_limit_that_a_person_or_a_unit_has_set_is_nobodys_mark(limit: int) -> None:
    assert worker_of(limit) is None
