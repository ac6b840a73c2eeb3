"""Labels that look wrong in training: kept, weighted or left out; the test set is judged, too."""

import warnings

import numpy as np
import pytest

from al_loop import learner
from al_loop.annotators.oracle import Oracle
from al_loop.config import parse
from al_loop.loop import doubt, knowledge, machine
from al_loop.store import answers, evidence, fixes, results, second_looks
from al_loop.types import Doubt
from tests import worlds

WRONG = {"m3": "delay", "m10": "damage", "m20": "refund"}


def settings(how="keep", **batch):
    audit = {"on_doubt": how}
    return parse({"batch": {"size": 60, "random_share": 1, **batch}, "audit": audit})


def store_of(test_labels=None, n=90, test=30):
    store = worlds.make_store(n=n, test=test)
    with store.tx():
        for item_id, label in (test_labels or {}).items():
            store.execute("UPDATE aliases SET label = ? WHERE id = ?", [label, item_id])
        answers.refresh_labels(store)
    return store


def logged(store, how="keep", said=None, models_dir=None, **batch):
    oracle = Oracle(worlds.gold(90) | WRONG)
    parts = worlds.make_parts(store, oracle, said, models_dir=models_dir)
    machine.run(parts, settings(how, size=90, **batch), machine.Options(wait=True))
    return parts


def change(store, number=1):
    return results.metrics(store, number).get("doubt_change")


def test_what_looks_wrong_is_left_out_of_training_and_of_what_strategies_see(tmp_path):
    kept, dropped = store_of(), store_of()
    logged(kept, models_dir=tmp_path / "kept")
    parts = logged(dropped, "drop", models_dir=tmp_path / "dropped")
    flagged = {r["item_id"] for r in evidence.doubtful(dropped, 1)}
    assert flagged >= set(WRONG)
    known = knowledge.gather(parts, settings("drop"), 1)
    assert set(known.ids) == set(worlds.gold(90)) - flagged
    assert len(known.X) == len(known.y) == len(known.ids)
    assert results.current_model(dropped).labels == 90 - len(flagged)
    assert results.current_model(kept).labels == 90
    assert results.current_model(dropped).version != results.current_model(kept).version


def test_what_looks_wrong_weighs_as_much_as_it_is_likely_to_be_right():
    store = store_of()
    parts = logged(store, "weight")
    doubts = {r["item_id"]: r for r in evidence.doubtful(store, 1)}
    known = knowledge.gather(parts, settings("weight"), 1)
    weights = dict(zip(known.ids, known.weights, strict=True))
    assert {i for i, w in weights.items() if w < 1} == set(doubts)
    for item_id, row in doubts.items():
        signs = [row[x] for x in ("confidence", "neighbors") if row[x] is not None]
        assert weights[item_id] == pytest.approx(max(0.05, np.mean(signs)))
    plain = knowledge.train(knowledge.labeled(parts, settings(), 1), settings())
    weighted = knowledge.train(known, settings())
    assert not np.allclose(plain.proba(known.X), weighted.proba(known.X))


@pytest.mark.parametrize("how", ["weight", "drop"])
def test_what_that_changed_on_the_test_set_is_measured_in_the_same_round(how):
    store = store_of()
    parts = logged(store, how)
    known, every = (f(parts, settings(how), 1) for f in (knowledge.gather, knowledge.labeled))
    test = answers.labeled(store, "test")
    truth = np.array([known.names.index(t[3]) for t in test])
    X = worlds.vectors("", [], [t[1] for t in test])
    right = [
        np.mean(knowledge.train(k, settings(how)).proba(X).argmax(axis=1) == truth)
        for k in (known, every)
    ]
    found = change(store)
    assert found.value == pytest.approx(right[0] - right[1])
    assert found.low <= found.value <= found.high
    row = results.history(store)[0]
    assert (row["doubt_change"], row["doubt_change_low"]) == (found.value, found.low)


