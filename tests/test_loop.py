"""The six steps with an oracle instead of people: what each stores, when a round closes."""

import dataclasses
import math

import numpy as np
import pytest

from al_loop.annotators.oracle import Oracle
from al_loop.errors import NothingToSelect, StateError, Waiting
from al_loop.loop import machine, select
from al_loop.loop.exchange import PullOptions
from al_loop.loop.machine import Options
from al_loop.store import answers, checks, items, overview, results, rounds
from tests import worlds


@pytest.fixture
def store():
    store = worlds.make_store(test=30)
    yield store
    store.close()


class Quorum(Oracle):
    """An oracle that has answered only some of the texts so far."""

    def pull(self, request):
        pulled = super().pull(request)
        kept = [a for a in pulled.answers if a.key in self.said["open"]]
        return dataclasses.replace(pulled, answers=kept, annotated=len(kept))


def logged(parts, n=1, **batch):
    for _ in range(n):
        machine.run(parts, worlds.config(**batch), Options(wait=True))


def test_a_round_passes_every_state_and_measures_on_the_test_set(store):
    logged(worlds.make_parts(store), 2)
    history = results.history(store)
    assert [r["state"] for r in history] == ["logged", "logged"]
    assert [r["labels"] for r in history] == [10, 20]
    assert history[1]["accuracy"] > 0.9
    assert history[1]["accuracy_low"] <= history[1]["accuracy"] <= history[1]["accuracy_high"]
    assert history[1]["accuracy_from"] == "test set"
    assert set(history[1]["seconds"]) == {"select", "push", "pull", "audit", "train", "log"}
    assert list(checks.failures(store, None)) == []


def test_the_random_share_is_drawn_uniformly_and_its_probability_stored(store):
    logged(worlds.make_parts(store), size=20, random_share=0.2)
    batch = rounds.batch(store, 1)
    drawn = [b for b in batch if b.inclusion is not None]
    assert len(drawn) == 4
    assert all(math.isclose(b.inclusion, 4 / 60, rel_tol=1e-6) for b in drawn)
    assert {b.strategy for b in drawn} == {"random"}
    assert len({b.item_id for b in batch}) == 20


def test_every_chosen_text_has_strategy_rank_score_and_a_reason(store):
    logged(worlds.make_parts(store), 2, strategy="margin")
    batch = rounds.batch(store, 2)
    assert [b.rank for b in batch] == list(range(1, 11))
    assert all(b.why and b.strategy for b in batch)
    assert all(b.score is not None for b in batch if b.strategy == "margin")


def test_suggestions_are_left_out_for_the_blind_share_only(store):
    pushed = []

    class Watching(Oracle):
        def push(self, request, progress=None):
            pushed.extend(request.tasks)
            return super().push(request, progress)

    parts = worlds.make_parts(store, Watching(worlds.gold()))
    logged(parts, blind_share=0.3)
    assert all(t.suggestion is None for t in pushed), "no model, no suggestion"
    pushed.clear()
    logged(parts, blind_share=0.3)
    blind = {b.key for b in rounds.batch(store, 2) if b.blind}
    assert len(blind) == 3
    assert {t.key for t in pushed if t.suggestion is None} == blind
    assert all(b.suggestion for b in rounds.batch(store, 2)), "also stored for blind texts"


def test_the_same_seed_gives_the_same_rounds_and_another_seed_others():
    dumps = []
    for seed in (0, 0, 1):
        store = worlds.make_store(test=30)
        settings = worlds.config().model_copy(update={"seed": seed})
        for _ in range(3):
            machine.run(worlds.make_parts(store), settings, Options(wait=True))
        dumps.append([line for line in checks.dump(store) if '"table": "batch"' in line])
        store.close()
    assert dumps[0] == dumps[1]
    assert dumps[0] != dumps[2]


def test_a_dry_run_chooses_what_the_round_then_takes_and_stores_nothing(store):
    parts = worlds.make_parts(store)
    logged(parts)
    before = list(checks.dump(store))
    preview = select.choose(parts, worlds.config())
    assert list(checks.dump(store)) == before
    logged(parts)
    chosen = [b.item_id for b in rounds.batch(store, 2)]
    assert [b.item_id for b in preview.rows] == chosen


