"""What was spent: which answers count, hours without breaks, prices, and the size of a batch."""

import itertools
import math

import pytest

from al_loop.budget import price, spent
from al_loop.config import parse
from al_loop.errors import BudgetStop
from al_loop.store import class_changes, spending, tasks
from tests import worlds

_numbers = itertools.count(1)


@pytest.fixture
def store():
    store = worlds.make_store()
    yield store
    store.close()


def answer(store, who="ana", seconds=None, kind="label", label="refund", through="label_studio"):
    """Store an answer as a pull would; returns nothing."""
    number = next(_numbers)
    project = tasks.make_project(store, through, "test").id
    item = f"m{number % 60}"
    said = f'["{label}"]' if kind == "label" else "[]"
    store.execute(
        "INSERT INTO answers (project_id, annotation_id, key, item_id, look, annotator, kind,"
        " labels, missing, comment, origin, lead_time, model_version, created_at, updated_at,"
        " problem) VALUES (?, ?, ?, ?, 0, ?, ?, ?, '', '', '', ?, '', '', '', '')",
        [project, number, f"{item}:0", item, who, kind, said, seconds],
    )


def budget(**options):
    return parse({"budget": options}).budget


def test_an_empty_project_has_spent_nothing(store):
    now = spent.standing(store, budget(labels=10, hourly_rate=30))
    assert (now.cost.labels, now.cost.hours, now.cost.money) == (0, 0, 0)
    assert now.left == {"labels": 10}


def test_labels_count_skips_cost_time_and_what_was_adopted_costs_nothing(store):
    for kind in ("label", "label", "skip", "empty", "invalid"):
        answer(store, kind=kind, seconds=36)
    answer(store, through="adopted", seconds=3600)
    store.execute("UPDATE answers SET gone = 1 WHERE kind = 'invalid'")

    now = spent.standing(store, budget(hourly_rate=100))

    assert now.tally == spending.Tally(labels=2, answers=4, skips=1, hours=pytest.approx(0.04))
    assert now.cost.money == pytest.approx(4.0)


def test_a_price_by_the_label_counts_labels_only(store):
    for kind in ("label", "label", "skip"):
        answer(store, kind=kind, seconds=36)
    assert spent.standing(store, budget(price_per_label=0.1)).cost.money == pytest.approx(0.2)


def test_a_break_counts_as_that_persons_median_and_is_told(store):
    for seconds in (4, 5, 6, 7, 119.0, 3600):
        answer(store, "quick", seconds)
    for seconds in (100, 110, 120, 130, 140, 700):  # slow all the time is no break
        answer(store, "slow", seconds)

    rows = store.rows("SELECT seconds, counted FROM spending WHERE counted <> seconds")

    assert [tuple(r) for r in rows] == [(3600, 6.5)]
    told = spending.total(store)[1]
    assert (told.timed, told.untimed, told.cut) == (12, 0, 1)
    assert told.hours_cut == pytest.approx((3600 - 6.5) / 3600)


def test_a_person_with_few_timed_answers_is_compared_with_everybody(store):
    for _ in range(6):
        answer(store, "ana", 6)
    answer(store, "new", 5000)
    assert spending.by(store, "annotator")[1][1].hours == pytest.approx(6 / 3600)


def test_answers_without_a_time_count_with_the_median_of_the_others(store):
    for seconds in (2, 4, 100, None, None, 0, -3):
        answer(store, seconds=seconds)
    now = spent.standing(store, budget())
    assert now.cost.hours == pytest.approx((2 + 4 + 100 + 4 * 4) / 3600)
    assert now.breaks.untimed == 4


def test_where_nothing_was_timed_the_guess_of_the_config_counts(store):
    answer(store)
    answer(store)
    assert spent.standing(store, budget(seconds_per_label=9)).cost.hours == pytest.approx(18 / 3600)


def test_the_next_answers_take_the_mean_without_breaks_once_enough_were_timed(store):
    for _ in range(10):
        answer(store, seconds=4)
    guess = spent.standing(store, budget(seconds_per_label=9)).pace
    assert (guess.seconds, guess.source) == (9, "9.0 s an answer, a guess in config.toml")
    for _ in range(10):
        answer(store, seconds=8)
    answer(store, seconds=9999)
    known = spent.standing(store, budget(seconds_per_label=9)).pace
    assert known.seconds == pytest.approx((10 * 4 + 10 * 8 + 8) / 21)
    assert "mean of 21" in known.source


def test_parts_add_up_to_the_whole_in_every_direction(store):
    for i in range(30):
        kind = ("label", "label", "skip")[i % 3]
        answer(store, f"p{i % 4}", i or None, kind, worlds.CLASSES[i % 2])
    now = spent.standing(store, budget(hourly_rate=7))
    for what in ("round", "annotator", "class"):
        parts = [spent.cost(tally, budget(hourly_rate=7)) for _, tally in spending.by(store, what)]
        assert sum(p.labels for p in parts) == now.cost.labels == 20
        assert sum(p.hours for p in parts) == pytest.approx(now.cost.hours)
        assert sum(p.money for p in parts) == pytest.approx(now.cost.money)
    assert [name for name, _ in spending.by(store, "class")] == ["delay", "refund", None]


