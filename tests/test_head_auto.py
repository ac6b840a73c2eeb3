"""The head that is chosen by itself, and self-training over the pool."""

import dataclasses

import numpy as np
import pytest

from al_loop import head_choice, heads, learner, models, selftrain
from al_loop.annotators.oracle import Oracle
from al_loop.budget import saved
from al_loop.config import parse
from al_loop.heads import Head
from al_loop.loop import knowledge, machine, select
from al_loop.loop.machine import Options
from al_loop.report import quality
from al_loop.store import results, rounds
from tests import worlds
from tests.test_learner import blobs


def unit(X):
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


def arcs(n=200, seed=0):
    """Two arcs on a sphere, side by side, and how far along them each row is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    along = rng.uniform(0, 1, n)
    height = np.where(y == 1, 0.4, -0.4)
    X = np.column_stack([np.cos(1.2 * along), np.sin(1.2 * along), height])
    return unit(X + rng.normal(0, 0.02, X.shape)), y, along


def right(model, X, y):
    return np.mean(model.proba(X).argmax(axis=1) == y)


def two_labels(y, along):
    """The start of one arc and the end of the other: a straight cut between them is wrong."""
    first = [np.argmin(np.where(y == 0, along, 2)), np.argmax(np.where(y == 1, along, -1))]
    return np.array(first)


# --- self-training


def test_unlabeled_texts_carry_labels_to_where_nobody_labeled():
    X, y, along = arcs()
    rows = two_labels(y, along)
    pool = np.delete(X, rows, axis=0)
    options = {"n_classes": 2, "C": 100.0}
    assert right(learner.fit(X[rows], y[rows], **options), X, y) < 0.8
    trained = learner.fit(X[rows], y[rows], kind="self_training", pool=pool, **options)
    assert right(trained, X, y) > 0.9


def test_without_a_pool_self_training_is_logistic_regression():
    X, y = blobs([20, 20, 20], spread=0.5)
    for pool in (None, X[:0]):
        plain = learner.fit(X, y, n_classes=3).proba(X)
        trained = learner.fit(X, y, n_classes=3, kind="self_training", pool=pool)
        np.testing.assert_array_equal(trained.proba(X), plain)


def test_a_persons_label_weighs_several_times_what_a_pseudo_label_weighs(monkeypatch):
    seen = []
    original = learner._fitted

    def record(head, seed, X, y, weights):
        if weights is not None:
            seen.append(weights)
        return original(head, seed, X, y, weights)

    monkeypatch.setattr(learner, "_fitted", record)
    X, y = blobs([30, 30], spread=0.5)
    learner.fit(X[:10], y[:10], n_classes=2, kind="self_training", pool=X[10:])
    last = seen[-1]
    assert len(last) == 60
    assert (last[:10] == 1).all()
    assert 0 < last[10:].min() <= last[10:].max() <= selftrain.WEIGHT < 0.5


def test_a_temperature_is_fitted_on_fewer_pseudo_labels_that_weigh_as_much_together(monkeypatch):
    seen = []
    original = learner._fitted

    def record(head, seed, X, y, weights):
        if weights is not None:
            own = np.flatnonzero(weights != 1)
            seen.append((len(own), weights[own].sum()))
        return original(head, seed, X, y, weights)

    monkeypatch.setattr(learner, "_fitted", record)
    X, y = blobs([330, 330], spread=0.3)
    learner.fit(X[:60], y[:60], n_classes=2, kind="self_training", pool=X[60:])
    *folds, (texts, weight) = seen
    assert texts == 600
    assert len(folds) == 3
    for some, together in folds:
        assert some < 0.4 * texts
        assert 0.8 < together / weight < 1.2


def test_a_text_between_two_classes_is_more_doubtful_than_others():
    X, y = blobs([40, 40], d=4, spread=0.1)
    centers = np.array([X[y == c].mean(axis=0) for c in (0, 1)])
    between = unit(centers.sum(axis=0, keepdims=True))
    nodes = selftrain.graph(X[:10], np.concatenate([X[10:], between]), 0)
    said = selftrain.spread(nodes, np.arange(10), y[:10]).max(axis=1)
    assert 0.5 <= said[-1] < 0.9 < np.median(said)


def test_a_class_whose_labels_are_out_of_the_way_is_not_swallowed():
    """Two classes of one size that touch; the labels of one are central, of the other not."""
    shares = []
    for seed in range(4):
        X, y = blobs([100, 100], seed=seed, d=6, spread=0.5)
        near = [X @ unit(X[y == c].mean(axis=0, keepdims=True))[0] for c in (0, 1)]
        central = np.argsort(np.where(y == 0, near[0], -2))[-3:]
        outer = np.argmin(np.where(y == 1, near[1], 2)).repeat(3)
        rows = np.concatenate([central, outer])
        nodes = selftrain.graph(X[rows], np.delete(X, rows, axis=0), 0)
        said = selftrain.spread(nodes, np.arange(6), np.repeat([0, 1], 3)).argmax(axis=1)
        shares.append(said.mean())
    assert 0.3 < np.mean(shares) < 0.7


def test_rows_of_what_labels_say_sum_to_one_or_zero_where_no_label_reaches():
    X = np.concatenate([blobs([9, 9], d=4, spread=0.01)[0], -blobs([20], d=4, spread=0.01)[0]])
    y = np.array([0, 1])
    nodes = selftrain.graph(X[:2], X[2:], 0)
    total = selftrain.spread(nodes, np.arange(2), y).sum(axis=1)
    assert (np.isclose(total, 1) | (total == 0)).all()


def test_expected_shares_are_even_where_counts_differ_by_chance_only():
    by_chance = np.random.default_rng(0).multinomial(200, np.full(50, 1 / 50))
    even = selftrain.shares(by_chance)
    assert abs(even.sum() - 1) < 1e-5
    assert even.max() < 1.3 / 50
    long_tail = np.array([150, 30, 10, 5, 2, 1, 1, 1])
    np.testing.assert_allclose(selftrain.shares(long_tail), long_tail / 200, atol=0.02)


def test_of_a_large_pool_the_same_uniform_sample_is_used(monkeypatch):
    monkeypatch.setattr(selftrain, "SAMPLE", 50)
    X, _ = blobs([100, 100, 100], spread=0.5)
    nodes = selftrain.graph(X[:10], X[10:], 3)
    assert nodes.X.shape == (60, 16)
    np.testing.assert_array_equal(nodes.X, selftrain.graph(X[:10], X[10:], 3).X)
    drawn = selftrain.sample(np.arange(1000)[:, None], 0)[:, 0]
    assert len(set(drawn)) == 50
    assert drawn.max() > 800
    assert (drawn != selftrain.sample(np.arange(1000)[:, None], 1)[:, 0]).any()


def test_many_labels_leave_nothing_to_learn_from_the_pool(monkeypatch):
    monkeypatch.setattr(selftrain, "MOST_LABELS", 20)
    monkeypatch.setattr(selftrain, "graph", lambda *_: pytest.fail("it costs seconds"))
    X, y = blobs([20, 20])
    assert learner.fit(X, y, n_classes=2, kind="auto", pool=X).head.kind != "self_training"


@pytest.mark.parametrize("kind", ["self_training", "auto"])
@pytest.mark.parametrize("size", [1, 2, 40])
def test_any_pool_is_fitted(kind, size):
    X, y = blobs([3, 2, 1, 1])
    for pool in (blobs([size])[0], np.tile(X[:1], (size, 1)), X[np.arange(size) % 7]):
        proba = learner.fit(X, y, n_classes=4, kind=kind, pool=pool).proba(X)
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1)


# --- the choice


def hits(**shares):
    """Hits of 100 labels: the first so many are right."""
    named = {"default": Head("self_training"), "plain": Head(), "balanced": Head("balanced")}
    return {named[name]: np.arange(100) < n for name, n in shares.items()}


def test_the_default_stays_unless_another_is_clearly_better():
    for other in (40, 50, 51, 52):
        chosen, why = head_choice.pick(hits(default=50, plain=other, balanced=45))
        assert chosen == Head("self_training")
        assert why.startswith("self_training with C = 10, right on 50 % of 100 labels held out;")
    chosen, why = head_choice.pick(hits(default=50, plain=60, balanced=45))
    assert chosen == Head("logistic")
    assert why == (
        "logistic with C = 10, right on 60 % of 100 labels held out; self_training with C = 10 on"
        " 50 %"
    )


def test_without_labels_to_compare_on_the_default_is_used_and_it_says_so():
    X, y = blobs([1, 1, 1])
    model = learner.fit(X, y, n_classes=3, kind="auto", pool=X)
    assert model.head == Head("self_training", 10.0)
    assert model.why == "self_training with C = 10: too few labels to compare with others"
    assert learner.fit(X, y, n_classes=3, kind="auto").head == Head("logistic", 10.0)


def test_a_pool_whose_neighbors_mean_nothing_is_not_learned_from():
    """The class is a small part of the vectors that has nothing to do with the rest."""
    X = np.random.default_rng(0).normal(size=(1200, 40))
    y = (X[:, 25] > 0).astype(np.int64)
    X[:, 20:] *= 0.3
    X = unit(X)
    fitted = [
        learner.fit(X[:300], y[:300], n_classes=2, kind=kind, pool=X[300:700])
        for kind in ("self_training", "auto")
    ]
    trained, chosen = (right(model, X[700:], y[700:]) for model in fitted)
    assert fitted[1].head == Head("logistic", 100.0)
    assert "; self_training with C = 10 on" in fitted[1].why
    assert chosen > trained + 0.02


def test_balanced_classes_are_not_chosen_where_most_texts_are_of_one_class():
    rng = np.random.default_rng(1)
    sizes = [240, 20, 20, 20]
    X, y = blobs(sizes, seed=1, spread=0.9)
    rows = rng.permutation(len(y))
    train, test = rows[:120], rows[120:]
    model = learner.fit(X[train], y[train], n_classes=4, kind="auto", pool=X[test])
    plain = learner.fit(X[train], y[train], n_classes=4)
    balanced = learner.fit(X[train], y[train], n_classes=4, kind="balanced")
    assert right(balanced, X[test], y[test]) < right(plain, X[test], y[test]) - 0.03
    assert right(model, X[test], y[test]) >= right(plain, X[test], y[test]) - 0.01


def test_the_heads_compared_are_what_was_promised():
    found = head_choice.candidates(10.0, pool=True)
    assert found[0] == Head("self_training", 10.0)
    assert {h.C for h in found if h.kind == "logistic"} == {1.0, 10.0, 100.0}
    assert {h.kind for h in found} == {"self_training", "logistic", "balanced", "nearest_mean"}
    assert head_choice.candidates(10.0, pool=False) == found[1:]


def test_every_head_is_compared_on_the_same_labels_and_none_of_them_was_seen():
    y = np.repeat([0, 1, 2], [30, 12, 1])
    asked = []

    def predict(some, train, test):
        asked.append((set(train), set(test)))
        return [np.zeros(len(test), dtype=np.int64) for _ in some]

    some = head_choice.candidates(1.0, pool=True)
    found = head_choice.compare(some, y, predict, 0)
    assert {len(h) for h in found.values()} == {42}  # the class with a single label tells nothing
    assert all(h.sum() == 30 for h in found.values())
    assert all(train.isdisjoint(test) for train, test in asked)


def test_folds_that_would_tell_little_more_cost_nothing():
    asked = []

    def predict(some, train, test):
        asked.append((len(train), len(test)))
        return [np.zeros(len(test), dtype=np.int64) for _ in some]

    for labels in (500, 50_000):
        head_choice.compare([Head()], np.arange(labels) % 3, predict, 0)
    assert asked == [(400, 100)] * 3 + [(1600, 400)]


def test_probabilities_of_the_chosen_head_are_as_sure_as_they_are_right():
    for seed in range(3):
        X, y = blobs([60] * 6, seed=seed, spread=0.45)
        model = learner.fit(X[:120], y[:120], n_classes=6, kind="auto", pool=X[120:])
        share = right(model, X[120:], y[120:])
        assert 0.5 < share < 0.99
        assert abs(model.proba(X[120:]).max(axis=1).mean() - share) < 0.08


def test_all_but_the_plain_kinds_are_calibrated(monkeypatch):
    X, y = blobs([20] * 6, seed=1, spread=0.6)

    def temperature(kind, pool=None):
        return learner.fit(X[:80], y[:80], n_classes=6, kind=kind, pool=pool).temperature

    assert temperature("logistic") == temperature("balanced", X[80:]) == 1
    assert temperature("self_training") == 1, "it is logistic"
    assert temperature("self_training", X[80:]) != 1
    monkeypatch.setattr(head_choice, "pick", lambda _: (Head("logistic"), "the only one"))
    assert temperature("auto") != 1


def test_with_many_labels_the_temperature_is_that_of_a_head_which_learned_many():
    """One that learned from a part of them is less sure; its temperature makes the head bold."""
    for seed in range(2):
        X, y = blobs([200] * 40, seed=seed, d=128, spread=0.3)
        model = learner.fit(X[:6000], y[:6000], n_classes=40, kind="auto")
        sure = model.proba(X[6000:]).max(axis=1).mean()
        assert abs(sure - right(model, X[6000:], y[6000:])) < 0.015


def test_a_temperature_changes_how_sure_probabilities_are_not_what_they_say():
    for sizes in ([30, 30], [30, 30, 30]):
        X, y = blobs(sizes, spread=0.6)
        estimator = learner.fit(X, y, n_classes=len(sizes)).estimator
        plain = heads.proba(estimator, X, 1.0)
        np.testing.assert_allclose(heads.proba(estimator, X, 1.0 + 1e-9), plain, atol=1e-5)
        flat = heads.proba(estimator, X, 3.0)
        np.testing.assert_array_equal(flat.argmax(axis=1), plain.argmax(axis=1))
        assert flat.max() < plain.max()


def test_the_same_inputs_make_the_same_file_and_stay_as_they_were(tmp_path):
    X, y, _ = arcs()
    X.setflags(write=False)
    found = [learner.fit(X[:30], y[:30], n_classes=2, kind="auto", pool=X[30:]) for _ in range(2)]
    one, two = (models.save(model, tmp_path, 1) for model in found)
    assert one == two
    read = models.load(tmp_path / one[0], one[1])
    assert read.head == found[0].head
    np.testing.assert_array_equal(read.proba(X), found[0].proba(X))


def test_the_head_is_chosen_once_for_all_folds(monkeypatch):
    compared = []
    original = head_choice.compare
    monkeypatch.setattr(
        head_choice, "compare", lambda *a: compared.append(len(a[1])) or original(*a)
    )
    X, y = blobs([20, 20, 4], spread=0.4)
    assert learner.out_of_fold(X, y, n_classes=3, kind="auto") is not None
    assert compared == [40]
    proba = learner.cross_predict(
        X, y, np.arange(44) % 4, n_classes=3, kind="auto", pool=blobs([50, 50])[0]
    )
    assert compared == [40, 44]
    assert np.isfinite(proba).all()


def test_folds_learn_from_the_pool_as_the_model_does():
    """Two labels a class and a pool: without it, many held out are wrong."""
    X, y, along = arcs()
    ends = np.argsort(along)
    rows = np.concatenate([ends[y[ends] == 0][:6], ends[y[ends] == 1][-6:]])
    fold = np.arange(12) % 3
    options = {"n_classes": 2, "kind": "self_training"}
    with_pool = learner.cross_predict(X[rows], y[rows], fold, pool=X, **options)
    without = learner.cross_predict(X[rows], y[rows], fold, **options)
    assert (with_pool != without).any()
    assert (with_pool.argmax(axis=1) == y[rows]).all()


def test_labels_that_are_held_out_say_nothing_about_themselves():
    """Neither to the teacher nor along the graph, though their texts are in both."""
    X, y = blobs([30, 30, 30], spread=0.5)
    pool, fold = blobs([50, 50, 50], spread=0.5)[0], np.arange(90) % 3
    wrong = np.where(fold == 0, (y + 1) % 3, y)
    train, test = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    some = head_choice.candidates(10.0, pool=True)
    tasks = [learner._task(X, labels, "auto", 0, None, pool) for labels in (y, wrong)]
    for one, two in zip(*(task.predict(some, train, test) for task in tasks), strict=True):
        np.testing.assert_array_equal(one, two)
    one, two = (task.estimator(some[0], train).coef_ for task in tasks)
    np.testing.assert_array_equal(one, two)


# --- in rounds


def config(kind="auto", **batch):
    return parse({"batch": {"size": 12, **batch}, "model": {"kind": kind}})


def test_a_round_says_and_stores_which_head_was_chosen_and_why(tmp_path):
    store, said = worlds.make_store(test=30), []
    parts = worlds.make_parts(store, said=said, models_dir=tmp_path)
    for _ in range(2):
        machine.run(parts, config(), Options(wait=True))
    note = results.notes(store, 2)["head"]
    assert note.startswith("self_training with C = 10, right on ")
    assert f"round 2: classifier: {note}" in said
    model = results.current_model(store)
    assert model.kind == "self_training"
    read = models.load(tmp_path / model.path, model.sha256)
    assert read.head == Head("self_training", 10.0)
    assert results.history(store)[1]["accuracy"] > 0.9
    store.close()


def test_a_configured_head_is_no_news():
    store, said = worlds.make_store(test=30), []
    machine.run(worlds.make_parts(store, said=said), config("logistic"), Options(wait=True))
    assert "head" not in results.notes(store, 1)
    assert not any("classifier:" in line for line in said)
    store.close()


def test_accuracy_without_a_test_set_is_that_of_the_chosen_head(monkeypatch):
    store = worlds.make_store(n=120)
    asked = []
    original = learner.cross_predict
    monkeypatch.setattr(
        learner,
        "cross_predict",
        lambda *a, **more: (
            asked.append((more["kind"], more.get("pool") is not None)) or original(*a, **more)
        ),
    )
    parts = worlds.make_parts(store, Oracle(worlds.gold(120)), audits=False)
    machine.run(parts, config(size=40, random_share=1.0), Options(wait=True))
    assert asked == [("self_training", True)]
    assert results.history(store)[0]["accuracy"] > 0.9
    store.close()


def test_only_a_sample_of_a_large_pool_is_read(monkeypatch):
    monkeypatch.setattr(selftrain, "SAMPLE", 20)
    store = worlds.make_store(n=60)
    parts = worlds.make_parts(store)
    one, two = (knowledge.unlabeled(parts, config()) for _ in range(2))
    assert one.shape == (20, 8)
    np.testing.assert_array_equal(one, two)
    monkeypatch.setattr(rounds, "pool", lambda _: pytest.fail("nobody needs it"))
    assert knowledge.unlabeled(parts, config("logistic")) is None
    store.close()


def test_further_models_have_the_chosen_head_without_choosing_again(monkeypatch):
    store = worlds.make_store()
    parts = worlds.make_parts(store)
    machine.run(parts, config(), Options(wait=True))
    known = knowledge.gather(parts, config(), 1)
    model = knowledge.train(known, config(), knowledge.unlabeled(parts, config()))
    monkeypatch.setattr(head_choice, "compare", lambda *_: pytest.fail("it was chosen"))
    predict = knowledge.learn(known, config(), model)(known.X, known.y)
    assert predict(known.X).shape == (12, 3)
    store.close()


def test_the_curve_of_random_labels_takes_one_choice(monkeypatch):
    X, y = blobs([20, 20, 20], spread=0.4)
    rows = saved.Rows(X, y)
    every = np.ones(60, dtype=bool)
    fit = saved._learns(saved._Labels(rows, rows, every, every, 3), config())
    monkeypatch.setattr(head_choice, "compare", lambda *_: pytest.fail("it was chosen again"))
    assert np.mean(fit(X[:30], y[:30], X[30:]) == y[30:]) > 0.8


@pytest.mark.parametrize("kind", ["auto", "logistic"])
def test_numbers_that_come_from_labels_alone_say_so_where_the_classifier_learns_from_more(
    tmp_path, kind
):
    store = worlds.make_store(n=120, test=60)
    parts = worlds.make_parts(store, Oracle(worlds.gold(180)), models_dir=tmp_path)
    machine.run(parts, config(kind, size=40), Options(wait=True))
    rests_on = saved.against_random(store, config(kind), worlds.vectors).rests_on
    assert ("learns from unlabeled texts too" in rests_on) == (kind == "auto")
    lost = quality.predictions(store, config(kind), worlds.vectors, tmp_path / "gone")
    assert lost.source == "labeled texts, cross-validated"
    assert ("learns from unlabeled texts too" in lost.note) == (kind == "auto")
    store.close()


def test_strategies_ask_a_model_of_the_labels_alone_and_suggestions_come_from_the_chosen_one():
    store, asked = worlds.make_store(), []
    parts = worlds.make_parts(store)
    machine.run(parts, config(), Options(wait=True))
    known = knowledge.gather(parts, config(), 1)
    model = knowledge.train(known, config(), knowledge.unlabeled(parts, config()))
    strategy = parts.strategy(config())

    def record(view, n, rng):
        asked.append(view)
        return strategy(view, n, rng)

    chosen = select.choose(dataclasses.replace(parts, strategy=lambda _: record), config())
    plain = learner.fit(known.X, known.y, n_classes=3)
    np.testing.assert_array_equal(asked[0].proba, plain.proba(asked[0].embeddings))
    vectors = worlds.vectors("", [], [row.text for row in chosen.rows])
    sure = model.proba(vectors).max(axis=1)
    assert [row.suggestion_score for row in chosen.rows] == pytest.approx(list(sure), abs=1e-5)
    assert plain.proba(vectors).max(axis=1).mean() < sure.mean()
    store.close()


@pytest.mark.parametrize("kind", ["auto", "svm"])
def test_wrong_labels_are_looked_for_by_plain_classifiers_of_labels_alone(kind, monkeypatch):
    store = worlds.make_store(n=60)
    seen = []
    original = learner.cross_predict

    def watched(*a, **more):
        seen.append((more.get("kind", "logistic"), more.get("pool")))
        return original(*a, **more)

    monkeypatch.setattr(learner, "cross_predict", watched)
    parts = worlds.make_parts(store, Oracle(worlds.gold(60)))
    machine.run(parts, config(kind, size=30), Options(wait=True))
    assert set(seen) == {("logistic", None)}
    store.close()