def test_an_open_round_waits_and_stores_what_is_there(store):
    quorum = Quorum(worlds.gold(), said={"open": set()})
    parts = worlds.make_parts(store, quorum)
    with pytest.raises(Waiting, match="0 of 10 texts"):
        machine.run(parts, worlds.config(), Options())
    some = [b.key for b in rounds.batch(store, 1)][:4]
    quorum.said["open"].update(some)
    with pytest.raises(Waiting, match="4 of 10 texts"):
        machine.run(parts, worlds.config(), Options())
    assert results.counts(store)["labels"] == 4, "answers count before the round closes"


def test_partial_rounds_close_when_told_and_the_rest_goes_back_with_its_task(store):
    quorum = Quorum(worlds.gold(), said={"open": set()})
    parts = worlds.make_parts(store, quorum)
    with pytest.raises(Waiting):
        machine.run(parts, worlds.config(), Options())
    keys = [b.key for b in rounds.batch(store, 1)]
    quorum.said["open"].update(keys[:6])
    partial = Options(until="logged", pull=PullOptions(accept_partial=True))
    assert machine.run(parts, worlds.config(), partial) == 1
    assert [b.key for b in rounds.batch(store, 1)] == keys[:6]
    pool = {item_id for item_id, _, _ in rounds.pool(store)}
    assert {k.split(":")[0] for k in keys[6:]} <= pool
    tasks = store.value("SELECT COUNT(*) FROM tasks")
    with pytest.raises(Waiting):
        machine.run(parts, worlds.config(size=54), Options())
    assert store.value("SELECT COUNT(*) FROM tasks") == tasks + 50, "the 4 tasks are used again"


def test_a_partial_round_without_any_answer_does_not_close(store):
    parts = worlds.make_parts(store, Quorum(worlds.gold(), said={"open": set()}))
    partial = Options(pull=PullOptions(accept_partial=True))
    with pytest.raises(Waiting):
        machine.run(parts, worlds.config(), partial)


def test_late_answers_count_before_the_next_batch_is_chosen(store):
    quorum = Quorum(worlds.gold(), said={"open": set()})
    parts = worlds.make_parts(store, quorum)
    with pytest.raises(Waiting):
        machine.run(parts, worlds.config(close_at=0.5), Options())
    keys = [b.key for b in rounds.batch(store, 1)]
    quorum.said["open"].update(keys[:5])
    machine.run(parts, worlds.config(), Options(until="logged"))
    quorum.said["open"].update(keys)
    machine.run(parts, worlds.config(), Options(until="selected"))
    late = {k.split(":")[0] for k in keys[5:]}
    assert late.isdisjoint(b.item_id for b in rounds.batch(store, 2))
    assert late <= {row[0] for row in answers.labeled(store, "pool")}


@pytest.mark.parametrize(("settled", "closes"), [(8, False), (9, True)])
def test_close_at_is_the_share_of_settled_texts(store, settled, closes):
    quorum = Quorum(worlds.gold(), said={"open": set()})
    parts = worlds.make_parts(store, quorum)
    settings = worlds.config(close_at=0.9)
    with pytest.raises(Waiting):
        machine.run(parts, settings, Options())
    quorum.said["open"].update([b.key for b in rounds.batch(store, 1)][:settled])
    if closes:
        assert machine.run(parts, settings, Options(until="logged")) == 1
    else:
        with pytest.raises(Waiting, match=f"{settled} of 10"):
            machine.run(parts, settings, Options(until="logged"))


def test_overlap_asks_as_many_people_and_waits_for_all_of_them(store):
    oracle = Oracle(worlds.gold(), people=("ana", "ben"))
    logged(worlds.make_parts(store, oracle), overlap={"share": 0.5, "annotators": 2})
    batch = rounds.batch(store, 1)
    assert sorted(b.overlap for b in batch) == [1] * 5 + [2] * 5
    assert store.value("SELECT COUNT(*) FROM answers") == 15
    assert overview.unsettled(store, 1) == []


