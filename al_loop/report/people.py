"""What the annotators did, how good they are, where they agree, what suggestions do to them."""

from statistics import median
from typing import Any

from al_loop.config import Config
from al_loop.report.annotators_disputes import disagreements
from al_loop.report.annotators_leaning import leaning, suggestions
from al_loop.report.annotators_targets import targets
from al_loop.report.annotators_votes import Said, gather
from al_loop.store import Store, items, overview, reporting, rounds

__all__ = ["agreement", "confusion", "facts", "page_facts", "suggestions"]

_DISAGREEMENTS = 10  # in the report


def facts(store: Store, config: Config, said: Said | None = None) -> dict[str, Any]:
    """Return what `al-loop annotators --json` prints.

    annotators: a record a person: `annotator`, `answered` and `skipped` texts, `open` ones of the
        round that are left for them, `last_answer`, `timed` answers and their `median_seconds`
        without breaks, `adjudicated` texts, and what `annotators_crowd.people` tells.
    targets: see `annotators_targets`. suggestions, leaning: see `annotators_leaning`.
    """
    said = gather(store) if said is None else said
    return {
        "annotators": _annotators(store, said),
        "targets": targets(said, config),
        "suggestions": suggestions(store),
        "leaning": leaning(store, said),
    }


def page_facts(store: Store, config: Config) -> dict[str, Any]:
    """Return the same with `agreement`, and `disagreements`: `total` and the first as `texts`."""
    said = gather(store)
    open_ = [d for d in disagreements(store, said) if d["decided"] is None]
    return {
        **facts(store, config, said),
        "agreement": agreement(store, config, said),
        "disagreements": {"total": len(open_), "texts": open_[:_DISAGREEMENTS]},
    }


def agreement(store: Store, config: Config, said: Said | None = None) -> dict[str, Any]:
    """Return what `al-loop annotators agreement --json` prints; see `annotators_crowd`."""
    from al_loop.report import annotators_crowd

    classes = [c.name for c in items.classes(store)]
    return annotators_crowd.agreement(said or gather(store), classes, config.seed)


def confusion(store: Store, said: Said | None = None) -> list[dict[str, Any]]:
    """Return what each person takes for what; see `annotators_crowd`."""
    from al_loop.report import annotators_crowd

    return annotators_crowd.confusion(said or gather(store))


def _annotators(store: Store, said: Said) -> list[dict[str, Any]]:
    """Return one record a person; the seconds are a median, which no slow text spoils."""
    from al_loop.report import annotators_crowd

    current = rounds.open_round(store)
    seconds, judged = reporting.speeds(store), annotators_crowd.people(said)
    decided = reporting.reviewed(store)
    return [
        row
        | {
            "timed": len(mine := seconds.get(row["annotator"], [])),
            "median_seconds": median(mine) if mine else None,
            "adjudicated": decided.get(row["annotator"], 0),
        }
        | judged.get(row["annotator"], annotators_crowd.NOBODY)
        for row in overview.annotators(store, current.number if current else 0)
    ]
