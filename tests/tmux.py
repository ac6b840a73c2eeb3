"""A real terminal for tests: tmux on a socket of its own, driven by keys, read as a screen."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

_PATIENCE = 120  # seconds; a screen that never comes is a failure, a slow machine is none


def needed():
    """Skip loudly where tmux is missing; in CI that is a failure."""
    if shutil.which("tmux"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("tmux is missing: apt-get install tmux")
    pytest.skip("TMUX IS MISSING: nothing of the real terminal is tested (apt-get install tmux)")


def until(holds, complain=lambda: "it never came"):
    """Wait until something holds."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, complain()
        time.sleep(0.05)


class Terminal:
    """A bash in a terminal of a given size; `al-loop` is on its PATH."""

    def __init__(self, folder, width=80, height=24, **environment):
        # A socket's path has at most 107 characters, which pytest's folders exceed.
        self.home = Path(tempfile.mkdtemp(prefix="al-"))
        script = self.home / "al-loop"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m al_loop "$@"\n')
        script.chmod(0o700)
        settings = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TMUX")},
            "PATH": f"{self.home}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "PS1": "ready> ",
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        self._run(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height)),
            *("-c", str(folder), "bash", "--norc", "--noprofile"),
            env=settings,
        )
        self.wait("ready>")

    def _run(self, *arguments, **more):
        command = ["tmux", "-u", "-S", str(self.home / "s"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self):
        """What is on the screen now."""
        return self._run("capture-pane", "-p")

    def wait(self, *parts, without=()):
        """Wait until the screen shows some parts, and none of others; returns the screen."""
        found = ""

        def there():
            nonlocal found
            found = self.screen()
            return all(p in found for p in parts) and not any(p in found for p in without)

        until(there, lambda: f"no {parts} without {without} in:\n{found}")
        return found

    def press(self, *keys):
        """Press keys by tmux's names, or type characters."""
        self._run("send-keys", *keys)

    def command(self, line):
        """Type a command on a clean screen."""
        self._run("send-keys", "-l", f"clear; {line}; echo code=$?")
        self._run("send-keys", "Enter")

    def resize(self, width, height):
        self._run("resize-window", "-x", str(width), "-y", str(height))

    def settings(self):
        """The terminal's settings as `stty -g` prints them."""
        found = self.home / "settings"
        self.command(f"stty -g > {found}.new; mv {found}.new {found}")
        until(found.exists)
        printed = found.read_text()
        found.unlink()
        return printed

    def close(self):
        """Close the terminal, as its window would be closed."""
        command = ["tmux", "-S", str(self.home / "s"), "kill-server"]
        subprocess.run(command, capture_output=True, timeout=30, check=True)
        shutil.rmtree(self.home, ignore_errors=True)
