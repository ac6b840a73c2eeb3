"""`al-loop noise scan`: labels of a file that look wrong."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from al_loop.cli.discover import check_encoder
from al_loop.cli.progress import bar, say
from al_loop.cli.simulate import number
from al_loop.cli.tables import echo_json, echo_table, few, formats, one_line, shorten

if TYPE_CHECKING:
    from al_loop.config import Config
    from al_loop.scan.noise import Scan

_COLUMNS = ("id", "label", "suggested", "doubt")
_MORE = ("flagged", "confidence", "neighbors")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@formats
@click.option("--text", metavar="COL", help="Column of texts (default: by its name).")
@click.option("--label", metavar="COL", help="Column of labels (default: label).")
@click.option("--id", "id_", metavar="COL", help="Column of ids (default: id, or row numbers).")
@click.option("--texts", is_flag=True, help="Also print the texts, in JSON and CSV.")
@click.option("--all", "everything", is_flag=True, help="Also show labels that look right.")
@number("--limit", default=20, help="Rows in the table.")
@click.option("--encoder", metavar="NAME", help="As [model] encoder in config.toml.")
@click.option("--method", metavar="NAME", help="As [audit] method in config.toml.")
@click.option("--filter-by", metavar="NAME", help="As [audit] filter_by.")
@click.option("--estimate", metavar="NAME", help="As [audit] estimate.")
@click.option("--folds", metavar="N", type=int, help="As [audit] folds.")
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Of whatever is random.")
@click.option("--replace-bad-chars", is_flag=True, help="Read what is not UTF-8 as U+FFFD.")
def scan(file: Path, form: str | None, **options: Any) -> None:
    """Find labels of a file that look wrong.

    Reads FILE as `init` does, but every row is judged, copies too. Needs no workspace; vectors
    are kept in the user's cache folder.

    The table and --md show labels that look wrong, worst first. --json and --csv have every row
    of FILE: its id, label, the class that fits best, doubt (in [0, 1], higher is more doubtful),
    flagged (it looks wrong), confidence (out-of-fold probability of the label) and neighbors
    (share of the label among similar texts). Labels of classes with too few labels come after
    those that look wrong, with confidence empty; rows without a label have no doubt and come
    last.
    """
    from al_loop import cache
    from al_loop.data.columns import Asked
    from al_loop.scan import noise, rows

    config = _settings(options)
    asked = Asked(options["text"], options["label"], options["id_"], ())
    source = rows.read(file, asked, config, replace_bad_chars=options["replace_bad_chars"])
    for line in source.notes:
        say(one_line(f"note: {line}"))
    check_encoder(config.model.encoder, [r.text for r in source.rows if not r.problem])
    found = noise.scan(source, partial(cache.vectors, bar=bar), config, bar)
    _print(found, form, options)


def _settings(options: dict[str, Any]) -> "Config":
    from al_loop.config import Config, override

    config = override(Config(), "model", encoder=options["encoder"])
    names = ("folds", "method", "filter_by", "estimate")
    config = override(config, "audit", **{name: options[name] for name in names})
    return (
        config if options["seed"] is None else config.model_copy(update={"seed": options["seed"]})
    )


def _print(found: "Scan", form: str | None, options: dict[str, Any]) -> None:
    from al_loop.scan import report

    limit, texts = options["limit"], options["texts"]
    if form == "json":
        echo_json(report.report(found, texts=texts))
        return
    if form == "csv":
        columns = [*_COLUMNS, *_MORE, *(["text"] if texts else [])]
        rows = [report.row(r, texts=texts) for r in found.rows]
        echo_table(rows, dict(zip(columns, columns, strict=True)), "csv")
        return
    listed = found.rows if options["everything"] else found.flagged
    shown = [report.row(r, texts=True) for r in listed[:limit]]
    shown = [r | {"text": shorten(r["text"])} for r in shown]
    if shown:
        flag = ("flagged",) if options["everything"] else ()
        echo_table(shown, {name: name for name in (*_COLUMNS, *flag, "text")}, form)
    if form is not None:
        return
    if len(listed) > limit:
        click.echo(f"... and {len(listed) - limit:,} more: --limit N")
    click.echo(_summary(found))
    if found.left_out:
        click.echo(one_line(f"classes with too few labels to judge: {few(found.left_out)}"))


def _summary(found: "Scan") -> str:
    n = len(found.flagged)
    looks = "looks" if n == 1 else "look"
    # An estimate without a single clear case tells more of the model than of the labels.
    estimate = f" (estimated: about {found.wrong:,.0f})" if n else ""
    return f"{n:,} of {found.labeled:,} labels {looks} wrong{estimate}"
