"""Describe groups of texts by what people judge them by."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from al_loop.openworld import naming
from al_loop.openworld.group import Group
from al_loop.openworld.phrases import TEXTS, phrases

if TYPE_CHECKING:  # whoever reads stored groups needs no numpy
    from strategies.discovery import Clusters

CENTRAL = 5  # texts that show a group


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
