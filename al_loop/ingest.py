"""Bring checked rows into the database: which text is new, which id, label or role it gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from al_loop.config import Config
from al_loop.data.check import BadRow, Checker, Record
from al_loop.data.columns import Asked, Columns, choose, missing
from al_loop.data.rows import Table
from al_loop.data.tables import open_table
from al_loop.data.text import id_of, shown
from al_loop.data.vocabulary import Labels
from al_loop.errors import DataError
from al_loop.store import Store, items
from al_loop.types import Role

#: Takes the file and the number of rows read so far.
Progress = Callable[[str, int], None]

_PROGRESS_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read. `needed` names the options whose column must be in this file."""

    asked: Asked
    config: Config
    role: Role = "pool"
    needed: Sequence[str] = ("text", "label", "id", "keep")
    replace_bad_chars: bool = False


@dataclass(slots=True)
class Counts:
    """What became of a file's rows: rows = added + more_ids + duplicates + filled + bad."""

    rows: int = 0
    added: int = 0  # a new text
    more_ids: int = 0  # a known text under a new id
    duplicates: int = 0  # nothing new
    filled: int = 0  # brought the label or a kept column of a row that came before
    labeled: int = 0  # good rows with a label
    mended: int = 0
    moved_to_test: int = 0
    kept_in_pool: int = 0  # of the test file, but people were asked already


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file. `bad` has ``file:line: reason`` for each refused row."""

    file: str
    role: Role
    counts: Counts
    bad: tuple[str, ...]
    columns: Columns
    note: str = ""

    @property
    def id_rule(self) -> str:
        """Where the ids are from."""
        if self.columns.id is None:
            return "id = first 16 hex digits of the text's SHA-256: the same text is the same item"
        return f"column {self.columns.id}; where it is empty, made of the text"


def open_chosen(path: Path, reading: Reading) -> tuple[Table, Columns]:
    """Open a file and choose its columns.

    Raises:
        DataError: the file can't be read, or a column that it needs is missing.

    """
    table = open_table(path, replace=reading.replace_bad_chars)
    columns = choose(table, str(path), reading.asked, reading.config.data, needed=reading.needed)
    if reading.role == "test" and columns.label is None:
        label = reading.asked.label or reading.config.data.label
        raise missing(f"{path} (test set)", "label", label, table.columns)
    return table, columns


def ingest(
    store: Store, path: Path, reading: Reading, labels: Labels, progress: Progress
) -> FileReport:
    """Read one file into the database. Inside a tx, which the caller rolls back on an error.

    Raises:
        DataError: the file is refused as a whole, or none of its rows can be used.

    """
    table, columns = open_chosen(path, reading)
    checker = Checker(
        columns,
        reading.config.data.max_bytes,
        reading.replace_bad_chars,
        need_label=reading.role == "test",
    )
    name = printable(path)
    import_id = items.begin_import(store, name, reading.role)
    placing = Placing(store, import_id, reading.role, items.next_position(store))
    counts = placing.counts
    bad: list[str] = []
    for row in table.rows(columns.wanted()):
        counts.rows += 1
        if counts.rows % _PROGRESS_ROWS == 0:
            progress(name, counts.rows)
        where = f"{name}:{row.line}"
        try:
            _take(checker.check(row), placing, labels, where)
        except BadRow as e:
            bad.append(f"{where}: {e}")
    progress(name, counts.rows)
    _refuse_useless(name, counts, bad)
    seen = _seen(name, table, columns, reading, checker)
    duplicates = counts.rows - counts.added - len(bad)
    items.end_import(store, import_id, counts.rows, counts.added, duplicates, len(bad))
    return FileReport(name, reading.role, counts, tuple(bad), seen, table.note)


@dataclass(slots=True)
class Placing:
    """Puts the records of one file in their place; the database knows what came before."""

    store: Store
    import_id: int
    role: Role
    position: int
    counts: Counts = field(default_factory=Counts)

    def place(self, record: Record) -> None:
        """Store what is new of a record.

        Raises:
            BadRow: its id came before with another text, label or kept column.

        """
        item = items.find_item(self.store, record.hash)
        if record.id is not None:
            self._place(record, record.id, item and item[0])
        else:
            self._place_unnamed(record, item and item[0])
        if item is not None and self.role == "test" and item[1] == "pool":
            self._to_test(item[0])

    def _to_test(self, item_id: str) -> None:
        """Move a text to the test set, unless people were asked about it: that label is bought."""
        if items.was_asked(self.store, item_id):
            self.counts.kept_in_pool += 1
        else:
            items.set_role(self.store, [item_id], "test")
            self.counts.moved_to_test += 1

    def _place(self, record: Record, id_: str, item_id: str | None) -> None:
        alias = items.find_alias(self.store, id_)
        if alias is not None:
            self._add_to(alias, record, item_id)
            return
        if item_id is None:
            items.add_item(self.store, id_, self.position, record.text, record.hash, self.role)
            self.position += 1
            self.counts.added += 1
        else:
            self.counts.more_ids += 1
        new = items.Alias(
            id_, item_id or id_, self.import_id, record.line, record.label, record.extra
        )
        items.put_alias(self.store, new)

    def _add_to(self, alias: items.Alias, record: Record, item_id: str | None) -> None:
        """Add what the earlier row with this id left out; it may not change anything."""
        label = alias.label if alias.label is not None else record.label
        extra = {**record.extra, **alias.extra}
        if item_id != alias.item_id:
            raise self._differs(alias, "another text")
        if record.label not in (None, label):
            raise self._differs(alias, f"label {shown(str(label))}, not {shown(str(record.label))}")
        if other := [c for c, value in record.extra.items() if extra[c] != value]:
            raise self._differs(alias, f"another {shown(other[0], 40)}")
        if (label, extra) == (alias.label, alias.extra):
            self.counts.duplicates += 1
            return
        items.put_alias(self.store, replace(alias, label=label, extra=extra))
        self.counts.filled += 1

    def _place_unnamed(self, record: Record, item_id: str | None) -> None:
        """Without an id the same text is the same row, unless it brings another label."""
        id_ = base = id_of(record.hash)
        if item_id is None:
            self._place(record, id_, None)
            return
        if record.label is None or record.label in items.labels_of(self.store, item_id):
            self.counts.duplicates += 1
            return
        number = 1
        while alias := items.find_alias(self.store, id_):
            if alias.item_id == item_id and alias.label is None:
                record = replace(record, extra={})
                break
            number += 1
            id_ = f"{base}-{number}"
        self._place(record, id_, item_id)

    def _differs(self, alias: items.Alias, what: str) -> BadRow:
        before = items.source_of(self.store, alias)
        return BadRow(f"id {shown(alias.id)} came with {what} at {before}")


def _take(record: Record, placing: Placing, labels: Labels, where: str) -> None:
    placing.place(record)
    placing.counts.mended += record.mended
    if record.label is not None:
        placing.counts.labeled += 1
        labels.see(record.label, where)


def printable(path: Path) -> str:
    """Return a file's name as it can be stored and printed."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _refuse_useless(name: str, counts: Counts, bad: list[str]) -> None:
    if counts.rows == 0:
        raise DataError(
            f"{name} has no rows, only a header or empty lines",
            hint="name a file with a row for each text",
        )
    if len(bad) == counts.rows:
        raise DataError(
            f"{name}: none of its {counts.rows:,} rows can be used; {bad[0]}",
            hint="mend the rows, then run again; nothing was imported",
            problems=bad if len(bad) > 1 else (),
        )


def _seen(name: str, table: Table, columns: Columns, reading: Reading, checker: Checker) -> Columns:
    """Return the columns that came; in JSON Lines that is known at the end only."""
    if table.complete:
        return columns
    asked = reading.asked
    for option, names in (
        ("label", (asked.label,)),
        ("id", (asked.id,)),
        ("keep", asked.keep or ()),
    ):
        for column in names if option in reading.needed else ():
            if column and column not in checker.seen and column not in table.columns:
                raise missing(name, option, column, table.columns)
    return replace(
        columns,
        label=columns.label if columns.label in checker.seen else None,
        id=columns.id if columns.id in checker.seen else None,
        keep=tuple(column for column in columns.keep if column in checker.seen),
    )
