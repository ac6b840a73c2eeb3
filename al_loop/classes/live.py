"""Make a change of the classes, here in one transaction, then on the labeling page."""

from collections.abc import Callable
from dataclasses import dataclass

from al_loop.app import App
from al_loop.crash import point
from al_loop.errors import AlLoopError
from al_loop.files import lock
from al_loop.store import Store, answers, class_changes, offers, overview

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did.

    line: in words.
    changed: False when all was so already.
    gained: texts that have a label since, less those that lost one.
    """

    line: str
    changed: bool
    gained: int


def change(app: App, work: Callable[[Store], str], say: Say, *, live: bool = True) -> Outcome:
    """Do `work`, which returns what it did in words, then bring the labels and the page up to date.

    The page is brought up to date as well when nothing changed: an earlier try may have failed
    just there.

    Raises:
        DataError: as `work` does; nothing is changed then.
        ServerError, AuthError: it is changed here, but not on the page yet.
    """
    store = app.store
    with lock(app.workspace.lock_path), store.tx():
        before = overview.labeled_size(store), class_changes.version(store)
        line = work(store)
        changed = class_changes.version(store) != before[1]
        if changed:
            answers.refresh_labels(store)
        gained = overview.labeled_size(store) - before[0]
        point("classes changed")
    point("classes committed")
    if live and app.project.remote_id is not None:
        _show(app, line, say)
    return Outcome(line, changed, gained)


def _show(app: App, line: str, say: Say) -> None:
    """Put what people can choose on the labeling page."""
    try:
        with lock(app.workspace.lock_path):
            app.label_studio.update_page(app.project, offers.offer(app.store))
    except AlLoopError as e:
        raise type(e)(
            f"{line} here, but not on the labeling page yet: {e.message}",
            hint=f"{e.hint}; the next round's push adds it, or run the same command again",
        ) from e
    say("the labeling page is up to date")