def test_where_all_labels_count_alike_there_is_no_change_to_tell():
    store = store_of()
    logged(store)
    assert change(store) is None
    assert results.history(store)[0]["doubt_change"] is None


def test_where_nothing_looks_wrong_the_change_is_none():
    store = store_of()
    parts = worlds.make_parts(store, Oracle(worlds.gold(90)))
    machine.run(parts, settings("drop", size=90), machine.Options(wait=True))
    assert evidence.doubtful(store, 1) == []
    assert (change(store).value, change(store).low, change(store).high) == (0, 0, 0)


def doubted(store, doubts):
    """Plant doubts, as if the newest audit had found just these."""
    found = [Doubt(i, given, "damage", d, True, 0.001, None) for i, (given, d) in doubts.items()]
    with store.tx():
        evidence.save(store, 1, found)


def test_a_class_keeps_the_label_that_is_doubted_least():
    store = store_of()
    parts = logged(store, "drop")
    labels = {i: label for i, _, _, label in answers.labeled(store, "pool")}
    delay = sorted(i for i, label in labels.items() if label == "delay")
    doubted(store, {i: ("delay", 0.9 - 0.01 * n) for n, i in enumerate(delay)})
    known = knowledge.gather(parts, settings("drop"), 1)
    assert [i for i in known.ids if labels[i] == "delay"] == [delay[-1]]
    assert len(known.ids) == 90 - len(delay) + 1


def test_what_was_set_by_hand_or_is_another_label_by_now_is_not_touched():
    store = store_of()
    parts = logged(store, "drop")
    doubted(store, {"m0": ("refund", 0.9), "m6": ("refund", 0.9), "m12": ("delay", 0.9)})
    with store.tx():
        fixes.add(store, "m0", "refund", author="lead", reason="")
        answers.refresh_labels(store)
    known = knowledge.gather(parts, settings("drop"), 1)
    assert set(worlds.gold(90)) - set(known.ids) == {"m6"}


