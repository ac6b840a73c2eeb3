"""The labels of an import: which are new, and which people would take for the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from al_loop.data.text import fold, shown
from al_loop.errors import DataError


@dataclass(slots=True)
class Labels:
    """The labels met so far, and those that people would take for the same.

    Raises nothing while rows are read, so that all clashes are told at once.
    """

    new: dict[str, None] = field(default_factory=dict)
    clashes: dict[tuple[str, str], str] = field(default_factory=dict)
    _first: dict[str, tuple[str, str]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, names: Sequence[str]) -> "Labels":
        """Begin with the classes of the workspace."""
        where = "a class of this workspace"
        return cls(_first={fold(n): (n, where) for n in names}, _known=set(names))

    def see(self, label: str, where: str) -> None:
        """Note a label of a good row."""
        if label in self._known or label in self.new:
            return
        first, place = self._first.setdefault(fold(label), (label, where))
        if first == label:
            self.new[label] = None
        else:
            both = f"{shown(first)} ({place}) and {shown(label)} ({where})"
            self.clashes.setdefault((first, label), both)

    def refuse_clashes(self) -> None:
        """Stop when two labels differ only in case or form.

        Raises:
            DataError: names both spellings with a line each.

        """
        if not self.clashes:
            return
        listed = tuple(self.clashes.values())
        more = f"; {len(listed) - 1} more such pairs" if len(listed) > 1 else ""
        raise DataError(
            f"labels that differ only in case or form: {listed[0]}{more}",
            hint="write them the same way in the file, then run again; nothing was imported",
            problems=listed if len(listed) > 1 else (),
        )
