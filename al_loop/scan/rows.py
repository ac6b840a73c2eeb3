"""The rows of a labeled file, each by itself: an import would join those that are the same."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from al_loop.cells import few
from al_loop.config import Config
from al_loop.data.check import BadRow, Checker
from al_loop.data.columns import Asked, Columns, missing
from al_loop.data.rows import Row, Table
from al_loop.data.text import name_fault, shown
from al_loop.data.vocabulary import Labels
from al_loop.errors import DataError
from al_loop.ingest import Reading, open_chosen, printable


class Labeled(NamedTuple):
    """A row. `label` None: it has none. `problem`: why it can't be used, and has no text."""

    id: str
    label: str | None
    text: str = ""
    hash: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a file in its order.

    name: the file. classes: the labels of rows that can be used, as they first come.
    notes: lines for people about what was read.
    """

    name: str
    rows: Sequence[Labeled]
    classes: Sequence[str]
    notes: Sequence[str] = ()


def read(path: Path, asked: Asked, config: Config, *, replace_bad_chars: bool = False) -> Rows:
    """Read a file as an import does, but keep every row.

    The id of a row is what the id column says; where that is nothing, the number of the row.

    Raises:
        DataError: the file can't be read, has no column of labels, or no row that can be used.
    """
    reading = Reading(asked, config, "pool", ("text", "label", "id"), replace_bad_chars)
    table, columns = open_chosen(path, reading)
    name = printable(path)
    label = config.data.label if asked.label is None else asked.label
    if columns.label is None:
        raise _no_labels(name, label, table)
    checker = Checker(columns, config.data.max_bytes, replace_bad_chars)
    rows: list[Labeled] = []
    bad: list[str] = []
    spelled = Labels()
    for number, row in enumerate(table.rows(columns.wanted()), start=1):
        rows.append(_labeled(row, str(number), checker))
        where = f"{name}:{row.line}"
        if rows[-1].problem:
            bad.append(f"{where}: {rows[-1].problem}")
        elif rows[-1].label is not None:
            spelled.see(rows[-1].label, where)
    _refuse_useless(name, rows, bad)
    if not table.complete and columns.label not in checker.seen | set(table.columns):
        raise _no_labels(name, label, table)
    classes = list(dict.fromkeys(r.label for r in rows if r.label is not None and not r.problem))
    return Rows(name, rows, classes, [*_notes(rows, bad, spelled, columns)])


def _labeled(row: Row, number: str, checker: Checker) -> Labeled:
    try:
        found = checker.check(row)
    except BadRow as e:
        id_ = _plain(row, checker.columns.id) or number
        return Labeled(id_, _plain(row, checker.columns.label), problem=str(e))
    return Labeled(found.id or number, found.label, found.text, found.hash)


def _plain(row: Row, column: str | None) -> str | None:
    """Return an id or label of a row that is refused for another reason."""
    cell = row.cells.get(column) if column else None
    name = cell.strip() if isinstance(cell, str) else ""
    return name if name and not name_fault(name) else None


def _no_labels(name: str, label: str, table: Table) -> DataError:
    if label and table.columns:
        return missing(name, "label", label, table.columns)
    return DataError(
        f"{name}: there is no column of labels to be judged",
        hint="name a CSV, JSON Lines or Parquet file and its column, e.g. --label label",
    )


def _refuse_useless(name: str, rows: Sequence[Labeled], bad: Sequence[str]) -> None:
    if not rows:
        raise DataError(
            f"{name} has no rows, only a header or empty lines",
            hint="name a file with a row for each text",
        )
    if len(bad) == len(rows):
        lists = all(r.problem.startswith("label is a list") for r in rows)
        raise DataError(
            f"{name}: none of its {len(rows):,} rows can be used; {bad[0]}",
            hint="a text with several labels can't be judged: keep those with one, as a string"
            if lists
            else "mend the rows, or name the right columns: --text, --label",
            problems=bad if len(bad) > 1 and not lists else (),
        )


def spelled_apart(spelled: Labels) -> Iterator[str]:
    """Say which labels people would take for the same."""
    if spelled.clashes:
        some = few([f"{shown(a, 40)} and {shown(b, 40)}" for a, b in spelled.clashes], 3)
        yield f"probably the same class, judged as two: {some}"


def _notes(
    rows: Sequence[Labeled], bad: Sequence[str], spelled: Labels, columns: Columns
) -> Iterator[str]:
    if bad:
        yield f"not judged: {bad[0]}" + (f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else "")
    yield from spelled_apart(spelled)
    twice = [i for i, n in Counter(r.id for r in rows).items() if n > 1]
    if twice and columns.id:
        yield f"{len(twice):,} ids stand in several rows, e.g. {shown(twice[0], 40)}"
