"""Where the open round stands, who answered, and what to do next."""

from typing import Any

from al_loop.cells import few
from al_loop.config import Config
from al_loop.store import (
    Store,
    clusters,
    overview,
    reporting,
    results,
    rounds,
    second_looks,
    tasks,
    undo,
)

_HALF_BACK = "al-loop undo goes on with taking the round back: it was cut off"


def facts(store: Store, config: Config | None = None) -> dict[str, Any]:
    """Return what `al-loop status --json` prints; `config` tells whether the budget has ended.

    Built from a few queries: no model, no encoder and no server is touched.
    """
    current = rounds.open_round(store)
    number = current.number if current else rounds.last_number(store)
    state = current.state if current else ("logged" if number else None)
    batch = rounds.batch(store, number) if current else []
    here = current is not None and tasks.annotator(store, current.project_id) == "terminal"
    left = set(overview.unsettled(store, number)) if current else set()
    ended = "" if current else _ended(store, config)
    return {
        "round": number,
        "state": state,
        "strategy": current.strategy if current else None,
        "choice": results.notes(store, number).get("choice") if current else None,
        "texts": len(batch),
        "settled": len(batch) - len(left),
        "open": len(left),
        "annotators": overview.annotators(store, number),
        "last_answer": overview.last_answer(store),
        "last_pull": overview.last_pull(store),
        "skipped_texts": overview.texts_with(store, "skipped"),
        "conflict_texts": overview.texts_with(store, "conflict"),
        "unusable_texts": overview.texts_with(store, "unusable"),
        "candidates": clusters.waiting(store),
        "missed": _missed(store, config),
        "pool": overview.pool_size(store),
        "labeled": overview.labeled_size(store),
        "url": None if here else overview.page(store),
        "next": _HALF_BACK
        if undo.begun(store, number) is not None
        else _next(state, len(left), overview.proposed_names(store), here=here, ended=ended),
    }


def _missed(store: Store, config: Config | None) -> list[str]:
    """Return a line for each target of people's work that is surely missed."""
    measured = config and (reporting.several_votes(store) or reporting.gold_looks(store))
    if config is None or not measured:
        return []  # reading every answer takes a while
    from al_loop.report import annotators_targets, annotators_votes, annotators_words

    said = annotators_votes.gather(store)
    return annotators_words.missed_lines(annotators_targets.targets(said, config))


def _ended(store: Store, config: Config | None) -> str:
    """Say why no further round can begin, empty when one can."""
    if not overview.pool_size(store) and not second_looks.waiting(store):
        return (
            "no unlabeled text is left: al-loop import FILE adds some, al-loop noise push asks"
            " about doubtful labels again"
        )
    if config is None:
        return ""
    from al_loop.budget import price, spent

    if not spent.limits(config.budget):
        return ""  # adding up every answer takes a while, and nothing depends on it
    return price.used_up(config, spent.standing(store, config.budget)) or ""


def _next(state: str | None, left: int, proposed: list[str], *, here: bool, ended: str) -> str:
    advice = ended or {
        None: "al-loop round chooses the first batch and sends it to the annotators",
        "selected": "al-loop round sends the batch to the annotators",
        "pushed": f"people have to answer {left} more texts; al-loop round --wait waits for them",
        "logged": "al-loop round begins the next round",
    }.get(state, "al-loop round goes on with the open round")
    if state == "pushed" and left == 0:
        advice = "al-loop round fetches the answers and trains"
    if here:
        advice = f"al-loop label goes on with the open round: {left} texts wait for an answer"
    if proposed:
        advice += f"; people asked for {few(proposed, 3)}: al-loop classes"
    return advice
