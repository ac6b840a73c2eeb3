"""`al-loop --help` against `python -c "import click"`.

    python benchmarks/startup.py [--runs 20]

The bar is a ratio of 2.5 of the medians. Both are whole processes of the same interpreter, in
turn; the first of each is not counted.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from common import ROOT, median, rounded, save

BAR = 2.5


def command() -> list[str]:
    """Return the installed command; without one, the package from the checkout."""
    script = Path(sys.executable).parent / "al-loop"
    return [str(script)] if script.exists() else [sys.executable, "-m", "al_loop"]


def seconds(arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()

    load = os.getloadavg()
    sides = {"help": [*command(), "--help"], "click": [sys.executable, "-c", "import click"]}
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for i in range(args.runs + 1):
        for name in list(sides) if i % 2 == 0 else list(sides)[::-1]:
            taken[name].append(seconds(sides[name]))
    counted = {name: values[1:] for name, values in taken.items()}
    measured = {
        "help_seconds": rounded(counted["help"], 3),
        "click_seconds": rounded(counted["click"], 3),
        "help_median": round(median(counted["help"]), 3),
        "click_median": round(median(counted["click"]), 3),
        "ratio": round(median(counted["help"]) / median(counted["click"]), 2),
        "bar": BAR,
    }
    save("startup", f"--runs {args.runs}", measured, load)


if __name__ == "__main__":
    main()
