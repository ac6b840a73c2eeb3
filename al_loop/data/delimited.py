"""CSV and TSV, read strictly: a broken quote refuses the file, a short row only itself."""

import csv
from collections.abc import Iterator, Sequence

from al_loop.data import source as limits
from al_loop.data.rows import Row
from al_loop.data.source import Source
from al_loop.data.text import mend, shown
from al_loop.errors import DataError

_EXPLAINED = {
    "unexpected end of data": "a quote of the row that starts here is never closed",
    "field larger": "a cell of the row that starts here never ends; is a quote left open?",
    "new-line character": "the line holds a carriage return outside of quotes",
    "expected after": "text follows a closing quote",
}
_HINTS = {
    "new-line character": "convert the line breaks, e.g. with dos2unix -c mac",
    "expected after": 'write a quote inside a cell twice (""), or save the file as JSON Lines',
}


class Delimited:
    """An open CSV or TSV file. A header with ``;`` or tabs and no comma is read with those."""

    complete = True

    def __init__(self, source: Source, delimiter: str = "") -> None:
        self._source = source
        self._pending: list[str] = []
        self._stream = source.lines()
        self._prefetch()
        self._delimiter = delimiter or self._guess()
        self.note = f"columns separated by {self._delimiter!r}" if self._guessed(delimiter) else ""
        csv.field_size_limit(limits.MAX_LINE)
        self._reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        self.columns = self._header()

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows; `line` is the line where a row with line breaks begins."""
        places = [(name, i) for i, name in enumerate(self.columns) if name in set(wanted)]
        width = len(self.columns)
        for line, cells in self._records():
            if len(cells) == width:
                yield Row(line, {name: cells[i] for name, i in places})
            else:
                yield Row(line, {}, f"has {len(cells)} cells, the header has {width}")

    def _prefetch(self) -> None:
        for _, line in self._stream:
            self._pending.append(line)
            if line.strip():
                return

    def _guess(self) -> str:
        header = self._pending[-1] if self._pending else ""
        return next((mark for mark in (",", ";", "\t") if mark in header), ",")

    def _guessed(self, given: str) -> bool:
        return not given and self._delimiter != ","

    def _lines(self) -> Iterator[str]:
        yield from self._pending
        for _, line in self._stream:
            yield line

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            first = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as e:
                raise self._refused(first, str(e)) from e
            if cells:  # an empty line is no row
                yield first, cells

    def _refused(self, line: int, error: str) -> DataError:
        key = next((key for key in _EXPLAINED if key in error), "")
        return DataError(
            f"{self._source.name}:{line}: {_EXPLAINED.get(key, error)}",
            hint=_HINTS.get(key, f"mend line {line}, or save the file as JSON Lines"),
        )

    def _header(self) -> tuple[str, ...]:
        line, cells = next(self._records(), (1, []))
        names = tuple(mend(cell).strip() for cell in cells)
        if not any(names):
            raise DataError(
                f"{self._source.name}:{line}: there is no header",
                hint="name the columns in the first line, e.g. id,text,label",
            )
        for place, name in enumerate(names):
            if name in names[:place]:
                raise DataError(
                    f"{self._source.name}:{line}: columns {names.index(name) + 1} and "
                    f"{place + 1} are both called {shown(name)}",
                    hint="give each column its own name in the first line",
                )
        return names
