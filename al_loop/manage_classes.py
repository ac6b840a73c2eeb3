"""Change the classes of a workspace and of its live project."""

from collections.abc import Callable

from al_loop.app import App
from al_loop.errors import InputError
from al_loop.files import lock
from al_loop.store import answers, items, overview
from al_loop.types import ClassSpec


def add_class(app: App, spec: ClassSpec, say: Callable[[str], None], *, live: bool = True) -> int:
    """Add a class to the workspace, then to the project on the server, if there is one.

    Returns how many texts became labeled by answers that had asked for it.

    Raises:
        InputError: the name can't be used, or is known already.
        ServerError: the class is added here but not there yet; the next round's push does it.
    """
    spec = items.clean_class(spec)
    store = app.store
    with lock(app.workspace.lock_path), store.tx():
        before = overview.labeled_size(store)
        if not items.add_class(store, spec, origin="command"):
            raise InputError(f"{spec.name!r} is a class already", hint="al-loop classes")
        answers.refresh_labels(store)
        gained = overview.labeled_size(store) - before
    if live:
        _show(app, say)
    return gained


def _show(app: App, say: Callable[[str], None]) -> None:
    """Put the classes on the labeling page, if there is one."""
    if overview.page(app.store) is None:
        return
    with lock(app.workspace.lock_path):
        app.label_studio.update_page(app.project, items.classes(app.store))
    say("the labeling page has the class now")
