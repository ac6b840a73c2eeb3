"""`al-loop fix`: a decision by hand comes first, is signed, and can be taken back."""

import csv
import dataclasses
import json
import sqlite3

import pytest

from al_loop import app, fix
from al_loop.errors import DataError
from al_loop.files import lock
from al_loop.fix import Wanted
from al_loop.loop import knowledge, machine
from al_loop.loop.machine import Options
from al_loop.store import (
    answers,
    checks,
    evidence,
    fixes,
    items,
    overview,
    results,
    rounds,
    stories,
)
from al_loop.types import Answer, Pulled
from tests import offline, worlds
from tests.offline import call


@pytest.fixture
def store():
    store = worlds.make_store(test=6)
    yield store
    store.close()


def decide(store, item_id, label, author="lead", reason=""):
    (change,) = fix.apply(store, [Wanted(item_id, label, reason)], author)
    return change


def label_of(store, item_id):
    found = stories.verdict(store, item_id)
    return None if found is None else (found.status, found.label, found.votes)


def logged(store, annotator=None):
    machine.run(worlds.make_parts(store, annotator), worlds.config(), Options(wait=True))


def test_a_decision_is_kept_with_its_author_its_reason_and_what_was_before(store):
    decide(store, "m1", "refund", reason=" money ")
    decide(store, "m1", "delay", author="boss")
    assert label_of(store, "m1") == ("fixed", "delay", 0)
    told = [(f.label, f.was, f.author, f.reason) for f in fixes.of_item(store, "m1")]
    assert told == [("refund", None, "lead", "money"), ("delay", "refund", "boss", "")]
    for change in ("UPDATE fixes SET label = 'refund'", "DELETE FROM fixes"):
        with pytest.raises(sqlite3.IntegrityError, match="decisions are kept"):
            store.execute(change)


def test_it_comes_before_answers_also_later_ones_which_are_kept(store):
    logged(store)
    item_id = rounds.batch(store, 1)[0].item_id
    (answer,) = answers.all_answers(store)[item_id]
    decide(store, item_id, "damage")
    assert label_of(store, item_id) == ("fixed", "damage", 1)

    rest = [a for v in answers.all_answers(store).values() for a in v if a != answer]
    edited = dataclasses.replace(answer, labels=("delay",), updated_at="2030-01-01T00:00:00Z")
    other = Answer(1, answer.key, "ben", "label", ("delay",), updated_at="2030-01-01T00:00:00Z")
    with store.tx():
        answers.save_pull(store, 1, Pulled([edited, other, *rest], annotated=10))
    assert label_of(store, item_id) == ("fixed", "damage", 2)
    assert len(answers.all_answers(store)[item_id]) == 2

    decide(store, item_id, None)
    assert label_of(store, item_id) == ("agreed", "delay", 2)


def test_it_comes_before_a_label_of_the_data_and_settles_a_contradiction(store):
    with store.tx():
        for number, label in enumerate(("refund", "delay")):
            items.put_alias(store, items.Alias(f"twin {number}", "m0", 1, 99, label, {}))
        answers.refresh_labels(store)
    assert label_of(store, "m0") == ("conflict", None, 0)
    decide(store, "twin 1", "damage")
    assert label_of(store, "m0") == ("fixed", "damage", 0)
    assert "m0" not in {row[0] for row in rounds.pool(store)}
    assert decide(store, "m0", None).now == stories.verdict(store, "m0")
    assert label_of(store, "m0") == ("conflict", None, 0)


def test_the_name_of_a_class_is_folded_and_an_unknown_one_refused_with_the_nearest(store):
    decide(store, "m1", " REFUND ")
    assert label_of(store, "m1") == ("fixed", "refund", 0)
    with pytest.raises(DataError, match="'refnd' is no class") as caught:
        decide(store, "m2", "refnd")
    assert "did you mean 'refund'?" in caught.value.hint
    assert "al-loop classes add refnd" in caught.value.hint
    assert label_of(store, "m2") is None
    assert store.value("SELECT COUNT(*) FROM fixes") == 1


def test_an_unknown_id_is_refused_with_ids_that_look_alike(store):
    with pytest.raises(DataError, match="no text came under the id 'm599'") as caught:
        decide(store, "m599", "refund")
    assert "did you mean 'm59'" in caught.value.hint


def test_only_a_decision_that_stands_can_be_taken_back(store):
    with pytest.raises(DataError, match="nothing to take back"):
        decide(store, "m1", None)
    decide(store, "m1", "refund")
    decide(store, "m1", None)
    assert label_of(store, "m1") is None
    with pytest.raises(DataError, match="nothing to take back"):
        decide(store, "m1", None)


