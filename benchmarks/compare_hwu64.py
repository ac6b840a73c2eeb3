"""Six strategies on hwu64, five seeds, killed half-way and started again.

    python benchmarks/compare_hwu64.py [--jobs 2]

`al-loop compare` plays all built-in strategies, 10 rounds of 50 texts, measured on the test split.
When half of the 30 runs are stored, the process is killed with SIGKILL; the workers have to end by
themselves. The same command then plays what is missing: no file that was there may have been
written again. Printed is the table of the second command. Needs the real data set.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import ROOT, rounded, save, say, temporary

HWU = ROOT.parent / "shared" / "data" / "hwu64"
STRATEGIES = "random,margin,entropy,clusters,novelty,mix"
SEEDS, ROUNDS, BATCH = 5, 10, 50
RUNS = SEEDS * len(STRATEGIES.split(","))


def command(out: Path, jobs: int, *more: str) -> list[str]:
    files = ["--data", str(HWU / "train.jsonl.gz"), "--test", str(HWU / "test.jsonl.gz")]
    numbers = {"--seeds": SEEDS, "--rounds": ROUNDS, "--batch": BATCH, "--jobs": jobs}
    played = [word for option, n in numbers.items() for word in (option, str(n))]
    words = ["compare", "--strategies", STRATEGIES, *files, *played, "--out", str(out), *more]
    return [sys.executable, "-m", "al_loop", *words]


def stored(out: Path) -> dict[str, tuple[int, int]]:
    """Return the finished runs, each with what changes when its file is written again."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in out.glob("*.json")}


def children(pid: int) -> set[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def play_half(out: Path, jobs: int) -> tuple[dict[str, tuple[int, int]], float]:
    """Kill the command half-way; returns what is stored, and how long workers lived on."""
    process = subprocess.Popen(command(out, jobs), cwd=ROOT, stderr=subprocess.DEVNULL)
    while len(stored(out)) < RUNS // 2:
        if process.poll() is not None:
            raise SystemExit(f"the first command ended with {process.returncode}")
        time.sleep(0.1)
    workers = children(process.pid)
    process.kill()
    process.wait()
    began = time.perf_counter()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.05)
    return stored(out), time.perf_counter() - began


def play_rest(out: Path, jobs: int) -> dict[str, Any]:
    """Return the facts of the whole comparison."""
    done = subprocess.run(
        command(out, jobs, "--json"), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def short(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with few digits, without the ends of every point of its curve."""
    left_out = ("curve_low", "curve_high", "runs")
    kept = {k: v for k, v in record.items() if k not in left_out}
    return {
        k: rounded(v, 3) if isinstance(v, list) else round(v, 4) if isinstance(v, float) else v
        for k, v in kept.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    if not HWU.exists():
        raise SystemExit(f"{HWU} is not there")
    load = os.getloadavg()
    with temporary() as folder:
        began = time.perf_counter()
        before, lived = play_half(folder, jobs)
        first = time.perf_counter() - began
        say(f"killed with {len(before)} of {RUNS} runs stored; workers lived {lived:.1f} s longer")
        began = time.perf_counter()
        found = play_rest(folder, jobs)
        second = time.perf_counter() - began
        after = stored(folder)
        subprocess.run(command(folder, jobs), cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    again = sum(after[name] != facts for name, facts in before.items())
    measured = {
        "texts": found["settings"]["texts"],
        "runs": len(found["runs"]),
        "stored_before_the_kill": len(before),
        "played_again": again,
        "workers_lived_seconds": round(lived, 2),
        "seconds": rounded([first, second], 0),
        "labels": found["labels"],
        "target": short(found["target"]),
        "strategies": [short(s) for s in found["strategies"]],
        "pairs": [short(p) for p in found["pairs"]],
    }
    save("compare_hwu64", f"--jobs {jobs}", measured, load)


if __name__ == "__main__":
    main()
