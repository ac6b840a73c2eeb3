"""Parquet: typed columns, the values as they are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from al_loop.export.rows import FIELDS, Export

if TYPE_CHECKING:
    import pyarrow as pa

#: A batch of rows is what is held in memory at a time, and a row group of the file.
ROWS = 10_000


def write(export: Export, out: BinaryIO) -> None:
    """Write all rows into one file."""
    with writing(out, schema(export)) as put:
        records = export.records()
        while batch := list(islice(records, ROWS)):
            put(batch)


def schema(export: Export, **others: "pa.DataType") -> "pa.Schema":
    """Return the columns with their types; `others` names types that are different here."""
    import pyarrow as pa

    types: Mapping[str, Any] = {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "strings": pa.list_(pa.string()),
    }
    ours = {name: others.get(name, types[field.type]) for name, field in FIELDS.items()}
    return pa.schema(list((ours | dict.fromkeys(export.kept.values(), pa.string())).items()))


@contextmanager
def writing(out: BinaryIO, columns: "pa.Schema") -> "Iterator[Any]":
    """Give a function that appends a list of records to a file."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(out, columns) as writer:  # type: ignore[no-untyped-call]
        yield lambda batch: writer.write_batch(pa.RecordBatch.from_pylist(batch, columns))
