"""In the select step: groups of unlabeled texts that may be classes nobody has named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from al_loop.config import Config
from al_loop.loop.parts import Parts, generator
from al_loop.openworld import naming
from al_loop.openworld.group import Group
from al_loop.openworld.groups import describe
from al_loop.openworld.match import match
from al_loop.store import clusters, results
from al_loop.store.clusters import Known, Seen
from al_loop.types import Metric
from strategies import discovery
from strategies.base import PoolView

#: A smaller pool is soon read by people themselves.
FEWEST = 20
#: Parts of what HDBSCAN calls noise that are kept at most.
MOST_PARTS = 50
#: HDBSCAN's noise that the trade aims at.
NOISE_TARGET = 0.1
_STABILITY = 8  # of the round, for what is drawn


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a round found in the pool before it chose from it; not stored yet.

    still: groups that stay offered although they were not found. suggestions: position in the
    pool -> name of the offered group that the text is in, and its cosine to the center.
    """

    seen: tuple[Seen, ...]
    still: frozenset[int]
    metrics: tuple[Metric, ...]
    suggestions: Mapping[int, tuple[str, float]] = field(default_factory=dict)
    line: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at a pool: `pool` has (id, text, hash) of each row of `view`."""

    parts: Parts
    config: Config
    number: int
    view: PoolView
    pool: Sequence[tuple[str, str, str]]
    known: Sequence[str]  # the class of each center
    before: Mapping[int, Known]
    found: discovery.Clusters

    def ids(self, group: Group) -> list[str]:
        return [self.pool[i][0] for i in self.found.members(group.index)]


def look(
    parts: Parts,
    config: Config,
    number: int,
    view: PoolView,
    pool: Sequence[tuple[str, str, str]],
    known: Sequence[str],
    *,
    ask: bool = False,
) -> Discovery | None:
    """Group the pool, know the groups of the round before again, decide what is offered.

    known: the class of each of the view's centers. ask: let a configured namer name the groups
    that people will see for the first time; else, and where it fails, their phrases do.
    Returns None where nobody asked for it, or the pool is too small.
    """
    if not parts.discovers or len(pool) < FEWEST:
        return None
    options = config.discovery
    found = discovery.find(
        view,
        min_cluster_size=options.min_cluster_size,
        similarity_threshold=options.similarity_threshold,
    )
    before = {k.id: k for k in clusters.known(parts.store)}
    here = _Look(parts, config, number, view, pool, known, before, found)
    taken = clusters.taken_names(parts.store)
    groups = _identified(here, _worth(describe(found, [p[1] for p in pool], known, taken)))
    offered = _offered(here, groups)
    groups = _steady(here, groups, offered)
    if ask and parts.namer is not None:
        new = {g.index for g in groups if g.index in offered and not _shown(here, g)}
        texts = {g.index: [pool[i][1] for i in g.central] for g in groups if g.index in new}
        groups = naming.by_namer(groups, texts, parts.namer, taken, parts.say)
    return _summed_up(here, groups, offered)


def save(parts: Parts, number: int, found: Discovery) -> None:
    """Store what a round found. Inside the tx that selects it."""
    clusters.save(parts.store, number, found.seen, found.still)
    results.save_metrics(parts.store, number, found.metrics)


def _worth(groups: Sequence[Group]) -> list[Group]:
    """Return what is worth keeping: of the parts of HDBSCAN's noise only large novel ones."""
    least = min((g.size for g in groups if g.dense), default=0)
    parts = [g for g in groups if not g.dense and g.novel and g.size >= least]
    kept = {g.index for g in parts[:MOST_PARTS]}
    return [g for g in groups if g.dense or g.index in kept]


