"""`al-loop classes`: what people can choose, and what they asked for."""

from pathlib import Path
from shlex import quote

import click

from al_loop.cli.progress import say
from al_loop.cli.tables import echo_json, echo_table, formats, one_line, shorten


@click.group(invoke_without_command=True)
@formats
@click.pass_context
def classes(ctx: click.Context, form: str | None) -> None:
    """Show and add classes.

    Known classes with the number of their labels, and proposals: what people wrote into
    "missing class". A proposal is not trained on until its class is added.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, form)


def _list(root: Path, form: str | None) -> None:
    from al_loop.report.classes import facts
    from al_loop.store import open_store
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    found = facts(store)
    store.close()
    if form == "json":
        echo_json(found)
        return
    if form is None and not (found["classes"] or found["proposals"]):
        click.echo("no class yet: al-loop classes add NAME")
        return
    rows = [c | {"status": "known"} for c in found["classes"]]
    rows += [
        {"name": p["name"], "status": "proposed", "labels": p["answers"], "description": ""}
        for p in found["proposals"]
    ]
    if form is None:
        rows = [r | {"description": shorten(str(r["description"]), 50)} for r in rows]
    columns = {"name": "class", "status": "status", "labels": "labels"}
    echo_table(rows, columns | {"description": "description"}, form)
    if form is None and found["proposals"]:
        wanted = quote(one_line(found["proposals"][0]["name"]))
        click.echo(f"accept one: al-loop classes add {wanted}")


@classes.command()
@click.argument("name")
@click.option("--description", metavar="TEXT", default="", help="What it means; annotators see it.")
@click.option("--example", "examples", metavar="TEXT", multiple=True, help="Shows it; repeatable.")
@click.pass_obj
def add(root: Path, name: str, description: str, examples: tuple[str, ...]) -> None:
    """Add a class, also to the live project.

    Answers that asked for it become labels at once.
    """
    from al_loop import app
    from al_loop.manage_classes import add_class
    from al_loop.types import ClassSpec

    with app.opened(root) as opened:
        gained = add_class(opened, ClassSpec(name, description, examples), say)
    if gained is None:
        click.echo(f"{one_line(name)!r} is a class already")
    else:
        click.echo(f"class {one_line(name)!r} added; labels gained by it: {gained}")
