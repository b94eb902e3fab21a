"""Files that are written slowly, by many at a time: what is converted is whole."""

import random
from pathlib import Path

import pytest
from service_parts import Floor, simple
from trio.testing import wait_all_tasks_blocked

from tests.evidence.plugin import Evidence

FILES = 250
PIECES = 4


@pytest.mark.case(
    "F27",
    "a writer that keeps its file open",
    injected="250 files in 4 pieces, in mixed order, no settle time",
    promised="no report of a half-written file",
)
@pytest.mark.trio
async def test_no_half_of_a_file_that_is_still_open_is_ever_converted(tmp_path: Path, evidence: Evidence) -> None:
    floor = simple(Floor(tmp_path))
    shuffled = random.Random(1)
    turns = [number for number in range(FILES) for _ in range(PIECES)]
    shuffled.shuffle(turns)
    files = [(floor.watched / f"{number}.txt").open("w") for number in range(FILES)]
    written = [0] * FILES
    async with floor.running() as events:
        for turn, number in enumerate(turns):
            written[number] += 1
            files[number].write(f"{number}-{written[number]} ")
            files[number].flush()
            if written[number] == PIECES:
                files[number].close()
            if turn % 50 == 0:
                await wait_all_tasks_blocked(0.01)
        while floor.hub.snapshot.converter("mine").converted < FILES:
            await events.__anext__()
    whole = {" ".join(f"{number}-{piece}" for piece in range(1, PIECES + 1)) for number in range(FILES)}
    texts = [text.strip() for text in floor.serial_numbers()]
    partial = [text for text in texts if text not in whole]
    assert (partial, set(texts), len(texts)) == ([], whole, FILES)
    evidence(runs=FILES, figure=f"{len(partial)} of {len(texts)} reports partial")