def _identified(here: _Look, groups: Sequence[Group]) -> list[Group]:
    """Return the groups with the numbers and names of those that they were before.

    A new group that is most of all a part of a rejected one is left out, and its texts stay
    with that: nobody is to reject them twice.
    """
    texts = [here.ids(g) for g in groups]
    all_ids = {p[0] for p in here.pool}
    numbers = match({k.id: k.texts for k in here.before.values()}, texts, all_ids)
    rejected = {t for k in here.before.values() if k.status == "rejected" for t in k.texts}
    found = []
    for group, ids, number in zip(groups, texts, numbers, strict=True):
        if number is not None:
            found.append(replace(group, id=number, name=here.before[number].name))
        elif 2 * sum(t in rejected for t in ids) <= len(ids):
            found.append(group)
    return found


def _offered(here: _Look, groups: Sequence[Group]) -> set[int]:
    """Return the `index` of the groups that people can tick.

    What somebody ticked stays until it is decided; then come novel dense groups, the largest
    first. None as long as there is no class that they could differ from.
    """
    ticked = [g.index for g in groups if (k := _before(here, g)) and k.ticked and _open(here, g)]
    if not here.known:
        return set(ticked)
    new = [g for g in groups if g.novel and g.dense and _open(here, g) and g.index not in ticked]
    new.sort(key=lambda g: (-g.size, g.index))
    free = max(here.config.discovery.offer - len(ticked), 0)
    return {*ticked, *(g.index for g in new[:free])}


def _before(here: _Look, group: Group) -> Known | None:
    return None if group.id is None else here.before[group.id]


def _open(here: _Look, group: Group) -> bool:
    before = _before(here, group)
    return before is None or before.status == "open"


def _shown(here: _Look, group: Group) -> bool:
    before = _before(here, group)
    return before is not None and before.shown


def _steady(here: _Look, groups: Sequence[Group], offered: set[int]) -> list[Group]:
    """Return the groups, the offered ones with how stable they are."""
    chosen = [g.index for g in groups if g.index in offered]
    if not chosen:
        return list(groups)
    rng = generator(here.config, here.number, _STABILITY)
    rows = np.array(chosen, dtype=np.int64)
    values = discovery.stability(here.view, here.found, rows, rng)
    stability = dict(zip(chosen, np.round(values, 6).tolist(), strict=True))
    return [replace(g, stability=stability.get(g.index)) for g in groups]


def _summed_up(here: _Look, groups: Sequence[Group], offered: set[int]) -> Discovery:
    seen = tuple(
        Seen(g, [here.pool[i][0] for i in g.central], here.ids(g), g.index in offered)
        for g in groups
    )
    found_ids = {g.id for g in groups}
    still = {
        k.id
        for k in here.before.values()
        if k.ticked and k.status == "open" and k.id not in found_ids
    }
    suggestions = {
        int(i): (g.name, round(float(np.clip(here.found.centrality[i], 0, 1)), 6))
        for g in groups
        if g.index in offered
        for i in here.found.members(g.index)
    }
    novel = sum(g.novel and _open(here, g) for g in groups)
    noise = here.found.noise_share
    metrics = [
        Metric("hdbscan_noise_share", None if np.isnan(noise) else round(noise, 6)),
        Metric("clusters", float(len(here.found))),
        Metric("novel_clusters", float(novel)),
    ]
    line = _line(len(here.found), novel, noise, known=bool(here.known))
    return Discovery(seen, frozenset(still), tuple(metrics), suggestions, line)


def _line(groups: int, novel: int, noise: float, *, known: bool) -> str:
    """Say in one line what was found, for people."""
    if not groups:
        return "no groups of similar texts stand out"
    told = f"noise {noise:.0%}".replace("%", " %")
    if noise > NOISE_TARGET:
        told += f", target under {NOISE_TARGET:.0%}".replace("%", " %")
    if not known:
        return f"{groups} groups of similar texts, and no class is known yet ({told})"
    if not novel:
        return f"all groups look like known classes ({told})"
    looks = "group looks" if novel == 1 else "groups look"
    return f"{novel} {looks} like no known class ({told}): al-loop classes"
