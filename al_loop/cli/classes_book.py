"""`al-loop classes history` and `book`: how the classes came about, and what they mean."""

from pathlib import Path

import click

from al_loop.cli import pages
from al_loop.cli.tables import echo_json, echo_table, formats

_COLUMNS = {"version": "version", "at": "at", "author": "by", "action": "what", "what": "classes"}


@click.command()
@formats
@click.pass_obj
def history(root: Path, form: str | None) -> None:
    """Show every version of the classes: what changed, when, by whom.

    --json has the names that count as another class since, and the rounds that began with each
    version.
    """
    from al_loop.report.classes import versions
    from al_loop.store import open_store
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    found = versions(store)
    store.close()
    if form == "json":
        echo_json({"versions": found})
    elif form is None and not found:
        click.echo("no class was added or changed yet: al-loop classes add NAME")
    else:
        echo_table(found, _COLUMNS, form)


@click.command()
@click.option(
    "--format", "form", type=click.Choice(["md", "html"]), default="md", help="Default: md."
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it (default: print it).",
)
@click.pass_obj
def book(root: Path, form: str, out: Path | None) -> None:
    """Write the code book: what each class means, with examples and the version.

    `al-loop classes describe` writes it, class by class.
    """
    from al_loop.report import book as pages_of
    from al_loop.store import open_store
    from al_loop.workspace import find

    workspace = find(root)
    store = open_store(workspace.db_path)
    found = pages_of.facts(store, workspace.root.absolute().name)
    store.close()
    text = pages_of.page(found) if form == "html" else pages_of.markdown(found)
    if out is None:
        click.echo(text, nl=False)
        return
    pages.write(out, text, "--out")
    click.echo(out)
