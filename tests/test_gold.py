"""Texts whose label is sure are mixed into batches, blind: their answers measure people."""

import pytest

from al_loop import fix
from al_loop.annotators.oracle import Oracle
from al_loop.fix import Wanted
from al_loop.loop import machine
from al_loop.loop.select import choose
from al_loop.store import checks, overview, rounds, second_looks
from tests import worlds
from tests.answering import Told

SURE = [f"m{i}" for i in range(0, 40, 10)]
PEOPLE = ("ana", "ben")


def parts_of(store, **more):
    oracle = Oracle(worlds.gold(), people=PEOPLE, mistakes={"ben": 0.5}, **more)
    return worlds.make_parts(store, oracle)


@pytest.fixture
def store():
    """Four texts are set by hand."""
    store = worlds.make_store()
    fix.apply(store, [Wanted(i, worlds.gold()[i]) for i in SURE], "lead")
    yield store
    assert not list(checks.failures(store, None))
    store.close()


def play(store, config, **more):
    machine.run(parts_of(store), config, machine.Options(wait=True, **more))
    return rounds.batch(store, rounds.last_number(store))


def gold_of(batch):
    return [b for b in batch if b.strategy == "gold"]


def test_the_wanted_share_of_a_batch_is_gold_and_looks_like_any_blind_text(store):
    batch = play(store, worlds.config(gold_share=0.2))
    gold = gold_of(batch)
    assert len(gold) == 2
    assert {b.item_id for b in gold} <= set(SURE)
    assert all(b.blind and b.suggestion is None and b.overlap == 1 and b.look == 1 for b in gold)
    assert [b.rank for b in batch] == list(range(1, 11))
    assert len({b.item_id for b in batch}) == 10
    rows = store.rows("SELECT reason, round, item_id FROM second_looks")
    assert {(r["reason"], r["round"]) for r in rows} == {("gold", 1)}
    assert {r["item_id"] for r in rows} == {b.item_id for b in gold}
    assert "label" not in gold[0].why
    assert gold[0].why


def test_whatever_people_answer_the_label_stays(store):
    for _ in range(4):
        play(store, worlds.config(gold_share=0.2))
    answers = store.rows("SELECT item_id, labels FROM answers WHERE look > 0")
    assert any(worlds.gold()[a["item_id"]] not in a["labels"] for a in answers), "ben errs"
    for r in store.rows("SELECT item_id, label, status FROM labels WHERE status = 'fixed'"):
        assert r["label"] == worlds.gold()[r["item_id"]]
    assert len(store.rows("SELECT 1 FROM labels WHERE status = 'fixed'")) == len(SURE)


def test_the_least_used_come_first(store):
    used = [
        b.item_id for _ in range(4) for b in gold_of(play(store, worlds.config(gold_share=0.2)))
    ]
    assert sorted(used[:4]) == sorted(used[4:]) == sorted(SURE)


def test_a_share_below_half_a_text_is_none_and_one_of_half_is_one(store):
    parts = parts_of(store)
    for share, wanted in ((0.0, 0), (0.04, 0), (0.05, 1), (0.14, 1), (0.15, 2), (0.5, 4)):
        assert len(gold_of(choose(parts, worlds.config(gold_share=share)).rows)) == wanted, share


def test_without_a_sure_text_there_is_none():
    store = worlds.make_store()
    assert not gold_of(play(store, worlds.config(gold_share=0.5)))
    store.close()


def test_without_gold_the_same_texts_are_chosen_as_before(store):
    parts = parts_of(store)
    plain = [b.item_id for b in choose(parts, worlds.config()).rows]
    mixed = [b.item_id for b in choose(parts, worlds.config(gold_share=0.2)).rows]
    assert plain[:8] == mixed[2:], "the others are still the strategy's choice, in its order"


def test_a_preview_draws_the_same_gold(store):
    config = worlds.config(gold_share=0.2)
    preview = [b.key for b in gold_of(choose(parts_of(store), config).rows)]
    assert preview == [b.key for b in gold_of(play(store, config))]


def test_the_round_waits_for_their_answers(store):
    """A label by hand settles other texts; these were sent for having one."""
    parts = parts_of(store)
    config = worlds.config(gold_share=0.2)
    machine.run(parts, config, machine.Options(until="pushed"))
    gold = gold_of(rounds.batch(store, 1))
    assert {b.item_id for b in gold} <= set(overview.unsettled(store, 1))
    machine.run(parts, config, machine.Options(until="logged"))
    answered = store.rows("SELECT item_id FROM answers WHERE look = 1")
    assert {r["item_id"] for r in answered} == {b.item_id for b in gold}


def test_those_that_wait_for_a_second_look_come_before_and_count_with_them(store):
    play(store, worlds.config())
    rows = store.rows("SELECT item_id, label FROM labels WHERE status = 'agreed'")[:4]
    doubted = {r["item_id"]: r["label"] for r in rows}
    with store.tx():
        store.execute_many(
            "INSERT OR REPLACE INTO evidence VALUES (1, ?, ?, 'something else', 0.9, 0.1, 0.1, 1)",
            list(doubted.items()),
        )
        second_looks.ask(store, dict.fromkeys(doubted), "noise")
    batch = choose(parts_of(store), worlds.config(gold_share=0.5)).rows
    again = [b.strategy for b in batch if b.look]
    assert again == ["second look"] * 2 + ["gold"] * 3, "doubtful labels: a fifth; all: half"


def test_what_a_round_let_go_of_unanswered_is_asked_under_the_same_look(store):
    config = worlds.config(gold_share=0.2)
    people = Told()
    parts = worlds.make_parts(store, people)
    machine.run(parts, config, machine.Options(until="pushed"))
    people.said = {k: {"labels": ("refund",)} for k in people.tasks if k.endswith(":0")}
    pull = machine.PullOptions(accept_partial=True)
    machine.run(parts, config, machine.Options(until="logged", pull=pull))
    first = {r["item_id"] for r in store.rows("SELECT item_id FROM second_looks")}
    assert len(first) == 2
    config = worlds.config(gold_share=0.4)
    machine.run(parts, config, machine.Options(until="pushed"))
    gold = {b.item_id: b.look for b in gold_of(rounds.batch(store, 2))}
    assert gold == dict.fromkeys(SURE, 1)
    rows = store.rows("SELECT item_id, round FROM second_looks")
    assert sorted((r["item_id"], r["round"]) for r in rows) == [(i, 2) for i in SURE]
