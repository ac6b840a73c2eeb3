"""How long the report of a project of 100,000 texts takes to open, beside an empty page.

    python benchmarks/report_page.py [--texts 100000] [--runs 10]

The bar is three seconds until the last chart is drawn, in a fresh window of Chromium each time.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, median, rounded, save

BAR = 3.0
_CHROMIUM = "/usr/bin/chromium"


def written(root: Path, texts: int) -> tuple[Path, float]:
    """Make a project and its report; returns the file, and the seconds that the report took."""
    import subprocess
    import sys

    from tests import large

    large.make(root, texts)
    began = time.perf_counter()
    command = [sys.executable, "-m", "al_loop", "-C", str(root), "report"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return root / ".al-loop" / "report.html", time.perf_counter() - began


def opened(browser: Any, path: Path, ready: str) -> tuple[float, float]:
    """Return the seconds until something is seen, and until the page is `ready`."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    began = time.perf_counter()
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector(ready, state="attached")
    taken = time.perf_counter() - began
    painted = page.evaluate("performance.getEntriesByType('paint')[0]?.startTime ?? 0")
    context.close()
    return painted / 1_000, taken


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args()

    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report, took = written(Path(folder), args.texts)
        empty = Path(folder) / "empty.html"
        empty.write_text("<!doctype html><title>empty</title>")
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        pages, blanks = [], []
        for _ in range(args.runs + 1):
            pages.append(opened(browser, report, "html[data-drawn]"))
            blanks.append(opened(browser, empty, "html"))
        browser.close()
        size = report.stat().st_size
    drawn = [seconds for _, seconds in pages[1:]]
    measured = {
        "texts": args.texts,
        "report_seconds": round(took, 1),
        "megabytes": round(size / 1e6, 1),
        "drawn_seconds": rounded(drawn, 2),
        "drawn_median": round(median(drawn), 2),
        "first_seen_median": round(median([seconds for seconds, _ in pages[1:]]), 2),
        "empty_median": round(median([seconds for _, seconds in blanks[1:]]), 3),
        "bar": BAR,
    }
    save("report_page", f"--texts {args.texts} --runs {args.runs}", measured, load)


if __name__ == "__main__":
    main()
