"""`al-loop label`: what is stored, and how a round of the terminal goes from begin to end."""

import json
import re
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from al_loop import app
from al_loop.annotators.label_studio.parse import answers_of
from al_loop.annotators.oracle import Oracle
from al_loop.annotators.terminal import Terminal
from al_loop.errors import Locked, StateError, Waiting
from al_loop.files import lock
from al_loop.labels import Names, Verdict, by_folded_name, judge
from al_loop.loop import machine
from al_loop.report import status
from al_loop.store import answers, checks, items, overview, rounds, terminal
from tests import offline
from tests.label_screen import label
from tests.ls_helpers import choice, typed

RECORDED = Path(__file__).with_name("data") / "label-studio-ui-answers.json"
CONFIG = offline.CONFIG.replace("size = 12", "size = 6\nrandom_share = 0.0")


@pytest.fixture
def root(tmp_path):
    return offline.make(tmp_path, config=CONFIG)


@pytest.fixture(scope="module")
def _taught(tmp_path_factory):
    """A workspace whose next round has suggestions, made once."""
    return offline.make(tmp_path_factory.mktemp("taught"), rounds=1, config=CONFIG)


@pytest.fixture
def taught(_taught, tmp_path):
    return shutil.copytree(_taught, tmp_path / "copy")


def stored(root, table="answers", order="rowid"):
    with app.opened(root) as opened:
        query = f"SELECT * FROM {table} ORDER BY {order}"
        return [dict(r) for r in opened.store.rows(query)]


def own(root):
    """The answers that were given in the terminal."""
    with app.opened(root) as opened:
        return terminal.recorded(opened.store)


def sound(root):
    with app.opened(root) as opened:
        return list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def leaving(monkeypatch, root, *steps, **more):
    """Label and leave before the end; returns the error that says what is left."""
    with pytest.raises(Waiting) as waiting:
        label(monkeypatch, root, *steps, **more)
    return waiting.value


def test_every_answer_is_a_row_like_one_from_label_studio(monkeypatch, root):
    leaving(monkeypatch, root, "1", "-", "+", "ship it", "enter", "#", "so so", "enter", "2")

    one, skip, new, commented = own(root)
    assert (one.kind, one.labels, one.origin) == ("label", ("refund",), "manual")
    assert (skip.kind, skip.labels, skip.origin) == ("skip", (), "")
    assert (new.kind, new.labels, new.missing) == ("label", (), "ship it")
    assert (commented.labels, commented.comment) == (("delay",), "so so")
    assert [a.annotation_id for a in own(root)] == [1, 2, 3, 4]
    (project,) = (p for p in stored(root, "projects") if p["annotator"] == "terminal")
    assert {r["project_id"] for r in stored(root)} == {project["id"]}
    assert sound(root)


def in_label_studio(*regions, suggested, skipped=False):
    """The answer that the same clicks make there: its recorded JSON, with other content."""
    (task,) = json.loads(RECORDED.read_text())
    raw = task["annotations"][1 if skipped else 0]
    changed = {"result": list(regions), "was_cancelled": skipped}
    if not suggested:
        changed["prediction"] = {}
    (found,) = answers_of(
        {**task, "annotations": [{**raw, **changed}]},
        {7: "ann", 8: "ann"},
        {"label", "missing", "comment"},
    )
    return found


KEYS_AND_CLICKS = {
    "accepted": (["enter"], lambda g: [choice(g, origin="prediction")], False),
    "changed": (["other"], lambda g: [choice("other", origin="prediction-changed")], False),
    "skipped": (["-"], lambda g: [choice(g, origin="prediction")], True),
    "unticked, new class": (["+", "new", "enter"], lambda g: [typed("missing", "new")], False),
    "commented": (
        ["#", "why", "enter", "enter"],
        lambda g: [choice(g, origin="prediction"), typed("comment", "why")],
        False,
    ),
    "blind": (["1"], lambda g: [choice("refund", origin="manual")], False),
    "blind and skipped": (["-"], lambda g: [], True),
}


