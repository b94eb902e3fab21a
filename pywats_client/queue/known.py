"""A map from numbers to numbers that takes 24 to 48 bytes an entry, where a dict of Python's takes 180."""

from array import array

LEAST_SLOTS = 1024
MASK = (1 << 64) - 1
EMPTY = 0
"""No key: 0 counts as 1, which is as likely to meet another as any two keys are."""


class Known:
    """Keys and values of 64 bits; open addressing, the next slot is tried when one is taken."""

    def __init__(self) -> None:
        self._count = 0
        self._make(LEAST_SLOTS)

    def _make(self, slots: int) -> None:
        self._last = slots - 1
        self._keys, self._values = array("Q", bytes(8 * slots)), array("Q", bytes(8 * slots))

    def __len__(self) -> int:
        return self._count

    def get(self, key: int) -> int | None:
        """The value of a key; None where it is not known."""
        slot = self._slot(_bits(key))
        return self._values[slot] if self._keys[slot] else None

    def put(self, key: int, value: int) -> None:
        """Know a key, or another value of it."""
        if 3 * self._count >= 2 * self._last:
            self._grow()
        self._put(_bits(key), value & MASK)

    def _put(self, key: int, value: int) -> None:
        slot = self._slot(key)
        self._count += not self._keys[slot]
        self._keys[slot], self._values[slot] = key, value

    def _slot(self, key: int) -> int:
        """Where a key stands, or would stand."""
        slot, keys = key & self._last, self._keys
        while keys[slot] not in (key, EMPTY):
            slot = (slot + 1) & self._last
        return slot

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._make(2 * len(keys))
        self._count = 0
        for key, value in zip(keys, values, strict=True):
            if key:
                self._put(key, value)

    def remove(self, key: int) -> None:
        """Forget a key that is known; those that it had displaced move up."""
        keys, values, last = self._keys, self._values, self._last
        hole = self._slot(_bits(key))
        if not keys[hole]:
            return
        self._count -= 1
        slot = hole
        while keys[slot := (slot + 1) & last]:
            if (slot - keys[slot]) & last >= (slot - hole) & last:  # its own slot does not lie behind the hole
                keys[hole], values[hole] = keys[slot], values[slot]
                hole = slot
        keys[hole] = EMPTY


def _bits(key: int) -> int:
    return key & MASK or 1
