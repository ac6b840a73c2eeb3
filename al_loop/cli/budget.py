"""`al-loop budget`."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from al_loop.cli.progress import bar
from al_loop.cli.tables import echo_json, echo_table, formats

_DIGITS = {"labels": 0, "hours": 2, "money": 2}
_POINT_DIGITS = {"labels": 1, "hours": 3, "money": 2}


@click.command()
@formats
@click.pass_obj
def budget(root: Path, form: str | None) -> None:
    """Say what the labels cost, what they bought, and what is left.

    An answer that is a label counts as one, skips cost time only. Hours are those that people
    had a text open, without breaks. Money is labels times [budget] price_per_label, or hours
    times hourly_rate, as config.toml has them today. --csv and --md print one long table with
    the columns kind, name, labels, answers, skips, hours, money; kind is spent, limit, left,
    round, annotator, class, point (cost of a percentage point of accuracy) or saved (against
    random labels), the last two with the ends of their intervals (point_low, point_high, ...).
    """
    import datetime as dt

    from al_loop import app
    from al_loop.budget.saved import against_random
    from al_loop.report import budget as report

    with app.opened(root, bar) as opened:
        saved = against_random(opened.store, opened.config, opened.vectors, bar)
        found = report.facts(opened.store, opened.config, dt.datetime.now(dt.UTC), saved)
    if form == "json":
        echo_json(found)
    elif form:
        rows = [_rounded(r) for r in report.table(found)]
        echo_table(rows, {name: name for name in report.COLUMNS}, form)
    else:
        _show(found)


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with as many digits as people want to see; one point costs little."""
    digits = _POINT_DIGITS if str(row.get("kind")).startswith("point") else _DIGITS
    return {k: _number(v, digits[k]) if k in digits else v for k, v in row.items()}


def _number(value: float | None, digits: int) -> Decimal | int | None:
    if value is None:
        return None
    return Decimal(f"{value:.{digits}f}") if digits else round(value)


def _show(found: Mapping[str, Any]) -> None:
    for line in [*_standing(found), *_saved(found)]:
        click.echo(line)
    for what, rows in (("round", "rounds"), ("annotator", "annotators"), ("class", "classes")):
        if found[rows]:
            click.echo()
            columns = _used((what, "labels", "answers", "skips", "hours", "money"), found)
            echo_table([_rounded(r) for r in found[rows]], columns)
    if found["points"]:
        click.echo("\na percentage point of accuracy cost, with 95 % intervals:")
        columns = _used(("rounds", "change", "labels", "hours", "money"), found)
        echo_table([_point(p) for p in found["points"]], columns)


def _used(columns: Sequence[str], found: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns with their headings, money only where there is a price."""
    headings = {name: name for name in columns if name != "money"}
    if found["spent"]["money"] is not None:
        headings["money"] = found["currency"]
    return headings


def _standing(found: Mapping[str, Any]) -> Iterator[str]:
    spent = found["spent"]
    answers = f"{spent['answers']} answers, {spent['skips']} of them skips"
    yield f"spent: {_amounts(spent, found)} ({answers})"
    if found["left"]:
        ends = f"; first to end: {found['ends_first']}" if len(found["left"]) > 1 else ""
        yield f"left:  {_amounts(found['left'], found)}{ends}"
    else:
        yield "left:  no limit set ([budget] labels, hours, money in config.toml)"
    yield from _hours(found["hours_from"])
    yield _end(found["forecast"], limited=bool(found["left"]))


def _amounts(values: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    units = {"labels": "labels", "hours": "hours", "money": found["currency"]}
    return ", ".join(
        f"{_number(values[name], _DIGITS[name])} {unit}"
        for name, unit in units.items()
        if values.get(name) is not None
    )


def _hours(how: Mapping[str, Any]) -> Iterator[str]:
    if how["cut"]:
        breaks = "1 break" if how["cut"] == 1 else f"{how['cut']} breaks"
        yield f"hours: {breaks} cut, {how['hours_cut']:.2f} hours ({how['rule']})"
    if how["untimed"] and not how["timed"]:
        yield f"hours: no answer was timed; {how['next']}"
    elif how["untimed"]:
        yield f"hours: {how['untimed']} answers without a time count with the median of the others"


def _end(forecast: Mapping[str, Any], *, limited: bool) -> str:
    if forecast["a_day"] is None:
        return f"end:   {forecast['why']}"
    speed = f"{forecast['a_day']:.1f} answers a day in the last {forecast['days']} days"
    if not limited:
        return f"end:   {forecast['why']}; {speed}"
    far = "more than ten years from now"
    ends, early, late = (forecast[k] or far for k in ("ends", "earliest", "latest"))
    return f"end:   {ends} ({early} to {late}), at {speed}"


def _saved(found: Mapping[str, Any]) -> Iterator[str]:
    saved = found["saved"]
    if saved["refused"]:
        yield f"saved: {saved['refused']}"
        return
    needed = _span(saved["needed"], 0)
    reached = f"the accuracy {saved['accuracy']:.3f} of {saved['texts']} texts labeled by people"
    yield f"saved: {_words(saved, found)}; {reached} would take {needed} random labels"
    yield f"       ({saved['rests_on']})"


def _words(saved: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    labels, high = saved["labels"], saved["labels"]["high"]
    if labels["low"] <= 0 and (high is None or high >= 0):
        return "not measurable"
    money = saved["money"] and f", {_span(saved['money'], 2)} {found['currency']}"
    return f"{_span(labels, 0)} labels{money or ''}"


def _span(r: Mapping[str, float | None], digits: int) -> str:
    """Return a number with its interval; an open end has no number."""
    if r["high"] is None:
        return f"more than {r['low']:.{digits}f}"
    return f"{r['value']:.{digits}f} ({r['low']:.{digits}f} to {r['high']:.{digits}f})"


def _point(p: Mapping[str, Any]) -> dict[str, Any]:
    cells = {
        unit: _span(p[unit], digits) if p[unit] else "not measurable"
        for unit, digits in _POINT_DIGITS.items()
    }
    change = (
        f"{p['change']['value']:+.1f} ({p['change']['low']:+.1f} to {p['change']['high']:+.1f})"
    )
    return {"rounds": f"{p['after']} to {p['round']}", "change": change, **cells}
