"""Who said what about which text, as a matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

Labels: TypeAlias = npt.NDArray[np.int64]

NONE = -1  # where somebody has not labeled a text


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Labels of several people.

    ids: (n,) texts with at least one vote. people: (a,) sorted names.
    classes: (k,) in the stored order, then others that somebody named.
    labels: (n, a) positions in `classes`, `NONE` where there is no vote.
    """

    ids: tuple[str, ...]
    people: tuple[str, ...]
    classes: tuple[str, ...]
    labels: Labels

    @classmethod
    def of(cls, votes: Mapping[str, Mapping[str, str]], classes: Sequence[str]) -> Self:
        """Make the matrix of text -> person -> class; texts without a vote are left out."""
        voted = {i: v for i, v in votes.items() if v}
        people = sorted({person for v in voted.values() for person in v})
        named = sorted({label for v in voted.values() for label in v.values()})
        all_classes = tuple(dict.fromkeys([*classes, *named]))
        column = {person: i for i, person in enumerate(people)}
        position = {name: i for i, name in enumerate(all_classes)}
        labels = np.full((len(voted), len(people)), NONE, dtype=np.int64)
        for row, of_text in enumerate(voted.values()):
            for person, label in of_text.items():
                labels[row, column[person]] = position[label]
        return cls(tuple(voted), tuple(people), all_classes, labels)

    @property
    def counts(self) -> Labels:
        """(n,) votes of each text."""
        found: Labels = (self.labels != NONE).sum(axis=1)
        return found
