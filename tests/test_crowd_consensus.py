"""What several people's labels add up to."""

import numpy as np
import pytest

from al_loop.crowd import libraries
from al_loop.crowd.consensus import consensus
from al_loop.crowd.votes import NONE, Votes

METHODS = ("fused", "crowdlab", "majority", "dawid_skene")


def votes(labels, k=4, people=None):
    labels = np.asarray(labels, dtype=np.int64)
    people = people or [f"p{j}" for j in range(labels.shape[1])]
    ids = tuple(f"t{i:04}" for i in range(len(labels)))
    return Votes(ids, tuple(people), tuple("abcdefgh"[:k]), labels)


def answers(skills, n=300, k=4, each=None, seed=0):
    """Truth, and what people of some skills say to each text, `each` of them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    labels = np.full((n, len(skills)), NONE)
    for i in range(n):
        for j in rng.permutation(len(skills))[:each]:
            wrong = (y[i] + rng.integers(1, k)) % k
            labels[i, j] = y[i] if rng.random() < skills[j] else wrong
    return y, labels


def model(y, right=0.8, k=4, seed=1, sure=0.7):
    """What a model says that is right in a share of the texts."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(y)) < right, y, (y + rng.integers(1, k, len(y))) % k)
    proba = np.full((len(y), k), (1 - sure) / (k - 1))
    proba[np.arange(len(y)), said] = sure
    return proba


def right(found, y):
    return np.mean(found.labels == y)


@pytest.mark.parametrize("method", ["fused", "dawid_skene"])
def test_good_people_outvote_bad_ones_who_are_more(method):
    y, labels = answers([0.95, 0.95, 0.35, 0.35, 0.35], n=400)
    labels[0], y[0] = [1, 1, 2, 2, 2], 1
    found = consensus(votes(labels), model(y), method)
    assert found.labels[0] == 1
    assert consensus(votes(labels), None, "majority").labels[0] == 2
    assert right(found, y) > 0.95
    assert found.people[:2].min() > 0.85 > 0.6 > found.people[2:].max()


def test_a_good_person_alone_stands_against_the_model_and_a_bad_one_does_not():
    y, labels = answers([0.97, 0.4], n=600, each=1)
    proba = model(y, right=0.75)
    found = consensus(votes(labels), proba, "fused")
    against = found.labels != proba.argmax(axis=1)
    good, bad = against & (labels[:, 0] != NONE), against & (labels[:, 1] != NONE)
    assert found.quality[good].mean() > 0.8
    assert found.quality[bad].mean() < 0.5


def test_people_who_never_met_are_measured_by_the_model():
    y, labels = answers([0.95, 0.6], n=500, each=1)
    found = consensus(votes(labels), model(y, right=0.9), "fused")
    assert found.people[0] - found.people[1] > 0.2


@pytest.mark.parametrize("method", ["fused", "crowdlab", "majority"])
def test_the_model_settles_a_tie(method):
    y, labels = answers([0.9, 0.9, 0.9], n=100)
    labels[0] = [0, 1, NONE]
    for preferred in (0, 1):
        proba = model(y, right=0.95)
        proba[0] = [0.05, 0.05, 0.05, 0.05]
        proba[0, preferred] = 0.85
        assert consensus(votes(labels), proba, method).labels[0] == preferred


def test_people_know_more_together_with_a_model_than_any_other_method_finds():
    y, labels = answers([0.6, 0.7, 0.8, 0.95], n=800, each=3)
    proba = model(y)
    found = {m: right(consensus(votes(labels), proba, m), y) for m in METHODS}
    assert found["fused"] >= max(found.values())
    assert found["fused"] > right(consensus(votes(labels), None, "fused"), y) + 0.01


def test_the_quality_of_fused_is_how_often_labels_are_right():
    y, labels = answers([0.6, 0.7, 0.8, 0.95], n=1_000, each=2)
    found = consensus(votes(labels), model(y), "fused")
    assert abs(found.quality.mean() - right(found, y)) < 0.03
    doubtful = found.quality < 0.7
    assert right(found, y) > np.mean((found.labels == y)[doubtful]) + 0.2


@pytest.mark.parametrize("method", METHODS)
def test_where_all_votes_are_the_same_the_label_is_theirs(method):
    y, labels = answers([0.9, 0.8, 0.7], n=200)
    labels[0], labels[1] = [2, 2, NONE], [NONE, NONE, 3]
    y[0], y[1] = 0, 1
    found = consensus(votes(labels), model(y, right=1.0, sure=0.97), method)
    assert found.method == method
    assert list(found.labels[:2]) == [2, 3]
    assert ((found.quality >= 0) & (found.quality <= 1)).all()


def test_a_label_that_the_model_doubts_is_of_low_quality():
    y, labels = answers([0.8, 0.8], n=300, each=1)
    proba = model(y, right=0.9, sure=0.9)
    found = consensus(votes(labels), proba, "fused")
    agreed = found.labels == proba.argmax(axis=1)
    assert found.quality[agreed].min() > found.quality[~agreed].max()


@pytest.mark.parametrize("method", METHODS)
def test_texts_that_the_model_says_nothing_of_fall_back_on_votes(method):
    y, labels = answers([0.95, 0.95, 0.9], n=300)
    proba = model(y)
    proba[::3] = np.nan
    found = consensus(votes(labels), proba, method)
    assert found.method == method
    assert np.isfinite(found.quality).all()
    assert np.mean((found.labels == y)[::3]) > 0.93


