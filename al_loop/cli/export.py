"""`al-loop export`: the labels, for whatever comes next."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from al_loop.cells import harmless
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import formats, one_line
from al_loop.errors import InputError
from al_loop.export.formats import BINARY, FORMATS, by_name, lines, write
from al_loop.export.rows import Entry, Export, Wanted, opened
from al_loop.types import Role

_LONG = 50_000  # rows from which on a bar is drawn
_STEP = 1000  # rows between two looks at it
_ROLES: dict[str, Role | None] = {"all": None, "pool": "pool", "test": "test"}


@click.command()
@click.option(
    "--format",
    "named",
    type=click.Choice(list(FORMATS)),
    help="csv (the default), jsonl, json, md, parquet; label-studio: a file to import there; "
    "hf: a folder for Hugging Face datasets.",
)
@formats
@click.option(
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Write there; the name's suffix tells the format.",
)
@click.option("--all", "everything", is_flag=True, help="Also texts without a label.")
@click.option("--role", type=click.Choice(list(_ROLES)), default="all", help="Of these texts only.")
@click.option("--distinct", is_flag=True, help="One row a text, not one for each of its ids.")
@click.pass_obj
def export(
    root: Path,
    form: str | None,
    named: str | None,
    out: Path | None,
    everything: bool,
    role: str,
    distinct: bool,
) -> None:
    """Print or write the labels, with where each comes from.

    One row for each id that came in, also where several ids have the same text: id, text,
    label and where it comes from (what it rests on, who voted, when, chosen in which round and
    by what, how many agreed, what the audit says), and every kept column. label-studio has one
    task a text, with every answer. A file at PATH is replaced, a folder only if it is an
    earlier export.
    """
    from al_loop.store import open_store
    from al_loop.store.export import accounts
    from al_loop.workspace import find

    chosen = _format(form, named, out)
    wanted = Wanted(everything, _ROLES[role], distinct or chosen == "label-studio")
    workspace = find(root)
    if out:
        _refuse_inside(workspace.state_dir, out)
    store = open_store(workspace.db_path)
    try:
        with opened(store, wanted) as found:
            if found.total == 0:
                say("there is no such text with a label; --all exports the others, too")
            if chosen == "label-studio" and (names := accounts(store)):
                people = one_line(", ".join(names))
                say(f"Label Studio takes this only where these have accounts: {people}")
            if out is None:
                _print(chosen, found)
            else:
                _write(chosen, found, out)
    finally:
        store.close()


def _format(form: str | None, named: str | None, out: Path | None) -> str:
    if form and named and form != named:
        raise click.UsageError(f"--{form} and --format {named} contradict each other")
    chosen = named or form or (by_name(out) if out else "csv")
    if out is None and chosen in BINARY:
        raise click.UsageError(f"--format {chosen} needs --out PATH")
    return chosen


def _refuse_inside(ours: Path, out: Path) -> None:
    if ours.resolve() in out.resolve().parents:
        raise InputError(f"{out} is among al-loop's own files", hint=f"name a place outside {ours}")


def _print(form: str, found: Export) -> None:
    out = sys.stdout.buffer
    shown = harmless if sys.stdout.isatty() else str
    for line in lines(form, found):
        out.write(shown(line).encode("utf-8"))
    out.flush()


def _write(form: str, found: Export, out: Path) -> None:
    if found.total < _LONG:
        write(form, found, out)
    else:
        with bar(found.total, "exporting") as tick:
            write(form, replace(found, entries=_counted(found.entries, tick)), out)
    say(f"{found.total:,} rows written to {out}")


def _counted(entries: Iterator[Entry], tick: Callable[[int], None]) -> Iterator[Entry]:
    for done, entry in enumerate(entries, start=1):
        if done % _STEP == 0:
            tick(done)
        yield entry