@pytest.mark.parametrize("situation", KEYS_AND_CLICKS)
def test_the_same_decision_makes_the_same_row_in_both_places(situation, monkeypatch, taught):
    pressed, clicks, skipped = KEYS_AND_CLICKS[situation]
    blind = situation.startswith("blind")
    leaving(monkeypatch, taught)  # begins the round
    with app.opened(taught) as opened:
        batch = rounds.batch(opened.store, 2)
        wanted = next(b for b in batch if b.blind == blind)
        guess = wanted.suggestion
        assert guess is not None
        version = rounds.get_round(opened.store, 2).model_version
    others = ["-"] * batch.index(wanted)
    number = {"refund": "1", "delay": "2", "damage": "3"}
    other = next(c for c in number if c != guess)
    keys = [number[other] if k == "other" else k for k in pressed]
    with suppress(Waiting):  # unless it was the last text
        label(monkeypatch, taught, *others, *keys)

    theirs = in_label_studio(*clicks(guess), suggested=not blind, skipped=skipped)
    mine = next(a for a in own(taught) if a.key == wanted.key)
    labels = tuple(other if name == "other" else name for name in theirs.labels)
    assert (mine.kind, mine.labels, mine.origin) == (theirs.kind, labels, theirs.origin)
    assert (mine.missing, mine.comment, mine.problem) == (theirs.missing, theirs.comment, "")
    assert mine.model_version == (version if theirs.model_version else "")
    assert type(mine.lead_time) is type(theirs.lead_time) is float
    for when in (mine.created_at, mine.updated_at, theirs.updated_at):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", when)


def test_a_blind_text_shows_no_suggestion_and_others_do(monkeypatch, taught):
    leaving(monkeypatch, taught)
    with app.opened(taught) as opened:
        batch = rounds.batch(opened.store, 2)
    frames = []
    monkeypatch.setattr("tests.label_screen.Script.show", lambda s, r, c: frames.append(r))
    leaving(monkeypatch, taught, *["1"] * (len(batch) - 1))
    assert {b.blind for b in batch} == {True, False}
    for row, frame in zip(batch, frames, strict=True):
        assert any("suggestion" in line.text for line in frame) == (not row.blind)


def test_whoever_leaves_goes_on_where_they_were_and_is_asked_nothing_twice(monkeypatch, root):
    told = leaving(monkeypatch, root, "1", "2", "leave")
    assert told.message == "round 1: 2 of 6 texts are settled"
    assert (told.exit_code, told.hint) == (3, "al-loop label")
    leaving(monkeypatch, root, "3", "1")
    keys = [a.key for a in own(root)]
    assert len(keys) == len(set(keys)) == 4


def test_a_round_is_carried_to_its_end_and_the_next_is_offered(monkeypatch, root):
    said = []
    screen = label(monkeypatch, root, *"123123", said=said)
    assert "1 of 6" in screen.frames[0]
    assert "6 of 6" in screen.frames[5]
    assert "last text" in screen.frames[6]
    assert any(line.startswith("round 1: logged, accuracy") for line in said)
    assert said[-1] == "the next batch: al-loop label"
    assert sound(root)
    with app.opened(root) as opened:
        assert rounds.open_round(opened.store) is None
        assert overview.labeled_size(opened.store) == 6
    assert leaving(monkeypatch, root).message == "round 2: 0 of 6 texts are settled"


def test_what_was_typed_before_a_text_was_seen_does_not_answer_it(monkeypatch, root):
    leaving(monkeypatch, root, "111")  # three keys at once: a paste, or a key that bounces
    assert len(own(root)) == 1


def test_the_last_answer_can_be_taken_back_before_the_round_goes_on(monkeypatch, root):
    label(monkeypatch, root, *"111111", "2", at_end=["1", "<"])
    assert [a.labels for a in own(root)] == [("refund",)] * 5 + [("delay",)]
    assert [h["labels"] for h in stored(root, "answer_history")] == ['["refund"]'] * 2


def test_undo_withdraws_the_answer_at_once_and_keeps_what_it_was(monkeypatch, root):
    leaving(monkeypatch, root, "1", "#", "hm", "enter", "2", "<")
    first, second = stored(root)
    assert (first["gone"], second["gone"]) == (0, 1)
    (old,) = stored(root, "answer_history")
    assert (old["labels"], old["comment"], old["gone"]) == ('["delay"]', "hm", 0)
    assert [r["item_id"] for r in stored(root, "labels")] == [first["item_id"]]

    leaving(monkeypatch, root, "3")  # the text comes again, since nobody has answered it
    again = stored(root)[1]
    assert (again["gone"], again["labels"], again["key"]) == (0, '["damage"]', second["key"])
    assert (again["annotation_id"], again["created_at"]) == (2, second["created_at"])
    assert again["updated_at"] > second["updated_at"]
    assert again["lead_time"] >= second["lead_time"]
    assert sound(root)


