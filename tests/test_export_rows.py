"""Every label says where it comes from; nothing is left out, doubled or mixed up."""

import sqlite3
from contextlib import closing

import pytest

from al_loop import workspace
from al_loop.export import rows, text
from al_loop.export.rows import FIELDS, Wanted, opened
from al_loop.store import answers, open_store
from al_loop.store import export as queries
from al_loop.types import Pulled
from tests.export_world import ANSWERS, CLASSES, HOSTILE, make


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def store(root):
    with closing(open_store(workspace.find(root).db_path)) as opened_:
        yield opened_


def records(store, **which):
    with opened(store, Wanted(**which)) as found:
        got = list(found.records())
        assert len(got) == found.total
        assert all(list(row) == found.columns for row in got)
    return {row["id"]: row for row in got}


def test_a_label_of_several_people_says_who_how_many_and_how_much_they_agree(store):
    row = records(store)["voted"]
    assert (row["label"], row["status"], row["role"]) == ("refund", "agreed", "pool")
    assert row["annotators"] == ["ann@example.com", "bob@example.com", "eve@example.com"]
    assert (row["votes"], row["consensus"]) == (3, pytest.approx(2 / 3))
    assert row["labeled_at"] == "2026-01-04T00:00:00Z"


def test_the_round_that_chose_a_text_last_counts_with_its_suggestion(store):
    row = records(store)["voted"]
    assert (row["round"], row["strategy"], row["inclusion"]) == (2, "margin", None)
    assert (row["suggestion"], row["blind"]) == ("refund", True)
    row = records(store)["fixed"]
    assert (row["round"], row["strategy"], row["inclusion"]) == (1, "random", 0.25)
    assert (row["suggestion"], row["blind"]) == (None, None)


def test_doubt_is_that_of_the_newest_audit_about_the_label_that_stands(store):
    found = records(store)
    assert (found["voted"]["doubt"], found["voted"]["doubtful"]) == (0.125, True)
    assert (found["fixed"]["doubt"], found["fixed"]["doubtful"]) == (None, False)


def test_a_label_that_was_decided_in_review_says_by_whom_and_is_in_no_doubt(store):
    row = records(store)["judged"]
    assert (row["label"], row["status"]) == ("delay", "agreed")
    assert row["adjudicated_by"] == ["lea@example.com", "tim@example.com"]
    assert (row["doubt"], row["doubtful"], row["quality"]) == (0.9, False, None)
    assert row["annotators"] == ["ann@example.com", "bob@example.com"]
    assert (row["votes"], row["consensus"]) == (2, 0.5)
    assert row["labeled_at"] == "2026-01-11T00:00:00Z"
    others = [r for name, r in records(store, everything=True).items() if name != "judged"]
    assert {tuple(r["adjudicated_by"]) for r in others} == {()}


def test_a_consensus_of_differing_votes_tells_how_sure_it_is_while_they_are_the_same(store):
    found = records(store)
    assert (found["settled"]["label"], found["settled"]["status"]) == ("refund", "agreed")
    assert (found["settled"]["consensus"], found["settled"]["quality"]) == (0.5, 0.75)
    assert found["voted"]["quality"] is None, "somebody has changed their mind since"
    assert found["given"]["quality"] is None


def test_a_label_that_was_confirmed_since_the_audit_is_no_longer_doubtful(tmp_path):
    with closing(open_store(workspace.find(make(tmp_path)).db_path)) as store:
        assert records(store)["voted"]["doubtful"] is True
        with store.tx():
            agreed = [a for a in ANSWERS if a.annotation_id != 2]
            answers.save_pull(store, 1, Pulled(agreed, annotated=5))
        row = records(store)["voted"]
        assert (row["doubt"], row["doubtful"]) == (0.125, False)


def test_a_label_that_is_one_class_with_what_fits_better_is_not_doubtful(tmp_path):
    with closing(open_store(workspace.find(make(tmp_path)).db_path)) as store:
        store.execute("UPDATE evidence SET suggested = 'Refund'")
        assert records(store)["voted"]["doubtful"] is False


