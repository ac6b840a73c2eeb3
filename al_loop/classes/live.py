"""Make a change of the classes, here in one transaction, then on the labeling page."""

from collections.abc import Callable
from dataclasses import dataclass

from al_loop.app import App
from al_loop.crash import point
from al_loop.errors import AlLoopError
from al_loop.files import lock
from al_loop.store import Store, answers, class_changes, offers, reviews

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did.

    line: in words.
    changed: False when all was so already.
    gained: texts that have another label since, or their first.
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
        version, before = class_changes.version(store), _labels(store)
        line = work(store)
        changed = class_changes.version(store) != version
        if changed:
            answers.refresh_labels(store)
        gained = sum(before.get(i) != label for i, label in _labels(store).items())
        point("classes changed")
    point("classes committed")
    if live and app.project.remote_id is not None:
        _show(app, line, say)
    return Outcome(line, changed, gained)


def _labels(store: Store) -> dict[str, str]:
    return {row[0]: row[3] for row in answers.labeled(store, "pool")}


def _show(app: App, line: str, say: Say) -> None:
    """Put what people can choose on the labeling page, and on that of the review project."""
    review = reviews.project(app.store, app.project.id)
    try:
        with lock(app.workspace.lock_path):
            for project in (app.project, review):
                if project is not None and project.remote_id is not None:
                    app.label_studio.update_page(project, offers.offer(app.store))
    except AlLoopError as e:
        raise type(e)(
            f"{line} here, but not on the labeling page yet: {e.message}",
            hint=f"{e.hint}; the next round's push adds it, or run the same command again",
        ) from e
    say("the labeling page is up to date")
