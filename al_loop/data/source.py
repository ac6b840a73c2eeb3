"""Open an input file within limits, and cut it into decoded lines that know where they are."""

import gzip
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from al_loop.errors import DataError

MAX_BYTES = 2 * 1024**3  # of a file, packed and unpacked
MAX_LINE = 64 * 1024**2  # of a line, or of a cell with line breaks

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Source:
    """A checked regular file. With `replace`, bad bytes come as lone surrogates."""

    path: Path
    replace: bool = False

    @property
    def name(self) -> str:
        """The file as it stands in messages."""
        return str(self.path)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (line number, line with its line break), cut at LF alone.

        str.splitlines would cut at U+2028 and U+0085 too.

        Raises:
            DataError: not UTF-8 (with line and byte offset), too large, or a broken gzip file.

        """
        offset = 0
        for number, raw in enumerate(self._raw_lines(), start=1):
            skip = len(_UTF8_MARK) if number == 1 and raw.startswith(_UTF8_MARK) else 0
            try:
                yield number, raw[skip:].decode("utf-8")
            except UnicodeDecodeError as e:
                if not self.replace:
                    raise self._undecodable(raw, number, offset + skip + e.start, e) from None
                yield number, raw[skip:].decode("utf-8", "surrogateescape")
            offset += len(raw)

    def _raw_lines(self) -> Iterator[bytes]:
        total = number = 0
        try:
            with self._open() as f:
                while raw := f.readline(MAX_LINE + 1):
                    total += len(raw)
                    number += 1
                    if len(raw) > MAX_LINE:
                        raise DataError(
                            f"{self.name}:{number}: the line is longer than {size(MAX_LINE)}",
                            hint="check that this is a text file with line breaks",
                        )
                    if total > MAX_BYTES:
                        raise too_large(self.name, "unpacked it")
                    yield raw
        except (gzip.BadGzipFile, EOFError, zlib.error) as e:
            raise DataError(
                f"{self.name}:{number + 1}: the gzip file is broken: {e}",
                hint="copy the file again, or unpack it with gunzip and import that",
            ) from e
        except OSError as e:
            raise unreadable(self.name, e) from e

    def _open(self) -> BinaryIO:
        if self.path.suffix.lower() == ".gz":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def _undecodable(
        self, raw: bytes, number: int, offset: int, error: UnicodeDecodeError
    ) -> DataError:
        what = f"byte 0x{error.object[error.start]:02x} at offset {offset:,} is not UTF-8"
        encoding = "LATIN1"
        if number == 1 and raw.startswith(_UTF16_MARKS):
            what, encoding = f"{what}; it looks like UTF-16", "UTF-16"
        return DataError(
            f"{self.name}:{number}: {what}",
            hint=f"iconv -f {encoding} -t UTF-8 {self.name} > utf8-{self.path.name}, "
            "or --replace-bad-chars",
        )


def check_file(path: Path) -> None:
    """Refuse what can't be read to its end: nothing there, no regular file, empty, too large.

    Raises:
        DataError: names the file and what it is.

    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise DataError(f"{path} is not there", hint="check the name: ls") from None
    except (OSError, ValueError) as e:
        raise unreadable(str(path), e) from e
    if stat.S_ISDIR(found.st_mode):
        raise DataError(f"{path} is a folder", hint=f"name a file in it: ls {path}")
    if not stat.S_ISREG(found.st_mode):
        raise DataError(
            f"{path} is not a regular file (a pipe or a device)",
            hint="write the data to a file first, then name that",
        )
    if found.st_size == 0:
        raise DataError(f"{path} is empty", hint="name a file with a row for each text")
    if found.st_size > MAX_BYTES:
        raise too_large(str(path), "it")


def too_large(name: str, what: str) -> DataError:
    """Say that a file is over the limit."""
    return DataError(
        f"{name}: {what} is larger than {size(MAX_BYTES)}",
        hint="split it, and add the parts with al-loop import",
    )


def unreadable(name: str, error: Exception) -> DataError:
    """Say what the operating system said."""
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(f"{name} can't be read: {reason}", hint=f"ls -l {name}")


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(2 * 1024**3), size(500)
    ('2.0 GB', '500 bytes')
    """
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} bytes"
