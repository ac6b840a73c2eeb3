"""`al-loop undo`: a round that should not have been."""

from pathlib import Path
from typing import Any

import click

from al_loop.cli.fix import signed
from al_loop.cli.progress import bar, say


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed; change nothing.")
@signed
@click.option("--allow-shrink", is_flag=True, help="Go on although other tasks are gone.")
@click.pass_obj
def undo(root: Path, dry_run: bool, author: str, allow_shrink: bool) -> None:
    """Take back the last round that is not logged.

    What the round pushed is removed from Label Studio, except for tasks that somebody answered,
    skipped or saved a draft on. Answers stay, and count as labels. Every other task stays, too.
    Someone who has a text open that is removed can't submit it any more: tell people first.
    The next `al-loop round` begins anew, under the same number.
    """
    from al_loop import app
    from al_loop import undo as undoing

    with app.opened(root, bar) as opened:
        done = undoing.undo(opened, author, say, dry_run=dry_run, allow_shrink=allow_shrink)
    for line in _lines(done, "would be" if dry_run else "are"):
        click.echo(line)


def _lines(done: Any, are: str) -> list[str]:
    verb = "would be taken back" if are == "would be" else "is taken back"
    lines = [f"round {done.round} {verb}; it was {done.state}, with {done.texts} texts"]
    if done.removed or done.kept:
        lines.append(f"tasks that {are} removed: {done.removed}")
    if done.kept:
        lines.append(f"tasks that stay, since somebody worked on them: {done.kept}")
    if done.labeled:
        lines.append(f"texts that keep the label people gave them: {done.labeled}")
    if done.reviews:
        lines.append(f"texts that it sent for adjudication, which stay there: {done.reviews}")
    return lines
