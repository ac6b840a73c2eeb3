"""Steps 2 and 3: tasks to people, answers back."""

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from al_loop.config import Config
from al_loop.crash import point
from al_loop.labels import folded
from al_loop.loop import adjudication, again
from al_loop.loop.parts import Parts
from al_loop.store import answers, items, offers, overview, reviews, rounds, tasks
from al_loop.store.core import Store
from al_loop.store.rounds import BatchRow, Round
from al_loop.types import (
    ClassSpec,
    ProjectRef,
    Pulled,
    PullRequest,
    PushRequest,
    Suggestion,
    Task,
)


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How patient and how careful a pull is."""

    accept_partial: bool = False
    allow_shrink: bool = False
    delete_duplicates: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the people are: texts of the open batch, and those that are settled."""

    texts: int
    settled: int


def push(parts: Parts, round_: Round, config: Config, *, delete_duplicates: bool = True) -> None:
    """Bring the round's batch to the annotators: each text exactly once, in effect.

    Disagreements that wait for it go to the review project before.
    """
    began = time.monotonic()
    store = parts.store
    adjudication.push(parts, config, delete_duplicates=delete_duplicates)
    wanted = _tasks(store, config, rounds.batch(store, round_.number))
    request = PushRequest(
        project=tasks.refreshed(store, parts.project),
        offer=offers.offer(store),
        tasks=wanted,
        model_version=round_.model_version,
        sweep=tasks.recent_keys(store, parts.project.id),
        delete_duplicates=delete_duplicates,
    )
    with parts.bar(len(wanted), "pushing") as progress:
        pushed = parts.annotator.push(request, progress)
    with store.tx():
        tasks.record_push(
            store,
            parts.project.id,
            remote_id=pushed.remote_id,
            url=pushed.url,
            task_ids=pushed.task_ids,
        )
        rounds.transition(store, round_.number, "selected", "pushed", time.monotonic() - began)
        point("C5 tasks recorded")
    point("C8 pushed")
    for note in pushed.notes:
        parts.say(note)
    parts.say(f"round {round_.number}: {len(wanted)} texts are with the annotators")


def _tasks(store: Store, config: Config, batch: Sequence[BatchRow]) -> list[Task]:
    shown = items.context(store, [b.item_id for b in batch], config.label_studio.show)
    suggested = offers.names_of_today(store)
    return [
        Task(
            key=b.key,
            item_id=b.item_id,
            look=b.look,
            text=b.text,
            context=shown.get(b.item_id, ""),
            overlap=b.overlap,
            suggestion=(
                Suggestion(name, b.suggestion_score or 0.0)
                if (name := suggested.get(folded(b.suggestion or ""))) and not b.blind
                else None
            ),
        )
        for b in batch
    ]


def fetch(
    parts: Parts, options: PullOptions, project: ProjectRef, without: Collection[str] = ()
) -> Pulled:
    """Ask for the full snapshot of a project; tasks of `without` may be gone from it."""
    store = parts.store
    pushed = tasks.task_overlaps(store, project.id)
    review = project.role == "review"
    recent = reviews.unanswered if review else tasks.recent_keys
    return parts.annotator.pull(
        PullRequest(
            project=tasks.refreshed(store, project),
            classes=items.classes(store),
            keys={key: n for key, n in pushed.items() if key not in without},
            sweep=recent(store, project.id),
            annotated_before=tasks.annotated(store, project.id),
            allow_shrink=options.allow_shrink,
            delete_duplicates=options.delete_duplicates,
        )
    )


def _fetch_all(
    parts: Parts, options: PullOptions, without: Collection[str] = ()
) -> list[tuple[ProjectRef, Pulled]]:
    """Fetch the labeling project, and the review project where it has tasks."""
    pulled = [(parts.project, fetch(parts, options, parts.project, without))]
    return pulled + _fetch_reviews(parts, options)


def _fetch_reviews(parts: Parts, options: PullOptions) -> list[tuple[ProjectRef, Pulled]]:
    review = reviews.project(parts.store, parts.project.id)
    if review is None or not tasks.task_overlaps(parts.store, review.id):
        return []
    return [(review, fetch(parts, options, review))]