def test_an_answer_counts_for_the_class_that_its_name_stands_for_by_now(store):
    for label in ("refund", "delay", "late"):
        answer(store, seconds=36, label=label)
    with store.tx():
        class_changes.add(store, class_changes.New("merge", ["late"], {"late": "delay"}), "lead")

    tallies = dict(spending.by(store, "class"))

    assert list(tallies) == ["delay", "refund"]
    assert tallies["delay"] == spending.Tally(2, 2, 0, pytest.approx(0.02))


# The size of a batch


def plan(labels=0, spent_=0, texts=50, go_on=False, seconds=10.0, batch=None, **options):
    config = parse({"budget": {"labels": labels, **options}, "batch": batch or {}})
    limits = {k: v for k, v in {"labels": labels, **options}.items() if k in _LIMITS and v}
    left = {name: max(limit - spent_, 0) for name, limit in limits.items()}
    standing = spent.Standing(
        spending.Tally(0, 0, 0, 0.0),
        spent.Cost(spent_, spent_, spent_),
        spending.Breaks(0, 0, 0, 0.0, None),
        spent.Pace(seconds, "made up"),
        limits,
        left,
    )
    return price.plan(config, standing, texts, go_on=go_on)


_LIMITS = ("labels", "hours", "money")


def test_without_a_limit_a_batch_is_as_large_as_wanted():
    coming = plan()
    assert (coming.price.texts, coming.shrunk, coming.left, coming.asks) == (50, "", "", False)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({"labels": 30}, 30),
        ({"labels": 30, "spent_": 29}, 1),
        ({"hours": 0.1}, 36),
        ({"money": 1.0, "price_per_label": 0.1}, 10),
        ({"money": 0.3, "price_per_label": 0.1}, 3),  # 0.3 / 0.1 is 2.9999999999999996
        ({"money": 1.0, "hourly_rate": 36.0}, 10),
        ({"labels": 40, "hours": 0.1, "money": 1.0, "price_per_label": 0.1}, 10),
        ({"labels": 30, "batch": {"overlap": {"share": 0.5, "annotators": 2}}}, 20),
        ({"labels": 30, "batch": {"overlap": {"share": 1.0, "annotators": 3}}}, 10),
    ],
)
def test_a_batch_shrinks_to_what_every_limit_pays_for(options, texts):
    coming = plan(**options)
    assert coming.price.texts == texts
    assert coming.shrunk == f"the budget pays for {texts} of 50 texts"


def test_the_end_of_the_budget_is_an_error_that_says_how_to_go_on():
    with pytest.raises(BudgetStop, match="the budget is used up: 30 of 30 labels are spent") as e:
        plan(labels=30, spent_=30)
    assert e.value.exit_code == 4
    assert "raise [budget] labels" in e.value.hint
    assert "--continue" in e.value.hint


def test_what_does_not_pay_for_the_answers_of_one_text_is_the_end_too():
    with pytest.raises(
        BudgetStop, match="29 of 30 labels are spent; one more text takes 2 answers"
    ):
        plan(labels=30, spent_=29, batch={"overlap": {"share": 1.0, "annotators": 2}})


def test_the_limit_that_ends_first_is_named():
    assert plan(labels=100, hours=0.2).left.endswith("first to end: hours")
    with pytest.raises(BudgetStop) as e:
        plan(labels=1000, money=5.0, spent_=5, price_per_label=0.5)
    assert "raise [budget] money" in e.value.hint


def test_going_on_takes_the_whole_batch():
    assert plan(labels=30, spent_=30, go_on=True).price.texts == 50


def test_an_empty_pool_is_not_the_end_of_the_budget():
    assert plan(labels=30, spent_=30, texts=0).price.texts == 0


@pytest.mark.parametrize(
    ("options", "asks"),
    [
        ({}, False),
        ({"confirm_over": 50}, False),
        ({"confirm_over": 49}, True),
        ({"confirm_over": 4.99, "price_per_label": 0.1}, True),
        ({"confirm_over": 5.0, "price_per_label": 0.1}, False),
    ],
)
def test_a_batch_is_asked_about_above_money_or_else_answers(options, asks):
    assert plan(**options).asks is asks


def test_a_price_counts_the_answers_and_says_what_the_time_rests_on():
    overlap = {"overlap": {"share": 0.1, "annotators": 2}}
    coming = plan(batch=overlap, seconds=8, hourly_rate=30, currency="USD").price
    assert coming.line() == "price: 50 texts, 55 answers, 0.12 hours, 3.67 USD (made up)"
    assert math.isclose(coming.hours, 55 * 8 / 3600, abs_tol=1e-4)
