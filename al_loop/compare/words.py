"""What the facts of a comparison mean, in sentences."""

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]

_LEVEL = 0.0005  # differences below are printed as 0.000


def sentences(facts: Facts) -> list[str]:
    """Say how each strategy stands against the reference; what follows from it comes last."""
    reference = facts["target"]["reference"]
    others = [s["strategy"] for s in facts["strategies"] if s["strategy"] != reference]
    said = [against(facts, name, reference) for name in others]
    if "advice" in facts:  # of `live.recommend`
        return [*said, *facts["bias"]["words"], facts["advice"]["words"]]
    return [*said, verdict(facts)] if said else []


def against(facts: Facts, name: str, reference: str) -> str:
    """Say how one strategy stands against the reference, in accuracy and in labels."""
    pair = pair_of(facts, name, reference)
    better = pair["a"] == name
    by = f"by {pair['difference']:.3f}{_in_brackets(pair)}"
    if pair["sure"] is None:
        return f"{name} is {'above' if better else 'below'} {reference} {by} in one run"
    if abs(pair["difference"]) < _LEVEL:
        return f"{name} is level with {reference}{_in_brackets(pair)}"
    if not pair["sure"]:
        return (
            f"{name} {'leads' if better else 'trails'} {reference} {by}, {p_words(pair)}:"
            " this may be chance"
        )
    if not better:
        return f"{name} is worse than {reference} {by}, {p_words(pair)}"
    return f"{name} beats {reference} {by}, {p_words(pair)}{_saves(facts, name)}"


def verdict(facts: Facts) -> str:
    """Name the best strategy, and say over which others its lead is more than chance."""
    best, *others = (s["strategy"] for s in facts["strategies"])
    level = [name for name in others if not pair_of(facts, best, name)["sure"]]
    if not level:
        return f"best here: {best}, and that is sure"
    if len(level) == len(others):
        return "no strategy is surely the best: more --seeds tell small differences apart"
    return f"best here: {best}, but not surely better than {', '.join(level)}"


def pair_of(facts: Facts, one: str, other: str) -> dict[str, Any]:
    """Return the pair of two strategies, whichever is the better one."""
    return next(dict(p) for p in facts["pairs"] if {p["a"], p["b"]} == {one, other})


def record_of(facts: Facts, name: str) -> dict[str, Any]:
    """Return what is known about one strategy."""
    return next(dict(s) for s in facts["strategies"] if s["strategy"] == name)


def p_words(pair: Mapping[str, Any]) -> str:
    """Return the corrected p-value as people write it."""
    return f"p {p_text(pair['p_holm'], '= ')}"


def p_text(p: float, equal: str = "") -> str:
    """Return a p-value; one that is tiny is only said to be so."""
    return "< 0.001" if p < 0.001 else f"{equal}{p:.3f}"


def needs(facts: Facts, record: Mapping[str, Any]) -> str:
    """Return the labels that a strategy needs for the target, in words where it missed it."""
    needed = record["labels_needed"]
    return f"more than {facts['target']['labels']}" if needed is None else str(needed)


def saving(record: Mapping[str, Any]) -> str | None:
    """Return the labels that a strategy saves, as a bound where only that is known."""
    if record["saved"] is None:
        return None
    return " ".join(word for word in (record["saved_bound"], str(record["saved"])) if word)


def saving_between(record: Mapping[str, Any]) -> str | None:
    """Return the interval of the labels saved, which may be open."""
    low, high = record["saved_low"], record["saved_high"]
    if low is None and high is None:
        return None
    if low is None or high is None:
        return f"{low} or more" if high is None else f"{high} or less"
    return f"{low} to {high}"


def _saves(facts: Facts, name: str) -> str:
    record, target = record_of(facts, name), facts["target"]
    if not record["saved"] or record["saved"] < 0:
        return ""
    of = needs(facts, record_of(facts, target["reference"]))
    between = saving_between(record)
    return (
        f"; saves {record['saved_bound'] or 'about'} {record['saved']} of {of} labels"
        f"{f' ({between})' if between else ''} on the way to {target['accuracy']:.3f}"
    )


def between(record: Mapping[str, Any], name: str) -> str | None:
    """Return the interval of a number in words."""
    low, high = record[f"{name}_low"], record[f"{name}_high"]
    return None if low is None else f"{low:.3f} to {high:.3f}"


def _in_brackets(pair: Mapping[str, Any]) -> str:
    words = between(pair, "difference")
    return f" ({words})" if words else ""
