"""A process that outlives the command which started it, and is never taken for another one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Runs between us and the server, so that the server is nobody's child: it gets no signal of
#: our terminal and leaves no zombie behind in a program that starts and stops servers.
_DETACH = """
import os, subprocess, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
server = subprocess.Popen(
    sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
)
print(server.pid)
"""


def spawn(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> int:
    """Start a detached process with its output in `log`; return its pid.

    Files that it makes are readable by nobody else. Secrets belong into `env`: other users
    can read a command line, but not the environment.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", _DETACH, str(log), *command],
        env=dict(env),
        cwd=cwd,
        umask=0o077,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout)


def identity(pid: int) -> str:
    """Return what tells a living process from a later one with the same pid, else "".

    On Linux the boot and the start time in clock ticks (proc(5), field 22 of stat),
    elsewhere the start time that ps shows. A zombie counts as dead, but not while some of its
    threads are still ending: they hold its files and ports.
    """
    if pid <= 0:
        return ""
    if not Path("/proc/self/stat").exists():
        return _identity_from_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in parentheses may hold spaces and parentheses itself: count from its end.
    state, *fields = stat.rpartition(")")[2].split()
    threads, started = int(fields[16]), fields[18]
    if state == "X" or (state == "Z" and threads <= 1):
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{started}"


def terminate(pid: int, process: str, *, grace: float = 10.0) -> bool:
    """End a process: SIGTERM, and SIGKILL after `grace` seconds. False when it was gone.

    `process` is its `identity` at the start: a stranger who got the pid later is left alone.
    """
    if not process or identity(pid) != process:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            if identity(pid) != process:
                return True
            time.sleep(0.05)
    return True


def _identity_from_ps(pid: int) -> str:
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