def test_the_same_decision_again_is_not_stored_again_but_another_reason_is(store):
    for reason in ("", "", "because", "because"):
        decide(store, "m1", "refund", reason=reason)
    assert [f.reason for f in fixes.of_item(store, "m1")] == ["", "because"]


@pytest.mark.parametrize("reason", ["a\x00b", "\ud800"])
def test_a_reason_that_can_not_be_stored_is_refused(store, reason):
    with pytest.raises(DataError, match="the reason has"):
        decide(store, "m1", "refund", reason=reason)


def test_a_test_text_is_measured_by_its_decision(store):
    decide(store, "m60", "delay")
    assert {row[0]: row[3] for row in answers.labeled(store, "test")}["m60"] == "delay"
    decide(store, "m60", None)
    assert label_of(store, "m60") == ("given", "refund", 0)


def test_it_is_trained_on_counted_and_leaves_the_pool(store):
    logged(store)
    parts, settings = worlds.make_parts(store), worlds.config()
    before = knowledge.gather(parts, settings, 1)
    free = rounds.pool(store)[0][0]
    decide(store, free, "delay")
    after = knowledge.gather(parts, settings, 1)
    assert set(after.ids) - set(before.ids) == {free}
    assert after.version != before.version
    assert free not in {row[0] for row in rounds.pool(store)}
    assert results.counts(store)["labels"] == overview.labeled_size(store) == 11
    assert overview.labels_by_class(store)["delay"] == sum(after.y == 1)


def test_a_text_of_the_open_batch_needs_nobody_any_more(store):
    class Nobody(worlds.Oracle):
        def pull(self, request):
            return Pulled([], annotated=0)

    parts = worlds.make_parts(store, Nobody({}))
    settings = worlds.config(size=3, overlap={"share": 1.0, "annotators": 2})
    machine.run(parts, settings, Options(until="pushed"))
    batch = [b.item_id for b in rounds.batch(store, 1)]
    for item_id in batch:
        assert item_id in overview.unsettled(store, 1)
        decide(store, item_id, "delay")
    assert overview.unsettled(store, 1) == []
    machine.run(parts, settings, Options(until="logged"))
    assert [b.item_id for b in rounds.batch(store, 1)] == batch, "none went back to the pool"
    assert results.history(store)[0]["labels"] == 3


def test_check_sees_labels_that_do_not_follow_from_decisions(store):
    decide(store, "m1", "refund")
    assert list(checks.failures(store, None)) == []
    store.execute("UPDATE labels SET label = 'delay'")
    assert any(line.startswith("labels:") for line in checks.failures(store, None))
    store.execute("INSERT INTO fixes VALUES (NULL, 'm2', 'spam', NULL, 'x', '', '')")
    assert any("by hand" in line for line in checks.failures(store, None))


# Doubtful labels


@pytest.fixture
def doubted(tmp_path):
    """A workspace with a doubtful label; returns (root, its text, its label)."""
    root = offline.make(tmp_path, rounds=1)
    with app.opened(root) as opened:
        item_id, label = opened.store.row("SELECT item_id, label FROM labels LIMIT 1")
        opened.store.execute("DELETE FROM evidence")
        opened.store.execute(
            "INSERT INTO evidence VALUES (1, ?, ?, 'refund', 0.99, NULL, NULL, 1)", [item_id, label]
        )
    return root, item_id, label


def test_a_label_confirmed_by_hand_is_no_longer_doubtful(doubted, monkeypatch, capsys):
    root, item_id, label = doubted
    _, out, _ = call(monkeypatch, capsys, "-C", root, "noise")
    assert item_id in out
    assert "al-loop fix ID LABEL" in out
    call(monkeypatch, capsys, "-C", root, "fix", item_id, label)
    _, out, _ = call(monkeypatch, capsys, "-C", root, "noise")
    assert out.startswith("no label looks wrong")
    _, out, _ = call(monkeypatch, capsys, "-C", root, "noise", "--all", "--json")
    assert [r["flagged"] for r in json.loads(out)["rows"]] == [False]
    with app.opened(root) as opened:
        assert opened.store.rows("SELECT * FROM doubtful_labels") == []
    _, out, _ = call(monkeypatch, capsys, "-C", root, "export", "--csv")
    (row,) = [r for r in csv.DictReader(out.splitlines()) if r["id"] == item_id]
    assert (row["status"], row["doubtful"]) == ("fixed", "false")
    call(monkeypatch, capsys, "-C", root, "fix", item_id, "--remove")
    _, out, _ = call(monkeypatch, capsys, "-C", root, "noise")
    assert item_id in out


