"""`al-loop label` in a real terminal: keys, kills, sizes, and the terminal given back."""

import os
import re
import select
import signal
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from al_loop import app
from al_loop.labeling.draw import Row
from al_loop.labeling.screen import Screen
from al_loop.store import checks, rounds
from tests import offline, tmux

CONFIG = offline.CONFIG.replace("size = 12", "size = 8\nrandom_share = 0.0")
ARABIC = "\u0623\u064a\u0646 \u0637\u0631\u062f\u064a\u061f"
CHINESE = "\u6211\u7684\u5305\u88f9\u665a\u4e86\u8fd8\u6ca1\u6709\u5230" * 12
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b[?1049h before \u202eafter\x9b2J end"


@pytest.fixture
def root(tmp_path):
    tmux.needed()
    return offline.make(tmp_path, config=CONFIG)


@contextmanager
def terminal(root, *size, **environment):
    with closing(tmux.Terminal(root, *size, OMP_NUM_THREADS="1", **environment)) as opened:
        yield opened


def stored(root, query="SELECT * FROM answers ORDER BY annotation_id"):
    with app.opened(root) as opened:
        return [dict(r) for r in opened.store.rows(query)]


def process_of(root):
    """The process that holds a text on its screen."""
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            here = (folder / "cwd").readlink()
        except OSError:
            continue
        if b"al_loop" in words and b"label" in words and here == root:
            return int(folder.name)
    raise AssertionError("no al-loop label is running")


def text(screen):
    return screen.splitlines()[2]


def test_a_whole_round_with_a_kill_in_the_middle_and_nothing_lost_or_asked_twice(root):
    with terminal(root) as t:
        before = t.settings()
        t.command("al-loop label --as ana")
        seen = []
        for place, keys in enumerate(["1", "2", "3"], start=1):
            seen.append(text(t.wait(f"{place} of 8", "> number")))
            t.press(keys)
        t.wait("4 of 8")
        t.press("<")
        assert text(t.wait("3 of 8", "taken back: damage")) == seen[2]
        t.press("-")
        t.wait("4 of 8")
        t.press("+")
        t.wait("new class:")
        t.press("-l", "lost parcel")
        t.press("Enter")
        t.wait("5 of 8")
        t.press("#")
        t.wait("comment:")
        t.press("-l", "not sure")
        t.press("Enter")
        t.wait("comment: not sure", "> number")
        t.press("-l", "del")
        t.wait(">1 delay")
        t.press("Enter")
        t.wait("6 of 8", without=["not sure"])
        t.press("-l", "ref")  # typed, not answered
        t.wait(">1 refund")
        os.kill(process_of(root), signal.SIGKILL)
        t.wait("code=137")
        assert t.settings() == before, "the shell got its terminal back"

        t.command("al-loop label --as ana")
        for place in (6, 7, 8):
            seen.append(text(t.wait(f"{place} of 8", "> number")))
            t.press("2")
        t.wait("last text")
        t.press("Enter")
        done = t.wait("code=0")
        assert "round 1: logged, accuracy" in done
        assert "al-loop label" in done
        assert t.settings() == before
    assert len(seen) == len(set(seen))
    found = stored(root)
    said = [(a["kind"], a["labels"], a["missing"], a["comment"]) for a in found]
    assert said == [
        ("label", '["refund"]', "", ""),
        ("label", '["delay"]', "", ""),
        ("skip", "[]", "", ""),
        ("label", "[]", "lost parcel", ""),
        ("label", '["delay"]', "", "not sure"),
        *[("label", '["delay"]', "", "")] * 3,
    ]
    assert len({a["key"] for a in found}) == 8
    assert all(0 < a["lead_time"] < 600 for a in found)
    with app.opened(root) as opened:
        assert rounds.get_round(opened.store, 1).state == "logged"
        assert list(checks.failures(opened.store, opened.workspace.models_dir)) == []


@pytest.mark.parametrize(
    ("how", "code"),
    [("C-c", 130), ("C-d", 3), (signal.SIGTERM, 130), (signal.SIGHUP, 130)],
    ids=["Ctrl-C", "Ctrl-D", "SIGTERM", "SIGHUP"],
)
def test_however_it_ends_answers_stay_and_the_terminal_is_as_before(how, code, root):
    with terminal(root) as t:
        before = t.settings()
        t.command("al-loop label")
        t.wait("1 of 8", "> number")
        t.press("1")
        t.wait("2 of 8")
        if isinstance(how, str):
            t.press(how)
        else:
            os.kill(process_of(root), how)
        ended = t.wait(f"code={code}")
        assert "Traceback" not in ended
        assert t.settings() == before
    assert [a["labels"] for a in stored(root)] == ['["refund"]']


def test_a_terminal_that_is_closed_loses_no_answer_and_leaves_no_process(root):
    with terminal(root) as t:
        t.command("al-loop label")
        t.wait("1 of 8", "> number")
        t.press("1")
        t.wait("2 of 8")
        process = process_of(root)
    tmux.until(lambda: not Path(f"/proc/{process}/exe").exists(), lambda: "it still runs")
    assert [a["labels"] for a in stored(root)] == ['["refund"]']


def test_a_narrow_terminal_shows_the_whole_text_and_a_resize_changes_nothing(tmp_path):
    tmux.needed()
    long = " ".join(f"word{i}" for i in range(150))
    table = [("m0", long, ""), ("m1", HOSTILE, ""), ("m2", CHINESE, ""), ("m3", ARABIC, "")]
    offline.make(tmp_path, config=CONFIG, table=table)
    with terminal(tmp_path, 40, 15) as t:
        t.command("al-loop label --batch 4")
        t.wait("1 of 4", "^D quit")
        seen, answered = "", 0
        for place in range(1, 5):
            screen = t.wait(f"{place} of 4", "^D quit")
            if "more rows" in screen:
                t.resize(90, 40)
                screen = t.wait(f"{place} of 4", without=["more rows"])
                t.resize(40, 15)
                t.wait(f"{place} of 4", "more rows")
                while "below" in t.screen():
                    top = t.screen().splitlines()[1]
                    t.press("Space")
                    t.wait(f"{place} of 4", without=[top])
            seen += screen
            answered += 1
            t.press("1")
        t.wait("last text")
        t.press("C-d")
        t.wait("code=0")
    for part in ("word0 ", "word149", "\ufffd[2J", "before after", "end", ARABIC):
        assert part in seen
    assert re.sub(r"\s", "", CHINESE) in re.sub(r"\s", "", seen)
    assert answered == 4


def test_without_color_nothing_is_styled_and_the_marked_class_is_still_seen(root):
    with terminal(root, NO_COLOR="1") as t:
        t.command("al-loop label")
        t.wait("1 of 8", "> number")
        t.press("Down")
        t.wait(">1 refund")
        assert "\x1b" not in t._run("capture-pane", "-p", "-e")
    with terminal(root) as t:
        t.command("al-loop label")
        t.wait("1 of 8", "> number")
        assert "\x1b" in t._run("capture-pane", "-p", "-e")


def test_a_screen_forgets_what_was_typed_before_it(monkeypatch):
    monkeypatch.setattr(Screen, "size", lambda self: (80, 24))
    keyboard, terminal_ = os.openpty()
    screen = Screen(terminal_, styled=False, rest="\x1b[")
    os.write(keyboard, b"1\n")
    tmux.until(lambda: select.select([terminal_], [], [], 0)[0])
    screen.forget()
    os.write(keyboard, b"2\n")
    assert screen.read(60) == ["2", "enter"]
    os.close(keyboard)
    os.close(terminal_)


def test_no_row_is_cleared_from_its_last_character_on(monkeypatch):
    written = []
    monkeypatch.setattr(Screen, "size", lambda self: (10, 4))
    monkeypatch.setattr(Screen, "_write", lambda self, text: written.append(text))
    Screen(0, styled=False).show([Row("x" * 10), Row("y")], (1, 1))
    assert all(before.endswith(("\x1b[H", "\r\n")) for before in written[0].split("\x1b[K")[:-1])
    assert written[0].count("\x1b[K") == 4  # what stood below is cleared, too
    assert "\x1b[J" not in written[0]


def test_it_refuses_a_terminal_that_cannot_move_its_cursor_and_a_pipe(root):
    with terminal(root) as t:
        t.command("TERM=dumb al-loop label")
        t.wait("TERM=dumb", "code=2")
        t.command("al-loop label < /dev/null")
        t.wait("no terminal to label in", "code=2")


def test_two_people_at_two_terminals_share_the_batch(root):
    with terminal(root) as ana, terminal(root) as ben:
        ana.command("al-loop label --as ana")
        first = text(ana.wait("1 of 8", "> number"))
        ben.command("al-loop label --as ben")
        second = text(ben.wait("2 of 8", "> number"))
        assert first != second
        for place in (3, 5, 7):
            ana.press("1")
            ana.wait(f"{place} of 8", "> number")
            ben.press("2")
            ben.wait(f"{place + 1} of 8", "> number")
        ana.press("1")
        ana.wait("8 of 8")  # Ben has it on his screen, but nothing else is left
        ben.press("2")
        ben.wait("last text")
        ana.press("1")
        ben.press("Enter")
        ana.wait("code=0")
        ben.wait("code=0")
    found = stored(root)
    assert len({a["key"] for a in found}) == 8
    assert len(found) == 9
    with app.opened(root) as opened:
        assert rounds.get_round(opened.store, 1).state == "logged"
        assert rounds.last_number(opened.store) == 1
