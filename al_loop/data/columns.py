"""Which column is the text, the label, the id: named, from config.toml, or found."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from al_loop.config import DataSection
from al_loop.data.rows import Table
from al_loop.data.text import shown
from al_loop.errors import DataError

TEXT_NAMES = ("text", "message", "body", "content", "utterance", "sentence", "comment", "review")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line. None was not given; an empty name means no column."""

    text: str | None = None
    label: str | None = None
    id: str | None = None
    keep: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that are read. `unused` are those that nobody asked for."""

    text: str
    label: str | None = None
    id: str | None = None
    keep: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    found_by: str = "named"

    def wanted(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(name for name in (self.text, self.label, self.id, *self.keep) if name)


def choose(
    table: Table, file: str, asked: Asked, config: DataSection, *, needed: Sequence[str]
) -> Columns:
    """Choose the columns of a file: what was asked, then config.toml, then common names.

    `needed` says which of the asked columns this file must have; with a test file beside it,
    the label may be in that one alone.

    Raises:
        DataError: a needed column is missing, or no text column can be told; names those there.

    """
    if not table.columns:  # plain text
        for option in needed:
            if option != "text" and getattr(asked, option):
                raise DataError(
                    f"{file}: plain text has no columns, so there is no --{option}",
                    hint="save it as CSV with a header",
                )
        return Columns("text", found_by="one text a line")
    text, found_by = _text(table, file, asked, config)
    others = [c for c in table.columns if c != text]
    open_ = not table.complete  # a later row may still bring the column
    label = _optional(asked.label, config.label, others, open_)
    id_ = _optional(asked.id, config.id, others, open_)
    for option, name, there in (("label", asked.label, label), ("id", asked.id, id_)):
        if name and there is None and option in needed:
            raise missing(file, option, name, others)
    keep = _keep(table, file, asked, config, needed, taken=(text, label, id_))
    unused = tuple(c for c in table.columns if c not in (text, label, id_, *keep))
    return Columns(text, label, id_, keep, unused, found_by)


def missing(file: str, option: str, name: str, columns: Sequence[str]) -> DataError:
    """Say that a column is not there, which are, and which may have been meant."""
    listed = ", ".join(shown(c, 40) for c in columns[:20]) + (" ..." if len(columns) > 20 else "")
    likely = [*difflib.get_close_matches(name, columns, n=1), *columns, ""][0]
    example = likely if likely.isidentifier() else "COLUMN"
    said = f"no column {shown(name, 40)}" if name else "no column that is the text for sure"
    return DataError(
        f"{file}: there is {said}; there are {listed or 'none'}",
        hint=f"name one of them, e.g. --{option} {example}",
    )


def _text(table: Table, file: str, asked: Asked, config: DataSection) -> tuple[str, str]:
    columns = table.columns
    if asked.text:
        if asked.text not in columns:
            raise missing(file, "text", asked.text, columns)
        return asked.text, "named"
    if config.text in columns:
        return config.text, "config.toml"
    if config.text != DataSection().text:
        raise missing(file, "text", config.text, columns)
    if len(columns) == 1:
        return columns[0], "the only column"
    known = [c for c in columns if c.casefold() in TEXT_NAMES]
    if len(known) != 1:
        raise missing(file, "text", "" if known else config.text, columns)
    return known[0], "found by its name"


def _optional(asked: str | None, default: str, columns: Sequence[str], open_: bool) -> str | None:
    name = default if asked is None else asked
    if not name or name in columns:
        return name or None
    if asked is None and (alike := [c for c in columns if c.casefold() == name.casefold()]):
        return alike[0]
    return name if open_ else None


def _keep(
    table: Table,
    file: str,
    asked: Asked,
    config: DataSection,
    needed: Sequence[str],
    taken: Sequence[str | None],
) -> tuple[str, ...]:
    names = config.keep if asked.keep is None else asked.keep
    there = []
    for name in dict.fromkeys(names):
        if name in table.columns or not table.complete:
            there.append(name)
        elif asked.keep is not None and "keep" in needed:
            raise missing(file, "keep", name, table.columns)
    return tuple(name for name in there if name not in taken)
