"""Group the texts, and say of each group what it is about and whether a known class explains it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.discover.known import Example
from al_loop.discover.source import Source
from al_loop.lean import one_thread
from al_loop.openworld.group import Group
from al_loop.openworld.groups import describe
from al_loop.openworld.match import match
from strategies import discovery
from strategies.base import PoolView
from strategies.discovery import Clusters
from strategies.shared import Shared

Floats: TypeAlias = npt.NDArray[np.float32]
#: (encoder, text hashes, texts) -> (n, d) vectors of length 1.
Encode: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], Floats]

_STEP = 6  # of the generator that bootstraps draw from


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: `groups` of the texts of `source`, novel ones first, each with an id.

    clusters: the same in arrays. X: (n, d) vectors of the texts. classes: the c known classes
    that something shows, centers: (c, d) their unit means.
    """

    source: Source
    config: Config
    clusters: Clusters
    groups: Sequence[Group]
    X: Floats
    classes: Sequence[str]
    centers: Floats

    @property
    def novel(self) -> Sequence[Group]:
        """The groups that may be classes nobody has named."""
        return [g for g in self.groups if g.novel]


def run(source: Source, encode: Encode, config: Config, bar: Bar = no_bar) -> Discovery:
    """Encode and group the texts of a source; the same for the same texts and seed."""
    shown = [*source.labeled, *source.phrases]
    hashes = [*source.hashes, *(e.hash for e in shown)]
    V = encode(config.model.encoder, hashes, [*source.texts, *(e.text for e in shown)])
    n, m = len(source.texts), len(source.labeled)
    X, labeled, classes = V[:n], V[n:], _classes(source, shown)
    order = {name: i for i, name in enumerate(classes)}
    y = np.array([order[e.name] for e in shown], dtype=np.int64)
    centers = _centers(labeled, y, len(classes))
    pool = PoolView(
        embeddings=X,
        # As in a round: phrases are no labeled texts, unless there are none.
        labeled=labeled[: m or None],
        labels=y[: m or None],
        centers=centers,
        shared=Shared(config.seed),
    )
    options = config.discovery
    with bar(3, f"grouping {n:,} texts") as draw, one_thread():
        found = discovery.find(
            pool,
            min_cluster_size=options.min_cluster_size,
            similarity_threshold=options.similarity_threshold,
        )
        draw(1)
        groups = _described(found, source, classes)
        draw(2)
        groups = _stable(pool, found, groups, config.seed)
        draw(3)
    return Discovery(source, config, found, groups, X, classes, centers)


def _classes(source: Source, shown: Sequence[Example]) -> list[str]:
    """Return the known classes that an example shows, in the order of the source."""
    there = {e.name for e in shown}
    return [name for name in source.classes if name in there]


def _centers(X: Floats, y: npt.NDArray[np.int64], k: int) -> Floats:
    """Return the (k, d) unit means of the rows of each class."""
    sums = np.zeros((k, X.shape[1]), dtype=np.float32)
    np.add.at(sums, y, X)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def _described(found: Clusters, source: Source, classes: Sequence[str]) -> list[Group]:
    """Return the groups with phrases, names and numbers; novel, dense and large ones first.

    Of the parts of what HDBSCAN calls noise only large ones count as novel, and none where no
    class is known.
    """
    groups = describe(found, source.texts, classes, [*source.classes, *source.taken])
    least = min((g.size for g in groups if g.dense), default=0) if classes else len(source.texts)
    groups = [replace(g, novel=g.novel and (g.dense or g.size >= least)) for g in groups]
    groups.sort(key=lambda g: (not g.novel, not g.dense, -g.size, g.index))
    return sorted(_identified(groups, found, source), key=lambda g: not g.novel)


def _identified(groups: Sequence[Group], found: Clusters, source: Source) -> Iterator[Group]:
    """Yield the groups with the numbers and names that rounds gave them, new ones with the next.

    What somebody has decided about is not novel any more.
    """
    before = {k.id: k for k in source.before}
    texts = [[source.ids[i] for i in found.members(g.index)] for g in groups]
    same = match({i: k.texts for i, k in before.items()}, texts, source.ids)
    free = count(max(before, default=0) + 1)
    for group, number in zip(groups, same, strict=True):
        if number is None:
            yield replace(group, id=next(free))
            continue
        known = before[number]
        novel = group.novel and known.status == "open"
        yield replace(group, id=number, name=known.name, novel=novel)


def _stable(pool: PoolView, found: Clusters, groups: Sequence[Group], seed: int) -> list[Group]:
    """Return the groups, the novel ones with their stability."""
    novel = np.array([g.index for g in groups if g.novel], dtype=np.int64)
    if not len(novel):
        return list(groups)
    rng = np.random.default_rng([seed, 0, _STEP])
    values = discovery.stability(pool, found, novel, rng)
    known = dict(zip(novel.tolist(), values.round(4).tolist(), strict=True))
    return [replace(g, stability=known.get(g.index)) for g in groups]
