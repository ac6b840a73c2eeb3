"""Write a page for `report`, `compare` and `recommend`."""

from pathlib import Path


def write(path: Path, text: str, option: str) -> None:
    """Write a page, readable by its owner only: it may hold texts.

    Raises:
        InputError: the file can't be written, or is a symbolic link. `option` names a file.
    """
    from al_loop.errors import InputError
    from al_loop.files import write_whole

    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as e:
        raise InputError(
            f"{path} can't be written: {e.strerror}", hint=f"name another file: {option} FILE"
        ) from e
