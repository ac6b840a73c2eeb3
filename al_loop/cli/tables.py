"""Print rows as a table, JSON, CSV or Markdown. JSON owns stdout."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import click

from al_loop.cells import few, one_line, safe_cell, shorten
from al_loop.labeling import wrap

__all__ = ["echo_json", "echo_table", "few", "formats", "one_line", "safe_cell", "shorten"]

F = TypeVar("F", bound=Callable[..., Any])
#: What may be cut where a table is wider than the terminal; names and ids are typed again.
_PROSE = {"text", "phrases", "description", "why", "what"}
_LEAST = 12  # characters of it that stay


def formats(command: F) -> F:
    """Add --json, --csv and --md to a command, as one argument `form`."""
    for name in ("md", "csv", "json"):
        help_ = {"json": "Print JSON.", "csv": "Print CSV.", "md": "Print Markdown."}[name]
        command = click.option(f"--{name}", "form", flag_value=name, help=help_)(command)
    return command


def echo_json(value: object) -> None:
    """Print JSON; NaN is refused, since other tools choke on it."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))


def echo_table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], form: str | None = None
) -> None:
    """Print rows in the wanted form; `columns` maps keys to headings."""
    if form == "csv":
        click.echo(_csv(rows, columns), nl=False)
        return
    import tabulate

    tabulate.MIN_PADDING = 0  # the module's own switch: no column is wider than its contents
    cells = [[_cell(r.get(key), form) for key in columns] for r in rows]
    if form is None and sys.stdout.isatty():
        _fit(cells, columns, shutil.get_terminal_size().columns)
    align = ["right" if _is_number(rows, key) else "left" for key in columns]
    text = tabulate.tabulate(
        cells,
        list(columns.values()),
        tablefmt="github" if form == "md" else "simple",
        disable_numparse=True,
        colalign=align if rows else None,
    )
    click.echo("\n".join(line.rstrip() for line in text.splitlines()))


def _fit(cells: list[list[str]], columns: Mapping[str, str], room: int) -> None:
    """Cut prose, the widest column first, until the rows fit the terminal or little is left."""
    table = [list(columns.values()), *cells]
    widths = [max(map(wrap.columns, column)) for column in zip(*table, strict=True)]
    too_much = sum(widths) + 2 * (len(widths) - 1) - room
    prose = [i for i, key in enumerate(columns) if key in _PROSE]
    for i in sorted(prose, key=lambda i: -widths[i]):
        width = max(widths[i] - max(too_much, 0), _LEAST, wrap.columns(table[0][i]))
        too_much -= widths[i] - min(width, widths[i])
        for row in cells:
            row[i] = wrap.cut(row[i], width)


def _is_number(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [r[key] for r in rows if r.get(key) is not None]
    return bool(values) and all(isinstance(v, int | float | Decimal) for v in values)


def _cell(value: Any, form: str | None) -> str:
    if value is None:
        return "-"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    text = one_line(text)
    return text.replace("|", "\\|") if form == "md" else text


def _csv(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for r in rows:
        writer.writerow(["" if r.get(k) is None else safe_cell(r[k]) for k in columns])
    return out.getvalue()
