"""A screen that presses keys by itself, and what is on it, for tests of `al-loop label`."""

import math
from contextlib import contextmanager

from al_loop import app
from al_loop.labeling import keys, screen, work

NAMES = {v for k, v in vars(keys).items() if k.isupper() and isinstance(v, str)}


class Script:
    """Presses what each step says when it is asked for a key; leaves after the last step.

    A step is a key or the letters of several, or a function that is called before the next one.
    at_end: keys for the moment after the last text.
    """

    def __init__(self, *steps, at_end=(), size=(80, 24)):
        self.steps, self.at_end = list(steps), list(at_end)
        self.wanted = size
        self.frames = []

    def size(self):
        return self.wanted

    def forget(self):
        pass

    def show(self, rows, cursor):
        self.frames.append("\n".join(row.text for row in rows))

    def read(self, patience):
        if patience < math.inf:
            return [self.at_end.pop(0)] if self.at_end else [keys.ENTER]
        while self.steps and callable(self.steps[0]):
            self.steps.pop(0)()
        step = self.steps.pop(0) if self.steps else keys.LEAVE
        return [step] if step in NAMES else list(step)


@contextmanager
def pressed(monkeypatch, script):
    """Let the session use a script instead of the terminal."""

    @contextmanager
    def opened():
        yield script

    with monkeypatch.context() as patched:
        patched.setattr(screen, "opened", opened)
        yield


def label(monkeypatch, root, *steps, name="ana", at_end=(), partial=False, said=None, config=None):
    """Run what `al-loop label` runs, with keys from a script; returns the script."""
    script = Script(*steps, at_end=at_end)
    lines = said if said is not None else []
    with pressed(monkeypatch, script), app.opened(root) as opened:
        work.run(
            opened,
            config or opened.config,
            name,
            gate=lambda c: c,
            accept_partial=partial,
            say=lines.append,
        )
    return script
