"""Tables in a terminal: no wider than it, where only prose can be cut."""

import sys

import pytest

from al_loop.cli.tables import echo_table
from al_loop.labeling.wrap import columns

COLUMNS = {"name": "name", "size": "size", "phrases": "phrases", "description": "description"}
LONG = "a name that somebody has to type again"
ROWS = [
    {"name": LONG, "size": 3, "phrases": "怎么算有没有哪里" * 6, "description": "b" * 50},
    {"name": "short", "size": 4, "phrases": "few", "description": "words"},
]


@pytest.fixture
def lines(monkeypatch, capsys):
    def call(width, form=None, *, terminal=True):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
        echo_table(ROWS, COLUMNS, form)
        return capsys.readouterr().out.splitlines()

    return call


def test_prose_is_cut_until_the_rows_fit_the_terminal(lines):
    for width in (130, 100, 80):
        shown = lines(width)
        assert max(map(columns, shown)) <= width
        assert LONG in shown[2]
        assert shown[3].split() == ["short", "4", "few", "words"]


def test_nothing_is_cut_where_there_is_room_and_no_terminal(lines):
    whole = lines(300)
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(whole)
    assert lines(80, terminal=False) == whole
    for form in ("csv", "md"):
        assert "b" * 50 in "".join(lines(80, form))


def test_little_room_leaves_the_beginning_of_the_prose(lines):
    shown = lines(20)
    assert LONG in shown[2]
    assert "怎么算" in shown[2]
