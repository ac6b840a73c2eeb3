"""Files that are written whole or not at all, and the lock of a workspace."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from al_loop.crash import point
from al_loop.errors import InputError, Locked

_LOOKS = 10  # at a lock's holder, 0.05 s apart


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hex digits."""
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file so that a crash leaves the old one or the new one.

    Raises:
        InputError: `path` is a symbolic link (it might lead out of the workspace).

    """
    with writing_whole(path, mode=mode) as f:
        f.write(data)


@contextmanager
def writing_whole(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Give a file to write piece by piece; an error or a crash leaves what was there before.

    Raises:
        InputError: `path` is a symbolic link (it might lead out of the workspace), or anything
            else that is no file: a device or a pipe would be replaced by one.

    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        what = "a symbolic link" if path.is_symlink() else "a directory, a pipe or a device"
        raise InputError(f"{path} is {what}", hint="name another file, or move it away")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as f:
            os.fchmod(f.fileno(), mode)  # whatever the umask is
            yield f
            f.flush()
            point("C13 file written")
            os.fsync(f.fileno())
        point("C13 file synced")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    point("C13 file renamed")
    sync_folder(path.parent)
    point("C13 folder synced")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a workspace for one step; the kernel frees it when the process dies.

    Raises:
        Locked: at once, when another process holds it and `wait` is not set; names it.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as e:
            raise Locked(_holder(path), hint="wait for it, or stop it; then run again") from e
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "since": time.time()}).encode())
        point("C0 locked")
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # the next one must not be taken for us
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    """Name who holds a lock; it may just have taken it and not written down who it is yet."""
    for _ in range(_LOOKS):
        try:
            held = json.loads(path.read_text())
            os.kill(held["pid"], 0)  # raises for one that was killed and left its name
            since = time.strftime("%H:%M:%S", time.localtime(held["since"]))
            return f"process {held['pid']} has been working in this workspace since {since}"
        except (ValueError, KeyError, TypeError, ProcessLookupError):
            time.sleep(0.05)
        except PermissionError:
            return f"process {held['pid']} of another user is working in this workspace"
    return "another process is working in this workspace"
