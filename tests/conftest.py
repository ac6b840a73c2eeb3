"""Fixtures for all tests; servers, fake and real, are in tests/fakes/fixtures.py."""

import signal
import sqlite3

import pytest

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.browser", "tests.fakes.fixtures"]


def pytest_report_header():
    return f"SQLite {sqlite3.sqlite_version}"


@pytest.fixture(autouse=True)
def _away_from_home(tmp_path_factory, monkeypatch):
    """Keep every test out of the user's cache folder, and their key out of the tests."""
    monkeypatch.setenv("AL_LOOP_CACHE", str(tmp_path_factory.getbasetemp() / "al-loop-cache"))
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
