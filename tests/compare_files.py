"""A small labeled data set, and `al-loop compare` on it in a process of its own."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONFIG = '[model]\nencoder = "hashing"\n'


def make(folder: Path) -> Path:
    """Write 200 texts of the examples, their test set, and a configuration without a model."""
    with (ROOT / "examples" / "support.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))[:201]
    with (folder / "data.csv").open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows(rows)
    test = (ROOT / "examples" / "support_test.csv").read_text(encoding="utf-8")
    (folder / "test.csv").write_text(test, encoding="utf-8")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return folder


def words(folder: Path, command: str, *more: str) -> list[str]:
    """Return the words of a command on this data."""
    files = {"--data": "data.csv", "--test": "test.csv", "--config": "config.toml"}
    named = [word for option, name in files.items() for word in (option, str(folder / name))]
    return [command, *named, "--rounds", "3", "--batch", "20", *more]


def start(folder: Path, *more: str, **environment: str) -> subprocess.Popen[str]:
    """Start `al-loop compare` in a process group of its own, in the folder."""
    arguments = words(folder, "compare", *more)
    return subprocess.Popen(
        [sys.executable, "-m", "al_loop", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}", "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stored(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the finished runs, each with what changes when its file is written again."""
    files = folder.glob("*.json")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def wait_for_runs(process: subprocess.Popen[str], folder: Path, n: int) -> None:
    """Wait until so many runs are stored, while more are played."""
    while len(stored(folder)) < n:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def children(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def workers(pid: int) -> set[int]:
    """Return those of them that play runs."""
    return {child for child in children(pid) if "LokyProcess" in _command_line(child)}


def ignores(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process ignores a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:")).split()[1]
    return bool(int(mask, 16) & 1 << number - 1)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def gone(pids: set[int], seconds: float = 20) -> bool:
    """Wait until processes have ended, reaped or not."""
    end = time.monotonic() + seconds
    while any(_lives(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C: a terminal tells all processes of the command."""
    os.killpg(process.pid, signal.SIGINT)


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a command and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
