"""What the annotators did, where they agree, and what suggestions do to their answers."""

from collections import defaultdict
from itertools import combinations
from statistics import median
from typing import Any

from al_loop.labels import votes_of
from al_loop.report.rates import difference, rate
from al_loop.store import Store, answers, class_changes, overview, reporting, rounds


def facts(store: Store) -> dict[str, Any]:
    """Return `annotators`, `agreement` and `suggestions` of a report."""
    return {
        "annotators": _annotators(store),
        "agreement": agreement(store),
        "suggestions": suggestions(store),
    }


def _annotators(store: Store) -> list[dict[str, Any]]:
    """Return one record a person; the seconds are a median, which no break spoils."""
    current = rounds.open_round(store)
    seconds = reporting.speeds(store)
    return [
        row
        | {
            "timed": len(mine := seconds.get(row["annotator"], [])),
            "median_seconds": median(mine) if mine else None,
        }
        for row in overview.annotators(store, current.number if current else 0)
    ]


def agreement(store: Store) -> dict[str, Any]:
    """Count how often two people gave the same label to the same text.

    Every pair of people who voted on a text is one comparison. `all` pools them; its interval
    takes them as independent, which three votes on one text are not quite.
    """
    known = class_changes.names(store)
    seen: dict[tuple[str, str], list[bool]] = defaultdict(list)
    texts = 0
    for given in answers.all_answers(store).values():
        votes = sorted(votes_of(given, known).items())
        texts += len(votes) > 1
        for (one, a), (two, b) in combinations(votes, 2):
            seen[one, two].append(a == b)
    pairs = [{"a": a, "b": b, **rate(sum(same), len(same))} for (a, b), same in seen.items()]
    pairs.sort(key=lambda p: (-p["n"], p["a"], p["b"]))
    hits, n = sum(p["hits"] for p in pairs), sum(p["n"] for p in pairs)
    return {"texts": texts, "all": rate(hits, n), "pairs": pairs}


def suggestions(store: Store) -> dict[str, Any]:
    """Compare how often people said what the model suggested, with and without seeing it.

    The texts without a visible suggestion were drawn at random from each batch, so that the
    difference is what seeing one does.
    """
    counted = reporting.suggestions(store)
    shown, blind = (counted.get(hidden, (0, 0)) for hidden in (False, True))
    return {
        "shown": rate(shown[1], shown[0]),
        "blind": rate(blind[1], blind[0]),
        "difference": difference((shown[1], shown[0]), (blind[1], blind[0])),
    }
