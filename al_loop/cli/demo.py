"""`al-loop demo`."""

from pathlib import Path

import click

from al_loop.cli.progress import bar, say


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--offline", is_flag=True, help="An oracle answers; no server is started.")
@click.pass_context
def demo(ctx: click.Context, folder: Path | None, offline: bool) -> None:
    """Run three rounds on the examples, with scripted annotators.

    Makes a workspace in DIR (default ./al-loop-demo), starts a local Label Studio, and lets two
    scripted annotators answer over its HTTP API: one careful, one with 10 % mistakes. Run it
    again for three more rounds.
    """
    from al_loop import demo as demonstration
    from al_loop.cli.show import history

    folder = folder or Path("al-loop-demo")
    demonstration.run(folder, offline=offline, say=say, bar=bar)
    ctx.obj = folder
    click.echo(err=True)
    ctx.invoke(history, form=None)
    click.echo(
        f"\nworkspace:  {folder}\ntexts:      {folder / 'texts.csv'}\n"
        f"database:   {folder / '.al-loop' / 'al-loop.db'}\n"
        f"models:     {folder / '.al-loop' / 'models'}\n"
        f"one page:   al-loop -C {folder} report --open\n"
        f"look into:  al-loop -C {folder} noise   (or budget, classes, status, check)"
        + ("" if offline else f"\nits server: al-loop -C {folder} up")
    )
