"""`al-loop annotators`: how much people agree, and how good each of them is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from al_loop.cli.annotators_review import adjudicate
from al_loop.cli.annotators_scan import scan
from al_loop.cli.annotators_tables import (
    show_agreement,
    show_confusion,
    show_disagreements,
    show_people,
)
from al_loop.cli.tables import formats

if TYPE_CHECKING:
    from al_loop.config import Config
    from al_loop.store import Store


@click.group(invoke_without_command=True)
@formats
@click.pass_context
def annotators(ctx: click.Context, form: str | None) -> None:
    """Show how much people agree, and how good each is.

    For each person the texts they labeled, those of them that others labeled too, how often
    another person said the same, accuracy, the median of their seconds without breaks, and
    skips. Below, where all stand beside the targets of [annotators] in config.toml, and how
    often wrong suggestions are accepted with and without seeing them.

    All intervals are of 95 %. Agreement is measured on first answers: texts that are asked about
    again are chosen for being difficult. So is accuracy, by what the texts of several people count
    as by now: people who err alike go unseen. Once [batch] gold_share sends texts to people whose
    label was set by hand or adjudicated, it is measured on those answers alone.
    """
    if ctx.invoked_subcommand is None:
        from al_loop.report import people

        with _opened(ctx.obj) as (store, config):
            show_people(people.facts(store, config), form)


@annotators.command()
@formats
@click.pass_obj
def agreement(root: Path, form: str | None) -> None:
    """Show every measure of agreement: of all, by class, by pair of people.

    How often two votes on a text are the same; beyond what chance would bring, Krippendorff's
    alpha, Fleiss' kappa on the texts with equally many votes, Cohen's kappa of each two people.
    Of a class: of the pairs of votes in which one says it, how often the other does. With 95 %
    intervals over texts; a measure that is not defined has none.
    """
    from al_loop.report import people

    with _opened(root) as (store, config):
        show_agreement(people.agreement(store, config), form)


@annotators.command()
@click.argument("name", required=False)
@formats
@click.pass_obj
def confusion(root: Path, name: str | None, form: str | None) -> None:
    """Show what people take for what; of NAME everything, else the most frequent.

    Counted are texts whose label is sure, or that at least one other person labeled like that.
    """
    from al_loop.report import people

    with _opened(root) as (store, _):
        show_confusion(people.confusion(store), name, form)


@annotators.command()
@click.option("--all", "everything", is_flag=True, help="Also those that somebody decided.")
@formats
@click.pass_obj
def disagreements(root: Path, form: str | None, everything: bool) -> None:
    """Show the texts that people labeled differently, the most uncertain first.

    With who said what, what the text counts as meanwhile, and quality: from 0 to 1 how sure the
    consensus is, or the share of the most frequent label where none was worked out yet.
    """
    from al_loop.report.annotators_disputes import disagreements as found
    from al_loop.report.annotators_votes import gather

    with _opened(root) as (store, _):
        rows = found(store, gather(store))
        show_disagreements([r for r in rows if everything or r["decided"] is None], form)


annotators.add_command(adjudicate)
annotators.add_command(scan)


@contextmanager
def _opened(root: Path) -> "Iterator[tuple[Store, Config]]":
    """Open a workspace for reading."""
    from al_loop import config
    from al_loop.store import open_store
    from al_loop.workspace import find

    workspace = find(root)
    settings = config.load(workspace.config_path)
    store = open_store(workspace.db_path)
    try:
        yield store, settings
    finally:
        store.close()
