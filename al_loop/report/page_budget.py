"""The section of a report about the budget: spent, left, and what random labels had cost."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from al_loop.html import Block, Heading, Note, Prose, Table, charts
from al_loop.html.charts import Series

_NO_LABEL = "skipped, or no label"
_DIGITS = {"labels": 0, "hours": 2, "money": 2}


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return what was spent over time, by round, and a point of accuracy's price."""
    found = facts["budget"]
    yield Heading("Budget")
    if not found["spent"]["answers"]:
        yield Prose("Nothing was spent yet.")
        return
    yield Prose(_left(found, used_up=facts["cost"]["used_up"] is not None))
    yield Note("A text that two people labeled counts as two labels here: both were paid for.")
    yield from (Note(line) for line in _rests_on(found))
    for unit in found["limits"] or ("labels" if found["spent"]["money"] is None else "money",):
        yield _burn_down(found, unit)
    yield _table("What each round cost", "round", found["rounds"], found)
    classes = [r | {"class": r["class"] or _NO_LABEL} for r in found["classes"]]
    yield _table("What each class cost", "class", classes, found, folded=True)
    yield from _points(found)


def amount(unit: str, value: float, currency: str) -> str:
    """Return labels, hours or money as people write them."""
    return f"{value:,.{_DIGITS[unit]}f} {currency if unit == 'money' else unit}"


def saved_words(found: Mapping[str, Any]) -> str:
    """Say what random labels would have cost for the same accuracy."""
    saved = found["saved"]
    if saved["refused"]:
        return f"Random's curve {saved['refused']}."
    needed, labels = saved["needed"], saved["labels"]
    reached = f"the accuracy {saved['accuracy']:.3f} of {saved['texts']:,} texts labeled by people"
    says = f"Random labels: {_span(needed, 0)} would give {reached}."
    if labels["low"] <= 0 and (labels["high"] is None or labels["high"] >= 0):
        return f"{says} Whether anything was saved can't be told."
    if labels["high"] is not None and labels["high"] < 0:
        return f"{says} So nothing was saved."
    money = saved["money"]
    worth = f", {_span(money, 2)} {found['currency']}" if money else ""
    return f"{says} Saved: {_span(labels, 0)} labels{worth}."


def _span(r: Mapping[str, float | None], digits: int) -> str:
    """Return a number with its interval; an open end has no number."""
    if r["value"] is None or r["high"] is None:
        return f"more than {r['low']:,.{digits}f}"
    return f"{r['value']:,.{digits}f} ({r['low']:,.{digits}f} to {r['high']:,.{digits}f})"


def _left(found: Mapping[str, Any], *, used_up: bool) -> str:
    currency = found["currency"]
    spent = [
        amount(unit, found["spent"][unit], currency)
        for unit in _DIGITS
        if found["spent"][unit] is not None
    ]
    says = f"Spent: {', '.join(spent)}."
    if found["left"]:
        left = ", ".join(amount(u, v, currency) for u, v in found["left"].items())
        if used_up:
            return f"{says} Left: {left}: the budget is used up."
        first = f"; {found['ends_first']} end first" if len(found["left"]) > 1 else ""
        says += f" Left: {left}{first}."
    else:
        says += " No limit is set ([budget] in config.toml)."
    if not found["limits"] and found["forecast"]["a_day"] is None:
        return says
    return f"{says} {_end(found['forecast'])}"


def _end(forecast: Mapping[str, Any]) -> str:
    if forecast["a_day"] is None:
        return f"When it ends can't be told: {forecast['why']}."
    speed = f"{forecast['a_day']:.1f} answers a day in the last {forecast['days']} days"
    if forecast["why"]:
        return f"{speed}."
    far = "more than ten years from now"
    between = f"{forecast['earliest'] or far} to {forecast['latest'] or far}"
    return f"At {speed} it is gone on {forecast['ends'] or far} ({between})."


def _rests_on(found: Mapping[str, Any]) -> Iterator[str]:
    how = found["hours_from"]
    if how["cut"]:
        yield (
            f"{how['cut']} of {how['timed']:,} timed answers had a break in them, which took"
            f" {how['hours_cut']:.2f} hours away: {how['rule']}."
        )
    if how["untimed"]:
        rest = "take what config.toml guesses" if not how["timed"] else "count with the median"
        yield f"{how['untimed']:,} answers have no time; they {rest}."


def _burn_down(found: Mapping[str, Any], unit: str) -> Block:
    """Draw what was spent against the limit, and where it goes at the present speed."""
    points, limit, currency = found["over_time"], found["limits"].get(unit), found["currency"]
    name = currency if unit == "money" else unit
    dated = len(points) > 1
    if not dated:  # all answers of a simulation come at once
        points = _by_round(found)
    at, y = [p["at"] for p in points], [p[unit] for p in points]
    series = [Series("spent", at, y, steps=True)]
    forecast = found["forecast"]
    ends = forecast["ends"] if dated and unit == found["ends_first"] else None
    if ends and limit:
        series.append(Series("at this speed", [at[-1], ends], [y[-1], limit]))
    if limit:
        series.append(
            Series("limit", [at[0], ends or at[-1]], [limit, limit], reference=True),
        )
    of = f" of {amount(unit, limit, currency)}" if limit else ""
    return charts.lines(
        f"{name.capitalize() if unit != 'money' else 'Money'} spent",
        f"{amount(unit, y[-1], currency)}{of} are spent.",
        series,
        x="" if dated else "round",
        y=name,
        dates=dated,
        numbers=_numbers(points, unit, name, "until" if dated else "round"),
    )


def _by_round(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    sums = dict.fromkeys(_DIGITS, 0.0)
    points = []
    for r in found["rounds"]:
        sums = {unit: sums[unit] + (r[unit] or 0.0) for unit in _DIGITS}
        points.append({"at": r["round"] or 0, **sums})
    return points


def _numbers(points: list[dict[str, Any]], unit: str, name: str, when: str) -> Table:
    rows = [{"at": p["at"], unit: _rounded(p[unit], unit)} for p in points]
    return Table("The numbers", {"at": when, unit: name}, rows, folded=True)


def _rounded(value: float | None, unit: str) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.{_DIGITS[unit]}f}")


def _table(
    title: str,
    what: str,
    rows: list[dict[str, Any]],
    found: Mapping[str, Any],
    *,
    folded: bool = False,
) -> Table:
    columns = {name: name for name in (what, "labels", "answers", "skips", "hours")}
    if found["spent"]["money"] is not None:
        columns["money"] = found["currency"]
    shown = [r | {u: _rounded(r[u], u) for u in ("hours", "money")} for r in rows]
    return Table(title, columns, shown, folded=folded)


def _points(found: Mapping[str, Any]) -> Iterator[Block]:
    if not found["points"]:
        return
    columns = {"rounds": "rounds", "change": "change", "labels": "labels a point"}
    columns |= {"hours": "hours a point"}
    if found["spent"]["money"] is not None:
        columns |= {"money": f"{found['currency']} a point"}
    rows = [
        {
            "rounds": f"{p['after']} to {p['round']}",
            "change": _span(p["change"], 1),
            **{u: _span(p[u], max(n, 1)) if p[u] else "not measurable" for u, n in _DIGITS.items()},
        }
        for p in found["points"]
    ]
    note = "With 95 % intervals. Not measurable: the accuracy may not have risen at all."
    yield Table("What a percentage point of accuracy cost", columns, rows, note)
