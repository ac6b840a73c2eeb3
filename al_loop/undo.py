"""Take the open round back: its tasks from the server, its rows from the workspace.

Answers that people gave stay, and count. Killed at any point and run again, it ends the same:
what is about to be removed is noted before, and the rows go in one transaction at the end. A
round with that note goes nowhere but back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from al_loop.app import App
from al_loop.crash import point
from al_loop.errors import StateError
from al_loop.files import lock
from al_loop.fix import signature
from al_loop.loop import exchange
from al_loop.loop.exchange import PullOptions
from al_loop.store import Store, results, rounds, tasks
from al_loop.store import undo as table
from al_loop.store.rounds import Round
from al_loop.types import State, TakenBack

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was (or would be) taken back, and how far it was.

    texts: texts of the batch. removed, kept: tasks that are gone from where people label, and
    those that somebody had worked on. labeled: texts with a label from people, which stays.
    reviews: texts that the round sent for adjudication: people disagree on them all the same.
    """

    round: int
    state: State
    texts: int
    removed: int
    kept: int
    labeled: int
    reviews: int


def undo(
    app: App, author: str, say: Say, *, dry_run: bool = False, allow_shrink: bool = False
) -> Undone:
    """Take the round that is not logged back.

    Raises:
        StateError: there is none; tasks of other rounds are gone from the server; or this is
            another server than the round was sent to.
        ServerError, AuthError: nothing was changed, or some of its tasks are removed: run again.
    """
    author, store = signature(author), app.store
    with lock(app.workspace.lock_path):
        current = _open_round(store)
        own = table.own_keys(store, current.number)
        if tasks.annotator(store, current.project_id) != "label_studio":
            seen = table.local_tasks(store, current.number, own)
        else:
            seen = _look(app, current.number, own, say, allow_shrink=allow_shrink)
            if not dry_run and seen.found:
                seen = _remove(app, current.number, own, seen, say, allow_shrink=allow_shrink)
        done = _summary(store, current, seen)
        if not dry_run:
            _forget(app, current.number, own, seen, author)
    return done


def _open_round(store: Store) -> Round:
    current = rounds.open_round(store)
    if current is not None:
        return current
    last = table.last(store)
    taken = "" if last is None else f" (round {last['round']} was taken back on {last['at'][:10]})"
    raise StateError(
        f"no round is open{taken}",
        hint="a logged round stays; `al-loop fix ID LABEL` changes a label",
    )


def _look(app: App, number: int, own: Sequence[str], say: Say, *, allow_shrink: bool) -> TakenBack:
    """Return what is on the server, and what an earlier try that was cut off found there.

    Raises:
        StateError: the round is on another server than config.toml names by now.
    """
    seen = app.label_studio.take_back(app.project, own, delete=False)
    if seen.note:
        page = tasks.page(app.store, app.project.id)
        if page != app.label_studio.link(app.project.remote_id or 0) and not allow_shrink:
            raise StateError(
                f"{seen.note}: round {number} was sent to {page}",
                hint="set [label_studio] url back to that server; if it is gone for good, add"
                " --allow-shrink",
            )
        say(f"{seen.note}: nothing to remove there")
    before = table.begun(app.store, number) or ()
    return replace(seen, found=sorted({*seen.found, *before}))


def _remove(
    app: App, number: int, own: Sequence[str], seen: TakenBack, say: Say, *, allow_shrink: bool
) -> TakenBack:
    """Fetch what people said, then remove what nobody touched."""
    if seen.kept:
        exchange.collect(app.parts(say=say), PullOptions(allow_shrink=allow_shrink), without=own)
        point("undo answers stored")
    with app.store.tx():
        table.begin(app.store, number, seen.found)
    point("undo noted")
    with app.bar(len(own), "removing") as draw:
        done = app.label_studio.take_back(app.project, own, progress=draw)
    return replace(done, found=sorted({*seen.found, *done.found}))


def _summary(store: Store, current: Round, seen: TakenBack) -> Undone:
    return Undone(
        round=current.number,
        state=current.state,
        texts=len(rounds.batch(store, current.number, released=True)),
        removed=len(set(seen.found) - set(seen.kept)),
        kept=len(seen.kept),
        labeled=table.labeled(store, current.number),
        reviews=results.notes(store, current.number).get("slots", {}).get("review", 0),
    )


def _forget(app: App, number: int, own: Sequence[str], seen: TakenBack, author: str) -> None:
    """Take the rows away, and the file of the model that the round trained."""
    model = results.current_model(app.store)
    with app.store.tx():
        table.finish(app.store, number, own, seen, author)
        point("undo written")
    point("undo committed")
    if model is not None and model.round == number:
        (app.workspace.models_dir / model.path).unlink(missing_ok=True)
