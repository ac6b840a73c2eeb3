"""Judge a row: a record that can be stored, or the reason why not."""

import json
from dataclasses import dataclass, field
from typing import Any

from al_loop.data.columns import Columns
from al_loop.data.rows import Literal, Row
from al_loop.data.text import fault, mend, name_fault, normalize, shown, text_hash


@dataclass(frozen=True, slots=True)
class Record:
    """A row that can be stored, normalized. `id` None: it is made of the text."""

    line: int
    text: str
    hash: str
    id: str | None = None
    label: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    mended: bool = False


class BadRow(Exception):
    """The reason why a row is refused; never leaves this package's callers."""


@dataclass(slots=True)
class Checker:
    """Checks the rows of one file. `seen` collects the columns that had a value anywhere."""

    columns: Columns
    max_bytes: int
    replace: bool = False
    need_label: bool = False
    seen: set[str] = field(default_factory=set)

    def check(self, row: Row) -> Record:
        """Return what is stored of a row.

        Raises:
            BadRow: with the column and the reason.

        """
        if row.problem:
            raise BadRow(row.problem)
        replaced: list[str] = []
        text = self._text(row, replaced)
        id_ = self._name(row, self.columns.id, "id", replaced)
        label = self._name(row, self.columns.label, "label", replaced)
        if label is not None and (problem := name_fault(label)):
            raise BadRow(f"label {problem}")
        if id_ is not None and (problem := name_fault(id_)):
            raise BadRow(f"id {problem}")
        if self.need_label and label is None:
            raise BadRow("has no label; every row of a test file needs one")
        extra = self._extra(row, replaced)
        return Record(row.line, text, text_hash(text), id_, label, extra, bool(replaced))

    def _text(self, row: Row, replaced: list[str]) -> str:
        column = self.columns.text
        cell = row.cells.get(column)
        if cell is None:
            raise BadRow(f"has no text (column {shown(column, 40)})")
        if not isinstance(cell, str) or isinstance(cell, Literal):
            raise BadRow(f"text is {_kind(cell)}, not a string")
        self.seen.add(column)
        text = normalize(self._clean(cell, "text", replaced))
        if not text:
            raise BadRow("text is empty")
        self._measure(text, "text")  # NFC can make a text longer
        return text

    def _name(self, row: Row, column: str | None, what: str, replaced: list[str]) -> str | None:
        cell = row.cells.get(column) if column else None
        if cell is None or column is None:
            return None
        self.seen.add(column)
        if not isinstance(cell, str):
            raise BadRow(f"{what} is {_kind(cell)}, not a string or a number")
        text = self._clean(cell, what, replaced)
        return (normalize(text) if what == "label" else text.strip()) or None

    def _extra(self, row: Row, replaced: list[str]) -> dict[str, str]:
        found = {}
        for column in self.columns.keep:
            cell = row.cells.get(column)
            if cell is None:
                continue
            self.seen.add(column)
            found[column] = self._clean(_as_text(cell), f"column {shown(column, 40)}", replaced)
        return found

    def _clean(self, cell: str, what: str, replaced: list[str]) -> str:
        self._measure(cell, what)
        problem = fault(cell)
        if not problem:
            return cell
        if not self.replace:
            raise BadRow(f"{what} has {problem} (--replace-bad-chars puts U+FFFD there)")
        replaced.append(what)
        return mend(cell)

    def _measure(self, cell: str, what: str) -> None:
        if len(cell) * 4 <= self.max_bytes:
            return
        length = len(cell.encode("utf-8", "surrogatepass"))
        if length > self.max_bytes:
            raise BadRow(
                f"{what} has {length:,} bytes, more than {self.max_bytes:,} "
                "([data] max_bytes in config.toml)"
            )


def _kind(cell: Any) -> str:
    if isinstance(cell, Literal):
        return "a number"
    if isinstance(cell, bool):
        return "true or false"
    return "a list" if isinstance(cell, list) else "an object"


def _as_text(cell: Any) -> str:
    if isinstance(cell, str):
        return str(cell)
    try:
        return _json(cell)
    except RecursionError:
        raise BadRow("a kept column is nested too deeply") from None


def _json(value: Any) -> str:
    """Write JSON with each number as it was written."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        parts = [f"{json.dumps(k, ensure_ascii=False)}: {_json(v)}" for k, v in value.items()]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_json(v) for v in value]) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)
