"""What the labels cost, what they bought, and how long the budget lasts, as one record."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from al_loop.budget import forecast, points, price, spent
from al_loop.config import Config
from al_loop.store import Store, results, spending

if TYPE_CHECKING:
    from al_loop.budget.saved import Saved

#: The columns of the long table, in which every number of a kind has a row.
COLUMNS = ("kind", "name", "labels", "answers", "skips", "hours", "money")
_BY: tuple[spending.By, ...] = ("round", "annotator", "class")
_UNITS = ("labels", "hours", "money")


def facts(store: Store, config: Config, now: dt.datetime, saved: "Saved") -> dict[str, Any]:
    """Return what `al-loop budget --json` prints; `now` has a time zone."""
    standing = spent.standing(store, config.budget)
    allowed = price.answers_left(config.budget, standing.left, standing.pace)
    left = min((_answers(standing, config, n, k) for n, k in allowed.items()), default=None)
    by = {what: _by(store, config, what) for what in _BY}
    return {
        "spent": _row(standing.tally, standing.cost),
        "limits": standing.limits,
        "left": standing.left,
        "ends_first": price.first_to_end(config.budget, standing),
        "currency": config.budget.currency,
        "hours_from": asdict(standing.breaks)
        | {"rule": spent.BREAK_RULE, "next": standing.pace.source},
        "rounds": by["round"],
        "annotators": by["annotator"],
        "classes": by["class"],
        "points": _points(store, by["round"]),
        "saved": _saved(saved, standing.cost.money),
        "forecast": _forecast(store, left, now),
    }


def _answers(standing: spent.Standing, config: Config, limit: str, labels: float) -> float:
    """Return the answers that a limit lasts for, skips included where they cost nothing."""
    by_label = limit == "labels" or (limit == "money" and config.budget.price_per_label)
    tally = standing.tally
    return labels * tally.answers / tally.labels if by_label and tally.labels else labels


def _row(tally: spending.Tally, cost: spent.Cost) -> dict[str, Any]:
    return asdict(tally) | {"hours": cost.hours, "money": cost.money}


def _by(store: Store, config: Config, what: spending.By) -> list[dict[str, Any]]:
    return [
        {what: name} | _row(tally, spent.cost(tally, config.budget))
        for name, tally in spending.by(store, what)
    ]


def _points(store: Store, rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    costs = {
        r["round"]: spent.Cost(r["labels"], r["hours"], r["money"])
        for r in rounds
        if r["round"] is not None
    }
    return [asdict(p) for p in points.points(results.history(store), costs)]


def _saved(saved: "Saved", money: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "refused": saved.refused or None,
        "texts": saved.texts,
        "accuracy": saved.accuracy,
        "pooled": saved.pooled,
        "rests_on": saved.rests_on or None,
        "curve": list(saved.curve),
        "needed": None,
        "labels": None,
        "money": None,
    }
    if saved.needed is not None:
        low, value, high = saved.needed.low, saved.needed.median, saved.needed.high
        found["needed"] = {"value": value, "low": low, "high": high}
        found["labels"] = _less(found["needed"], saved.texts)
        if money is not None:
            each = money / saved.texts
            found["money"] = {
                k: None if v is None else v * each for k, v in found["labels"].items()
            }
    return found


def _less(needed: Mapping[str, float | None], ours: int) -> dict[str, float | None]:
    return {k: None if v is None else v - ours for k, v in needed.items()}


def _forecast(store: Store, left: float | None, now: dt.datetime) -> dict[str, Any]:
    first = spending.first_answer(store)
    if first is None:
        return asdict(forecast.Forecast(why="no answer yet"))
    since = (now - dt.timedelta(days=forecast.WINDOW)).strftime("%Y-%m-%dT%H:%M:%S")
    times = [_utc(t) for t in spending.answer_times(store, since)]
    found = forecast.forecast(times, _utc(first), left, now)
    return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in asdict(found).items()}


def _utc(time: str) -> dt.datetime:
    """Read a time as the server sent it; one without a zone is UTC, as all times here."""
    read = dt.datetime.fromisoformat(time)
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)


def table(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the long table of `facts`: one row a number of each kind, columns as in `COLUMNS`.

    Kinds: spent, limit, left, round, annotator, class; point (cost of one percentage point of
    accuracy between two rounds) and saved (against random), each with the ends of its interval
    as point_low, point_high, saved_low, saved_high.
    """
    yield {"kind": "spent", **found["spent"]}
    if found["limits"]:
        yield {"kind": "limit", **found["limits"]}
        yield {"kind": "left", **found["left"]}
    for what, rows in (("round", "rounds"), ("annotator", "annotators"), ("class", "classes")):
        for r in found[rows]:
            yield {"kind": what, "name": r[what], **{k: r[k] for k in COLUMNS[2:]}}
    for p in found["points"]:
        name = f"{p['after']} to {p['round']}"
        yield from _interval("point", name, {unit: p[unit] for unit in _UNITS})
    saved = found["saved"]
    yield from _interval("saved", None, {unit: saved.get(unit) for unit in ("labels", "money")})


def _interval(kind: str, name: str | None, ranges: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for end in ("value", "low", "high"):
        numbers = {unit: r[end] for unit, r in ranges.items() if r and r[end] is not None}
        if numbers:
            yield {"kind": kind if end == "value" else f"{kind}_{end}", "name": name, **numbers}
