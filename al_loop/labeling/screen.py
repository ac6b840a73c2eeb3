"""The terminal itself: keys as they are pressed, whole screens, and all settings put back."""

import codecs
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from al_loop.errors import InputError
from al_loop.labeling import keys
from al_loop.labeling.draw import Row

_STYLES = {"dim": "\x1b[2m", "bold": "\x1b[1m"}
_TICK = 0.25  # seconds between two looks at the size of the terminal
_SEQUENCE = 0.05  # seconds in which the rest of an escape sequence arrives


@dataclass(slots=True)
class Screen:
    """A terminal that gives single keys. It has no state but what was read in part."""

    source: int
    styled: bool
    rest: str = ""
    decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))

    def size(self) -> tuple[int, int]:
        """Return (columns, rows)."""
        found = os.get_terminal_size(sys.stdout.fileno())
        return found.columns or 80, found.lines or 24

    def show(self, rows: Sequence[Row], cursor: tuple[int, int]) -> None:
        """Draw a whole screen, in one write so that it does not flicker.

        Each row is cleared before it is written: after a full one the cursor still stands on its
        last character, which many terminals would clear as well.
        """
        empty = [Row("")] * (self.size()[1] - len(rows))
        lines = "\r\n".join(f"\x1b[K{self._styled(row)}" for row in [*rows, *empty])
        place = f"\x1b[{cursor[0] + 1};{cursor[1] + 1}H"
        self._write(f"\x1b[?25l\x1b[H{lines}{place}\x1b[?25h")

    def forget(self) -> None:
        """Drop what was typed so far: it was not meant for what is shown now."""
        self.rest = ""
        self.decoder.reset()
        termios.tcflush(self.source, termios.TCIFLUSH)

    def read(self, patience: float) -> list[str]:
        """Return the keys that are pressed; none when the size changes or patience ends."""
        size = self.size()
        while patience > 0:
            tick = min(_SEQUENCE if self.rest else _TICK, patience)
            ready, _, _ = select.select([self.source], [], [], tick)
            patience -= tick
            if ready:
                data = os.read(self.source, 4096)
                if not data:  # the terminal is gone
                    return [keys.LEAVE]
                found, self.rest = keys.split(self.rest + self.decoder.decode(data))
            else:
                found, self.rest = keys.split(self.rest, whole=True)
            if found or self.size() != size:
                return found
        return []

    def _styled(self, row: Row) -> str:
        style = _STYLES.get(row.style, "") if self.styled else ""
        return f"{style}{row.text}\x1b[0m" if style else row.text

    def _write(self, text: str) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.buffer.write(text.encode(encoding, "replace"))
        sys.stdout.buffer.flush()


def check() -> None:
    """Refuse to ask where nobody can answer.

    Raises:
        InputError: no terminal, or one that can't move its cursor.
    """
    hint = "run it in a terminal, or let people answer in Label Studio: al-loop round"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError("there is no terminal to label in", hint=hint)
    if os.environ.get("TERM", "dumb") == "dumb":
        raise InputError("this terminal can't move its cursor (TERM=dumb)", hint=hint)


@contextmanager
def opened() -> Iterator[Screen]:
    """Take the terminal over; give it back as it was, whatever happens.

    What stood on the screen is scrolled up, not overwritten.
    """
    source = sys.stdin.fileno()
    before = termios.tcgetattr(source)
    screen = Screen(source, styled=not os.environ.get("NO_COLOR"))
    with _hangup():
        try:
            _take(source, before)
            sys.stdout.write("\n" * screen.size()[1])
            yield screen
        finally:
            with suppress(termios.error, OSError, ValueError):  # the terminal may be gone
                termios.tcsetattr(source, termios.TCSANOW, before)
                sys.stdout.write("\x1b[0m\x1b[H\x1b[J")
                sys.stdout.flush()


def _take(source: int, before: list[Any]) -> None:
    mode = [*before[:6], list(before[6])]
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    for name in (termios.VSUSP, termios.VQUIT):  # Ctrl-Z is undo; Ctrl-\ would leave no echo
        mode[6][name] = b"\0"
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
    termios.tcsetattr(source, termios.TCSANOW, mode)


@contextmanager
def _hangup() -> Iterator[None]:
    """Let a terminal that is closed end the work as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt
