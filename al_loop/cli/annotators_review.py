"""`al-loop annotators adjudicate`: somebody decides where people disagree."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table, shorten

_COLUMNS = {"item_id": "id", "votes": "labeled", "quality": "quality", "text": "text"}
_WHO = (
    "everybody who can see that project can answer; in Label Studio Community that is everybody"
    " in the organization"
)


@click.command()
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Send N at most.")
@click.option(
    "--below",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    default=0.6,
    help="Also what the consensus is less sure of than this (default: 0.6).",
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent; ask no server.")
@click.option("--allow-shrink", is_flag=True, help="Go on although tasks are gone on the server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def adjudicate(
    root: Path, limit: int | None, below: float, dry_run: bool, allow_shrink: bool, as_json: bool
) -> None:
    """Send what people disagree on to a review project of its own.

    Fetches all answers first, and leaves out what their consensus is sure of. Each text goes
    there once, with the labels that it was given, without names. What an adjudicator chooses
    becomes the label, and is fetched with every pull. `al-loop fix ID LABEL` decides as well; a
    task that was sent for the text stays there then, and needs no answer.

    Everybody who can see the review project can answer. In Label Studio Community that is
    everybody in the organization: send its link to those who should decide.
    """
    from al_loop import adjudicate as adjudicating
    from al_loop import app

    with app.opened(root, bar) as opened:
        done = adjudicating.adjudicate(
            opened, say, limit=limit, below=below, dry_run=dry_run, allow_shrink=allow_shrink
        )
    rows = [_row(d) for d in done.asked]
    if as_json:
        echo_json(dataclasses.asdict(done) | {"asked": rows, "dry_run": dry_run})
        return
    if rows:
        echo_table([r | {"text": shorten(r["text"])} for r in rows], _COLUMNS)
    for line in _lines(done, dry_run=dry_run):
        click.echo(line)


def _row(found: Any) -> dict[str, Any]:
    facts = {"item_id": found.item_id, "votes": found.in_words, "label": found.label}
    return facts | {"quality": round(found.quality, 6), "text": found.text}


def _lines(done: Any, *, dry_run: bool) -> list[str]:
    verb = "would be sent" if dry_run else "were sent"
    lines = [f"texts that {verb} for adjudication: {len(done.asked)}"]
    if not done.asked:
        lines = ["people disagree on nothing that has to be sent for adjudication"]
    if done.settled:
        lines.append(
            f"disagreements that the consensus settles surely enough: {done.settled}"
            " (--below 0.9 sends more of them)"
        )
    if done.waiting:
        lines.append(f"texts that wait for adjudicators: {done.waiting}")
    if done.unneeded:
        lines.append(f"of these, texts that are settled by now and need no answer: {done.unneeded}")
    if done.left_open:
        lines.append(
            f"texts that adjudicators left open: {done.left_open}; al-loop fix ID LABEL decides"
        )
    if done.url:
        lines += [f"people adjudicate here: {done.url}", _WHO]
    return lines