def test_one_of_two_people_does_not_settle_an_overlap_text(store):
    class OnlyAna(Oracle):
        def pull(self, request):
            pulled = super().pull(request)
            return dataclasses.replace(
                pulled, answers=[a for a in pulled.answers if a.annotator == "ana"]
            )

    parts = worlds.make_parts(store, OnlyAna(worlds.gold(), people=("ana", "ben")))
    with pytest.raises(Waiting):
        machine.run(parts, worlds.config(overlap={"share": 1.0, "annotators": 2}), Options())


def test_skipped_texts_leave_the_pool_and_are_listed(store):
    logged(worlds.make_parts(store, Oracle(worlds.gold(), skips=1.0)))
    batch = {b.item_id for b in rounds.batch(store, 1)}
    assert set(overview.texts_with(store, "skipped")) == batch
    assert batch.isdisjoint(item_id for item_id, _, _ in rounds.pool(store))
    assert results.history(store)[0]["accuracy"] is None


def test_without_a_test_set_accuracy_is_cross_validated_on_30_random_labels():
    store = worlds.make_store(n=120)
    parts = worlds.make_parts(store, Oracle(worlds.gold(120)))
    settings = worlds.config(size=29, random_share=1.0)
    machine.run(parts, settings, Options(wait=True))
    assert results.history(store)[0]["accuracy"] is None
    machine.run(parts, settings, Options(wait=True))
    second = results.history(store)[1]
    assert second["accuracy"] > 0.9
    assert second["accuracy_from"] == "random share, cross-validated"
    store.close()


def test_works_with_no_class_known_and_with_one(store):
    for classes in ((), ("refund",)):
        empty = worlds.make_store(classes=classes)
        logged(worlds.make_parts(empty), 2)
        assert results.counts(empty)["classes_known"] == 3, "the oracle names what it sees"
        empty.close()


def test_example_texts_stand_in_for_labels_when_nothing_is_labeled():
    store = worlds.make_store(classes=())
    with store.tx():
        for name in worlds.CLASSES:
            spec = worlds.ClassSpec(name, "", (f"an example about {name}",))
            worlds.items.add_class(store, spec, "config")
    parts = worlds.make_parts(store, discovers=False)
    choice = select.choose(parts, worlds.config(size=60))
    right = [b.suggestion == worlds.gold()[b.item_id] for b in choice.rows]
    assert np.mean(right) > 0.7
    store.close()


def test_a_small_pool_ends_with_what_is_left_and_then_nothing_to_select():
    store = worlds.make_store(n=14)
    parts = worlds.make_parts(store)
    logged(parts, 2)
    assert len(rounds.batch(store, 2)) == 4
    with pytest.raises(NothingToSelect):
        logged(parts)
    store.close()


def test_a_step_that_another_process_did_is_a_clear_error(store):
    parts = worlds.make_parts(store)
    machine.run(parts, worlds.config(), Options(until="selected"))
    with store.tx():
        rounds.transition(store, 1, "selected", "pushed", 0.0)
    with pytest.raises(StateError, match="another process moved it"), store.tx():
        rounds.transition(store, 1, "selected", "pushed", 0.0)


def test_at_most_one_round_is_open(store):
    parts = worlds.make_parts(store)
    machine.run(parts, worlds.config(), Options(until="selected"))
    with pytest.raises(StateError, match="another process selected"):
        select.select(parts, worlds.config())


def test_a_resumed_round_uses_the_settings_it_began_with(store):
    parts = worlds.make_parts(store)
    machine.run(parts, worlds.config(close_at=0.5, strategy="random"), Options(until="selected"))
    machine.run(parts, worlds.config(size=3), Options(until="logged"))
    assert rounds.get_round(store, 1).config["batch"]["close_at"] == 0.5
    assert len(rounds.batch(store, 1)) == 10


def test_the_first_selection_encodes_all_texts_and_no_later_step_another(store):
    seen: set[str] = set()

    def vectors(encoder, hashes, texts):
        seen.update(texts)
        return worlds.vectors(encoder, hashes, texts)

    parts = dataclasses.replace(worlds.make_parts(store), vectors=vectors)
    machine.run(parts, worlds.config(), Options(until="selected"))
    assert seen == {text for _, text, _ in items.texts(store)}
