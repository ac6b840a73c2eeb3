"""`al-loop init` and `al-loop import`: from files to texts in the workspace."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from al_loop.cells import few
from al_loop.cli.progress import say
from al_loop.cli.tables import echo_json
from al_loop.data.columns import Asked
from al_loop.imports import LABELED_LEAST, ImportReport, Request
from al_loop.ingest import FileReport

F = TypeVar("F", bound=Callable[..., Any])

SHOWN = 20  # problems, conflicts or classes that are listed; --json has all
_LOG_ROWS = 100_000


def _options(command: F) -> F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON."),
        click.option("--dry-run", is_flag=True, help="Say what would be imported; write nothing."),
        click.option(
            "--replace-bad-chars", is_flag=True, help="Put U+FFFD for bytes that aren't text."
        ),
        click.option("--test", metavar="FILE", type=_FILE, help="Labeled texts to measure on."),
        click.option("--keep", metavar="COL,COL", multiple=True, help="Columns to carry along."),
        click.option("--id", "id_", metavar="COL", help="Column of ids; '' makes them."),
        click.option("--label", metavar="COL", help="Column of labels; '' for none."),
        click.option(
            "--text", metavar="COL", help="Column of the texts (default: found by its name)."
        ),
    ):
        command = option(command)
    return command


_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=_FILE)
@_options
@click.pass_obj
def init(root: Path, /, data: Path, as_json: bool, **options: Any) -> None:
    """Make a workspace in this folder from a file of texts.

    DATA is CSV, TSV, JSON Lines or plain text (each also .gz), or Parquet. A faulty file is
    refused; a faulty row is left out and listed. Without --test a random 20 % of the labeled
    texts (at least 30) become the test set.
    """
    from al_loop import workspace

    request = _request(data, **options)
    report = workspace.init(root, request, _progress)
    _print(report, _command("init" if request.dry_run else "import", request), as_json)
    if not request.dry_run:
        check_encoder(root)
    if not as_json and not request.dry_run:
        click.echo("\nnext: al-loop doctor   checks server, key and encoder")
        click.echo("      al-loop up       starts a Label Studio, if you have none")
        click.echo("      al-loop round    sends the first batch to it")


@click.command("import")
@click.argument("data", metavar="[FILE]", type=_FILE, required=False)
@_options
@click.pass_obj
def import_(root: Path, /, data: Path | None, as_json: bool, **options: Any) -> None:
    """Add the rows of another file.

    Texts that are there already get the new ids and labels; every text keeps its role, and no
    test set is drawn again. With --test alone, only a test set is added.
    """
    from al_loop import workspace

    request = _request(data, **options)
    if request.data is None and request.test is None:
        raise click.UsageError("name a FILE, or --test FILE")
    report = workspace.add(workspace.find(root), request, _progress)
    _print(report, _command("import", request), as_json)
    if not request.dry_run:
        check_encoder(root)


def check_encoder(root: Path) -> None:
    """Say so when the encoder does not know the language of the texts."""
    from al_loop import app, encoder_check
    from al_loop.store import items

    with app.opened(root) as opened:
        texts = [text for _, text, _ in items.texts(opened.store)]
        advice = encoder_check.check(opened.embedder, texts).advice
    if advice:
        say(f"note: {advice}")


def _request(
    data: Path | None,
    *,
    text: str | None,
    label: str | None,
    id_: str | None,
    keep: tuple[str, ...],
    test: Path | None,
    replace_bad_chars: bool,
    dry_run: bool,
) -> Request:
    kept = tuple(name.strip() for group in keep for name in group.split(",") if name.strip())
    asked = Asked(text or None, label, id_, kept or None)
    return Request(data, test, asked, replace_bad_chars, dry_run)


def _command(verb: str, request: Request) -> str:
    """Return the command that lists every problem; after an init that is an import."""
    asked = request.asked
    values = {
        "--text": asked.text,
        "--label": asked.label,
        "--id": asked.id,
        "--keep": ",".join(asked.keep) if asked.keep else None,
        "--test": str(request.test) if request.test else None,
    }
    words = ["al-loop", verb, *([str(request.data)] if request.data else [])]
    for option, value in values.items():
        words += [option, value] if value is not None else []
    words += ["--replace-bad-chars"] if request.replace_bad_chars else []
    return shlex.join([*words, "--dry-run", "--json"])


def _progress(file: str, rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{file}: {rows:,} rows ", err=True, nl=False)
    elif rows and rows % _LOG_ROWS == 0:
        say(f"{file}: {rows:,} rows")


def _print(report: ImportReport, listing: str, as_json: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    if as_json:
        echo_json(report.to_dict())
        return
    if report.dry_run:
        click.echo("dry run: nothing was written")
    for file in report.files:
        _print_file(file)
    _print_totals(report)
    _print_list("rows that were left out:", report.bad, listing)
    _print_list(
        "texts with different labels (they count as unlabeled until people decide):",
        [f"{' = '.join(c.ids)}: {' or '.join(c.labels)}" for c in report.conflicts],
        listing,
    )


def _print_file(file: FileReport) -> None:
    counts, columns = file.counts, file.columns
    of = "test set" if file.role == "test" else "pool"
    click.echo(_clean(f"{file.file} ({of}): {counts.rows:,} rows" + _in_brackets(file.note)))
    for number, what in (
        (counts.added, "new texts"),
        (counts.more_ids, "more ids of texts that are there"),
        (counts.duplicates, "duplicates, left out"),
        (counts.filled, "added a label or a kept column to a row that is there"),
        (len(file.bad), "bad rows, left out"),
        (counts.labeled, "with a label"),
        (counts.mended, "mended with --replace-bad-chars"),
        (counts.moved_to_test, "moved from the pool to the test set"),
        (counts.kept_in_pool, "kept in the pool: people were asked about them already"),
    ):
        if number or what in ("new texts", "with a label"):
            click.echo(f"  {number:>9,} {what}")
    label = columns.label or "none"
    taken = f"text = {columns.text} ({columns.found_by}), label = {label}"
    if columns.keep:
        taken += f", kept = {', '.join(columns.keep)}"
    click.echo(_clean(f"  columns: {taken}"))
    click.echo(_clean(f"  ids: {file.id_rule}"))
    if columns.unused:
        click.echo(_clean(f"  not read: {', '.join(columns.unused)} (--keep COL,COL carries them)"))


def _print_totals(report: ImportReport) -> None:
    click.echo(f"workspace: {report.items:,} texts, {report.labeled:,} came with a label")
    named = ", ".join(report.new_classes[:SHOWN])
    more = ", ..." if len(report.new_classes) > SHOWN else ""
    new = f" ({len(report.new_classes):,} new: {named}{more})" if named else ""
    none = " yet: al-loop classes add NAME, or annotators name them as they label"
    click.echo(_clean(f"classes: {report.classes:,}{new if report.classes else none}"))
    click.echo(f"test set: {_test_line(report)}")
    if report.not_offered:
        names = few(report.not_offered)
        click.echo(_clean(f"only in the test set, wrong until `al-loop classes add`: {names}"))


def _test_line(report: ImportReport) -> str:
    if report.test_rule == "too few labels":
        return (
            f"none: {report.labeled:,} of the texts have a label, {LABELED_LEAST} are needed to"
            " draw one; accuracy is measured on the"
            " random share of the batches, once 30 of it are labeled.\n"
            "  al-loop import --test FILE adds a test set"
        )
    if report.test_rule == "none":
        return "none; al-loop import --test FILE adds a test set"
    how = {"drawn": "drawn at random from the labeled texts", "file": "from the test file"}
    return f"{report.test_size:,} texts" + _in_brackets(how.get(report.test_rule, ""))


def _print_list(title: str, lines: list[str], listing: str) -> None:
    if not lines:
        return
    click.echo(title)
    for line in lines[:SHOWN]:
        click.echo(f"  {_clean(line)}")
    if len(lines) > SHOWN:
        click.echo(f"  ... and {len(lines) - SHOWN:,} more: {listing} lists all")


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
