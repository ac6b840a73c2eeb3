"""What a pull stores: nothing is lost, nothing is changed in place."""

import dataclasses

import pytest

from al_loop.config import parse
from al_loop.loop import machine
from al_loop.loop.machine import Options
from al_loop.store import answers, checks, items, open_store, overview, results, rounds
from al_loop.types import Answer, Pulled
from tests import worlds


@pytest.fixture
def store():
    store = worlds.make_store(test=30)
    yield store
    store.close()


def logged(parts, n=1):
    for _ in range(n):
        machine.run(parts, worlds.config(), Options(wait=True))


def test_an_edited_answer_keeps_its_old_version_and_past_metrics(store):
    parts = worlds.make_parts(store)
    logged(parts)
    before = results.history(store)[0]
    first = rounds.batch(store, 1)[0]
    edited = next(a for a in answers.all_answers(store)[first.item_id])
    other = "delay" if edited.labels != ("delay",) else "refund"
    new = dataclasses.replace(edited, labels=(other,), updated_at="2030-01-01T00:00:00Z")
    rest = [a for k, v in answers.all_answers(store).items() if k != first.item_id for a in v]
    with store.tx():
        changes = answers.save_pull(store, 1, Pulled([new, *rest], annotated=10))
    assert (changes.new, changes.edited, changes.deleted) == (0, 1, 0)
    assert store.value("SELECT labels FROM answer_history") == f'["{edited.labels[0]}"]'
    assert {r[0]: r[3] for r in answers.labeled(store, "pool")}[first.item_id] == other
    assert results.history(store)[0] == before


def test_a_deleted_answer_is_marked_and_never_removed(store):
    logged(worlds.make_parts(store))
    with store.tx():
        changes = answers.save_pull(store, 1, Pulled([], annotated=0))
    assert changes.deleted == 10
    assert store.value("SELECT COUNT(*) FROM answers WHERE gone = 1") == 10
    assert answers.labeled(store, "pool") == []
    with pytest.raises(Exception, match="never deleted"):
        store.execute("DELETE FROM answers")
    with pytest.raises(Exception, match="only grows"):
        store.execute("UPDATE answer_history SET labels = '[]'")


def test_a_repeated_pull_changes_nothing(store):
    logged(worlds.make_parts(store))
    known = [a for v in answers.all_answers(store).values() for a in v]
    with store.tx():
        changes = answers.save_pull(store, 1, Pulled(known, annotated=10))
    assert changes == answers.Changes()
    assert store.value("SELECT COUNT(*) FROM answer_history") == 0


def test_answers_to_tasks_of_others_are_left_out(store):
    logged(worlds.make_parts(store))
    foreign = Answer(999, "zzz:0", "ana", "label", ("refund",))
    known = [a for v in answers.all_answers(store).values() for a in v]
    with store.tx():
        answers.save_pull(store, 1, Pulled([*known, foreign], annotated=11))
    assert store.value("SELECT COUNT(*) FROM answers") == 10


def test_the_database_in_a_file_is_private(tmp_path):
    store = open_store(tmp_path / "al-loop.db")
    store.close()
    assert (tmp_path / "al-loop.db").stat().st_mode & 0o077 == 0


def test_an_annotation_number_that_comes_with_another_text_moves_there_as_a_whole(store):
    logged(worlds.make_parts(store))
    known = [a for v in answers.all_answers(store).values() for a in v]
    moved = dataclasses.replace(known[0], key=known[1].key, updated_at="2030-01-01T00:00:00Z")
    with store.tx():
        answers.save_pull(store, 1, Pulled([moved, *known[2:]], annotated=9))
    found = answers.all_answers(store)
    assert known[0].key.split(":")[0] not in found
    assert moved.annotation_id in {a.annotation_id for a in found[known[1].key.split(":")[0]]}
    assert list(checks.failures(store, None)) == []


def test_a_text_whose_answer_was_deleted_after_its_round_can_be_asked_again(store):
    parts = worlds.make_parts(store)
    logged(parts)
    known = [a for v in answers.all_answers(store).values() for a in v]
    with store.tx():
        answers.save_pull(store, 1, Pulled(known[1:], annotated=9))
    item_id = known[0].key.split(":")[0]
    assert item_id in {row[0] for row in rounds.pool(store)}
    machine.run(parts, worlds.config(size=50), Options(wait=True))
    assert list(checks.failures(store, None)) == []


def test_when_everything_is_gone_from_the_server_the_project_is_looked_for_anew(store):
    parts = worlds.make_parts(store)
    logged(parts)
    assert store.value("SELECT remote_id FROM projects") == 1
    keys = tuple(f"{b.item_id}:0" for b in rounds.batch(store, 1))
    with store.tx():
        answers.save_pull(store, 1, Pulled([], annotated=0, gone=keys))
    assert store.value("SELECT remote_id FROM projects") is None


def test_texts_with_contradicting_labels_wait_for_a_person_in_the_pool():
    store = worlds.make_store(n=12)
    with store.tx():
        for number, label in enumerate(("refund", "delay")):
            alias = items.Alias(f"twin {number}", "m0", 1, 99, label, {})
            items.put_alias(store, alias)
        answers.refresh_labels(store)
    assert store.value("SELECT status FROM labels WHERE item_id = 'm0'") == "conflict"
    assert "m0" in {row[0] for row in rounds.pool(store)}
    parts = worlds.make_parts(store)
    machine.run(parts, worlds.config(size=12), Options(wait=True))
    assert store.value("SELECT label FROM labels WHERE item_id = 'm0'") == "refund"
    store.close()


def test_a_contradiction_that_everybody_skips_does_not_come_back_for_ever():
    store = worlds.make_store(n=3)
    with store.tx():
        for number, label in enumerate(("refund", "delay")):
            items.put_alias(store, items.Alias(f"twin {number}", "m0", 1, 99, label, {}))
        answers.refresh_labels(store)
    skipping = worlds.Oracle(worlds.gold(), skips=1.0)
    machine.run(worlds.make_parts(store, skipping), worlds.config(), Options(wait=True))
    assert rounds.pool(store) == []
    store.close()


def test_an_unchanged_pull_writes_no_label(store):
    logged(worlds.make_parts(store))
    before = store.conn.total_changes
    with store.tx():
        answers.refresh_labels(store)
    assert store.conn.total_changes == before


def test_a_key_in_place_of_its_file_is_refused_and_not_shown():
    key = "0123456789abcdef" * 2 + "01234567"
    with pytest.raises(Exception, match="this is a key") as caught:
        parse({"label_studio": {"token_file": key}})
    assert key not in str(caught.value)


def test_the_place_of_the_key_is_not_stored_with_a_round(store):
    settings = parse({"label_studio": {"token_file": "secret-place"}})
    machine.run(worlds.make_parts(store), settings, Options(until="selected"))
    assert "secret-place" not in store.value("SELECT config FROM rounds")


@pytest.mark.parametrize("kind", ["label", "skip", "empty", "invalid"])
def test_any_submitted_answer_settles_a_text_and_one_person_counts_once(store, kind):
    overlap = {"share": 1.0, "annotators": 2}
    settings = worlds.config(size=1, random_share=0, overlap=overlap)
    machine.run(worlds.make_parts(store), settings, Options(until="pushed"))
    key = rounds.batch(store, 1)[0].key

    def waiting(*people):
        given = [Answer(n, key, person, kind) for n, person in enumerate(people)]
        with store.tx():
            answers.save_pull(store, 1, Pulled(given, annotated=1))
        return overview.unsettled(store, 1)

    assert waiting("ana", "ana") == [key.split(":")[0]]
    assert waiting("ana", "ben") == []
