"""`al-loop noise`: labels that look wrong."""

from pathlib import Path

import click

from al_loop.cli.noise_scan import scan
from al_loop.cli.tables import echo_json, echo_table, few, formats, one_line, shorten

_COLUMNS = {
    "item_id": "id",
    "given": "label",
    "suggested": "suggested",
    "doubt": "doubt",
    "text": "text",
}


@click.group(invoke_without_command=True)
@formats
@click.option("--all", "everything", is_flag=True, help="Also labels that look right.")
@click.pass_context
def noise(ctx: click.Context, form: str | None, everything: bool) -> None:
    """Show labels that look wrong.

    As the newest audited round saw them, worst first. A doubt near 1 is severe.
    `al-loop fix ID LABEL` sets the right one, or confirms the one that is there.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, form, everything=everything)


noise.add_command(scan)


def _list(root: Path, form: str | None, *, everything: bool) -> None:
    from al_loop.store import evidence, open_store, results
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    number = evidence.newest(store)
    rows = [dict(r) for r in evidence.doubtful(store, number, flagged=not everything)]
    notes = results.notes(store, number)
    store.close()
    if form == "json":
        left_out = notes.get("audit_left_out", [])
        echo_json({"round": number, "rows": rows, "left_out_classes": left_out})
        return
    if form is None:
        rows = [r | {"text": shorten(r["text"])} for r in rows]
    if rows or form is not None:
        echo_table(rows, _COLUMNS, form)
    else:
        click.echo(_nothing(number, notes.get("audit_skipped")))
    if form is None and rows:
        click.echo("set the right one, or confirm the one that is there: al-loop fix ID LABEL")
    if form is None and notes.get("audit_left_out"):
        some = few(notes["audit_left_out"])
        click.echo(one_line(f"classes with too few labels to judge: {some}"))


def _nothing(number: int, reason: str | None) -> str:
    if number == 0:
        return "no round has been audited yet"
    return "no label looks wrong" + (f" ({reason})" if reason else "")
