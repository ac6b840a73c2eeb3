"""`al-loop classes`: what people can choose, what they asked for, what the texts suggest."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from al_loop.cli.classes_list import show
from al_loop.cli.fix import login
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import formats, one_line

if TYPE_CHECKING:
    from al_loop.app import App
    from al_loop.classes.live import Outcome

F = TypeVar("F", bound=Callable[..., Any])


def signed(command: F) -> F:
    """Add --by NAME, by default the name somebody is logged in under, as `author`."""
    return click.option(
        "--by", "author", metavar="NAME", default=login, help="Who decides (default: your login)."
    )(command)


def described(command: F) -> F:
    """Add --description and --example."""
    for option in (
        click.option(
            "--example", "examples", metavar="TEXT", multiple=True, help="Shows it; repeatable."
        ),
        click.option("--description", metavar="TEXT", help="What it means; annotators see it."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Every group, however many there are.")
@formats
@click.pass_context
def classes(ctx: click.Context, form: str | None, *, every: bool) -> None:
    """Show and change classes.

    Known classes with their labels; proposals: what people wrote into "missing class"; candidates:
    groups of texts that no known class explains, or parts of a class that was split. Neither is
    trained on until it is accepted. Every change is a version, kept with its author.

    The table has the groups that are on the labeling page or that people asked for, and the ten
    largest others; --json, --csv and --md have all.
    """
    if ctx.invoked_subcommand is None:
        show(ctx.obj, form, every=every)


def run(root: Path, command: "Callable[[App], Outcome]", *, gains: bool = False) -> None:
    """Make a change and say what it did; with `gains` how many labels it brought."""
    from al_loop import app

    with app.opened(root, bar) as opened:
        done = command(opened)
    told = f"; labels gained by it: {done.gained}" if done.changed and gains else ""
    click.echo(one_line(f"{done.line}{told}"))


@classes.command()
@click.argument("name")
@described
@signed
@click.pass_obj
def add(
    root: Path, name: str, description: str | None, examples: tuple[str, ...], author: str
) -> None:
    """Add a class, also to the live project.

    Answers that asked for it become labels at once.
    """
    from al_loop.classes import changing
    from al_loop.types import ClassSpec

    spec = ClassSpec(name, description or "", examples)
    run(root, lambda app: changing.add(app, spec, author, say), gains=True)


@classes.command()
@click.argument("name")
@click.option("--as", "other", metavar="NAME", default="", help="What the class is called instead.")
@described
@signed
@click.pass_obj
def accept(
    root: Path,
    name: str,
    other: str,
    description: str | None,
    examples: tuple[str, ...],
    author: str,
) -> None:
    """Make a proposal or a candidate a class, also in the live project.

    NAME is its name, one of its spellings, or a candidate's id. Answers that asked for it become
    labels at once. With --as and a known class they count as that class.
    """
    from al_loop.classes import deciding
    from al_loop.types import ClassSpec

    spec = ClassSpec(other, description or "", examples)
    run(root, lambda app: deciding.accept(app, name, author, say, spec=spec), gains=True)


@classes.command()
@click.argument("name")
@signed
@click.pass_obj
def reject(root: Path, name: str, author: str) -> None:
    """Say that a proposal or a candidate is no class.

    Answers that asked for it stay; their texts go back to people with one of the next batches.
    """
    from al_loop.classes import deciding

    run(root, lambda app: deciding.reject(app, name, author, say))


@classes.command()
@click.argument("name")
@click.argument("into")
@signed
@click.pass_obj
def merge(root: Path, name: str, into: str, author: str) -> None:
    """Let class NAME count as class INTO from now on.

    No answer is changed: the ones that say NAME count as INTO, those to come as well.
    """
    from al_loop.classes import changing

    run(root, lambda app: changing.merge(app, name, into, author, say))


@classes.command()
@click.argument("name")
@click.argument("new")
@signed
@click.pass_obj
def rename(root: Path, name: str, new: str, author: str) -> None:
    """Give class NAME the name NEW.

    No answer is changed: the ones that say NAME count as NEW. Renaming back restores it.
    """
    from al_loop.classes import changing

    run(root, lambda app: changing.rename(app, name, new, author, say))


@classes.command()
@click.argument("name")
@click.option("--parts", type=click.IntRange(2), metavar="N", help="Into how many parts.")
@signed
@click.pass_obj
def split(root: Path, name: str, parts: int | None, author: str) -> None:
    """Split class NAME into groups of its texts.

    The groups become candidates, and the texts go back to people, with the group that each seems
    to be of. Accept the groups that are classes. The class itself stays; what people say of its
    parts comes before what they said of the whole.
    """
    from al_loop.classes import splitting

    run(root, lambda app: splitting.split(app, name, author, say, parts=parts))


@classes.command()
@click.argument("name")
@described
@signed
@click.pass_obj
def describe(
    root: Path, name: str, description: str | None, examples: tuple[str, ...], author: str
) -> None:
    """Set what class NAME means, for the code book and the labeling page.

    Examples take the place of the earlier ones.
    """
    from al_loop.classes import changing

    if description is None and not examples:
        raise click.UsageError("give --description or --example")
    spec = changing.Described(description, examples or None)
    run(root, lambda app: changing.describe(app, name, spec, author, say))


def _add_reading() -> None:
    from al_loop.cli.classes_book import book, history

    classes.add_command(history)
    classes.add_command(book)


_add_reading()
