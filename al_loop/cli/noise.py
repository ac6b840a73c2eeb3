"""`al-loop noise`: labels that look wrong."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from al_loop.cli.noise_scan import scan
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table, few, formats, one_line, shorten

F = TypeVar("F", bound=Callable[..., Any])
_COLUMNS = {
    "item_id": "id",
    "given": "label",
    "suggested": "suggested",
    "doubt": "doubt",
    "confidence": "confidence",
    "neighbors": "neighbors",
    "by": "labeled by",
}
_FLAG, _ROLE, _TEXT = {"flagged": "looks wrong"}, {"role": "role"}, {"text": "text"}


def _listing(command: F) -> F:
    """Add the options of the list."""
    all_ = click.option("--all", "everything", is_flag=True, help="Also labels that look right.")
    return formats(all_(command))


@click.group(invoke_without_command=True)
@_listing
@click.pass_context
def noise(ctx: click.Context, form: str | None, everything: bool) -> None:
    """Find labels that look wrong, and have them looked at.

    Without a command: the list, as in `al-loop noise list`.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, form, everything=everything)


noise.add_command(scan)


@noise.command("list")
@_listing
@click.pass_obj
def list_(root: Path, form: str | None, everything: bool) -> None:
    """Show labels that look wrong, worst first, of the test set too.

    As the newest audited round, or `noise push` since, saw them; what was corrected or confirmed
    by now is gone. A doubt near 1 is severe. Confidence is the probability of the label by a
    model that did not see it, neighbors its share among the most similar labeled texts.
    `al-loop fix ID LABEL` sets the right one, or confirms the one that is there.
    """
    _list(root, form, everything=everything)


def _list(root: Path, form: str | None, *, everything: bool) -> None:
    from al_loop.store import evidence, open_store, results
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    number = evidence.newest(store)
    rows = evidence.doubtful(store, number, flagged=not everything)
    notes = results.notes(store, number)
    store.close()
    wrong, left_out = notes.get("audit_wrong"), notes.get("audit_left_out", [])
    if form == "json":
        echo_json({"round": number, "rows": rows, "left_out_classes": left_out, "wrong": wrong})
        return
    if rows or form is not None:
        _table(rows, form)
    else:
        click.echo(_nothing(number, notes.get("audit_skipped")))
    if form is None and rows:
        click.echo(
            "set the right one, or confirm the one that is there: al-loop fix ID LABEL;"
            " ask somebody else: al-loop noise push"
        )
    if form is None and wrong and rows:
        click.echo(f"labels of the training set that are wrong, as estimated: about {wrong:.0f}")
    if form is None and left_out:
        click.echo(one_line(f"classes with too few labels to judge: {few(left_out)}"))


def _table(rows: Sequence[Mapping[str, Any]], form: str | None) -> None:
    """Print rows of the list; what is the same for all of them is left out of a table."""
    columns = dict(_COLUMNS)
    if form == "csv" or not all(r["flagged"] for r in rows):
        columns |= _FLAG
    if form == "csv" or any(r["role"] == "test" for r in rows):
        columns |= _ROLE
    shown = [r | {"by": ", ".join(r["by"]) or "the data"} for r in map(dict, rows)]
    if form != "csv":
        shown = [r | {"flagged": "yes" if r["flagged"] else "no"} for r in shown]
    if form is None:
        shown = [r | {"text": shorten(r["text"])} for r in shown]
    echo_table(shown, columns | _TEXT, form)


def _nothing(number: int, reason: str | None) -> str:
    if number == 0:
        return "no round has been audited yet; al-loop noise push judges the labels that there are"
    return "no label looks wrong" + (f" ({reason})" if reason else "")


@noise.command()
@click.option("--limit", metavar="N", type=click.IntRange(1), help="At most so many labels.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def push(root: Path, limit: int | None, dry_run: bool, as_json: bool) -> None:
    """Ask another person about the most doubtful labels.

    Fetches late answers, judges all labels anew, and sends the most doubtful ones once more: each
    a task of its own, without a suggestion, into the open batch, or else first in the next one.
    An answer of somebody who gave the label counts as any answer, but not as the second look: the
    text is then asked about again. At most [audit] second_looks of a batch wait at a time. A dry
    run goes by the newest audit and the answers that were fetched already.
    """
    from al_loop import app
    from al_loop.cli import spending
    from al_loop.noise import push as pushing

    with app.opened(root, bar) as opened:
        parts, pays = _parts(opened), partial(spending.further, opened)
        sent = pushing.push(parts, opened.config, limit=limit, dry_run=dry_run, pays=pays)
    if as_json:
        echo_json(_record(sent))
        return
    if sent.rows:
        _table(sent.rows, None)
    for line in _lines(sent, dry_run=dry_run):
        click.echo(one_line(line))


def _parts(opened: Any) -> Any:
    """Return the loop's parts for whoever has the newest round: the terminal, or Label Studio."""
    from al_loop.annotators.terminal import Terminal
    from al_loop.store import rounds, tasks, terminal

    store, number = opened.store, rounds.last_number(opened.store)
    project = rounds.get_round(store, number).project_id if number else 0
    if number and tasks.annotator(store, project) == "terminal":
        return opened.parts(Terminal(lambda: terminal.recorded(store)), say)
    return opened.parts(say=say)


def _record(sent: Any) -> dict[str, Any]:
    kept = ("item_id", "given", "suggested", "doubt", "confidence", "neighbors", "by", "role")
    rows = [{name: r[name] for name in (*kept, "text")} for r in sent.rows]
    return {
        "audited": sent.audited,
        "round": sent.open_round,
        "rows": rows,
        "left": sent.left,
        "given_up": sent.given_up,
        "waiting": sent.waiting,
        "unpaid": sent.unpaid,
    }


def _lines(sent: Any, *, dry_run: bool) -> list[str]:
    n = len(sent.rows)
    lines = []
    if n and sent.open_round is not None:
        verb = "would go" if dry_run else "went"
        lines.append(f"second looks that {verb} into round {sent.open_round}: {n}")
    elif n:
        verb = "would come" if dry_run else "come"
        lines.append(f"second looks that {verb} first in the next batch: {n}")
    elif sent.left and not sent.unpaid:
        lines.append("nothing is sent: as many labels as may wait for a second look do")
    elif not sent.unpaid:
        lines.append("no label looks wrong that nobody was asked about yet")
    if sent.unpaid:
        lines.append(
            f"[budget] does not pay for second looks that would go into the round: {sent.unpaid}"
        )
    if sent.waiting:
        lines.append(f"asked about before, without an answer of another person: {sent.waiting}")
    if sent.left:
        lines.append(f"labels that look wrong and stay for later: {sent.left}")
    if sent.given_up:
        lines.append(
            f"labels that look wrong and were sent as often as they may be: {sent.given_up};"
            " al-loop fix settles them"
        )
    if sent.only:
        lines.append(
            f"a second look needs another person than {sent.only}: invite one, or al-loop fix"
        )
    return lines