def test_crowdlab_weighs_people_where_the_model_says_nothing():
    y, labels = answers([0.5, 0.95, 0.95], n=300)
    labels[:50, 2] = NONE
    proba = model(y)
    proba[:50] = np.nan
    found = consensus(votes(labels), proba, "crowdlab")
    assert (found.labels[:50] == labels[:50, 1]).all()


@pytest.mark.parametrize("method", METHODS)
def test_somebody_who_only_labeled_texts_without_a_model_takes_part(method):
    y, labels = answers([0.9, 0.9, 0.9], n=120)
    proba = model(y)
    proba[:20] = np.nan
    labels[20:, 2] = NONE
    found = consensus(votes(labels), proba, method)
    assert np.isfinite(found.people).all()
    assert np.isfinite(found.quality).all()


@pytest.mark.parametrize("method", METHODS)
def test_classes_that_nobody_named_or_the_model_does_not_know_do_no_harm(method):
    y, labels = answers([0.95, 0.9, 0.9], n=200, k=3)
    labels[:6], y[:6] = 6, 6  # g is new: too few for the model
    proba = np.zeros((200, 8))
    proba[:, :3] = model(np.minimum(y, 2), k=3)
    proba[:6] = np.nan
    found = consensus(votes(labels, k=8), proba, method)
    assert (found.labels[:6] == 6).all()
    assert set(found.labels) == {0, 1, 2, 6}


def test_a_class_that_the_model_does_not_know_may_still_win():
    y, labels = answers([0.95, 0.95, 0.95], n=200, k=3)
    labels[0] = [6, 6, 1]
    proba = np.zeros((200, 8))
    proba[:, :3] = model(y, k=3)
    assert consensus(votes(labels, k=8), proba, "fused").labels[0] == 6


@pytest.mark.parametrize(
    ("labels", "proba"),
    [
        ([[0, 1], [1, 1]], None),
        ([[0, NONE], [NONE, 1], [2, NONE]], np.full((3, 4), 0.25)),
        ([[0, 1, 1]] * 3, np.full((3, 4), np.nan)),
        ([[0], [1], [1]], np.full((3, 4), 0.25)),
    ],
    ids=["no model", "nobody met", "nothing but unknown", "one person"],
)
def test_crowdlab_with_too_little_to_go_on_says_that_it_was_the_majority(labels, proba):
    assert consensus(votes(labels), proba, "crowdlab").method == "majority"


def test_crowdlab_that_fails_is_the_majority(monkeypatch):
    def fail(*_):
        raise ValueError("too little")

    y, labels = answers([0.9, 0.9], n=20)
    monkeypatch.setattr(libraries, "_cleanlab", fail)
    assert consensus(votes(labels), model(y), "crowdlab").method == "majority"


def test_crowdlab_is_cleanlabs():
    from cleanlab.multiannotator import get_label_quality_multiannotator

    y, labels = answers([0.6, 0.7, 0.9], n=200, each=2)
    proba = model(y)
    given = np.where(labels == NONE, np.nan, labels)
    theirs = get_label_quality_multiannotator(given, proba, verbose=False)["label_quality"]
    found = consensus(votes(labels), proba, "crowdlab")
    differ = np.array([len(set(row) - {NONE}) > 1 for row in labels.tolist()])
    assert (found.labels == theirs["consensus_label"])[differ].all()
    assert np.allclose(found.quality[differ], theirs["consensus_quality_score"][differ], atol=1e-4)


def test_too_many_votes_for_dawid_skenes_tables_are_counted(monkeypatch):
    y, labels = answers([0.9, 0.9], n=50)
    monkeypatch.setattr(libraries, "MOST_CELLS", 100)
    assert consensus(votes(labels), model(y), "dawid_skene").method == "majority"


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_to_chance_or_said(method, capfd):
    _, labels = answers([0.6, 0.6], n=80)
    np.random.seed(1)  # noqa: NPY002  what cleanlab would draw from
    one = consensus(votes(labels), np.full((80, 4), 0.25), method)
    np.random.seed(2)  # noqa: NPY002
    other = consensus(votes(labels), np.full((80, 4), 0.25), method)
    assert (one.labels == other.labels).all()
    assert (one.quality == other.quality).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_texts_and_people_does_not_matter(method):
    y, labels = answers([0.6, 0.7, 0.9], n=150, each=2)
    proba = model(y)
    rng = np.random.default_rng(5)
    texts, people = rng.permutation(150), rng.permutation(3)
    one = consensus(votes(labels), proba, method)
    other = consensus(votes(labels[texts][:, people]), proba[texts], method)
    assert (one.labels[texts] == other.labels).all()
    assert np.allclose(one.quality[texts], other.quality, atol=1e-6)
    assert np.allclose(one.people[people], other.people, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_and_a_single_class_are_no_error(method):
    empty = Votes((), (), ("a", "b"), np.empty((0, 0), dtype=np.int64))
    assert len(consensus(empty, None, method).labels) == 0
    alone = consensus(votes([[0, 0], [0, NONE]], k=1), np.ones((2, 1)), method)
    assert list(alone.labels) == [0, 0]
    assert np.isfinite(alone.quality).all()