def _store(
    parts: Parts, fetched: Sequence[tuple[ProjectRef, Pulled]]
) -> list[tuple[ProjectRef, Pulled, answers.Changes]]:
    done = []
    for project, pulled in fetched:
        items.add_classes(parts.store, map(ClassSpec, pulled.new_classes), "oracle")
        done.append((project, pulled, answers.save_pull(parts.store, project.id, pulled)))
        tasks.release_gone(parts.store, project.id)
    again.late(parts.store)
    tasks.release_taken_back(parts.store)
    return done


def _tell(parts: Parts, stored: Sequence[tuple[ProjectRef, Pulled, answers.Changes]]) -> None:
    for project, pulled, changes in stored:
        for note in pulled.notes:
            parts.say(note)
        if project.role == "review":
            adjudication.tell(parts, pulled, changes)
            continue
        if pulled.gone:
            parts.say(
                f"{len(pulled.gone)} tasks are gone from the server; their texts are free again"
            )
        if changes.edited or changes.deleted:
            parts.say(
                f"{changes.edited} earlier answers were changed, {changes.deleted} deleted;"
                " the old ones are kept in the history"
            )


def sync(parts: Parts, options: PullOptions) -> None:
    """Fetch late answers of texts that went back to the pool, so that none is asked twice.

    Those of adjudicators as well. With `allow_shrink` always: what is gone from the server is let
    go of before the next push.
    """
    late = tasks.has_unanswered_tasks(parts.store, parts.project.id)
    shrunk = options.allow_shrink and tasks.task_overlaps(parts.store, parts.project.id)
    if late or shrunk:
        collect(parts, options)
    elif reviews.open_keys(parts.store, parts.project.id):
        collect_reviews(parts, options)


def collect(parts: Parts, options: PullOptions, without: Collection[str] = ()) -> None:
    """Fetch and store all answers, whatever round is open; see `fetch`."""
    _keep(parts, _fetch_all(parts, options, without))


def collect_reviews(parts: Parts, options: PullOptions) -> None:
    """Fetch and store the answers of the review project only, where it has tasks."""
    if fetched := _fetch_reviews(parts, options):
        _keep(parts, fetched)


def _keep(parts: Parts, fetched: Sequence[tuple[ProjectRef, Pulled]]) -> None:
    with parts.store.tx():
        stored = _store(parts, fetched)
    _tell(parts, stored)


def pull(parts: Parts, round_: Round, config: Config, options: PullOptions) -> Progress | None:
    """Fetch the answers; close the round when its texts are settled.

    Returns None when the round moved on, else how far the people are. Answers are stored in
    both cases, in one transaction with the round's state.
    """
    began = time.monotonic()
    store = parts.store
    adjudication.push(parts, config, delete_duplicates=options.delete_duplicates)
    fetched = _fetch_all(parts, options)
    with store.tx():
        stored = _store(parts, fetched)
        batch = rounds.batch(store, round_.number)
        open_ids = overview.unsettled(store, round_.number)
        settled = len(batch) - len(open_ids)
        unanswered = answers.undecided(store, round_.number, open_ids)
        closes = _closes(
            config, options, len(batch), settled, answered=len(unanswered) < len(batch)
        )
        if closes:
            rounds.release(store, round_.number, unanswered)
            rounds.transition(store, round_.number, "pushed", "pulled", time.monotonic() - began)
        point("C11 answers written")
    point("C11 answers committed")
    _tell(parts, stored)
    if not closes:
        return Progress(len(batch), settled)
    left = f", {len(unanswered)} went back to the pool" if unanswered else ""
    parts.say(f"round {round_.number}: {settled} texts settled{left}")
    return None


def _closes(
    config: Config, options: PullOptions, texts: int, settled: int, *, answered: bool
) -> bool:
    """Tell whether a round goes on: all texts are settled, or as many as was asked for."""
    if settled == texts:
        return True
    enough = math.ceil(config.batch.close_at * texts - 1e-9)
    return (settled > 0 and settled >= enough) or (answered and options.accept_partial)
