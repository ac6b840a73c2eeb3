"""Find the reader for a file by its name."""

from pathlib import Path

from al_loop.data.delimited import Delimited
from al_loop.data.jsonl import JsonLines, PlainText
from al_loop.data.rows import Table
from al_loop.data.source import Source, check_file
from al_loop.errors import DataError

KNOWN = ".csv, .tsv, .jsonl, .txt (each also .gz) and .parquet"


def open_table(path: Path, *, replace: bool = False) -> Table:
    """Open a file and read as much as tells its columns.

    Raises:
        DataError: not there, not a file, too large, of an unknown kind, or broken.

    """
    check_file(path)
    source = Source(path, replace)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[:-1] if packed else suffixes)[-1:]
    if kind == [".csv"]:
        return Delimited(source)
    if kind in ([".tsv"], [".tab"]):
        return Delimited(source, "\t")
    if kind in ([".jsonl"], [".ndjson"]):
        return JsonLines(source)
    if kind in ([".txt"], [".text"]):
        return PlainText(source)
    if kind == [".parquet"] and not packed:
        from al_loop.data.parquet import Parquet

        return Parquet(source)
    raise _unknown(path, kind)


def _unknown(path: Path, kind: list[str]) -> DataError:
    hint = "rename it, or save it as one of those"
    if kind == [".json"]:
        hint = f"jq -c '.[]' {path} > {path.stem}.jsonl"
    if kind in ([".xlsx"], [".xls"], [".ods"]):
        hint = "save the sheet as CSV UTF-8"
    return DataError(f"{path} is of a kind that is not read; known are {KNOWN}", hint=hint)