def test_undo_goes_back_text_by_text_even_to_answers_of_an_earlier_session(monkeypatch, root):
    leaving(monkeypatch, root, "1", "2", "3")
    leaving(monkeypatch, root, "<", "<", "1")
    gone = [r["gone"] for r in stored(root)]
    assert gone == [0, 0, 1]
    assert [a.labels for a in own(root)] == [("refund",), ("refund",)]


def test_the_text_that_was_taken_back_is_shown_with_its_comment(monkeypatch, root):
    frames = []
    monkeypatch.setattr(
        "tests.label_screen.Script.show",
        lambda s, r, c: frames.append("\n".join(row.text for row in r)),
    )
    leaving(monkeypatch, root, "#", "odd", "enter", "2", "<")
    assert frames[-1].splitlines()[:3] == frames[0].splitlines()[:3]
    assert "comment: odd" in frames[-1]
    assert "taken back: delay" in frames[-1]
    leaving(monkeypatch, root, "<")  # nothing is left to take back
    assert "taken back" not in frames[-1]


def test_a_round_can_be_closed_with_the_answers_there_are(monkeypatch, root):
    leaving(monkeypatch, root, "1", "2")
    said = []
    label(monkeypatch, root, partial=True, said=said)
    assert "round 1: 2 texts settled, 4 went back to the pool" in said
    with app.opened(root) as opened:
        assert rounds.get_round(opened.store, 1).state == "logged"
    with pytest.raises(StateError, match="no round is open"):
        label(monkeypatch, root, partial=True)


def test_a_round_that_is_taken_back_meanwhile_keeps_the_answers_and_is_named(
    monkeypatch, capsys, root
):
    def taken_back():
        assert offline.call(monkeypatch, capsys, "-C", root, "undo")[0] == 0

    with pytest.raises(StateError, match="taken back meanwhile") as stop:
        label(monkeypatch, root, "1", taken_back, "2")
    assert stop.value.hint == "al-loop label begins a new round"
    assert len(own(root)) == 2
    assert sound(root)


def test_with_overlap_the_texts_wait_for_another_person(monkeypatch, tmp_path):
    overlap = "size = 6\noverlap = { share = 0.5, annotators = 2 }"
    root = offline.make(tmp_path, config=CONFIG.replace("size = 6", overlap))
    told = leaving(monkeypatch, root, *"111111")
    assert told.message.endswith("3 of 6 texts are settled, 3 need an answer of another person")
    assert told.hint == "al-loop label --as NAME"
    label(monkeypatch, root, *"222", name="ben")
    assert sorted(a.annotator for a in own(root)) == ["ana"] * 6 + ["ben"] * 3


def test_what_one_person_settles_meanwhile_is_not_asked_of_the_other(monkeypatch, root):
    def ben():
        with monkeypatch.context() as patched:
            leaving(patched, root, *"222", name="ben")

    leaving(monkeypatch, root, ben, "1", "1")
    found = {}
    for answer in own(root):
        found.setdefault(answer.key, []).append(answer.annotator)
    # Ana's first text was on her screen already: both answers to it are kept.
    assert sorted(map(tuple, found.values())) == [("ana",), ("ben",), ("ben",), ("ben", "ana")]


def test_one_person_at_two_terminals_has_one_answer_a_text(monkeypatch, root):
    def again():
        with monkeypatch.context() as patched:
            leaving(patched, root, "2")

    leaving(monkeypatch, root, again, "1")
    (answer,) = own(root)
    assert answer.labels == ("refund",)
    assert [h["labels"] for h in stored(root, "answer_history")] == ['["delay"]']


def test_an_answer_given_while_a_pull_is_under_way_is_not_taken_for_deleted(monkeypatch, root):
    leaving(monkeypatch, root, "1")
    with app.opened(root) as opened:
        store = opened.store
        here = Terminal(lambda: terminal.recorded(store))
        pulled = here.pull(None)
        leaving(monkeypatch, root, "2")
        with store.tx():
            changes = answers.save_pull(store, opened.parts(here).project.id, pulled)
    assert changes == answers.Changes()
    assert [r["gone"] for r in stored(root)] == [0, 0]


def test_a_lock_that_another_process_holds_is_waited_for(monkeypatch, root):
    said, held = [], threading.Event()

    def hold():
        with lock(root / ".al-loop" / "lock"):
            held.set()
            while not said:
                held.wait(0.01)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    leaving(monkeypatch, root, "1", said=said)
    holder.join()
    assert "waiting for it" in said[0]
    assert len(own(root)) == 1


