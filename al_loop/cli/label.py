"""`al-loop label`."""

from pathlib import Path

import click

from al_loop.cli import spending
from al_loop.cli.progress import bar, say


@click.command()
@click.option("--as", "name", metavar="NAME", help="Who answers (default: your login name).")
@click.option("--batch", "size", metavar="N", type=click.IntRange(1), help="Texts in a new round.")
@click.option("--strategy", metavar="NAME", help="Query strategy of a new round.")
@click.option("--accept-partial", is_flag=True, help="Close the round with the answers there are.")
@spending.options
@click.pass_obj
def label(
    root: Path,
    name: str | None,
    size: int | None,
    strategy: str | None,
    accept_partial: bool,
    yes: bool,
    go_on: bool,
) -> None:
    """Label the open batch here, in the terminal.

    Without an open round one is begun; no server is needed. Every answer is stored before the
    next text is shown: leave when you like, and go on with the same command. When all texts are
    settled, labels are checked, and a model is trained and measured. Several people can label
    at once, each with their own --as; who also answers in Label Studio takes that address.

    In the labeling screen: a number, or letters of a class and Enter. ? lists all keys, and says
    why a text was chosen.
    """
    from al_loop import app
    from al_loop.cli.round import with_flags
    from al_loop.labeling import screen, work

    if not accept_partial:
        screen.check()
    annotator = _annotator(name)
    with app.opened(root, bar) as opened:
        config = with_flags(opened, size, strategy)
        opened.check_shown()
        gate = spending.gate(opened, yes=yes, go_on=go_on)
        work.run(opened, config, annotator, gate=gate, accept_partial=accept_partial, say=say)


def _annotator(name: str | None) -> str:
    """Return the name that goes with the answers.

    Raises:
        InputError: it can't be a name, or the login name is unknown.
    """
    import getpass

    from al_loop.data.text import name_fault, normalize, shown
    from al_loop.errors import InputError

    if name is None:
        try:
            name = getpass.getuser()
        except (OSError, KeyError, ImportError):
            name = ""
    cleaned = normalize(name)
    if problem := name_fault(cleaned) if cleaned else "is empty":
        raise InputError(f"the name {shown(cleaned)} {problem}", hint="al-loop label --as NAME")
    return cleaned
