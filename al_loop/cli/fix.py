"""`al-loop fix`: a label by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from al_loop.cli.tables import one_line

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN = 20


def signed(command: F) -> F:
    """Add --as NAME, by default the name somebody is logged in under, as `author`."""
    return click.option(
        "--as", "author", metavar="NAME", default=login, help="Who decides (default: your login)."
    )(command)


def login() -> str:
    """Return the name somebody is logged in under."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in some containers
        return "unknown"


@click.command()
@click.argument("item", required=False)
@click.argument("label", required=False)
@click.option("--reason", metavar="TEXT", default="", help="Why; kept with the label.")
@signed
@click.option("--remove", is_flag=True, help="Take the decision on ITEM back.")
@click.option(
    "--file",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Many at once: a file with the columns id, label, reason.",
)
@click.pass_obj
def fix(
    root: Path,
    item: str | None,
    label: str | None,
    reason: str,
    author: str,
    remove: bool,
    path: Path | None,
) -> None:
    """Set the label of one text by hand.

    ITEM is any id under which the text came, LABEL a known class. The decision comes before all
    answers, those that are still to come as well, until --remove takes it back. Every decision
    is kept, with its author and reason.
    """
    from al_loop import fix as fixing
    from al_loop.files import lock
    from al_loop.store import open_store
    from al_loop.workspace import find

    if path is not None and item is None and not remove:
        wanted = list(fixing.read(path))
    elif path is None and item is not None and (label is None) == remove:
        wanted = [fixing.Wanted(item, label, reason)]
    else:
        raise click.UsageError("name an ITEM and its LABEL, or ITEM --remove, or --file FILE")
    workspace = find(root)
    store = open_store(workspace.db_path)
    with lock(workspace.lock_path):
        changes = fixing.apply(store, wanted, author)
    store.close()
    for change in changes[:_SHOWN]:
        click.echo(one_line(f"{change.item_id}: {_words(change.now)} (was: {_words(change.was)})"))
    if len(changes) > _SHOWN or path is not None:
        click.echo(f"labels set by hand: {len(changes)}")


def _words(verdict: Any) -> str:
    """Say what a text counts as."""
    if verdict is None:
        return "no label"
    how = {"fixed": "set by hand", "agreed": "agreed by people", "given": "given with the data"}
    if verdict.label is None:
        return f"no label, {verdict.status}"
    return f"{verdict.label}, {how[verdict.status]}"
