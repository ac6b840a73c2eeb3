"""Progress of many runs on stderr: two bars on a terminal, a line a run in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from al_loop.cli.progress import say

if TYPE_CHECKING:
    from al_loop.compare.series import Progress, Watch


@contextmanager
def runs_bar() -> "Iterator[Watch]":
    """Give a callback that takes the progress of a series; nothing is drawn before its call."""
    if not sys.stderr.isatty():
        yield _line
        return
    bars = _Bars()
    try:
        yield bars.draw
    finally:
        bars.close()


def _line(progress: "Progress") -> None:
    if progress.run is None:
        return
    left = progress.seconds_left
    more = f"; about {duration(left)} left" if left and progress.done < progress.total else ""
    say(f"run {progress.done} of {progress.total}: {_about(progress.run)}{more}")


def _about(run: dict[str, Any]) -> str:
    last = run["accuracy"][-1]
    accuracy = "not measured" if last is None else f"{last:.3f}"
    return f"{run['strategy']}, seed {run['seed']}, accuracy {accuracy}"


class _Bars:
    """Two bars: the runs that are finished, and the time that has passed of all it takes."""

    def __init__(self) -> None:
        self._bars: tuple[Any, Any] | None = None
        self._began = self._told = time.monotonic()
        self._left: float | None = None
        self._last = ""

    def draw(self, progress: "Progress") -> None:
        """Draw where the series stands now; a second later, it stands a second further."""
        now = time.monotonic()
        if self._bars is None:
            self._bars, self._began = (_bar("runs", 0), _bar("time", 1)), now
        if progress.run is not None or self._left is None:
            self._told, self._left = now, progress.seconds_left
        if progress.run is not None:
            self._last = f", {_about(progress.run)}"
        runs, clock = self._bars
        _set(
            runs, progress.done, progress.total, f"{progress.done} of {progress.total}{self._last}"
        )
        if self._left is not None:
            left = max(self._left - (now - self._told), 0.0)
            _set(clock, now - self._began, now - self._began + left, f"about {duration(left)} left")

    def close(self) -> None:
        """Leave the terminal as it was."""
        for bar in self._bars or ():
            bar.close()


def _bar(name: str, place: int) -> Any:
    from tqdm import tqdm

    form = f"{name} |{{bar}}| {{postfix[0]}}"
    look = {"bar_format": form, "postfix": [""], "dynamic_ncols": True}
    return tqdm(total=1, position=place, leave=False, file=sys.stderr, **look)


def _set(bar: Any, done: float, total: float, words: str) -> None:
    bar.total, bar.n, bar.postfix[0] = max(total, 1e-9), min(done, total), words
    bar.refresh()


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
