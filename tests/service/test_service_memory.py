"""What is free goes back to the machine."""

import ctypes
import sys
from pathlib import Path

import pytest

from pywats_client.service.memory import give_back

BLOCK, BLOCKS = 20_000, 2_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_memory_that_is_free_between_what_is_used_goes_back_to_the_machine() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:  # the last one keeps the heap from shrinking by itself
        libc.free(block)
    before = resident()
    give_back()
    assert before - resident() > BLOCK * BLOCKS // 2
    libc.free(blocks[-1])
