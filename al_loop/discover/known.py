"""Known classes from a file of their own: labeled texts, or phrases that stand for a class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from al_loop.data.check import BadRow, Checker
from al_loop.data.columns import Columns
from al_loop.data.rows import Row, Table
from al_loop.data.tables import open_table
from al_loop.data.text import shown
from al_loop.errors import DataError
from al_loop.ingest import printable

MAX_BYTES = 100_000  # of a text
_LABELS = ("label", "class", "category", "intent")
_TEXTS = ("text", "phrase", "example", "message", "body", "utterance", "sentence")


@dataclass(frozen=True, slots=True)
class Example:
    """A text that shows a known class; `where` it came from, for messages."""

    name: str
    text: str
    hash: str
    where: str = ""


def read(path: Path) -> list[Example]:
    """Return the examples in a file, in its order.

    A table (CSV, TSV, JSON Lines, Parquet) has a column of labels and one of texts; of a plain
    text file every line is a class, a tab and a phrase.

    Raises:
        DataError: the file can't be read, lacks one of the two, or has rows that can't be used;
            names each with its line.
    """
    file = printable(path)
    table = open_table(path)
    columns = _columns(table, file)
    checker = Checker(columns, MAX_BYTES, need_label=True)
    found: list[Example] = []
    bad: list[str] = []
    for row in _rows(table, columns):
        where = f"{file}:{row.line}"
        try:
            record = checker.check(row)
        except BadRow as e:
            bad.append(f"{where}: {str(e).replace('of a test file', 'of known classes')}")
        else:
            assert record.label is not None  # the checker needs one
            found.append(Example(record.label, record.text, record.hash, where))
    if bad:
        raise DataError(
            bad[0] if len(bad) == 1 else f"{len(bad)} rows can't be used; {bad[0]}",
            hint=f"mend {file}: every row has a text and the class that it shows",
            problems=bad if len(bad) > 1 else (),
        )
    if not found:
        raise DataError(f"{file} has no rows", hint="give one example or more of each known class")
    return found


def _rows(table: Table, columns: Columns) -> Iterator[Row]:
    for row in table.rows(columns.wanted()):
        yield row if table.columns else _split(row)


def _split(row: Row) -> Row:
    """Cut a line of plain text at its first tab."""
    name, tab, phrase = row.cells["text"].partition("\t")
    if not tab:
        return row._replace(problem="has no tab between a class and a phrase")
    return row._replace(cells={"label": name, "text": phrase})


def _columns(table: Table, file: str) -> Columns:
    """Find both columns by their usual names; of two, the other one is the text."""
    if not table.columns:
        return Columns("text", "label")
    label = _first(_LABELS, table.columns)
    if label is None:
        raise _lacks(file, "label", table.columns)
    others = [c for c in table.columns if c != label]
    text = _first(_TEXTS, others) or (others[0] if len(others) == 1 else None)
    if text is None:
        raise _lacks(file, "text", table.columns)
    return Columns(text, label)


def _first(names: Sequence[str], columns: Sequence[str]) -> str | None:
    by_name = {c.casefold(): c for c in reversed(columns)}
    return next((by_name[n] for n in names if n in by_name), None)


def _lacks(file: str, name: str, columns: Sequence[str]) -> DataError:
    listed = ", ".join(shown(c, 40) for c in columns[:20])
    return DataError(
        f"{file}: there is no column {name!r}; there are {listed}",
        hint="call the columns text and label; or a .txt with lines of a class, a tab, a phrase",
    )
