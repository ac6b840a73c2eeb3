"""`al-loop check`."""

from pathlib import Path

import click

from al_loop.cli.tables import echo_json


@click.command()
@click.option("--dump", is_flag=True, help="Print all rows without times and remote numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(root: Path, dump: bool, as_json: bool) -> None:
    """Verify the workspace's invariants.

    Two runs that did the same print the same --dump.
    """
    from al_loop.errors import CheckFailed
    from al_loop.store import checks, open_store
    from al_loop.workspace import find

    workspace = find(root)
    store = open_store(workspace.db_path)
    found = list(checks.failures(store, workspace.models_dir))
    if dump:
        for line in checks.dump(store):
            click.echo(line)
    store.close()
    if as_json and not dump:
        echo_json({"ok": not found, "problems": found})
    for line in found:
        click.echo(f"  {line}", err=True)
    if found:
        raise CheckFailed(
            f"invariants that don't hold: {len(found)}",
            hint="al-loop round repairs a model; for the rest copy .al-loop and report it",
        )
    if not dump and not as_json:
        click.echo("all invariants hold")
