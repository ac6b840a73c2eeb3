"""A real Chromium for the pages. Without one their tests are skipped; in CI they fail."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
#: Collects what the content-security policy refused; runs before any script of the page.
_WATCH = """
window.refused = [];
addEventListener("securitypolicyviolation",
    e => window.refused.push(`${e.violatedDirective}: ${e.blockedURI}`));
"""


@pytest.fixture(scope="module")
def chromium():
    """A browser for one module; a context each visit."""
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is not there: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that is open, and everything that it did."""

    page: object
    requests: list = field(default_factory=list)
    messages: list = field(default_factory=list)

    def drawn(self, seconds=10):
        """Wait until all charts are there; a machine with nothing to spare gets five times more."""
        self.page.wait_for_selector("html[data-drawn]", state="attached", timeout=5_000 * seconds)

    def marks(self, selector):
        """Count elements that a chart is made of."""
        return self.page.locator(selector).count()

    def sideways(self):
        """Return by how many pixels the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def check(self):
        """Fail if the page asked for anything, complained, or something in it ran."""
        self.page.wait_for_timeout(50)  # what was on its way
        assert self.requests == []
        assert self.messages == []
        assert self.page.evaluate("window.refused") == []
        assert self.page.evaluate("window.owned") is None


@contextmanager
def visit(browser, path, width=1400, **options):
    """Open a file in a fresh window; `check` is called at the end."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    opened = Visit(page)
    url = Path(path).absolute().as_uri()
    page.on("request", lambda r: r.url == url or opened.requests.append(r.url))
    page.on("console", lambda m: opened.messages.append(m.text))
    page.on("pageerror", lambda e: opened.messages.append(str(e)))
    page.on("dialog", lambda d: (opened.messages.append(d.message), d.dismiss()))
    page.add_init_script(_WATCH)
    page.goto(url)
    yield opened
    opened.check()
    context.close()
