"""When the budget ends, and what a point of accuracy cost."""

import datetime as dt
import random

import pytest

from al_loop.budget.forecast import forecast
from al_loop.budget.points import points
from al_loop.budget.spent import Cost

NOW = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)


def days_ago(*days):
    return [NOW - dt.timedelta(days=d) for d in days]


def daily(per_day, days):
    return days_ago(*(d + 0.01 * i for d in range(days) for i in range(per_day)))


def test_a_steady_speed_gives_one_date():
    times = daily(10, 20)
    found = forecast(times, times[-1], 105, NOW)
    assert (found.a_day, found.days) == (10, 14)
    assert found.ends == found.earliest == found.latest == dt.date(2026, 3, 31)


def test_an_uneven_speed_gives_a_range_around_the_date():
    rng = random.Random(1)
    times = [t for d in range(14) for t in days_ago(*[d + 0.5] * rng.choice([0, 5, 30]))]
    found = forecast(times, NOW - dt.timedelta(days=40), 300, NOW)
    assert found.earliest < found.ends < found.latest


def test_days_on_which_nobody_worked_count_but_not_those_before_the_first_answer():
    times = days_ago(*[0.5] * 15, *[3.5] * 15)
    assert forecast(times, times[-1], 100, NOW).days == 4
    long_ago = NOW - dt.timedelta(days=100)
    assert forecast(times, long_ago, 100, NOW).a_day == pytest.approx(30 / 14)


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (daily(30, 2), "can't tell the speed yet: 60 answers in 2 days"),
        (daily(1, 10), "can't tell the speed yet: 10 answers in 10 days"),
        (days_ago(*[20.5] * 40), "nobody answered in the last 14 days"),
    ],
)
def test_no_speed_is_stated_from_too_little(times, why):
    found = forecast(times, times[-1], 100, NOW)
    assert (found.a_day, found.ends) == (None, None)
    assert why in found.why


def test_without_a_limit_there_is_a_speed_and_no_date():
    times = daily(10, 5)
    found = forecast(times, times[-1], None, NOW)
    assert (found.a_day, found.ends, found.why) == (10, None, "no limit set")


def test_a_budget_that_is_gone_ends_today_and_one_for_centuries_never():
    times = daily(10, 5)
    assert forecast(times, times[-1], 0, NOW).ends == NOW.date()
    assert forecast(times, times[-1], 1e9, NOW).ends is None


def a_round(number, accuracy, half=0.02, source="test set"):
    return {
        "number": number,
        "accuracy": accuracy,
        "accuracy_low": None if accuracy is None else accuracy - half,
        "accuracy_high": None if accuracy is None else accuracy + half,
        "accuracy_from": source,
    }


COSTS = {n: Cost(50, 0.5, 10.0) for n in range(1, 6)}


def test_a_point_costs_what_was_bought_between_two_measurements_divided_by_the_change():
    (point,) = points([a_round(1, 0.5), a_round(2, None), a_round(3, 0.7)], COSTS)
    assert (point.after, point.round, point.cost) == (1, 3, Cost(100, 1.0, 20.0))
    assert point.labels.value == pytest.approx(5)
    assert point.money.value == pytest.approx(1)
    half = 100 * (2 * 0.02**2) ** 0.5
    assert point.labels.low == pytest.approx(100 / (20 + half))
    assert point.labels.high == pytest.approx(100 / (20 - half))


@pytest.mark.parametrize("after", [0.5, 0.527, 0.4])
def test_a_change_that_may_be_nothing_has_no_price(after):
    (point,) = points([a_round(1, 0.5), a_round(2, after)], COSTS)
    assert (point.labels, point.hours, point.money) == (None, None, None)


def test_accuracies_from_different_texts_are_not_compared():
    history = [a_round(1, 0.5), a_round(2, 0.9, source="random share"), a_round(3, 0.95)]
    assert points(history, COSTS) == []


def test_the_last_line_covers_all_rounds_that_were_measured_alike():
    history = [a_round(1, 0.3, source="random share"), *(a_round(n, n / 10) for n in (2, 3, 4))]
    found = points(history, COSTS)
    assert [(p.after, p.round) for p in found] == [(2, 3), (3, 4), (2, 4)]
    assert points([], {}) == []
    assert points(history[:2], COSTS) == []


def test_without_a_price_a_point_costs_labels_and_hours():
    costs = {n: Cost(50, 0.5, None) for n in (1, 2)}
    (point,) = points([a_round(1, 0.5), a_round(2, 0.7)], costs)
    assert point.money is None
    assert point.hours is not None
