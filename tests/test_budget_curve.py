"""What random labels would have needed, on made-up data where the truth is known."""

import numpy as np
import pytest

from al_loop.budget import curve
from al_loop.budget.curve import Curve, Rows

SIZES = np.array([20, 40, 80, 160, 320])


def acc(n, plateau=0.95):
    """The truth: a power law."""
    return plateau - 2.0 * np.asarray(n, dtype=float) ** -0.6


def made_up(rng, ours, texts=400, orders=3, plateau=0.95):
    """Texts differ in difficulty, so that classifiers err on the same ones."""
    difficulty = rng.random(texts)
    noise = rng.normal(0, 0.05, (orders, len(SIZES), texts))
    hits = difficulty + noise < acc(SIZES, plateau)[:, None]
    return Curve(SIZES, hits), difficulty + rng.normal(0, 0.05, texts) < acc(ours, plateau)


@pytest.mark.parametrize("truth", [30, 100, 250])
def test_within_what_was_measured_the_interval_covers_the_truth(truth):
    found = [
        curve.needed(*made_up(np.random.default_rng([truth, i]), truth), np.random.default_rng(i))
        for i in range(40)
    ]
    covered = [f.low <= truth <= f.high for f in found if f.high is not None]
    assert len(covered) >= 36
    assert np.mean(covered) >= 0.85
    assert np.median([f.median for f in found if f.median]) == pytest.approx(truth, rel=0.2)
    assert all(f.measured == 320 for f in found)


@pytest.mark.parametrize(("truth", "plateau"), [(700, 0.95), (2000, 0.7)])
def test_beyond_what_was_measured_the_interval_is_wider_and_covers_the_truth(truth, plateau):
    rngs = [np.random.default_rng([7, i]) for i in range(40)]
    found = [curve.needed(*made_up(r, truth, plateau=plateau), r) for r in rngs]
    covered = [f.low <= truth <= (f.high or np.inf) for f in found]
    assert np.mean(covered) >= 0.9


def test_what_random_never_reaches_is_open_ended():
    built, _ = made_up(np.random.default_rng(1), 100)
    found = curve.needed(built, np.ones(400, dtype=bool), np.random.default_rng(0))
    assert (found.median, found.high) == (None, None)
    assert found.low >= 320


def test_an_accuracy_that_random_has_from_the_start_needs_the_least_that_was_tried():
    built, _ = made_up(np.random.default_rng(1), 100)
    found = curve.needed(built, np.zeros(400, dtype=bool), np.random.default_rng(0))
    assert (found.low, found.median, found.high) == (20, 20, 20)


def test_a_curve_that_does_not_rise_gives_no_number_but_a_lower_bound():
    rng = np.random.default_rng(3)
    flat = Curve(SIZES, rng.random((2, 5, 200)) < 0.5)
    found = curve.needed(flat, rng.random(200) < 0.9, np.random.default_rng(0))
    assert found.high is None
    assert found.low == 320


def test_the_curve_has_a_band_around_its_points():
    built, _ = made_up(np.random.default_rng(5), 100)
    found = curve.points(built, np.random.default_rng(0))
    assert [p["labels"] for p in found] == SIZES.tolist()
    assert all(p["low"] < p["accuracy"] < p["high"] for p in found)
    assert [p["low"] <= acc(p["labels"]) <= p["high"] for p in found].count(True) >= 4


def groups(rng, n):
    """Texts of three classes whose number is written into their vectors."""
    y = rng.integers(0, 3, n)
    X = np.column_stack([np.eye(3)[y], np.arange(n)])
    return Rows(X, y.astype(np.int64))


def test_no_text_is_measured_with_what_was_trained_on_it_and_given_labels_are_in_all():
    rng = np.random.default_rng(0)
    given, drawn, test = groups(rng, 5), groups(rng, 30), groups(rng, 60)
    marked = Rows(test.X + np.array([0, 0, 0, 1000]), test.y)
    seen = []

    def fit_predict(X, y, wanted):
        assert not set(X[:, 3]) & set(wanted[:, 3])
        assert X[:5].tolist() == given.X.tolist()
        seen.append(len(y) - 5)
        return wanted[:, :3].argmax(axis=1)

    far = Rows(given.X, given.y), Rows(drawn.X + np.array([0, 0, 0, 100]), drawn.y)
    found = curve.measure(*far, marked, fit_predict, np.random.default_rng(1))

    assert found.hits.all(), "each text is measured, with its own prediction"
    assert found.sizes[-1] == 30 + 48
    assert set(seen) == set(found.sizes.tolist())


def test_a_curve_is_the_same_each_time_and_no_longer_than_asked_for():
    rng = np.random.default_rng(0)
    rows = groups(rng, 5), groups(rng, 30), groups(rng, 60)

    def fit_predict(X, y, wanted):
        return np.full(len(wanted), y[0])

    one, two = (
        curve.measure(*rows, fit_predict, np.random.default_rng(1), largest=40) for _ in range(2)
    )
    assert one.sizes[-1] == 40
    assert (one.hits == two.hits).all()
