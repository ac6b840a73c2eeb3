"""Progress on stderr: a bar on a terminal, plain lines in a log."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_LINES = 10  # so many lines a log gets for one piece of work


def say(line: str) -> None:
    """Print one line for people on stderr."""
    from al_loop.secrets import redact

    click.echo(redact(line), err=True)


@contextmanager
def bar(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """Give a callback that takes the number of things done so far."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=label, file=sys.stderr) as drawn:
            yield lambda done: drawn.update(done - drawn.pos)
        return
    printed = 0

    def line(done: int) -> None:
        nonlocal printed
        step = done * _LINES // max(total, 1)
        if step > printed:
            printed = step
            say(f"{label}: {done} of {total}")

    yield line
