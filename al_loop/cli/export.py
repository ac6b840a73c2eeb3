"""`al-loop export`: the labels, for whatever comes next."""

from pathlib import Path

import click

from al_loop.cli.tables import echo_json, echo_table, formats


@click.command()
@formats
@click.option("--all", "everything", is_flag=True, help="Also texts without a label.")
@click.pass_obj
def export(root: Path, form: str | None, everything: bool) -> None:
    """Print the labeled texts, with the kept columns.

    CSV unless told otherwise. One row for each id that came in, also where several ids have the
    same text: id, text, label, what the label rests on (given with the data, or agreed by
    people), pool or test, and every kept column.
    """
    from al_loop.report.export import rows
    from al_loop.store import open_store
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    found, columns = rows(store, everything=everything)
    store.close()
    if form == "json":
        echo_json({"rows": found})
    else:
        echo_table(found, {name: name for name in columns}, form or "csv")
