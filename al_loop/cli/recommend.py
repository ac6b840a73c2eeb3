"""`al-loop recommend`."""

from pathlib import Path

import click

from al_loop.cli.compare import output_options, show, split_names
from al_loop.cli.progress import bar, say
from al_loop.cli.runs_bar import runs_bar
from al_loop.cli.simulate import number


@click.command()
@output_options
@number("--jobs", default=None, help="Runs at a time (default: as many as processors).")
@number("--seeds", default=5, help="Runs of each strategy: the seeds 0 to N-1.")
@click.option(
    "--strategies",
    metavar="NAME,NAME",
    help="Query strategies"
    " (default: auto, clusters, margin, entropy, random, and the configured one).",
)
@click.pass_obj
def recommend(
    root: Path,
    /,
    strategies: str | None,
    seeds: int,
    jobs: int | None,
    form: str | None,
    page: Path | None,
) -> None:
    """Say which strategy to use next, from the labels there are.

    Replays the project's labels as `compare` does: each run starts from three tenths of them,
    drawn at random, and buys four more tenths. Needs 100 labels, and a test set of 30 (or 30 labels
    of texts that were drawn at random, which are then held out). Changes nothing.
    """
    from al_loop import app
    from al_loop.compare import live

    names = split_names(strategies) if strategies is not None else ()
    wish = live.Wish(names, seeds, jobs or 0)
    with app.opened(root, bar) as opened, runs_bar() as watch:
        found = live.recommend(opened, wish, watch, say)
    show(found, form, page)
