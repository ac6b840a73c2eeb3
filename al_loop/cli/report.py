"""`al-loop report`: one page about the project."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from al_loop.cli import pages
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json

if TYPE_CHECKING:
    from al_loop.app import App
    from al_loop.report.facts import Source


@click.command()
@click.option("--open", "opens", is_flag=True, help="Show it in the browser.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it (default: .al-loop/report.html in the workspace).",
)
@click.option(
    "--compare",
    "other",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another workspace, to be shown beside this one.",
)
@click.option("--md", "form", flag_value="md", help="Print Markdown instead.")
@click.option("--json", "form", flag_value="json", help="Print JSON instead.")
@click.pass_obj
def report(root: Path, opens: bool, out: Path | None, other: Path | None, form: str | None) -> None:
    """Write one page that says where the project stands.

    Where it is, what it cost, what to do next; learning curve, budget, classes, errors,
    annotators, suspicious labels, a map of the texts, rounds and settings. The file needs no
    network and can be sent to anyone who may read the texts in it.
    """
    from al_loop import app
    from al_loop.report import facts, page

    if form and (opens or out):
        raise click.UsageError(f"--out and --open are of the page, which --{form} does not write")
    with app.opened(root, bar) as opened:
        found = facts.facts(_source(opened), _other(other))
        path = out or opened.workspace.state_dir / "report.html"
    if form == "json":
        echo_json(found)
    elif form == "md":
        click.echo(page.markdown(found), nl=False)
    else:
        pages.write(path, page.page(found), "--out")
        click.echo(path)
        if opens:
            _show(path)


def _source(opened: "App") -> "Source":
    from al_loop.report.facts import Source

    where = opened.workspace
    return Source(
        name=where.root.absolute().name,
        store=opened.store,
        config=opened.config,
        vectors=opened.vectors,
        models_dir=where.models_dir,
        map_path=where.state_dir / "map.json",
        say=say,
        bar=bar,
    )


def _other(root: Path | None) -> dict[str, Any] | None:
    from al_loop import app
    from al_loop.report import facts

    if root is None:
        return None
    with app.opened(root) as opened:
        return facts.summary(_source(opened))


def _show(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        say("no browser was found; open the file yourself")
