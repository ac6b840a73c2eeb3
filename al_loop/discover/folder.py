"""The folder of what was found: each file whole, and nothing of anybody else's replaced."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from al_loop.discover.report import MADE_BY
from al_loop.errors import InputError
from al_loop.files import write_whole, writing_whole

FOLDER = "al-loop-discover"
REPORT, TASKS, PAGE, MAP = "report.json", "preannotated.json", "label_config.xml", "map.html"


def check(folder: Path) -> None:
    """Refuse a place that is no folder, or holds files with our names that are not ours.

    Raises:
        InputError: says what is there.
    """
    if (folder.is_symlink() or folder.exists()) and not folder.is_dir():
        raise InputError(f"{folder} is no folder", hint="name another one: --out DIR")
    there = [name for name in (REPORT, TASKS, PAGE, MAP) if (folder / name).exists()]
    if there and not _is_ours(folder / REPORT):
        raise InputError(
            f"{folder / there[0]} is there already, and not from al-loop discover",
            hint="name another folder: --out DIR",
        )


def make(folder: Path) -> None:
    """Make the folder, so that a place that can't be written is told before the work.

    Raises:
        InputError: it can't be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise _unwritable(folder, e) from e


def write(
    folder: Path, found: Mapping[str, Any], tasks: Iterable[str], config: str, page: str
) -> None:
    """Write all four files, the report first: it marks the folder as ours.

    Killed at any moment, each file is the old or the new one; run again, all are new.

    Raises:
        InputError: a file can't be written.
    """
    check(folder)
    report = json.dumps(found, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        write_whole(folder / REPORT, f"{report}\n".encode())
        with writing_whole(folder / TASKS) as f:
            for part in tasks:
                f.write(part.encode())
        write_whole(folder / PAGE, config.encode())
        write_whole(folder / MAP, page.encode())
    except OSError as e:
        raise _unwritable(folder, e) from e


def _unwritable(folder: Path, error: OSError) -> InputError:
    hint = "name another folder: --out DIR"
    return InputError(f"{folder} can't be written: {error.strerror}", hint=hint)


def _is_ours(path: Path) -> bool:
    try:
        found = json.loads(path.read_bytes())
        return str(found["made_by"]).startswith(MADE_BY)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
