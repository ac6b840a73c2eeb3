"""Let somebody decide where people disagree: in a review project of its own.

Each disagreement goes there once. It is noted in one transaction before anything is sent, so that
the same command, or the next round, finishes what was cut off.
"""

from collections.abc import Callable
from dataclasses import dataclass

from al_loop.app import App
from al_loop.crash import point
from al_loop.loop import adjudication, exchange, machine
from al_loop.loop.exchange import PullOptions
from al_loop.loop.parts import Parts
from al_loop.store import consensus, reviews, rounds, tasks
from al_loop.store.consensus import Disputed

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where adjudication stands.

    asked: disagreements that were (or would be) sent now, the most uncertain first.
    waiting: texts in the review project that nobody has answered, those among them.
    settled: further disagreements, which the consensus is sure enough of.
    unneeded: of those that wait, texts that nobody disagrees on any more: set by hand, or labeled
        anew.
    left_open: texts that adjudicators have answered and not decided.
    url: the page where people adjudicate, empty before the first.
    """

    asked: tuple[Disputed, ...]
    waiting: int
    settled: int
    unneeded: int
    left_open: int
    url: str


def adjudicate(
    app: App,
    say: Say,
    *,
    limit: int | None = None,
    below: float = consensus.UNSURE,
    dry_run: bool = False,
    allow_shrink: bool = False,
) -> Standing:
    """Fetch all answers, then send what people disagree on; `dry_run` only says what it would be.

    below: send also what the consensus is less sure of than this.

    Raises:
        StateError: a round is half taken back; or tasks are gone from the server.
        ServerError, AuthError: run it again, nothing is sent twice.
    """
    parts = app.parts(say=say)
    with parts.lock():
        if not dry_run:
            _pull(parts, PullOptions(allow_shrink=allow_shrink))
        asked = tuple(open_ones(parts, below)[:limit])
        if not dry_run:
            _send(parts, app, asked)
        return _standing(parts, asked, below)


def open_ones(parts: Parts, below: float) -> list[Disputed]:
    """Return the disagreements that nobody was asked to decide yet, the most uncertain first."""
    asked = reviews.asked(parts.store)
    return [d for d in consensus.disputed(parts.store, below) if d.item_id not in asked]


def _pull(parts: Parts, options: PullOptions) -> None:
    current = rounds.open_round(parts.store)
    if current is not None:
        machine.check_whole(parts.store, current.number)
    if tasks.task_overlaps(parts.store, parts.project.id):
        exchange.collect(parts, options)
    else:
        exchange.collect_reviews(parts, options)


def _send(parts: Parts, app: App, asked: tuple[Disputed, ...]) -> None:
    if asked:
        project = reviews.make_project(parts.store, parts.project)
        with parts.store.tx():
            reviews.ask(parts.store, project.id, [d.item_id for d in asked])
            point("reviews written")
        point("reviews noted")
    adjudication.push(parts, app.config)


def _standing(parts: Parts, asked: tuple[Disputed, ...], below: float) -> Standing:
    store = parts.store
    project = reviews.project(store, parts.project.id)
    every = consensus.disputed(store, below=adjudication.EVERY)  # reads all answers: once
    disputed = {d.item_id for d in every}
    open_ = {d.item_id for d in every if d.label is None or d.quality < below}
    waiting = set(reviews.waiting(store))
    return Standing(
        asked=asked,
        waiting=len(waiting),
        settled=len(disputed - open_ - reviews.asked(store)),
        unneeded=len(waiting - disputed),
        left_open=len(disputed & reviews.asked(store) - waiting),
        url="" if project is None else tasks.page(store, project.id),
    )
