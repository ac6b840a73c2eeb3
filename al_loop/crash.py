"""Named points between two side effects, where the tests let the process die.

A point does nothing unless AL_LOOP_CRASH_AT is set: to a name, or to ``name#3`` for the third
time it is passed. AL_LOOP_CRASH_SIGNAL chooses the signal (default KILL; INT and TERM are
tested too). AL_LOOP_CRASH_LOG names a file that collects the points passed.
"""

import os
import signal
from collections import Counter
from pathlib import Path

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Die here if the environment asks for it."""
    _passed[name] += 1
    if log := os.environ.get("AL_LOOP_CRASH_LOG"):
        with Path(log).open("a", encoding="utf-8") as f:
            f.write(f"{name}\n")
    if os.environ.get("AL_LOOP_CRASH_AT") in (name, f"{name}#{_passed[name]}"):
        number = signal.Signals[f"SIG{os.environ.get('AL_LOOP_CRASH_SIGNAL', 'KILL')}"]
        os.kill(os.getpid(), number)
