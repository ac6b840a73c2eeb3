"""`al-loop noise` on the command line: the list in every form, and sending from a terminal."""

import csv
import io
import json
from functools import partial

import pytest

from al_loop import app
from al_loop.annotators.base import number_of
from al_loop.annotators.terminal import Terminal
from al_loop.loop import machine
from al_loop.store import checks, evidence, rounds, terminal
from al_loop.types import Answer, split_key
from tests import offline, plain_judge

CONFIG = offline.CONFIG.replace("size = 12", 'size = 24\nstrategy = "random"')
GOLD = {i: label for i, _, label in offline.rows()}


@pytest.fixture
def al_loop(monkeypatch, capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A workspace with a round that ana answered in a terminal, and an open one."""
    plain_judge.use(monkeypatch)
    root = offline.make(tmp_path, config=CONFIG)
    with app.opened(root) as opened:
        run(opened, "pushed")
        answer(opened, 1, "ana", wrong=3)
        run(opened, "logged")
        run(opened, "pushed")
    return root


def run(opened, until):
    parts = opened.parts(Terminal(lambda: terminal.recorded(opened.store)))
    machine.run(parts, opened.config, machine.Options(until=until))


def answer(opened, number, person, wrong=0):
    """Answer what is open of a round with its gold label, some wrong."""
    project = rounds.get_round(opened.store, number).project_id
    batch = terminal.waiting(opened.store, number, person)
    wrong = [b.item_id for b in batch][:wrong]
    for b in batch:
        label = GOLD[split_key(b.key)[0]]
        if b.item_id in wrong:
            label = "delay" if label == "refund" else "refund"
        said = Answer(0, b.key, person, "label", (label,), origin="manual", lead_time=1.0)
        terminal.record(opened.store, project, said, overlap=b.overlap, number=number_of(b.key))


def test_the_list_is_the_same_under_both_names_and_says_who_gave_the_label(root, al_loop):
    code, out, _ = al_loop("-C", root, "noise", "list", "--json")
    assert code == 0
    assert al_loop("-C", root, "noise", "--json")[1] == out
    found = json.loads(out)
    assert found["wrong"] == 3
    assert len(found["rows"]) == 3
    for r in found["rows"]:
        assert r["suggested"] == GOLD[r["item_id"]] != r["given"]
        assert 0 <= r["doubt"] <= 1
        assert {"confidence", "neighbors", "text", "role"} <= set(r)
        assert (r["by"], r["flagged"]) == (["ana"], True)
    shown = al_loop("-C", root, "noise")[1]
    assert "labeled by" in shown
    assert "al-loop noise push" in shown
    assert "about 3" in shown
    assert "role" not in shown


def test_the_list_has_every_form_and_all_labels_on_request(root, al_loop):
    rows = list(csv.DictReader(io.StringIO(al_loop("-C", root, "noise", "--all", "--csv")[1])))
    assert len(rows) == 24
    doubts = [float(r["doubt"]) for r in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert {r["by"] for r in rows} == {"ana"}
    assert [r["flagged"] for r in rows].count("True") == 3
    assert "looks wrong" in al_loop("-C", root, "noise", "--all")[1]
    assert "looks wrong" not in al_loop("-C", root, "noise")[1]
    assert al_loop("-C", root, "noise", "list", "--md")[1].startswith("| id")
    everything = json.loads(al_loop("-C", root, "noise", "list", "--all", "--json")[1])
    assert sum(r["flagged"] for r in everything["rows"]) == 3


def test_a_label_that_is_fixed_or_confirmed_leaves_the_list_at_once(root, al_loop):
    rows = json.loads(al_loop("-C", root, "noise", "--json")[1])["rows"]
    first, second = (r["item_id"] for r in rows[:2])
    al_loop("-C", root, "fix", first, rows[0]["given"])
    with app.opened(root) as opened:
        project = rounds.get_round(opened.store, 1).project_id
        said = Answer(0, f"{second}:0", "ben", "label", (rows[1]["given"],), origin="manual")
        terminal.record(opened.store, project, said, overlap=1, number=1)
    left = [r["item_id"] for r in json.loads(al_loop("-C", root, "noise", "--json")[1])["rows"]]
    assert left == [r["item_id"] for r in rows[2:]]
    everything = json.loads(al_loop("-C", root, "noise", "--all", "--json")[1])["rows"]
    assert {r["item_id"] for r in everything if r["flagged"]} == set(left)


def test_a_terminal_project_sends_to_the_terminal_and_says_that_another_person_is_needed(
    root, al_loop
):
    code, out, _ = al_loop("-C", root, "noise", "push", "--dry-run")
    assert code == 0
    assert "second looks that would go into round 2: 3" in out
    code, out, err = al_loop("-C", root, "noise", "push")
    assert code == 0, err
    assert "second looks that went into round 2: 3" in out
    assert "a second look needs another person than ana: invite one, or al-loop fix" in out
    with app.opened(root) as opened:
        assert len(terminal.waiting(opened.store, 2, "ana")) == 24
        answer(opened, 2, "ana")
        assert terminal.waiting(opened.store, 2, "ana") == []
        assert len(terminal.waiting(opened.store, 2, "ben")) == 3
        answer(opened, 2, "ben")
        run(opened, "logged")
        assert evidence.doubtful(opened.store, 2) == []
        assert list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def test_what_was_sent_can_be_read_by_a_machine(root, al_loop):
    code, out, _ = al_loop("-C", root, "noise", "push", "--limit", "2", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["audited"], found["round"], found["left"]) == (1, 2, 1)
    assert [r["by"] for r in found["rows"]] == [["ana"], ["ana"]]
    again = json.loads(al_loop("-C", root, "noise", "push", "--json")[1])
    assert (len(again["rows"]), again["waiting"], again["left"]) == (1, 2, 0)
    code, out, _ = al_loop("-C", root, "noise", "push")
    assert "no label looks wrong that nobody was asked about yet" in out
    assert "asked about before, without an answer of another person: 3" in out


def test_without_a_label_nothing_looks_wrong(tmp_path, al_loop):
    root = offline.make(tmp_path)
    assert al_loop("-C", root, "noise")[1].startswith("no round has been audited yet; ")
    code, out, _ = al_loop("-C", root, "noise", "push")
    assert code == 0
    assert "no label looks wrong" in out


def test_labels_of_the_data_can_be_looked_at_before_the_first_round(tmp_path, al_loop, monkeypatch):
    plain_judge.use(monkeypatch)
    table = [list(row) for row in offline.rows(40)]
    table[4][2] = "refund"  # was delay
    (tmp_path / "config.toml").write_text(CONFIG)
    assert al_loop("-C", tmp_path, "init", offline.write(tmp_path / "texts.csv", table))[0] == 0
    assert al_loop("-C", tmp_path, "noise", "push")[0] == 0
    found = json.loads(al_loop("-C", tmp_path, "noise", "--json")[1])
    assert (found["round"], [r["item_id"] for r in found["rows"]]) == (0, ["m04"])
    with app.opened(tmp_path) as opened:
        run(opened, "pushed")  # no text is without a label: the second look is all there is
        (row,) = rounds.batch(opened.store, 1)
        assert (row.item_id, row.look, row.blind) == ("m04", 1, True)
        answer(opened, 1, "ana")
        run(opened, "logged")
        assert opened.store.value("SELECT label FROM labels WHERE item_id = 'm04'") != "refund"
        assert list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def test_the_history_tells_what_weighing_changed_where_it_was_done(tmp_path, al_loop):
    config = CONFIG + '[audit]\non_doubt = "drop"\n'
    root = offline.make(tmp_path, config=config)
    with app.opened(root) as opened:
        with opened.store.tx():
            opened.store.execute("UPDATE items SET role = 'test' WHERE position >= 40")
            for item_id in list(GOLD)[40:]:
                values = [GOLD[item_id], item_id]
                opened.store.execute("UPDATE aliases SET label = ? WHERE id = ?", values)
        run(opened, "pushed")
        answer(opened, 1, "ana")
        run(opened, "logged")
    (row,) = json.loads(al_loop("-C", root, "history", "--json")[1])["rounds"]
    assert row["doubt_change_low"] <= row["doubt_change"] <= row["doubt_change_high"]
    assert "by on_doubt" in al_loop("-C", root, "history")[1]
    assert "doubt_change" in al_loop("-C", root, "history", "--csv")[1]


def test_the_history_has_no_such_column_where_all_labels_count_alike(root, al_loop):
    assert "by on_doubt" not in al_loop("-C", root, "history")[1]
    rows = json.loads(al_loop("-C", root, "history", "--json")[1])["rounds"]
    assert [r["doubt_change"] for r in rows] == [None, None]
