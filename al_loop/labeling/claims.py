"""Which text is on whose screen, so that two people at once don't answer the same one.

A claim is a lock on one byte of a file, which the kernel gives back when its process dies. It
only changes the order: a text that nobody else answers is shown although it is claimed.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from al_loop.annotators.base import number_of
from al_loop.store.rounds import BatchRow


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of this process, one at a time."""

    file: int

    def take(self, texts: Iterable[BatchRow]) -> BatchRow | None:
        """Claim the first text that nobody has on the screen, else return the first."""
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        first = None
        for text in texts:
            first = first or text
            if self._free(text):
                return text
        return first

    def _free(self, text: BatchRow) -> bool:
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number_of(text.key))
        except (BlockingIOError, PermissionError):
            return False
        return True


@contextmanager
def opened(path: Path) -> Iterator[Claims]:
    """Open the file of the claims; closing it gives them back."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield Claims(file)
    finally:
        os.close(file)
