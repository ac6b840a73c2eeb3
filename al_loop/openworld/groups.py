"""Groups of texts with the evidence that people judge them by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from al_loop.openworld import naming
from al_loop.openworld.phrases import TEXTS, phrases

if TYPE_CHECKING:  # whoever reads stored groups needs no numpy
    from strategies.discovery import Clusters

CENTRAL = 5  # texts that show a group


@dataclass(frozen=True, slots=True)
class Group:
    """A group of similar texts.

    index: its number in the `Clusters` that it comes from. id: its number in the workspace, None
    where it is new or there is none. name: short; no class and no other group has it.
    size: texts in it. density: mean cosine of them to their center.
    dense: HDBSCAN found it; else it is a part of what HDBSCAN calls noise, split by k-means.
    phrases: what sets it apart, the strongest first. central: positions of its most central
    texts in the pool. nearest, similarity: the known class whose center is nearest, and the
    cosine to it; None where no class is known. novel: too far from all of them to be one, or
    with far fewer labels in it than chance would give.
    stability: how much of it bootstraps find again, 0 to 1; None: not looked at.
    """

    index: int
    id: int | None
    name: str
    size: int
    density: float
    dense: bool
    phrases: tuple[str, ...]
    central: tuple[int, ...]
    nearest: str | None
    similarity: float | None
    novel: bool
    stability: float | None = None


def describe(
    found: "Clusters", texts: Sequence[str], known: Sequence[str], taken: Iterable[str] = ()
) -> list[Group]:
    """Return all groups with phrases and names of their own; novel, dense and large ones first.

    texts: (N,) of the pool, as in `found.labels`. known: the class of each row of the pool's
    `centers`. taken: further names that no group may get.
    """
    members = [found.members(g) for g in range(len(found))]
    words = phrases([[texts[i] for i in rows[:TEXTS]] for rows in members])
    groups = [
        Group(
            index=g,
            id=None,
            name="",
            size=int(found.sizes[g]),
            density=round(float(found.density[g]), 6),
            dense=bool(found.dense[g]),
            phrases=tuple(words[g]),
            central=tuple(members[g][:CENTRAL].tolist()),
            nearest=known[int(found.nearest[g])] if known else None,
            similarity=round(float(found.similarity[g]), 6) if known else None,
            novel=bool(found.novel[g] or found.passed_over[g]),
        )
        for g in range(len(found))
    ]
    groups.sort(key=lambda g: (not g.novel, not g.dense, -g.size, g.index))
    return naming.named(groups, [*known, *taken])
