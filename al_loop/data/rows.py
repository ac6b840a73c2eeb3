"""What every reader hands over: a table with columns, and its rows one by one."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol


class Literal(str):
    """A number as it was written, so that it is never taken for a text."""

    __slots__ = ()


class Row(NamedTuple):
    """One row. `line` is where it begins; `problem` says why it has no cells.

    Cells are str, `Literal` for numbers, bool, None, or a list or dict of JSON.
    """

    line: int
    cells: dict[str, Any]
    problem: str = ""


class Table(Protocol):
    """An open file. `columns` is empty for plain text, whose one cell is called ``text``.

    `complete` is False where later rows may bring more columns (JSON Lines).
    `note` says what was guessed about the file.
    """

    columns: tuple[str, ...]
    complete: bool
    note: str

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows once; the cells hold at least the wanted columns that are there.

        Raises:
            DataError: a fault of the file as a whole, with its line.

        """
        ...
