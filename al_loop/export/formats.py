"""The formats by name, and how each gets to its place."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from al_loop.errors import InputError
from al_loop.export.rows import Export
from al_loop.files import writing_whole

#: format -> the suffixes of file names that stand for it
FORMATS: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv",),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "label-studio": (),
    "hf": (),
    "json": (".json",),
    "md": (".md",),
}
#: These are no text that a terminal or a pipe could take.
BINARY = ("parquet", "hf")


def by_name(path: Path) -> str:
    """Return the format that a file's name stands for.

    Raises:
        InputError: its suffix stands for none.
    """
    for name, suffixes in FORMATS.items():
        if path.suffix.lower() in suffixes:
            return name
    known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    raise InputError(
        f"the format of {path} can't be told from its name; known are {known}",
        hint=f"name it: --format {'|'.join(FORMATS)}",
    )


def lines(form: str, export: Export) -> Iterator[str]:
    """Return what is written in one of the formats that are text."""
    from al_loop.export import text

    if form == "label-studio":
        from al_loop.export import label_studio

        return label_studio.tasks(export)
    found: Mapping[str, Callable[[Export], Iterator[str]]] = {
        "csv": text.csv_lines,
        "jsonl": text.json_lines,
        "json": text.json_document,
        "md": text.markdown_lines,
    }
    return found[form](export)


def write(form: str, export: Export, path: Path) -> None:
    """Write a file, or for Hugging Face a folder, whole or not at all.

    Raises:
        InputError: there is something else at `path`, or no folder to put it in.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent}", hint=f"mkdir -p {path.parent}, then run again"
        )
    if form == "hf":
        from al_loop.export import folder, hugging_face

        with folder.writing_whole(path, hugging_face.MARK, hugging_face.FILES) as new:
            hugging_face.write(export, new)
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint=f"name a file in it: {path / 'labels'}")
    with writing_whole(path) as out:
        _write_file(form, export, out)


def _write_file(form: str, export: Export, out: BinaryIO) -> None:
    if form == "parquet":
        from al_loop.export import parquet

        parquet.write(export, out)
        return
    for line in lines(form, export):
        out.write(line.encode("utf-8"))
