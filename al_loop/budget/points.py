"""What a percentage point of accuracy cost, between two rounds that were measured alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from al_loop.budget.spent import Cost


@dataclass(frozen=True, slots=True)
class Range:
    """A number with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """The way from one measured round to a later one.

    change: of accuracy, in percentage points.
    labels, hours, money: the cost of one point; None when the interval of the change reaches 0,
        since dividing by it would make any number. `money` also without a price.
    """

    after: int
    round: int
    cost: Cost
    change: Range
    labels: Range | None
    hours: Range | None
    money: Range | None


def points(history: Sequence[Mapping[str, Any]], costs: Mapping[int, Cost]) -> list[Point]:
    """Return a point for each round that was measured as the one before, and one over all.

    The interval of a change takes the two accuracies for independent. On the same test set they
    go up and down together, so it is wider than need be.

    Args:
        history: rounds as `store.results.history` returns them.
        costs: what the answers of each round cost.

    """
    measured = [r for r in history if r["accuracy"] is not None]
    pairs = [
        (before, now)
        for before, now in pairwise(measured)
        if before["accuracy_from"] == now["accuracy_from"]
    ]
    like_the_last = [r for r in measured if r["accuracy_from"] == measured[-1]["accuracy_from"]]
    if len(like_the_last) > 2:
        pairs.append((like_the_last[0], like_the_last[-1]))
    return [_point(before, now, costs) for before, now in pairs]


def _point(before: Mapping[str, Any], now: Mapping[str, Any], costs: Mapping[int, Cost]) -> Point:
    bought = [c for n, c in costs.items() if before["number"] < n <= now["number"]]
    money = [c.money for c in bought if c.money is not None]
    cost = Cost(
        sum(c.labels for c in bought), sum(c.hours for c in bought), sum(money) if money else None
    )
    change = _change(before, now)
    per_point = [_each(amount, change) for amount in (cost.labels, cost.hours, cost.money)]
    return Point(before["number"], now["number"], cost, change, *per_point)


def _change(before: Mapping[str, Any], now: Mapping[str, Any]) -> Range:
    half = math.hypot(*((r["accuracy_high"] - r["accuracy_low"]) / 2 for r in (before, now)))
    value = now["accuracy"] - before["accuracy"]
    return Range(100 * value, 100 * (value - half), 100 * (value + half))


def _each(amount: float | None, change: Range) -> Range | None:
    if amount is None or change.low <= 0:
        return None
    return Range(amount / change.value, amount / change.high, amount / change.low)