def test_the_next_audit_does_not_count_it(store):
    noisy = worlds.Oracle(worlds.gold(), mistakes={"oracle": 0.3})
    settings = worlds.config(size=40)
    machine.run(worlds.make_parts(store, noisy), settings, Options(wait=True))
    doubts = evidence.doubtful(store, 1)
    assert doubts
    for row in doubts:
        decide(store, row["item_id"], row["given"])
    machine.run(worlds.make_parts(store, noisy), settings, Options(wait=True))
    listed = evidence.doubtful(store, 2)
    assert results.history(store)[1]["noise_found"] == len(listed)
    assert not {r["item_id"] for r in listed} & {r["item_id"] for r in doubts}


# The command


@pytest.fixture
def root(tmp_path):
    return offline.make(tmp_path)


def test_the_command_says_what_it_was_and_what_it_is(root, monkeypatch, capsys):
    words = ("-C", root, "fix", "m01", "Delay", "--as", "ana", "--reason", "clear")
    assert call(monkeypatch, capsys, *words)[:2] == (0, "m01: delay, set by hand (was: no label)\n")
    _, out, _ = call(monkeypatch, capsys, "-C", root, "fix", "m01", "--remove")
    assert out == "m01: no label (was: delay, set by hand)\n"
    with app.opened(root) as opened:
        told = [(f.label, f.author, f.reason) for f in fixes.of_item(opened.store, "m01")]
    assert told[0] == ("delay", "ana", "clear")
    _, out, _ = call(monkeypatch, capsys, "-C", root, "check")
    assert out == "all invariants hold\n"


def test_the_author_is_who_is_logged_in(root, monkeypatch, capsys):
    monkeypatch.setenv("LOGNAME", "somebody")
    call(monkeypatch, capsys, "-C", root, "fix", "m01", "delay")
    with app.opened(root) as opened:
        assert fixes.of_item(opened.store, "m01")[0].author == "somebody"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("m01",),
        ("m01", "delay", "--remove"),
        ("m01", "delay", "--file", "x.csv"),
        ("--remove",),
        ("m01", "spam"),
        ("zzz", "delay"),
        ("--file", "not-there.csv"),
    ],
)
def test_what_can_not_be_done_ends_with_2_and_changes_nothing(root, monkeypatch, capsys, words):
    code, out, err = call(monkeypatch, capsys, "-C", root, "fix", *words)
    assert (code, out) == (2, "")
    assert "->" in err
    with app.opened(root) as opened:
        assert opened.store.rows("SELECT * FROM fixes") == []


def test_while_another_process_works_nothing_is_fixed(root, monkeypatch, capsys):
    with lock(root / ".al-loop" / "lock"):
        assert call(monkeypatch, capsys, "-C", root, "fix", "m01", "delay")[0] == 7


def test_a_file_fixes_many_and_rows_without_a_label_are_left_out(root, monkeypatch, capsys):
    table = [("m01", "delay", "late"), ("m02", "", ""), ("m03", "REFUND", "")]
    path = offline.write(root / "fixes.csv", table, ("item_id", "label", "reason"))
    code, out, _ = call(monkeypatch, capsys, "-C", root, "fix", "--file", path)
    assert (code, out.splitlines()[-1]) == (0, "labels set by hand: 2")
    with app.opened(root) as opened:
        assert fixes.standing(opened.store) == {"m01": "delay", "m03": "refund"}
        assert fixes.of_item(opened.store, "m01")[0].reason == "late"


def test_a_file_with_a_bad_row_changes_nothing_and_lists_it(root, monkeypatch, capsys):
    table = [("m01", "delay"), ("m02", "spam"), ("zzz", "delay")]
    path = offline.write(root / "fixes.csv", table, ("id", "label"))
    code, _, err = call(monkeypatch, capsys, "-C", root, "fix", "--file", path)
    assert code == 2
    assert f"{path}:3: 'spam' is no class" in err
    assert f"{path}:4: no text came under the id 'zzz'" in err
    with app.opened(root) as opened:
        assert fixes.standing(opened.store) == {}


def test_unknown_ids_of_a_file_are_not_compared_with_all_others(store, monkeypatch):
    """That takes a tenth of a second each in a large project, and shows nowhere."""
    monkeypatch.setattr("al_loop.store.stories._like", pytest.fail)
    with pytest.raises(DataError) as error:
        fix.apply(store, [fix.Wanted("zzz", "delay", "", "fixes.csv:2")], "ana")
    assert error.value.problems == ("fixes.csv:2: no text came under the id 'zzz'",)


def test_a_file_without_the_columns_is_refused(root, monkeypatch, capsys):
    path = offline.write(root / "fixes.csv", [("m01", "x")], ("id", "class"))
    code, _, err = call(monkeypatch, capsys, "-C", root, "fix", "--file", path)
    assert code == 2
    assert "there is no column 'label'" in err
