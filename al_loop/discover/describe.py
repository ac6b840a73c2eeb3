"""Names and phrases of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_loop.discover.source import Source
from al_loop.openworld import phrases
from strategies.discovery import Clusters


@dataclass(frozen=True, slots=True)
class Described:
    """A group's number, name and key phrases."""

    id: int
    name: str
    phrases: Sequence[str]


def describe(source: Source, found: Clusters, novel: npt.NDArray[np.int64]) -> list[Described]:
    """STUB until openworld has names."""
    texts = [[source.texts[i] for i in found.members(g)] for g in range(len(found))]
    said = phrases.phrases(texts)
    return [Described(g + 1, f"{(p or ['group'])[0]} {g}", p) for g, p in enumerate(said)]
