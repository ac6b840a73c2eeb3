"""A file of answers in long form: a row says what one person called one text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from al_loop.data.check import BadRow
from al_loop.data.columns import missing
from al_loop.data.rows import Literal, Row, Table
from al_loop.data.tables import open_table
from al_loop.data.text import fault, mend, name_fault, normalize
from al_loop.data.vocabulary import Labels
from al_loop.errors import DataError
from al_loop.ingest import printable
from al_loop.scan.rows import spelled_apart


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what; no text is no column of texts."""

    item: str
    annotator: str
    label: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file says.

    votes: item -> person -> label, one vote a person: their last. texts: of the items, empty where
    the file has none. answers: rows that count, also those that a later one replaced.
    notes: lines for people about what was read.
    """

    name: str
    votes: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, str]
    answers: int
    notes: Sequence[str] = ()


@dataclass(slots=True)
class _Reader:
    columns: Columns
    replace: bool
    votes: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    spelled: Labels = field(default_factory=Labels)
    answers: int = 0
    replaced: int = 0
    unanswered: int = 0

    def take(self, row: Row, where: str) -> None:
        """Add what a row says.

        Raises:
            BadRow: with the reason.
        """
        if row.problem:
            raise BadRow(row.problem)
        item = self._cell(row, self.columns.item, "item")
        person = self._cell(row, self.columns.annotator, "annotator")
        label = self._cell(row, self.columns.label, "label")
        text = self._cell(row, self.columns.text, "text") if self.columns.text else ""
        for what, cell in (("item", item), ("annotator", person)):
            if not cell:
                raise BadRow(f"{what} is empty")
        for what, cell in (("annotator", person), ("label", label)):
            if problem := name_fault(cell):
                raise BadRow(f"{what} {problem}")
        if not label:
            self.unanswered += 1
            return
        if text:
            self.texts.setdefault(item, text)
        self.spelled.see(label, where)
        mine = self.votes.setdefault(item, {})
        self.answers += 1
        self.replaced += person in mine
        mine[person] = label

    def _cell(self, row: Row, column: str, what: str) -> str:
        cell = row.cells.get(column)
        if cell is None:
            return ""
        if not isinstance(cell, str) or (what == "text" and isinstance(cell, Literal)):
            raise BadRow(f"{what} is not a string")
        text = normalize(mend(cell) if self.replace else cell)
        if problem := fault(text):
            raise BadRow(f"{what} has {problem} (--replace-bad-chars puts U+FFFD there)")
        return text


def read(path: Path, columns: Columns, *, replace_bad_chars: bool = False) -> Answers:
    """Read a file of answers; a person who answered an item more than once has their last vote.

    Raises:
        DataError: the file can't be read, a column is missing, or no row holds an answer.
    """
    table = open_table(path, replace=replace_bad_chars)
    name = printable(path)
    _check(name, table, columns)
    reader = _Reader(columns, replace_bad_chars)
    wanted = [columns.item, columns.annotator, columns.label]
    bad: list[str] = []
    for row in table.rows([*wanted, columns.text] if columns.text else wanted):
        where = f"{name}:{row.line}"
        try:
            reader.take(row, where)
        except BadRow as e:
            bad.append(f"{where}: {e}")
    if not reader.votes:
        first = f"; {bad[0]}" if bad else ""
        raise DataError(
            f"{name}: no row holds an answer{first}",
            hint="name a file in which each row has an item, an annotator and a label",
        )
    if all(len(cast) == 1 for cast in reader.votes.values()):
        raise DataError(
            f"{name}: no item has answers of two people, so there is nothing to compare",
            hint="check that --item names what several people answered, and --annotator who did",
        )
    notes = [*_notes(reader, bad)]
    return Answers(name, reader.votes, reader.texts, reader.answers, notes)


def _check(name: str, table: Table, columns: Columns) -> None:
    for option in ("item", "annotator", "label", "text"):
        column = getattr(columns, option)
        if column is not None and column not in table.columns:
            raise missing(name, option, column, table.columns)


def _notes(reader: _Reader, bad: Sequence[str]) -> Iterator[str]:
    if bad:
        yield f"left out: {bad[0]}" + (f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else "")
    yield from spelled_apart(reader.spelled)
    if n := reader.unanswered:
        yield f"rows without a label, which are no answers: {n:,}"
    if n := reader.replaced:
        yield f"answers that the same person gave anew to the same item, the last counts: {n:,}"
    if reader.texts and (n := len(reader.votes) - len(reader.texts)):
        yield f"items without a text, whose labels no model judges: {n:,}"
