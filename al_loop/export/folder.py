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
    new, old = (path.with_name(f".{path.name}.{kind}") for kind in ("new", "old"))
    if old.exists() and not path.exists():
        old.rename(path)
    _check(path, mark, files)
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


def _check(path: Path, mark: str, files: Collection[str]) -> None:
    if not path.exists() and not path.is_symlink():
        return
    ours = path.is_dir() and not path.is_symlink()
    found = {file.name for file in path.iterdir()} if ours else {""}
    card = path / "README.md"
    if found and (
        found - set(files) or not card.is_file() or mark not in card.read_text("utf-8", "replace")
    ):
        raise InputError(
            f"{path} is there already, and is not a folder that al-loop exported",
            hint="name another one, or move it away",
        )


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
