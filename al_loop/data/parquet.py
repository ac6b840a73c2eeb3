"""Parquet through pyarrow, a thousand rows at a time. Rows are counted from 1."""

from collections.abc import Iterator, Sequence
from typing import Any

from al_loop.data import source as limits
from al_loop.data.rows import Literal, Row
from al_loop.data.source import Source, too_large, unreadable
from al_loop.data.text import shown
from al_loop.errors import DataError

_ROWS = 1000


class Parquet:
    """An open Parquet file. Strings are decoded here, so that a bad one is one bad row."""

    complete = True
    note = ""

    def __init__(self, source: Source) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._source = source
        try:
            untyped: Any = parquet
            self._file: Any = untyped.ParquetFile(source.path)
            names = [str(name) for name in self._file.schema_arrow.names]
        except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
            raise self._broken(e) from e
        if twice := [name for i, name in enumerate(names) if name in names[:i]]:
            raise DataError(
                f"{source.name}: two columns are called {shown(twice[0])}",
                hint="give each column its own name",
            )
        self.columns = tuple(names)

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows with the wanted columns.

        Raises:
            DataError: the file is broken, or unpacks to more than the limit.

        """
        import pyarrow as pa

        chosen = [name for name in self.columns if name in set(wanted)]
        line = unpacked = 0
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, columns=chosen):
                unpacked += batch.nbytes
                if unpacked > limits.MAX_BYTES:
                    raise too_large(self._source.name, "unpacked it")
                cells = [_cells(batch.column(name)) for name in chosen]
                for values in zip(*cells, strict=True):
                    line += 1
                    yield Row(line, dict(zip(chosen, values, strict=True)))
        except (pa.ArrowException, OSError) as e:
            raise self._broken(e) from e

    def _broken(self, error: Exception) -> DataError:
        import pyarrow as pa

        if isinstance(error, PermissionError):
            return unreadable(self._source.name, error)
        kind = "not a Parquet file, or a broken one"
        if isinstance(error, pa.ArrowNotImplementedError):
            kind = "a Parquet file of a kind that can't be read"
        return DataError(
            f"{self._source.name} is {kind}: {str(error).splitlines()[0][:200]}",
            hint="write it again, or save it as JSON Lines",
        )


def _cells(column: Any) -> list[Any]:
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if any(check(column.type) for check in _strings(types)):
        return [_decoded(raw) for raw in column.cast(pa.large_binary()).to_pylist()]
    values = column.to_pylist()
    if types.is_boolean(column.type) or types.is_nested(column.type):
        return list(values)
    return [None if value is None else Literal(value) for value in values]


def _strings(types: Any) -> tuple[Any, ...]:
    return types.is_string, types.is_large_string, types.is_binary, types.is_large_binary


def _decoded(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogateescape")
