"""What long work needs of a progress bar; `cli.progress` draws one."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

#: Called with the number of things done so far.
Draw: TypeAlias = Callable[[int], None]
#: (total, what is being done) -> a context that gives a `Draw`.
Bar: TypeAlias = Callable[[int, str], AbstractContextManager[Draw]]


def no_bar(_total: int, _label: str) -> AbstractContextManager[Draw]:
    """Draw nothing."""
    return nullcontext(lambda _: None)