@pytest.mark.parametrize("kind", ["logistic", "balanced", "svm", "nearest_mean", "auto"])
def test_a_class_of_doubtful_labels_alone_is_still_learned_without_a_warning(kind):
    store = store_of()
    parts = logged(store, "weight")
    labels = {i: label for i, _, _, label in answers.labeled(store, "pool")}
    doubted(store, {i: ("delay", 0.99) for i, label in labels.items() if label == "delay"})
    config = settings("weight").model_copy(
        update={"model": settings().model.model_copy(update={"kind": kind})}
    )
    known = knowledge.gather(parts, config, 1)
    assert sorted(set(known.weights)) == [0.05, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = knowledge.train(known, config)
    assert len(model.present) == 3


def test_a_resumed_round_takes_the_model_that_was_trained_on_the_same(tmp_path):
    for how in ("weight", "drop"):
        store = store_of()
        parts = logged(store, how, models_dir=tmp_path / how)
        known = knowledge.gather(parts, settings(how), 7)
        _, version = knowledge.classifier(parts, settings(how), known)
        assert version == results.current_model(store).version == known.version.replace("r7", "r1")
        doubted(store, {"m6": ("refund", 0.9)})
        again = knowledge.gather(parts, settings(how), 1)
        assert again.version != version, "judged anew it is another training set"


def test_further_models_of_a_strategy_weigh_the_labels_alike(monkeypatch):
    store = store_of()
    parts = logged(store, "weight")
    known = knowledge.gather(parts, settings("weight"), 1)
    model = knowledge.train(known, settings())
    seen = []
    original = learner.fit
    monkeypatch.setattr(
        learner, "fit", lambda *a, **k: seen.append(k["weights"]) or original(*a, **k)
    )
    rows = np.flatnonzero(np.arange(len(known.y)) % 2)
    knowledge.learn(known, settings(), model)(known.X[rows], known.y[rows])
    np.testing.assert_allclose(seen[0], known.weights[rows])


# The test set


def test_labels_of_the_test_set_are_judged_and_flagged():
    said = []
    store = store_of({"m90": "damage", "m91": "refund"})
    logged(store, said=said)
    rows = {r["item_id"]: r for r in evidence.doubtful(store, 1)}
    assert {"m90", "m91"} <= {i for i, r in rows.items() if r["role"] == "test"}
    assert rows["m90"]["suggested"] == "refund"
    assert rows["m90"]["by"] == []
    tested = sum(r["role"] == "test" for r in rows.values())
    assert any(
        f"doubtful labels: {len(rows) - tested}, in the test set: {tested}" in x for x in said
    )
    assert results.metrics(store, 1)["noise_found"].value == len(rows) - tested
    everything = evidence.doubtful(store, 1, flagged=False)
    assert len(everything) == 120


def test_wrong_labels_of_the_test_set_change_nothing_in_training(tmp_path):
    models = []
    for wrong in ({}, {"m90": "damage", "m91": "refund", "m92": "refund"}):
        store = store_of(wrong)
        logged(store, "weight", models_dir=tmp_path / str(len(wrong)))
        pool = [(d["item_id"], d["doubt"]) for d in evidence.doubtful(store, 1, flagged=False)]
        models.append(
            (results.current_model(store).version, [p for p in pool if int(p[0][1:]) < 90])
        )
    assert models[0] == models[1]


def test_a_label_of_the_test_set_that_nobody_knows_yet_is_not_judged():
    store = store_of({"m90": "praise"})
    logged(store)
    judged = {r["item_id"] for r in evidence.doubtful(store, 1, flagged=False)}
    assert "m90" not in judged
    assert len(judged) == 119


def test_a_doubtful_label_of_the_test_set_waits_for_a_second_look():
    store = store_of({"m90": "damage"})
    logged(store)
    with store.tx():
        second_looks.ask(store, {"m90": None}, "noise", givers={"m90": []})
    assert [w.item_id for w in second_looks.waiting(store)] == ["m90"]


def test_where_a_label_of_the_test_set_is_corrected_both_rounds_are_measured_on_it(tmp_path):
    store = store_of({"m90": "damage", "m91": "refund", "m92": "refund"})
    oracle = Oracle(worlds.gold(90))
    parts = worlds.make_parts(store, oracle, models_dir=tmp_path)
    for _ in range(2):
        machine.run(parts, settings(size=30), machine.Options(wait=True))
    second = results.history(store)[1]
    assert second["accuracy_before"] is None
    assert second["accuracy"] <= 0.9
    with store.tx():
        for item_id, label in (("m90", "refund"), ("m91", "delay"), ("m92", "damage")):
            fixes.add(store, item_id, label, author="lead", reason="")
        answers.refresh_labels(store)
    machine.run(parts, settings(size=30), machine.Options(wait=True))
    third = results.history(store)[2]
    assert third["accuracy_before"] == pytest.approx(second["accuracy"] + 0.1)
    assert third["accuracy_change"] == third["accuracy"] - third["accuracy_before"]


# What labels rest on


def test_accepted_suggestions_are_weaker_evidence_and_confirmed_labels_are_sure(monkeypatch):
    store = store_of(test=0)
    parts = logged(store)
    seen = {}
    original = doubt.judging.judge

    def judge(X, y, **how):
        seen.update(how)
        return original(X, y, **how)

    monkeypatch.setattr(doubt.judging, "judge", judge)
    with store.tx():
        store.execute("UPDATE answers SET origin = 'prediction' WHERE item_id IN ('m0', 'm1')")
        fixes.add(store, "m6", "refund", author="lead", reason="")
        answers.refresh_labels(store)
    doubt.look(parts, settings(), 1)
    ids = [row[0] for row in answers.labeled(store, "pool")]
    assert {i for i, t in zip(ids, seen["trust"], strict=True) if t == doubt.ACCEPTED} == {
        "m0",
        "m1",
    }
    assert [i for i, s in zip(ids, seen["sure"], strict=True) if s] == ["m6"]