def test_answering_needs_no_lock(monkeypatch, root):
    """A step of `al-loop round` may take minutes; the person at the screen does not wait."""
    leaving(monkeypatch, root)

    def held():
        stack.__enter__()

    stack = lock(root / ".al-loop" / "lock")
    try:
        with pytest.raises(Locked, match="give up"):
            label(monkeypatch, root, held, "1", "2", said=_Refusing())
    finally:
        stack.__exit__(None, None, None)
    assert len(own(root)) == 2


class _Refusing(list):
    """Ends the wait for the lock at the first word about it."""

    def append(self, line):
        if "waiting for it" in line:
            raise Locked("give up")


def test_a_class_that_was_asked_for_is_offered_on_the_next_texts(monkeypatch, root):
    with app.opened(root) as opened:

        def accept():
            with opened.store.tx():
                items.add_class(opened.store, items.ClassSpec("Shipping"), "command")
                answers.refresh_labels(opened.store)

        leaving(monkeypatch, root, "+", "shipping", "enter", "4", accept, "1", "ship", "enter")
    kinds = [(a.labels, a.missing) for a in own(root)]
    assert kinds[:2] == [((), "shipping")] * 2
    assert kinds[3] == (("Shipping",), "")


def test_the_latest_vote_of_a_person_counts_wherever_it_was_given(monkeypatch, root):
    leaving(monkeypatch, root, "1", name="ana@example.com")
    (mine,) = own(root)
    known = Names(by_folded_name(["refund", "delay"]))
    theirs = in_label_studio(choice("delay", origin="manual"), suggested=False)
    for when, label_ in (("2000-01-01T00:00:00.5Z", "refund"), ("2999-01-01T00:00:00Z", "delay")):
        other = replace(theirs, key=mine.key, annotator=mine.annotator, updated_at=when)
        for both in ([other, mine], [mine, other]):
            assert judge(both, (), known) == Verdict("agreed", label_, 1)


def test_round_leaves_a_round_of_the_terminal_alone_and_names_the_command(
    monkeypatch, root, capsys
):
    leaving(monkeypatch, root, "1")
    with offline.settings_kept():
        code, _, err = offline.call(monkeypatch, capsys, "-C", root, "round")
    assert code == 1
    assert "al-loop label" in err


def test_status_names_the_command_and_no_page_of_a_server(monkeypatch, root):
    leaving(monkeypatch, root, "1")
    with app.opened(root) as opened:
        found = status.facts(opened.store)
    assert (found["settled"], found["texts"], found["url"]) == (1, 6, None)
    assert found["next"].startswith("al-loop label goes on with the open round: 5 texts")


def test_a_round_of_the_oracle_is_left_alone(monkeypatch, root):
    with app.opened(root) as opened:
        parts = opened.parts(Oracle({}))
        machine.run(parts, opened.config, machine.Options(until="pushed"))
    with pytest.raises(StateError, match="another annotator: oracle"):
        label(monkeypatch, root, "1")


def test_the_budget_is_asked_before_a_round_is_begun(monkeypatch, root, capsys):
    monkeypatch.setattr("al_loop.labeling.screen.check", lambda: None)
    config = root / "config.toml"
    config.write_text(config.read_text() + "[budget]\nlabels = 3\nconfirm_over = 1\n")
    with offline.settings_kept():
        code, _, err = offline.call(monkeypatch, capsys, "-C", root, "label")
    assert code == 2
    assert "the same command with --yes" in err
    with app.opened(root) as opened:
        assert rounds.open_round(opened.store) is None


def test_at_the_end_of_the_budget_it_names_its_own_command(monkeypatch, root, capsys):
    monkeypatch.setattr("al_loop.labeling.screen.check", lambda: None)
    config = root / "config.toml"
    config.write_text(config.read_text() + "[budget]\nhours = 0.0001\n")
    with offline.settings_kept():
        code, _, err = offline.call(monkeypatch, capsys, "-C", root, "label")
    assert code == 4
    assert "al-loop label --continue" in err


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 300])
def test_a_name_that_cannot_be_one_is_refused(name, monkeypatch, root, capsys):
    monkeypatch.setattr("al_loop.labeling.screen.check", lambda: None)
    with offline.settings_kept():
        code, _, err = offline.call(monkeypatch, capsys, "-C", root, "label", "--as", name)
    assert code == 2
    assert "al-loop label --as NAME" in err


def test_without_a_terminal_it_refuses_and_says_what_to_do(monkeypatch, root, capsys):
    with offline.settings_kept():
        code, _, err = offline.call(monkeypatch, capsys, "-C", root, "label")
    assert code == 2
    assert "there is no terminal to label in" in err
    assert "al-loop round" in err