def test_a_label_set_by_hand_says_by_whom_why_and_when(store):
    row = records(store)["fixed"]
    assert (row["label"], row["status"]) == ("refund", "fixed")
    assert (row["fixed_by"], row["fix_reason"]) == ("lead", "=read it")
    assert row["labeled_at"] == "2026-02-01T00:00:00Z"
    assert (row["votes"], row["consensus"]) == (1, 0.0)


def test_a_label_from_the_data_has_nobody_behind_it(store):
    row = records(store)["given"]
    assert (row["status"], row["annotators"], row["votes"]) == ("given", [], 0)
    assert [row[name] for name in ("consensus", "labeled_at", "round", "fixed_by")] == [None] * 4


def test_texts_without_a_label_come_when_asked_for_and_in_the_order_of_arrival(store):
    labeled = ["given", "twin", "voted", "fixed", "judged", "settled", "test"]
    assert list(records(store)) == labeled
    found = records(store, everything=True)
    rest = ["skipped", "asked", "broken"]
    assert list(found) == ["plain", *labeled[:4], *rest, *labeled[4:]]
    assert (found["plain"]["status"], found["plain"]["doubtful"]) == (None, None)
    skipped = found["skipped"]
    assert (skipped["status"], skipped["annotators"]) == ("skipped", ["bob@example.com"])
    assert (skipped["votes"], skipped["consensus"]) == (0, None)


@pytest.mark.parametrize(
    ("which", "ids"),
    [
        ({"role": "test"}, ["test"]),
        ({"role": "pool"}, ["given", "twin", "voted", "fixed", "judged", "settled"]),
        ({"distinct": True}, ["given", "voted", "fixed", "judged", "settled", "test"]),
        ({"distinct": True, "role": "test", "everything": True}, ["test"]),
    ],
)
def test_rows_can_be_of_one_role_and_one_a_text(store, which, ids):
    assert list(records(store, **which)) == ids


def test_a_kept_column_never_hides_one_of_ours_or_another(store):
    row = records(store)["given"]
    assert row["status"] == "given"
    assert (row["kept_status"], row["kept_kept_status"]) == ("old", "new")
    others = [name for name in HOSTILE if "status" not in name]
    assert {name: row[name] for name in others} == {name: HOSTILE[name] for name in others}
    assert records(store)["twin"]["channel"] == "mail"
    assert records(store)["twin"]["kept_status"] is None


def test_every_label_that_comes_is_among_the_classes(store):
    with opened(store, Wanted()) as found:
        assert list(found.classes)[-1] == "unheard of"
        assert set(CLASSES) < set(found.classes)
        assert {r["label"] for r in found.records()} <= set(found.classes)


def test_what_others_write_meanwhile_is_not_half_in_it(root, store):
    with (
        opened(store, Wanted(everything=True)) as found,
        closing(sqlite3.connect(workspace.find(root).db_path)) as other,
    ):
        stream = found.records()
        assert next(stream)["id"] == "plain"
        with other:
            other.execute("UPDATE classes SET description = 'x'")
            other.execute("DELETE FROM labels WHERE item_id = 'voted'")
        assert {r["id"]: r["label"] for r in stream}["voted"] == "refund"
    with closing(sqlite3.connect(workspace.find(root).db_path)) as other, other:
        other.execute("INSERT INTO labels VALUES ('voted', 'agreed', 'refund', 3)")


def test_rows_are_read_as_they_are_written(store, monkeypatch):
    """A million rows must not be held in memory."""
    read = []
    plain = queries.labels

    def watched(*arguments, **named):
        for row in plain(*arguments, **named):
            read.append(row["id"])
            yield row

    monkeypatch.setattr(rows.queries, "labels", watched)
    with opened(store, Wanted(everything=True)) as found:
        stream = text.csv_lines(found)
        assert next(stream).startswith("id,text,label")
        assert read == []
        next(stream)
        assert read == ["plain"]


def test_every_column_has_a_meaning_and_its_own_place(store):
    assert all(field.meaning for field in FIELDS.values())
    with opened(store, Wanted()) as found:
        assert len(set(found.columns)) == len(found.columns)
