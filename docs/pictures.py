"""Make the pictures of docs/tutorial.md anew: `python -m docs.pictures`, in about two minutes.

Follows the tutorial as its test does, against a real Label Studio, and takes each picture where
the tutorial shows it. Needs Debian's chromium.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from al_loop import server
from al_loop.people import join_local
from tests.docs_run import Reader, Step, steps

CHROMIUM = Path("/usr/bin/chromium")
DOCS = Path(__file__).parent
WIDE, PHONE = (1200, 860), (390, 844)


def labeling(page: Page, place: Path) -> Iterator[None]:
    """Show a task to ana, one of those who answer: what she has open is kept for her."""
    running = server.running(place / ".al-loop" / "server")
    assert running is not None, "no Label Studio runs here"
    [ana] = join_local(running, ["ana"])
    cookies = [
        {"name": c.name, "value": c.value, "url": running.url} for c in ana.client.cookies.jar
    ]
    page.context.add_cookies(cookies)
    ana.close()
    page.goto(f"{running.url}/projects/1/data?labeling=1")
    page.get_by_text("Labeling Instructions").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Labeling Instructions").wait_for(state="hidden")
    page.get_by_placeholder("A comment").wait_for()
    page.wait_for_timeout(1_000)  # the page moves its parts about
    yield


def report(page: Page, place: Path) -> Iterator[None]:
    """Show the top of the report."""
    _open(page, place / ".al-loop" / "report.html")
    yield


def text_map(page: Page, place: Path) -> Iterator[None]:
    """Show the report where it draws the texts."""
    _open(page, place / ".al-loop" / "report.html")
    heading = page.get_by_role("heading", name="Map of the texts")
    heading.evaluate("element => element.scrollIntoView({behavior: 'instant'})")
    yield


def compare(page: Page, place: Path) -> Iterator[None]:
    """Show the page of the comparison."""
    _open(page, place / "compare.html")
    yield


#: picture -> (window, what brings it there: it is taken at the `yield`)
PICTURES: Mapping[str, tuple[tuple[int, int], Callable[[Page, Path], Iterator[None]]]] = {
    "labeling": ((1100, 720), labeling),
    "report": (WIDE, report),
    "report-phone": (PHONE, report),
    "map": (WIDE, text_map),
    "compare": (WIDE, compare),
}


def main() -> None:
    """Walk through the tutorial."""
    page = DOCS / "tutorial.md"
    stops: list[tuple[int, str | Step]] = [(step.line, step) for step in steps(page)]
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        stops += [(number, name) for name in re.findall(r"\]\(images/([\w-]+)\.png\)", line)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        reader = Reader.begin(Path(folder))
        try:
            for _, stop in sorted(stops, key=lambda pair: pair[0]):
                if isinstance(stop, str):
                    _take(browser, stop, reader.place)
                elif stop.mark != "prints":
                    reader.do(stop)
        finally:
            reader.close()
            browser.close()


def _take(browser: Browser, name: str, place: Path) -> None:
    (width, height), show = PICTURES[name]
    page = browser.new_page(viewport={"width": width, "height": height})
    for _ in show(page, place):
        page.screenshot(path=DOCS / "images" / f"{name}.png")
    page.close()


def _open(page: Page, path: Path) -> None:
    page.goto(path.absolute().as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached")


if __name__ == "__main__":
    main()
