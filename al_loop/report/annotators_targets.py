"""What is expected of people, and whether they reach it. No numpy: `al-loop status` asks, too."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from al_loop.config import Config
from al_loop.rates import by_text
from al_loop.report.annotators_votes import Said

REACHED, MISSED, UNSURE = "reached", "missed", "not sure"


def targets(said: Said, config: Config) -> dict[str, Any]:
    """Return agreement and accuracy of everybody beside the targets of config.toml.

    Each has `n`, `hits`, `share`, `low`, `high`, `target`, and as `standing` `reached` (the whole
    interval is at the target or above), `missed` (all of it is below), `not sure`, or None where
    nothing can be compared.

    agreement: of pairs of votes on the same text; `selected`: some texts were chosen for being
        difficult, see `Said`.
    accuracy: of votes on texts whose label is sure, or else settled; `basis` says which.
    """
    wanted = config.annotators
    return {
        "agreement": _beside(agreement(said), wanted.agreement) | {"selected": said.selected},
        "accuracy": _beside(accuracy(said), wanted.accuracy) | {"basis": said.basis},
    }


def agreement(said: Said) -> dict[str, Any]:
    """Return how often two votes on the same text are the same."""
    counts = [Counter(cast.values()).values() for cast in said.compared.values()]
    return by_text((sum(map(_pairs, votes)), _pairs(sum(votes))) for votes in counts)


def accuracy(said: Said) -> dict[str, Any]:
    """Return how often a vote says what its text counts as; while that is open, what most say."""
    votes = ((said.labels.get(i), Counter(cast.values())) for i, cast in said.gold.items())
    return by_text(
        (max(counts.values()) if label is None else counts[label], counts.total())
        for label, counts in votes
    )


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _beside(rate: Mapping[str, Any], target: float) -> dict[str, Any]:
    standing = None
    if rate["n"]:
        standing = REACHED if rate["low"] >= target else UNSURE
        standing = MISSED if rate["high"] < target else standing
    return {**rate, "target": target, "standing": standing}
