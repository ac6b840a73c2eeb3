"""Change the classes of a workspace and of its live project."""

from collections.abc import Callable

from al_loop.app import App
from al_loop.errors import AlLoopError
from al_loop.files import lock
from al_loop.store import answers, items, offers, overview
from al_loop.types import ClassSpec


def add_class(
    app: App, spec: ClassSpec, say: Callable[[str], None], *, live: bool = True
) -> int | None:
    """Add a class to the workspace, then to the project on the server, if there is one.

    Returns how many texts became labeled by answers that had asked for it; None when the class
    was there already. The labeling page is brought up to date in both cases.

    Raises:
        DataError: the name can't be used, or differs from a known one only in case.
        ServerError, AuthError: the class is added here, but not to the page yet.
    """
    spec = items.clean_class(spec)
    store = app.store
    with lock(app.workspace.lock_path), store.tx():
        before = overview.labeled_size(store)
        added = items.add_class(store, spec, origin="command")
        answers.refresh_labels(store)
        gained = overview.labeled_size(store) - before
    if live and app.project.remote_id is not None:
        _show(app, spec.name, say)
    return gained if added else None


def _show(app: App, name: str, say: Callable[[str], None]) -> None:
    """Put the classes on the labeling page."""
    try:
        with lock(app.workspace.lock_path):
            app.label_studio.update_page(app.project, offers.offer(app.store))
    except AlLoopError as e:
        raise type(e)(
            f"the class {name!r} is added here, but not on the labeling page yet: {e.message}",
            hint=f"{e.hint}; the next round's push adds it, or run the same command again",
        ) from e
    say("the labeling page offers it")
