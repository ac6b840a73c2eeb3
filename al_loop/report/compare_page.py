"""What `al-loop compare` found out, as a page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from al_loop import html
from al_loop.compare import words
from al_loop.html import Block, Heading, Note, Prose, Table, charts
from al_loop.html.charts import Series

_STRATEGIES = {
    "strategy": "strategy",
    "area": "area",
    "area_between": "95 % interval",
    "accuracy": "accuracy at the end",
    "accuracy_between": "95 % interval",
    "needs": "labels needed",
    "saves": "labels saved",
    "saves_between": "95 % interval",
    "query_seconds": "seconds a query",
}
_PAIRS = {
    "a": "better",
    "b": "than",
    "difference": "difference of areas",
    "between": "95 % interval",
    "p": "p",
    "p_holm": "p, Holm-corrected",
    "says": "",
}

_RUNS = {
    "strategy": "strategy",
    "seed": "seed",
    "labels": "labels",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "classes_seen": "classes seen",
}


def page(facts: Mapping[str, Any]) -> str:
    """Return the facts of `al_loop.compare.summary` as one HTML file."""
    return html.page("Strategies compared", blocks(facts), kicker="al-loop compare")


def blocks(facts: Mapping[str, Any]) -> list[Block]:
    """Return what is said, the learning curves, the pairs, the strategies and the runs."""
    return [
        *_said(facts),
        *_curves(facts),
        *_pairs(facts),
        *_strategies(facts),
        *_runs(facts),
        *_settings(facts),
    ]


def _said(facts: Mapping[str, Any]) -> Iterator[Block]:
    *rest, verdict = words.sentences(facts) or ["one strategy, and nothing to compare it with"]
    yield Prose(f"{verdict[:1].upper()}{verdict[1:]}.")
    yield from (Prose(f"{line}.") for line in rest)
    yield from (Note(f"{line[:1].upper()}{line[1:]}.") for line in facts["notes"])


def _curves(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Learning curves")
    target, seeds = facts["target"], facts["strategies"][0]["runs"]
    series = [
        Series(
            s["strategy"],
            facts["labels"],
            s["curve"],
            s["curve_low"] or (),
            s["curve_high"] or (),
            reference=s["strategy"] == target["reference"],
        )
        for s in facts["strategies"]
    ]
    mean = f"Means over {seeds} seeds; bands are 95 % intervals." if seeds > 1 else "One seed."
    yield charts.lines(
        "Accuracy against labels",
        f"{mean} The target is an accuracy of {target['accuracy']:.3f}.",
        series,
        x="labels",
        y="accuracy",
        numbers=_numbers(facts),
    )


def _numbers(facts: Mapping[str, Any]) -> Table:
    names = [s["strategy"] for s in facts["strategies"]]
    rows = [
        {"labels": n, **{f"s{i}": s["curve"][at] for i, s in enumerate(facts["strategies"])}}
        for at, n in enumerate(facts["labels"])
    ]
    columns = {"labels": "labels", **{f"s{i}": name for i, name in enumerate(names)}}
    return Table("Mean accuracies", columns, rows, folded=True)


def _pairs(facts: Mapping[str, Any]) -> Iterator[Block]:
    pairs = facts["pairs"]
    if not pairs:
        return
    yield Heading("Pairs")
    rows = [
        (f"{p['a']} over {p['b']}", p["difference"], p["difference_low"], p["difference_high"])
        for p in pairs
        if p["difference_low"] is not None
    ]
    if rows:
        yield charts.forest(
            "Differences of the areas under the learning curves",
            "Paired over seeds, with 95 % intervals. An interval right of zero speaks for the"
            " strategy that is named first.",
            rows,
            x="difference of areas",
        )
    yield Table("All pairs", _PAIRS, [_pair(p) for p in pairs])


def _pair(p: Mapping[str, Any]) -> dict[str, Any]:
    says = {None: "one seed", True: "sure", False: "may be chance"}[p["sure"]]
    texts = {key: None if p[key] is None else words.p_text(p[key]) for key in ("p", "p_holm")}
    return {**p, **texts, "between": words.between(p, "difference"), "says": says}


def _strategies(facts: Mapping[str, Any]) -> Iterator[Block]:
    target = facts["target"]
    yield Heading("Strategies")
    rows = [
        {
            **s,
            "area_between": words.between(s, "area"),
            "accuracy_between": words.between(s, "accuracy"),
            "needs": words.needs(facts, s),
            "saves": words.saving(s),
            "saves_between": words.saving_between(s),
        }
        for s in facts["strategies"]
    ]
    yield Table(
        "The strategies, best area first",
        _STRATEGIES,
        rows,
        f"The area under the learning curve is the mean accuracy on the way. Labels needed for an"
        f" accuracy of {target['accuracy']:.3f}; saved against {target['reference']}.",
    )


def _runs(facts: Mapping[str, Any]) -> Iterator[Block]:
    if not facts["runs"]:
        return
    yield Heading("Runs")
    ordered = sorted(facts["runs"], key=lambda r: (r["strategy"], r["seed"]))
    for name, runs in groupby(ordered, key=lambda r: r["strategy"]):
        found = list(runs)
        yield charts.lines(
            name,
            f"The accuracy of each of {len(found)} runs.",
            [Series(f"seed {r['seed']}", r["labels"], r["accuracy"]) for r in found],
            x="labels",
            y="accuracy",
        )
    yield Table("How each run ended", _RUNS, [_run(r) for r in ordered])


def _run(r: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _last(r.get(key)) for key in _RUNS}


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _settings(facts: Mapping[str, Any]) -> Iterator[Block]:
    if not facts["settings"]:
        return
    yield Heading("Settings")
    rows = [
        {"option": name, "value": value if isinstance(value, str) else json.dumps(value)}
        for name, value in facts["settings"].items()
    ]
    yield Table("What was played", {"option": "option", "value": "value"}, rows)
