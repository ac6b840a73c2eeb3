"""A folder that is written whole: beside its place first, then put there."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from al_loop.errors import InputError
from al_loop.files import sync_folder


@contextmanager
def writing_whole(path: Path, mark: str, files: Collection[str]) -> Iterator[Path]:
    """Give an empty folder to fill, which then takes the place of `path`.

    Only a folder of ours is replaced: its README.md has `mark`, and it holds no other `files`.
    A process that is killed between the two renames leaves the old one as ``.<name>.old``,
    which the next run puts back first.

    Raises:
        InputError: `path` is something else.
    """
    path = path.absolute()  # "." has no name
    _check(path, files, mark)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")  # another process may do the same
    old = path.with_name(f".{path.name}.old")
    _check(old, files)
    if old.exists() and not path.exists():
        old.rename(path)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir(mode=0o700)
    try:
        yield new
        for file in new.iterdir():
            _sync(file)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _check(path: Path, files: Collection[str], mark: str = "") -> None:
    if not path.exists() and not path.is_symlink():
        return
    folder = path.is_dir() and not path.is_symlink()
    found = {file.name for file in path.iterdir()} if folder else {""}
    if found - set(files) or (found and mark not in _card(path)):
        raise InputError(
            f"{path} is there already, and is not a folder that al-loop exported",
            hint="name another one, or move it away",
        )


def _card(path: Path) -> str:
    card = path / "README.md"
    return card.read_text("utf-8", "replace") if card.is_file() else ""


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
